"""Tables larger than memory: read, checked and counted block by block, of which a seeded sample is kept."""
