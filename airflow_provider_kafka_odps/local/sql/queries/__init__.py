"""Queries: read in Hive's dialect, run by DuckDB over the files of a snapshot."""
