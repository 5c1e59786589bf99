"""`check`: both connections, step by step."""
