"""A condition as a user writes it, ``type = 'order' AND amount >= 10``, read by a parser of SQL.

Only what stands in docs/mapping.md is taken of SQL; sources and their functions are those of the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.mapping.calls import Call, quote
from airflow_provider_kafka_odps.core.mapping.expressions import (
    Constant,
    Expression,
    Piped,
    parse_expression,
    spelled_name,
)
from airflow_provider_kafka_odps.core.mapping.filters.condition import (
    Both,
    Compared,
    Comparison,
    Condition,
    Either,
    IsNull,
    Literal,
    Matches,
    Negation,
    OneOf,
)
from airflow_provider_kafka_odps.core.mapping.filters.refused.instead import instead, instead_of_backticks, told
from airflow_provider_kafka_odps.core.mapping.filters.sql import dialect
from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidInput

if TYPE_CHECKING:
    from sqlglot import exp

_LONGEST = 10_000
_SHOWN = 200
_LARGEST = 10**18
_PARTS = frozenset(
    {"this", "expression", "expressions", "low", "high", "table", "db", "catalog", "quoted", "is_string", "negate"}
)
"""Of the parser's nodes; what else it may find would be left out in silence."""
_TURNED = {
    Comparison.LESS: Comparison.GREATER,
    Comparison.AT_MOST: Comparison.AT_LEAST,
    Comparison.GREATER: Comparison.LESS,
    Comparison.AT_LEAST: Comparison.AT_MOST,
}
"""Of a comparison whose constant stands on the left."""


def read_where(text: str | None) -> Condition | None:
    """Read what a user has written as ``where``; None for nothing. Raises InvalidInput as ``parse_where`` does."""
    return parse_where(text) if text and text.strip() else None


def parse_where(text: str) -> Condition:
    """Read a condition.

    Raises InvalidInput with what is not taken, and what is.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    if len(text) > _LONGEST:
        raise InvalidInput(f"where has {len(text)} characters; up to {_LONGEST} are taken")
    try:
        parsed = sqlglot.parse(text, read=dialect())
    except (SqlglotError, RecursionError) as error:
        deep = "recursion" in str(error)
        why = instead_of_backticks(text) or _plain(str(error))
        raise _refused(text, "it is nested too deeply" if deep else why) from None
    if len(parsed) != 1 or parsed[0] is None:
        raise _refused(text, "one condition is wanted")
    try:
        _check(parsed[0])
        return _condition(parsed[0])
    except (InvalidExpression, _NotTakenError) as error:
        raise _refused(text, str(error)) from None
    except RecursionError:
        raise _refused(text, "it is nested too deeply") from None


class _NotTakenError(ValueError):
    """A part of SQL that is not taken."""


def _refused(text: str, why: str) -> InvalidInput:
    quoted = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return InvalidInput(
        f"where={quoted!r}: {why}. Taken are comparisons of a source with a constant (= <> < <= > >=, BETWEEN, IN, "
        "LIKE, IS NULL), AND, OR, NOT and brackets, such as type = 'order' AND amount >= 10; a field whose name is a "
        'word of SQL is quoted: "from"'
    )


def _plain(error: str) -> str:
    """Return the first line of a parser's message, without the colours of a terminal."""
    return error.replace("\x1b[4m", "").replace("\x1b[0m", "").splitlines()[0].rstrip(". ")


def _check(condition: exp.Expression) -> None:
    """Refuse all that a parser of SQL hangs on what is taken, such as the SYMMETRIC of a BETWEEN."""
    for node in condition.walk():
        more = [name for name, each in node.args.items() if each and name not in _PARTS]
        if more:
            raise _NotTakenError(f"{node.sql()} has more to it ({', '.join(more)}) than is taken")


def _condition(node: exp.Expression) -> Condition:
    from sqlglot import exp

    match node:
        case exp.Paren():
            return _condition(node.this)
        case exp.And():
            return _joined(Both, [_condition(each) for each in node.flatten()])
        case exp.Or():
            return _joined(Either, [_condition(each) for each in node.flatten()])
        case exp.Not():
            return Negation(_condition(node.this))
        case _:
            return _leaf(node)


