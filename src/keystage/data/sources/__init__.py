"""Where the rows of a dataset come from: files, folders, URLs, a database, an installed library."""
