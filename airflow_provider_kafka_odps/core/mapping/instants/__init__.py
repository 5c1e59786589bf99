"""Instants as texts of a pattern, and by the clock of a zone."""
