"""What survives an attempt."""
