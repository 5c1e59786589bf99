"""Further processes that load shares of a window."""
