"""Columns in the bytes of a block."""
