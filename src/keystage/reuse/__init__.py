"""When an earlier result may stand for a new run: what is in a stage's key, and in which parts two keys differ."""
