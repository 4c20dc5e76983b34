"""From the files that conf/dataset names to a typed table and an honest split."""
