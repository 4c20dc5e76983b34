"""Your room: code of your own, in files that DVC hashes."""
