"""Sensors that wait for a topic."""
