"""Functions of source expressions, such as `phone | mask(3, 4)`: one file for each theme, compiled once per column."""
