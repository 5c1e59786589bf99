"""The dialect of SQL in which conditions are read."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any


@cache
def dialect() -> Any:
    """Return SQL without functions and statements of its own: a name is a field, or a function behind a source."""
    from sqlglot import parser, tokens
    from sqlglot.dialects.dialect import Dialect

    class Where(Dialect):  # type: ignore[misc]
        class Tokenizer(tokens.Tokenizer):  # type: ignore[misc]
            COMMANDS: AbstractSet[Any] = frozenset()

        class Parser(parser.Parser):  # type: ignore[misc]
            FUNCTIONS: Mapping[str, Any] = {}
            FUNCTION_PARSERS: Mapping[str, Any] = {}
            NO_PAREN_FUNCTIONS: Mapping[Any, Any] = {}
            NO_PAREN_FUNCTION_PARSERS: Mapping[str, Any] = {}
            STATEMENT_PARSERS: Mapping[Any, Any] = {}
            FUNC_TOKENS: AbstractSet[Any] = parser.Parser.FUNC_TOKENS | {tokens.TokenType.DEFAULT}

    return Where
