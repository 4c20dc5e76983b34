"""The page about two tables that differ."""
