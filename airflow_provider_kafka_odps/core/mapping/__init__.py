"""How a record becomes a row."""
