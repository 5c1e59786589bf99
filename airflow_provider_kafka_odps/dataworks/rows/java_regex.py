r"""Regular expressions of Java as ones of RE2, where both mean exactly the same.

| Java | RE2 |
|---|---|
| ``[0-9]``, ``(a|b)+``, ``\d{3,}?``, ``\w``, ``\A``, ``\z`` | the same |
| ``.`` | any character but Java's line ends |
| ``\s``, ``\S`` | with the vertical tab, which RE2 leaves out |
| ``\u4e2d`` | ``\x{4e2d}`` |
| ``$``, ``\b``, ``\1``, ``(?=a)``, ``a++``, ``[a&&b]`` | refused: RE2 has none, or means something else by it |
| ``a*`` | refused: Java replaces the empty text behind a match once more |
| in the new text ``$1``, ``\$`` | ``\1``, ``$`` |
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"(?P<escape>\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\s\S]?)"
    r"|(?P<group>\(\?:|\(\?i\)|\(\?(?:<[=!]|<|.?))"
    r"|(?P<possessive>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\+)"
    r"|(?P<class>\[\^?)"
    r"|(?P<repeat>\{[0-9]+(?:,[0-9]*)?\})"
    r"|(?P<other>[\s\S])"
)


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


def to_re2(pattern: str) -> str:
    r"""Return the regular expression of RE2 that matches the same.

    Raises Untranslatable for what RE2 lacks or means otherwise.

    >>> to_re2(r"1[3-9]\d{9}"), to_re2(r"a\s.")
    ('1[3-9]\\d{9}', 'a[\\t-\\r ][^\\n\\r\\x{85}\\x{2028}\\x{2029}]')
    """
    made = "".join(_translated(pattern))
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        empty = pc.match_substring_regex(pa.array([""]), made)[0].as_py()
    except pa.ArrowInvalid as error:
        raise Untranslatable(str(error)) from None
    if empty:
        raise Untranslatable(
            "it also matches the empty text, which Java replaces once more behind each match, and RE2 does not"
        )
    return made


def _translated(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        assert token is not None, "the last alternative takes every character"
        text, position = token.group(), token.end()
        match token.lastgroup:
            case "escape":
                yield _escape(text, token.start(), in_class=False)
            case "group" if text in ("(?:", "(?i)"):
                yield text
            case "class":
                inside, position = _class(pattern, position)
                yield text + inside
            case "group" | "possessive":
                raise _untranslatable(text, token.start(), "RE2 has no such thing")
            case "other" if text == ".":
                yield f"[^{_LINE_ENDS}]"
            case "other" if text in _REFUSED:
                raise _untranslatable(text, token.start(), _REFUSED[text])
            case _:
                yield text


def _class(pattern: str, position: int) -> tuple[str, int]:
    """Return what stands in square brackets, with the closing one, and the position behind it."""
    start, parts = position, list[str]()
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        assert token is not None, "the last alternative takes every character"
        text = token.group() if token.lastgroup == "escape" else pattern[position]
        if text == "]" and position > start:
            return "".join([*parts, text]), position + 1
        if text in ("[", "]") or pattern.startswith("&&", position):
            raise _untranslatable(text, position, r"within square brackets Java and RE2 differ; write \ before it")
        parts.append(_escape(text, position, in_class=True) if text.startswith("\\") else text)
        position += len(text)
    raise _untranslatable("[", start - 1, "the closing ] is missing")


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
    groups = re.compile(r"\\[\s\S]|(\((?!\?))").sub(lambda found: "(" if found[1] else "", pattern).count("(")

    def part(found: re.Match[str]) -> str:
        escaped, group = found[1], found[2]
        if escaped in ("$", "\\"):
            return escaped if escaped == "$" else "\\\\"
        if group is None or int(group) > groups or groups > _GROUPS:
            raise _untranslatable(
                found[0], found.start(), f"$0 to ${min(groups, _GROUPS)} are known here; \\$ is a $, and \\\\ is a \\"
            )
        return f"\\{group}"

    return re.sub(r"\\([\s\S])|\$([0-9])|[$\\]", part, new)


def literal(text: str) -> str:
    """Return the regular expression that matches nothing but a text."""
    return re.escape(text)


def literal_rewrite(new: str) -> str:
    """Return what puts exactly this text in."""
    return new.replace("\\", "\\\\")
