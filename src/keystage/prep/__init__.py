"""The recipe: fitted transforms that travel with the model."""
