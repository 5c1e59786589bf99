"""A message in lines that a log page does not cut off."""

from __future__ import annotations

import re
import textwrap
from itertools import pairwise

WIDTH = 84
"""Characters of a line that Airflow's log page shows beside the task's navigation; it breaks no line by itself."""


_SENTENCE = re.compile(r"(?<=[.?!]) +(?=[\"'`]?[A-Z]|[a-z_]+=)")


_CLAUSE = re.compile(r"(?<=;) +")


_RANGE = re.compile(r"\[[^\s\[\]]+, [^\s\[\])]+[)\]]")
"""An interval of offsets, which is one word."""


_JOINED = "\uf8ff"
"""Stands for the space inside of such a word."""


def short_lines(text: str, before: str = "") -> str:
    """Return a message with a line or more for each sentence; ``before`` is what stands in front of the first.

    Lines that are indented are a list or a statement: they are no sentences, and are broken only if they are too long.
    No word is broken, whatever its length, nor what a line with ``^`` points at.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    laid: list[str] = []
    for each, below in pairwise([*lines, ""]):
        if "^" in (each.strip(), below.strip()):
            laid.append(each)
        else:
            laid += _broken(each, 0 if laid else len(before)) or [""]
    return "\n".join(laid)


def _broken(text: str, taken: int) -> list[str]:
    """Return the lines of a text that has no line breaks so far."""
    text = _RANGE.sub(lambda found: found[0].replace(" ", _JOINED), text)
    indent = text[: len(text) - len(text.lstrip())]
    pieces = [text] if indent else _SENTENCE.split(text)
    broken: list[str] = []
    for piece in pieces:
        broken += _filled(piece, indent + "  ", 0 if broken else taken)
    return [each.replace(_JOINED, " ") for each in broken]


def _filled(sentence: str, hanging: str, taken: int) -> list[str]:
    """Return one sentence in lines, broken between clauses where it can be."""
    lines: list[str] = []
    for clause in _CLAUSE.split(sentence):
        room = WIDTH - (0 if len(lines) > 1 else taken)
        if lines and len(lines[-1]) + 1 + len(clause) <= room:
            lines[-1] += f" {clause}"
        else:
            lines += _wrapped(f"{hanging}{clause}" if lines else clause, hanging, 0 if lines else taken)
    return lines


def _wrapped(clause: str, hanging: str, taken: int) -> list[str]:
    # What stands already is laid out, too, and taken off again: it has no space at which a line could break.
    wrapped = textwrap.wrap(
        "." * taken + clause, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return [wrapped[0][taken:], *wrapped[1:]] if wrapped else []
