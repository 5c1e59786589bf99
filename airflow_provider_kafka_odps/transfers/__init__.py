"""Operators that move records from one system to another."""
