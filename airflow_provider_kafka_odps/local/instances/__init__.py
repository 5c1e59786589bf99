"""Statements as instances: submitted, run in threads, asked for their status and result."""
