"""Hooks in the shapes that a load asks for."""
