"""The SQL of the endpoint: an own parser for statements, DuckDB for queries."""
