"""When the rows of a load become visible."""
