"""What became of every offset of a window."""
