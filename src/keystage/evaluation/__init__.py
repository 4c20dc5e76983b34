"""What a model is worth on rows that nothing was fitted on."""
