"""Expressions of sqlglot, as they are made again and again."""

from __future__ import annotations

from typing import Any, TypeAlias

from airflow_provider_kafka_odps.local.errors import SqlError

Node: TypeAlias = Any
"""An expression of sqlglot, which is imported only when the first query comes."""


def call(name: str, *arguments: Node) -> Node:
    """Return a call of a function."""
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=list(arguments))


def cast_as(node: Node, kind: str) -> Node:
    """Return a cast to one of DuckDB's types."""
    from sqlglot import exp

    return exp.cast(node, kind, dialect="duckdb")


def as_time(node: Node) -> Node:
    """Return a cast to a time without a zone."""
    return cast_as(node, "TIMESTAMP")


def text_node(value: str) -> Node:
    """Return a text as a constant."""
    from sqlglot import exp

    return exp.Literal.string(value)


def literal(node: Node, what: str) -> str:
    """Return the constant text that an expression is; `what` it stands for.

    Raises SqlError for any other expression.
    """
    from sqlglot import exp

    if not isinstance(node, exp.Literal) or not node.is_string:
        raise SqlError.semantic(f"{what} must be a quoted text here, not {node.sql()}")
    return str(node.this)


def number_node(value: int) -> Node:
    """Return a number as a constant."""
    from sqlglot import exp

    return exp.Literal.number(value)
