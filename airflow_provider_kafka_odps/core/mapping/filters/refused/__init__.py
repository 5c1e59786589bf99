"""What a condition is refused for, and what is to be written in its place."""
