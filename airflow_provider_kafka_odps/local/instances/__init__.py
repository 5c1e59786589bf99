"""Statements as the service runs them: submitted, asked for, read."""
