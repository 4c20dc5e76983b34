"""What a search is: its budget, its metric, its trials, and how the best of them become one model."""