def _joined(join: type[Both | Either], conditions: Sequence[Condition]) -> Condition:
    """Join conditions halfway between them: a tree of hundreds in a row would be too deep to walk through."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return join(_joined(join, conditions[:middle]), _joined(join, conditions[middle:]))


def _leaf(node: exp.Expression) -> Condition:
    # The parser writes some of NOT around what it denies, and that of NOT LIKE into it.
    return Negation(_asked(node)) if node.args.get("negate") else _asked(node)


def _asked(node: exp.Expression) -> Condition:
    from sqlglot import exp

    match node:
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _compared(node)
        case exp.In() if node.expressions:
            return OneOf(_source(node.this), tuple(_literal(each) for each in node.expressions))
        case exp.Between():
            source = _source(node.this)
            low, high = (_literal(node.args[each]) for each in ("low", "high"))
            if type(low) is not type(high):
                raise _NotTakenError("the constants of one BETWEEN are of several kinds")
            return Both(Compared(source, Comparison.AT_LEAST, low), Compared(source, Comparison.AT_MOST, high))
        case exp.Like() if isinstance(pattern := _literal(node.expression), str):
            return Matches(_source(node.this), pattern)
        case exp.Is() if isinstance(node.expression, exp.Null):
            return IsNull(_source(node.this))
        case _:
            raise _NotTakenError(f"{told(node)} is no condition{instead(node)}")


def _compared(node: exp.Expression) -> Condition:
    from sqlglot import exp

    signs: Mapping[type[exp.Expression], Comparison] = {
        exp.EQ: Comparison.EQUAL,
        exp.NEQ: Comparison.UNEQUAL,
        exp.LT: Comparison.LESS,
        exp.LTE: Comparison.AT_MOST,
        exp.GT: Comparison.GREATER,
        exp.GTE: Comparison.AT_LEAST,
    }
    comparison, left, right = signs[type(node)], node.args["this"], node.args["expression"]
    if _is_literal(left) and not _is_literal(right):
        return Compared(_source(right), _TURNED.get(comparison, comparison), _literal(left))
    return Compared(_source(left), comparison, _literal(right))


def _is_literal(node: exp.Expression) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Literal | exp.Boolean | exp.Neg)


def _literal(node: exp.Expression) -> Literal:
    from sqlglot import exp

    match node:
        case exp.Literal() if node.is_string:
            return str(node.this)
        case exp.Literal():
            return _number(str(node.this))
        case exp.Neg() if isinstance(node.this, exp.Literal) and not node.this.is_string:
            # A minus would round it to 28 digits.
            return _number(str(node.this.this)).copy_negate()
        case exp.Boolean():
            return bool(node.this)
        case exp.Null():
            raise _NotTakenError("nothing is equal to NULL; IS NULL, or IS NOT NULL, is meant")
        case _:
            raise _NotTakenError(
                f"{node.sql()} is no constant: a text in single quotes, a number, TRUE or FALSE is wanted there"
            )


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _NotTakenError(f"{text} is no number") from None


def _source(node: exp.Expression) -> Expression:
    """Return a source with its functions, as ``columns`` would have it."""
    from sqlglot import exp

    match node:
        case exp.Paren():
            return _source(node.this)
        case exp.BitwiseOr():
            before = _source(node.this)
            source, calls = (before.source, before.calls) if isinstance(before, Piped) else (before, ())
            return Piped(source, (*calls, _call(node.expression)))
        case _:
            found = parse_expression(_path(node))
            if isinstance(found, Constant):
                raise _NotTakenError(f"{node.sql()} is a constant on both sides")
            return found


def _call(node: exp.Expression) -> Call:
    from sqlglot import exp

    match node:
        case exp.Column() if isinstance(node.this, exp.Identifier) and not node.table:
            return Call(node.name, (), 0)
        case exp.Anonymous():
            return Call(str(node.this), tuple(_argument(each) for each in node.expressions), 0)
        case _:
            raise _NotTakenError(f"{node.sql()} is no function; behind a | stands one, such as trim or mask(3, 4)")


def _argument(node: exp.Expression) -> str | int:
    literal = _literal(node)
    # Of 1e999999 the digits would take minutes.
    if isinstance(literal, Decimal) and abs(literal) < _LARGEST and literal == literal.to_integral_value():
        return int(literal)
    if isinstance(literal, str):
        return literal
    raise _NotTakenError(f"{node.sql()}: a function takes texts and whole numbers")


def _path(node: exp.Expression) -> str:
    """Return a source in its own spelling."""
    from sqlglot import exp

    parts: Mapping[type[exp.Expression], Callable[[Any], str]] = {
        exp.Identifier: lambda each: spelled_name(each.name, first=True),
        exp.Column: _column,
        exp.Dot: lambda each: _path(each.this) + _field(each),
        exp.Bracket: lambda each: f"{_path(each.this)}[{_step(each)}]",
    }
    written = parts.get(type(node))
    if written is None:
        way = instead(node) or ": a field such as a.b[0], or a part such as __key__, is wanted"
        raise _NotTakenError(f"{told(node)} is no source{way}")
    return written(node)


def _field(node: exp.Dot) -> str:
    from sqlglot import exp

    if not isinstance(node.expression, exp.Identifier):
        raise _NotTakenError(f"{node.sql()} is no source: the name of a field is wanted behind its point")
    return spelled_name(node.expression.name, first=False)


def _column(node: exp.Column) -> str:
    from sqlglot import exp

    if isinstance(node.this, exp.Star):
        raise _NotTakenError(f"{node.sql()} is no source: the name of a field is wanted behind its point")
    names = [part.name for part in node.parts]
    if names[0] == "$" and not node.parts[0].args.get("quoted"):
        raise _NotTakenError(f"{node.sql()} is no source: paths begin with a field, and not with $")
    return "".join(spelled_name(name, first=number == 0) for number, name in enumerate(names))


def _step(node: exp.Bracket) -> str:
    if len(node.expressions) != 1:
        raise _NotTakenError(f"{node.sql()} is no source: one index is wanted in its brackets")
    step = _argument(node.expressions[0])
    return quote(step) if isinstance(step, str) else str(step)
