"""Whether a project and the machine it is on are fit to run, and the command that mends what is not."""
