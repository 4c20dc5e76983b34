"""How much of the machine a stage may use."""
