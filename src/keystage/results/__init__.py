"""Results by name: what a run has given, where it is, and runs as Python objects."""
