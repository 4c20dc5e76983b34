"""Registered models in use: files of raw rows scored in bounded memory, and requests answered over HTTP."""
