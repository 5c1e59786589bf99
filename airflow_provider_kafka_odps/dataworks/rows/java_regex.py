r"""Regular expressions of Java as ones of RE2, where both mean exactly the same.

| Java | RE2 |
|---|---|
| ``[0-9]``, ``(a|b)+``, ``\d{3,}?``, ``\w``, ``\A``, ``\z`` | the same |
| ``.`` | any character but Java's line ends |
| ``\s``, ``\S`` | with the vertical tab, which RE2 leaves out |
| ``\u4e2d`` | ``\x{4e2d}`` |
| letters, where case does not count | ``[aA]``: of A to Z, as in Java |
| ``$``, ``\b``, ``\1``, ``(?=a)``, ``a++``, ``[a&&b]`` | refused: RE2 has none, or means something else by it |
| ``a*`` | refused: Java replaces the empty text behind a match once more |
| in the new text ``$1``, ``\$`` | ``\1``, ``$`` |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_letters

_TOKEN = re.compile(
    r"(?P<escape>\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\s\S]?)"
    r"|(?P<group>\(\?:|\(\?(?:<[=!]|<|.?))"
    r"|(?P<possessive>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\+)"
    r"|(?P<class>\[\^?)"
    r"|(?P<repeat>\{[0-9]+(?:,[0-9]*)?\})"
    r"|(?P<other>[\s\S])"
)


_IGNORE_CASE = "(?i)"


_ENDS = re.compile(r"^((?:[^\\]|\\[\s\S])*?)\$$")
"""What stands before a ``$`` at the end that no backslash makes a character."""


_SAME = frozenset("dDwWtnrfAz")


_IN_CLASS = _SAME - frozenset("Az")


_LINE_ENDS = r"\n\r\x{85}\x{2028}\x{2029}"


_BLANKS = r"\t-\r "


_REFUSED = {
    "$": r"in Java it is also in front of a last line end; write \z for the end of the text",
    "\\b": "Java and RE2 differ in what the end of a word is",
    "\\B": "Java and RE2 differ in what the end of a word is",
    "{": "it repeats nothing",
}


class Untranslatable(Exception):
    """What of a regular expression has no exact counterpart, and why."""


def to_re2(pattern: str, *, ignore_case: bool = False) -> str:
    r"""Return the regular expression of RE2 that matches the same.

    ``ignore_case`` is that of Java, for A to Z; RE2's own would fold the letters of all scripts.
    Raises Untranslatable for what RE2 lacks or means otherwise.

    >>> to_re2(r"1[3-9]\d{9}"), to_re2(r"a\s.")
    ('1[3-9]\\d{9}', 'a[\\t-\\r ][^\\n\\r\\x{85}\\x{2028}\\x{2029}]')
    >>> to_re2("no[a-c]", ignore_case=True)
    '[nN][oO][ABCa-c]'
    """
    made = _made(pattern, ignore_case=ignore_case)
    if _matches_empty(made):
        raise Untranslatable(
            "it also matches the empty text, which Java replaces once more behind each match, and RE2 does not"
        )
    return made


def to_whole_re2(pattern: str) -> tuple[str, bool]:
    r"""Return the regular expression of RE2 that matches the same whole texts, and whether the empty one is among them.

    Raises Untranslatable for what RE2 lacks or means otherwise; a ``^`` before it and a ``$`` behind it say nothing.

    >>> to_whole_re2("^err(or)?$"), to_whole_re2("a*")
    (('err(or)?', False), ('a*', True))
    """
    made = _made(_ENDS.sub(r"\1", pattern, count=1).removeprefix("^"), ignore_case=False)
    return made, _matches_empty(rf"\A(?:{made})\z")


def _made(pattern: str, *, ignore_case: bool) -> str:
    ignore_case = ignore_case or pattern.startswith(_IGNORE_CASE)
    return "".join(_translated(pattern.removeprefix(_IGNORE_CASE), ignore_case))


def _matches_empty(made: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return bool(pc.match_substring_regex(pa.array([""]), made)[0].as_py())
    except pa.ArrowInvalid as error:
        raise Untranslatable(str(error)) from None


def _translated(pattern: str, ignore_case: bool) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        assert token is not None, "the last alternative takes every character"
        text, position = token.group(), token.end()
        match token.lastgroup:
            case "group" if text == "(?:":
                yield text
            case "class":
                items, position = _class(pattern, position)
                yield f"{text}{''.join(_swapped(items) if ignore_case else '')}{''.join(map(str, items))}]"
            case "group" | "possessive":
                raise _untranslatable(text, token.start(), "RE2 has no such thing, or means something else")
            case "other" if text == ".":
                yield f"[^{_LINE_ENDS}]"
            case "other" if text in _REFUSED:
                raise _untranslatable(text, token.start(), _REFUSED[text])
            case "repeat":
                yield text
            case _:
                item = _Item(_escape(text, token.start(), in_class=False) if text.startswith("\\") else text)
                swapped = _swapped([item]) if ignore_case else []
                yield f"[{item}{swapped[0]}]" if swapped else str(item)


@dataclass(frozen=True, slots=True)
class _Item:
    r"""What stands in square brackets: one character, a range of them, or a class such as ``\d``."""

    first: str
    last: str = ""

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last else self.first

    @property
    def letters(self) -> set[str]:
        """Those of A to Z in it, in their case."""
        first, last = _character(self.first), _character(self.last or self.first)
        return set() if first is None or last is None else {each for each in ascii_letters if first <= each <= last}


def _character(text: str) -> str | None:
    """Return the character that is written, None for a class of them."""
    if text.startswith("\\x"):
        return chr(int(text[3:-1], 16))
    if text.startswith("\\"):
        return None if text[1].isalnum() else text[1]
    return text if len(text) == 1 else None


def _swapped(items: Sequence[_Item]) -> list[str]:
    """Return the letters in their other case that the items lack."""
    letters = {letter for item in items for letter in item.letters}
    return sorted({letter.swapcase() for letter in letters} - letters)


def _class(pattern: str, position: int) -> tuple[list[_Item], int]:
    """Return what stands in square brackets, and the position behind the closing one."""
    start, parts = position, list[str]()
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        assert token is not None, "the last alternative takes every character"
        text = token.group() if token.lastgroup == "escape" else pattern[position]
        if text == "]" and position > start:
            return list(_ranges(parts)), position + 1
        if text in ("[", "]") or pattern.startswith("&&", position):
            raise _untranslatable(text, position, r"within square brackets Java and RE2 differ; write \ before it")
        parts.append(_escape(text, position, in_class=True) if text.startswith("\\") else text)
        position += len(text)
    raise _untranslatable("[", start - 1, "the closing ] is missing")


def _ranges(parts: Sequence[str]) -> Iterator[_Item]:
    """Yield single characters, and ranges of them; a ``-`` anywhere else is one itself."""
    position = 0
    while position < len(parts):
        first, *behind = parts[position : position + 3]
        if len(behind) > 1 and behind[0] == "-" and None not in (_character(first), _character(behind[1])):
            yield _Item(first, behind[1])
            position += 3
        else:
            yield _Item(r"\-" if first == "-" else first)
            position += 1


def _escape(text: str, position: int, *, in_class: bool) -> str:
    letter = text[1:2]
    if text[1:2] in "ux" and len(text) > len(r"\x"):
        return f"\\x{{{text[2:]}}}"
    if letter == "s":
        return _BLANKS if in_class else f"[{_BLANKS}]"
    if letter == "S" and not in_class:
        return f"[^{_BLANKS}]"
    if letter in (_IN_CLASS if in_class else _SAME):
        return text
    if not letter or (letter.isascii() and letter.isalnum()):
        raise _untranslatable(text, position, _REFUSED.get(text, "RE2 has no such thing, or means something else"))
    return text if letter.isascii() else letter


def _untranslatable(text: str, position: int, why: str) -> Untranslatable:
    return Untranslatable(f"{text!r} at position {position}: {why}")


_GROUPS = 9
"""More of them RE2 cannot be told to put in."""


def to_rewrite(new: str, pattern: str) -> str:
    r"""Return the new text as RE2 writes it, for one of Java's, in which ``$1`` is the first group.

    Raises Untranslatable for a group that there is none of, and for other uses of ``$`` and of the backslash.

    >>> to_rewrite(r"$1****$2", r"(\d{3})\d{4}(\d{4})"), to_rewrite(r"\$5", "x")
    ('\\1****\\2', '$5')
    """
    # Without a `$` nothing is put in again, so groups may be of any kind.
    groups = _groups(pattern) if "$" in new else 0

    def part(found: re.Match[str]) -> str:
        escaped, digits = found[1], found[2]
        if escaped in ("$", "\\"):
            return escaped if escaped == "$" else "\\\\"
        group, rest = _group(digits or "", groups)
        if group is None or groups > _GROUPS:
            raise _untranslatable(
                found[0], found.start(), f"$0 to ${min(groups, _GROUPS)} are known here; \\$ is a $, and \\\\ is a \\"
            )
        return f"\\{group}{rest}"

    return re.sub(r"\\([\s\S])|\$([0-9]+)|[$\\]", part, new)


def _group(digits: str, groups: int) -> tuple[int | None, str]:
    """Return the group that Java reads from the digits behind a ``$``, and the digits that it leaves.

    >>> _group("12", 3), _group("01", 3), _group("4", 3)
    ((1, '2'), (1, ''), (None, '4'))
    """
    if not digits or int(digits[0]) > groups:
        return None, digits
    length = 1
    while length < len(digits) and int(digits[: length + 1]) <= groups:
        length += 1
    return int(digits[:length]), digits[length:]


def _groups(pattern: str) -> int:
    """Return how many groups the expression has that can be put in again; raise Untranslatable for repeated ones."""
    position, groups, last = 0, 0, ""
    while token := _TOKEN.match(pattern, position):
        position = token.end()
        if token.lastgroup == "class":
            _, position = _class(pattern, position)
        groups += token.group() == "("
        if last == ")" and token.group()[0] in "*+{":
            raise _untranslatable(token.group(), token.start(), "of a group's matches, Java and RE2 may put in another")
        last = token.group()
    return groups


def literal(text: str) -> str:
    """Return the regular expression that matches nothing but a text."""
    return re.escape(text)


def literal_rewrite(new: str) -> str:
    """Return what puts exactly this text in."""
    return new.replace("\\", "\\\\")
