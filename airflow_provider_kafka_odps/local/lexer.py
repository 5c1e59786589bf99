"""Words, strings, numbers and punctuation of MaxCompute SQL and of its type texts, each with its position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from airflow_provider_kafka_odps.local.errors import SqlError

# Nothing here is tried twice: a text of some 100 kB that does not match would take minutes otherwise.
_TOKEN = re.compile(
    r"""
    (?P<space>\s++|--[^\n]*+)
  | (?P<comment>/\*(?:[^*]|\*(?!/))*+(?P<comment_end>\*/)?)
  | (?P<number>(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?:BD|[LSYlsyDdFf])?(?!\w))
  | (?P<word>[^\W\d]\w*+|\d++[^\W\d]\w*+)
  | (?P<parameter>\$\{[^}]*+(?P<parameter_end>\})?)
  | (?P<quoted>`(?:[^`]|``)*+(?P<quoted_end>`)?)
  | (?P<string>'(?:[^'\\]|\\.)*+(?P<single_end>')?|"(?:[^"\\]|\\.)*+(?P<double_end>")?)
  | (?P<symbol><=>|<>|!=|<=|>=|==|\|\||::|[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)


_CLOSED = {
    "comment": ("comment_end",),
    "parameter": ("parameter_end",),
    "quoted": ("quoted_end",),
    "string": ("single_end", "double_end"),
}
"""What is open until it is closed, and the groups that close it."""


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    STRING = auto()
    NUMBER = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its value without quotes, and where its text starts and ends in the statement."""

    kind: TokenKind
    value: str
    start: int
    end: int


def quoted(name: str) -> str:
    """Return a name in backticks, as it is read again whatever it has."""
    return f"`{name.replace('`', '``')}`"


def unescape(body: str) -> str:
    """Resolve the backslash escapes of a string literal; an unknown escape is the character itself."""
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body, flags=re.DOTALL)


def tokenize(text: str) -> list[Token]:
    """Cut `text` into tokens, comments dropped, with an END token last.

    Raises SqlError (parse) for a literal, a quoted name or a comment that has no end.
    """
    tokens = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        ends = _CLOSED.get(match.lastgroup or "")
        if ends and not any(map(match.group, ends)):
            raise SqlError.parse(*_place(text, match.start()), f"what begins with {raw[:20]!r} has no end")
        match match.lastgroup:
            case "space" | "comment":
                continue
            case "quoted":
                kind, value = TokenKind.QUOTED, raw[1:-1].replace("``", "`")
            case "string":
                kind, value = TokenKind.STRING, unescape(raw[1:-1])
            case "number":
                kind, value = TokenKind.NUMBER, raw
            case "word" | "parameter":
                kind, value = TokenKind.WORD, raw
            case _:
                kind, value = TokenKind.SYMBOL, raw
        tokens.append(Token(kind, value, match.start(), match.end()))
    tokens.append(Token(TokenKind.END, "", len(text), len(text)))
    return tokens


def _place(text: str, start: int) -> tuple[int, int]:
    """Return line and column of a character, both counted from 1."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


class Cursor:
    """A place in a token list: look at the next token, take it, or raise an error at its line and column."""

    def __init__(self, text: str) -> None:
        """Start before the first token of `text`."""
        self.text = text
        self._tokens = tokenize(text)
        self._at = 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    @property
    def finished(self) -> bool:
        """Whether no token is left."""
        return self.next.kind is TokenKind.END

    @property
    def rest(self) -> str:
        """The text from the next token on, as it was written, without the semicolon at its end."""
        return self.text[self.next.start :].rstrip().removesuffix(";").rstrip()

    def take(self) -> Token:
        """Take the next token, whatever it is."""
        token = self.next
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def sees(self, *words: str) -> bool:
        """Return whether the next tokens are these keywords or symbols."""
        upcoming = self._tokens[self._at : self._at + len(words)]
        return len(upcoming) == len(words) and all(map(_is, upcoming, words))

    def after(self, word: str) -> bool:
        """Return whether this keyword or symbol comes after the next token."""
        return self._at + 1 < len(self._tokens) and _is(self._tokens[self._at + 1], word)

    def accept(self, *words: str) -> bool:
        """Take these keywords or symbols if they come next, and return whether they did."""
        if not self.sees(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these keywords or symbols.

        Raises SqlError (parse) when something else comes.
        """
        for word in words:
            if not self.accept(word):
                raise self.error(f"expected {word}")

    def name(self) -> str:
        """Take an identifier, bare or in backticks, in lower case as the service keeps names."""
        if self.next.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            raise self.error("expected a name")
        return self.take().value.lower()

    def string(self) -> str:
        """Take a string literal."""
        if self.next.kind is not TokenKind.STRING:
            raise self.error("expected a string literal")
        return self.take().value

    def integer(self) -> int:
        """Take an unsigned integer."""
        if self.next.kind is not TokenKind.NUMBER or not self.next.value.isdigit():
            raise self.error("expected an integer")
        return int(self.take().value)

    def expect_end(self) -> None:
        """Take an optional semicolon and the end of the text."""
        self.accept(";")
        if not self.finished:
            raise self.error("expected the end of the statement")

    def error(self, expectation: str) -> SqlError:
        """Return the parse error of the service for the next token."""
        line, column = _place(self.text, self.next.start)
        seen = f"'{self.next.value}'" if not self.finished else "'<EOF>'"
        return SqlError.parse(line, column, f"invalid token {seen}, {expectation}")


def _is(token: Token, word: str) -> bool:
    if token.kind is TokenKind.WORD:
        return token.value.upper() == word
    return token.kind is TokenKind.SYMBOL and token.value == word
