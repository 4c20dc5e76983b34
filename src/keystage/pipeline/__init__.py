"""The stages as use cases: each reads files, calls one room after the other, and writes files."""
