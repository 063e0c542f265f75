"""raw → validated: rules, and the two judges of them: DuckDB over every row, Great Expectations."""
