"""What to write in place of SQL that a condition does not take: the end of a message about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_IN_BACKTICKS = re.compile(r"`([^`]*)`")


def instead(node: exp.Expression) -> str:
    """Return what stands behind "… is no condition", or "… is no source"; often nothing."""
    from sqlglot import exp

    match node:
        case exp.Is() if isinstance(node.expression, exp.Boolean):
            return f"; write {told(node.this)} = {told(node.expression)}"
        case exp.Boolean():
            return f": a source is compared with it, as in flag = {told(node)}"
        case exp.Column() | exp.Dot() | exp.Bracket() | exp.BitwiseOr():
            return f"; where it is true or false, write {told(node)} = TRUE"
        case exp.Array():
            return f"; write __value__[{', '.join(told(each) for each in node.expressions)}]"
        case exp.Anonymous() if node.expressions:
            return f"; functions stand behind their source: {_piped(node)}"
        case _:
            return ""


def told(node: exp.Expression) -> str:
    """Return a part of the condition as it was written."""
    text: str = node.sql(normalize_functions=False)
    return text


def instead_of_backticks(text: str) -> str:
    """Return what is wrong with backticks in a condition that does not parse; nothing where there are none."""
    found = _IN_BACKTICKS.search(_QUOTED.sub("", text))
    return f'a field is quoted by double quotes, not by backticks: write "{found[1]}"' if found else ""


def _piped(node: exp.Expression) -> str:
    from sqlglot import exp

    if not isinstance(node, exp.Anonymous) or not node.expressions:
        return told(node)
    source, *arguments = node.expressions
    brackets = f"({', '.join(map(told, arguments))})" if arguments else ""
    return f"{_piped(source)} | {node.this}{brackets}"
