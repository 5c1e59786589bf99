"""Reads the tables of our pages, whose lines are examples that tests execute."""

import html
import re


def rows_below(page: str, head: str) -> list[list[str]]:
    """Return the rows of the page's table with this first line, as they read; the line under it is none of them."""
    lines = page.split(f"{head}\n")[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[html.unescape(cell.strip().replace("\\|", "|")) for cell in row] for row in rows]
