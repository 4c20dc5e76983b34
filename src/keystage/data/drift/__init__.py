"""How two tables differ: column by column, and as seen by a classifier that tells their rows apart."""
