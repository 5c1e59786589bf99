"""What the service computes, as expressions of DuckDB: functions, casts, intervals, times."""
