"""Where the value of a column comes from in a record."""
