"""How the content of a source becomes a table: a module for each family of formats."""
