"""Projects, schemas, tables and partitions as frozen values, and how they are kept."""
