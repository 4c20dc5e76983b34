"""What a file that nobody has declared yet seems to be: how it is read, what its columns are, what could be learnt."""
