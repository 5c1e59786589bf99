"""Statements that write rows: they are visible all at once, or not at all."""
