"""Patterns of times, in the letters of Java's ``DateTimeFormatter``, read and written in whole columns.

| letters | part |
|---|---|
| ``yyyy`` | year, 0001 to 9999 |
| ``MM``, ``dd`` | month, day |
| ``HH``, ``mm``, ``ss`` | hour (00 to 23), minute, second |
| ``S`` to ``SSSSSSSSS`` | digits of the second's fraction |
| ``XXX`` | offset: ``+08:00``, or ``Z`` for none |
| ``XX`` | the same without a colon: ``+0800``, or ``Z`` |
| ``'T'`` | what stands between single quotes, as it is; ``''`` is one of them |

Other letters are refused; what is no letter stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.exceptions import InvalidInput

_PART = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']", re.DOTALL)


WIDTHS: Mapping[str, int] = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
"""Digits of each part that is a number, but for fractions."""
OFFSETS = ("XX", "XXX")
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class TimePattern:
    """A pattern, in its parts."""

    text: str
    parts: tuple[tuple[str, str], ...]
    """Letters and no text, or no letters and a text that stands for itself."""

    @classmethod
    def parse(cls, text: str) -> TimePattern:
        """Read a pattern; raises InvalidInput with the place of what is none.

        >>> TimePattern.parse("yyyyMMdd'T'HH").parts
        (('yyyy', ''), ('MM', ''), ('dd', ''), ('', 'T'), ('HH', ''))
        """
        parts: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            found = _PART.match(text, position)
            if found is None:
                raise InvalidInput(f"pattern {text!r}, position {position}: the closing ' is missing")
            parts.append(_part(text, found))
            position = found.end()
        letters = [letters for letters, _ in parts if letters]
        if not letters:
            raise InvalidInput(f"pattern {text!r}: it has no part of a time, such as yyyy-MM-dd HH:mm:ss")
        first = [each[0] for each in letters]
        # Also as SS and SSS, or XX and XXX: which of the two would count?
        twice = [each for each in letters if first.count(each[0]) > 1]
        if twice:
            raise InvalidInput(f"pattern {text!r}: {twice[0]} is there twice")
        return cls(text, tuple(parts))

    @property
    def letters(self) -> Sequence[str]:
        """The parts of a time."""
        return [letters for letters, _ in self.parts if letters]

    @property
    def fraction(self) -> int:
        """Digits of the second's fraction."""
        return sum(len(letters) for letters in self.letters if letters[0] == "S")

    def misfit(self, text: str) -> int | None:
        """Return the position, in characters, from which on a text is not in this pattern; None: it is, as a whole."""
        position = 0
        for letters, literal in self.parts:
            found = re.compile(regex_of(letters, literal)).match(text, position)
            if found is None:
                return position
            position = found.end()
        return None if position == len(text) else position

    @property
    def has_offset(self) -> bool:
        """Whether texts say themselves which instant they mean."""
        return any(letters in OFFSETS for letters in self.letters)


def _part(text: str, found: re.Match[str]) -> tuple[str, str]:
    written = found.group()
    if not found[1]:
        quoted = written.startswith("'")
        return "", (written[1:-1].replace("''", "'") or "'") if quoted else written
    if written in WIDTHS or written in OFFSETS or (written[0] == "S" and len(written) <= _MOST_DIGITS):
        return written, ""
    known = ", ".join((*WIDTHS, "S to SSSSSSSSS", *OFFSETS))
    raise InvalidInput(
        f"pattern {text!r}, position {found.start()}: {written} is no part of a time here; there are {known}; "
        "letters that stand for themselves are quoted: 'T'"
    )


def regex_of(letters: str, literal: str) -> str:
    """Return what a part is, as a regular expression."""
    if not letters:
        return re.escape(literal)
    if letters in OFFSETS:
        return "Z|[+-][0-9]{2}" + (":" if letters == "XXX" else "") + "[0-9]{2}"
    return f"[0-9]{{{WIDTHS.get(letters, len(letters))}}}"
