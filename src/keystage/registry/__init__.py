"""What a registered version is made of, and when two versions are the same."""
