"""Rows of a load take the place of those of an earlier one."""
