"""From conf/ to params.yaml, and the proof that the one still gives the other."""
