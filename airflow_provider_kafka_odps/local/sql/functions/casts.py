"""CAST of texts, numbers and times: what the service does is done; anything else is refused, never NULL in silence.

Sources: the vendor's pages "CAST" and "Type conversions" (March 2026), and PyODPS's own tests for TIMESTAMP.
"""

from __future__ import annotations

from typing import Any

_NUMBERS = "('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE')"


_TIMES = "('TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIMESTAMP WITH TIME ZONE', 'DATE')"


_IS_NUMBER = f"(typeof(x) IN {_NUMBERS} OR starts_with(typeof(x), 'DECIMAL'))"


_IS_NESTED = "(ends_with(typeof(x), ']') OR starts_with(typeof(x), 'MAP(') OR starts_with(typeof(x), 'STRUCT('))"


_IS_NO_TIME = f"(typeof(x) IN ('BOOLEAN', 'BLOB') OR {_IS_NESTED})"


_TEXT = "trim(TRY_CAST(x AS VARCHAR))"


_DIGITS = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
"""A number in a text; what stands behind it is left out, unless the project is strict."""


_WHOLE = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})


def checked_cast(node: Any, zone: str, *, strict: bool) -> Any:
    """Return a cast that looks at the type that its value has when it runs; `zone` is empty for UTC.

    A number becomes a TIMESTAMP so many seconds after 1970; fractions are cut off whole numbers.
    Casts between numbers and DATETIME, which the service does not have, are refused, and so are those of which nothing
    is known. `strict` (odps.function.strictmode) refuses texts that are no numbers.
    """
    from sqlglot import exp

    kind = node.to.this
    if kind in (exp.DataType.Type.TIMESTAMP_NS, exp.DataType.Type.TIMESTAMPTZ):
        refused = _refusal("this value to TIMESTAMP")
        text = f"CASE WHEN {_IS_NUMBER} THEN CAST({_moment(zone)} AS t) WHEN {_IS_NO_TIME} THEN {refused} ELSE c END"
        return _filled(text, node)
    if kind in (exp.DataType.Type.DATETIME, exp.DataType.Type.DATE):
        refused = _refusal(f"a number to {kind.value.upper()}; FROM_UNIXTIME makes a time of it")
        other = _refusal(f"this value to {kind.value.upper()}")
        return _filled(f"CASE WHEN {_IS_NUMBER} THEN {refused} WHEN {_IS_NO_TIME} THEN {other} ELSE c END", node)
    if kind is exp.DataType.Type.BOOLEAN:
        return _filled(f"CASE WHEN typeof(x) IN {_TIMES} THEN {_refusal('a time to BOOLEAN')} ELSE c END", node)
    return _number(node, strict=strict) if kind in exp.DataType.NUMERIC_TYPES else node


def _number(node: Any, *, strict: bool) -> Any:
    name = str(node.to.sql(dialect="hive")).upper()
    found = f"regexp_extract({_TEXT}, '^{_DIGITS}')"
    text, other = f"TRY_CAST({found} AS t)", "c"
    if name in _WHOLE:
        # A whole number of 19 digits is not one that DOUBLE holds, so only fractions take that way.
        text = f"CASE WHEN regexp_matches({found}, '[.eE]') THEN {_cut(found, 'DOUBLE')} ELSE {text} END"
        other = (
            f"CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN {_cut('x', 'DOUBLE')} "
            f"WHEN starts_with(typeof(x), 'DECIMAL') THEN {_cut('x', 'DECIMAL(38,18)')} ELSE c END"
        )
    if strict:
        wrong = f"error('in function cast, value `' || {_TEXT} || '` cannot be casted to {name}')"
        text = f"CASE WHEN x IS NULL OR regexp_full_match({_TEXT}, '{_DIGITS}') THEN {text} ELSE {wrong} END"
    nothing = _refusal(f"this value to {name}")
    refused = _refusal(f"a time to {name}; UNIX_TIMESTAMP counts its seconds")
    return _filled(
        f"CASE WHEN typeof(x) IN {_TIMES} THEN {refused} WHEN {_IS_NESTED} OR typeof(x) = 'BLOB' THEN {nothing} "
        f"WHEN typeof(x) = 'VARCHAR' THEN {text} ELSE {other} END",
        node,
    )


def _cut(value: str, through: str) -> str:
    return f"TRY_CAST(trunc(TRY_CAST({value} AS {through})) AS t)"


def _moment(zone: str) -> str:
    micros = "TRY_CAST(TRY_CAST(x AS DOUBLE) * 1000000 AS BIGINT)"
    return f"timezone('{zone}', make_timestamptz({micros}))" if zone else f"make_timestamp({micros})"


def _refusal(what: str) -> str:
    return f"error('unsupported CAST of {what}')"


def _filled(text: str, node: Any) -> Any:
    """Return DuckDB's expression of a text, with the cast itself for c, its value for x and its type for t."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(text, read="duckdb")
    for column in list(tree.find_all(exp.Column)):
        if column.name in ("x", "c"):
            column.replace((node.this if column.name == "x" else node).copy())
    for kind in list(tree.find_all(exp.DataType)):
        if kind.this is exp.DataType.Type.USERDEFINED:
            kind.replace(node.to.copy())
    return tree
