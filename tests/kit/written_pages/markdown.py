"""Docstrings as plain Markdown: one sentence per line, and links to the pages that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from griffe import Docstring, DocstringSectionKind, Object

_SENTENCE_ENDS = re.compile(r"(?<=[a-z)`][.?!]) (?=[A-Z`])")
_PIPE = r"\|"
_PAGE = re.compile(r"docs/([\w-]+)\.md")


def inline(text: str) -> str:
    r"""Return a paragraph of a docstring in one line of Markdown.

    >>> inline("Return ``x``, or\n    what docs/windows.md says.")
    'Return `x`, or what [windows](../windows.md) says.'
    """
    joined = " ".join(text.split()).replace("``", "`")
    return _PAGE.sub(r"[\1](../\1.md)", joined)


def prose(text: str) -> str:
    r"""Return the paragraphs of a docstring; what it shows with ``::`` or ``>>>`` is a block of code.

    >>> prose("One. Two\n  goes on.\n\n::\n\n    shown")
    'One.\nTwo goes on.\n\n```text\nshown\n```'
    """
    return "\n\n".join(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.strip() == "::":
            continue
        if paragraph.lstrip().startswith(">>>"):
            yield f"```pycon\n{paragraph}\n```"
        elif paragraph.startswith("|"):
            yield paragraph.replace("``", "`")
        elif paragraph.startswith("    "):
            yield f"```text\n{_dedented(paragraph)}\n```"
        else:
            yield _SENTENCE_ENDS.sub("\n", inline(paragraph))


def _dedented(paragraph: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in paragraph.splitlines())


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return a table, or nothing where it would have no rows.

    >>> print(table(["type"], [["`int | str`"]]))
    | type |
    |---|
    | `int \| str` |
    """
    if not rows:
        return ""
    lines = [f"| {' | '.join(cell.replace('|', _PIPE) for cell in line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def joined(parts: Sequence[str]) -> str:
    """Return blocks of Markdown with an empty line between them, and one line's end behind them."""
    return "\n\n".join(part for part in parts if part) + "\n"


def fields(text: str, parent: Object) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
    """Return what a docstring says before its fields, and the texts of its parameters and of its errors."""
    words: list[str] = []
    parameters: dict[str, str] = {}
    errors: dict[str, str] = {}
    for section in Docstring(text, parent=parent).parse("sphinx", warnings=False):
        match section.kind:
            case DocstringSectionKind.text:
                words.append(section.value)
            case DocstringSectionKind.parameters:
                parameters.update({each.name: inline(each.description) for each in section.value})
            case DocstringSectionKind.raises:
                errors.update({str(each.annotation): inline(each.description) for each in section.value})
    return "\n\n".join(words), parameters, errors
