"""What every room of the house may use: errors, parameters, the user's own code. Part of every key, so kept small."""
