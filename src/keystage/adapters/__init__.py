"""Foreign tools, one per file: the only places where they are imported."""
