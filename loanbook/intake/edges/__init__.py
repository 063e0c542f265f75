"""raw → validated: sources that DuckDB can't read by itself: databases, buckets, workbooks."""
