"""Which field each column comes from, by the same expressions that the load is compiled from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.compiler import DEFAULT_COLUMNS
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Part, spelled_name
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import FUNCTIONS
from airflow_provider_kafka_odps.lineage.columns import (
    MASKING,
    ColumnSource,
    Field,
    column_sources,
    filter_fields,
    topic_fields,
)

FORMATS = {Part.KEY: "bytes", Part.VALUE: "json"}
READABLE = {
    "base64", "bool", "date", "default", "epoch_ms", "epoch_ns", "epoch_s", "epoch_us", "format", "gunzip",
    "local_time", "lower", "null_if", "number", "pad", "pad_right", "path", "replace", "replace_regex", "substr",
    "time", "to_ms", "trim", "upper", "within",
}  # fmt: skip
"""Functions behind which the value can still be read, or a part of it."""


@pytest.mark.parametrize(
    ("expression", "field", "changed", "masked"),
    [
        ("__key__", "key", False, False),
        ("__value__", "value", False, False),
        ("__offset__", "offset", False, False),
        ("__partition__", "partition", False, False),
        ("__timestamp__", "timestamp", False, False),
        ("__timestamp_type__", "timestamp_type", False, False),
        ("__leader_epoch__", "leader_epoch", False, False),
        ("__topic__", "topic", False, False),
        ("__headers__", "headers", False, False),
        ("__headers__.trace", "headers.trace", False, False),
        ("__headers__['odd name']", "headers['odd name']", False, False),
        ("id", "value.id", False, False),
        ("a[0].b", "value.a[0].b", False, False),
        ("a['odd.name']", "value.a['odd.name']", False, False),
        ("__value__[0]", "value[0]", False, False),
        ("__key__.id", "key.id", False, False),
        ("*", "value", True, False),
        ("a | trim", "value.a", True, False),
        ("a | default('x') | lower", "value.a", True, False),
        ("__timestamp__ | format('yyyyMMdd', 'UTC')", "timestamp", True, False),
        ("phone | mask(3, 4)", "value.phone", True, True),
        ("__key__ | trim | sha256 | upper", "key", True, True),
        ("mail | md5", "value.mail", True, True),
    ],
)
def test_every_kind_of_expression(expression: str, field: str, changed: bool, masked: bool) -> None:
    """A column has the field as it is, or what functions make of it; of some nobody can read it any more."""
    assert list(column_sources({"c": expression})) == [ColumnSource("c", field, expression, changed, masked)]


@pytest.mark.parametrize("expression", ["'abc'", r"'it\'s'", "'abc' | upper"])
def test_a_constant_comes_from_nothing(expression: str) -> None:
    """It is in no record."""
    assert list(column_sources({"c": expression})) == []


def test_of_every_function_it_is_decided_whether_it_masks() -> None:
    """A new function is put on one of the two lists, or nobody would have asked."""
    assert set(FUNCTIONS) == MASKING | READABLE
    assert not MASKING & READABLE


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        (None, ()),
        ("  ", ()),
        ("type = 'order' AND (amount >= 10 OR type = 'x')", ("value.type", "value.amount")),
        ("NOT __key__ IS NULL", ("key",)),
        ("a.b LIKE 'x%'", ("value.a.b",)),
    ],
)
def test_the_fields_by_which_a_filter_decides(where: str | None, fields: tuple[str, ...]) -> None:
    """Each once, in the order in which they are written."""
    assert filter_fields(where) == fields


def test_what_is_known_of_a_topics_records() -> None:
    """Their parts, and in these the fields that the load reads, also those that only its filter looks at."""
    columns = {"a": "x.y", "b": "x.z[0]", "c": "__headers__.trace", "d": "'k'", "e": "__key__.id | md5", "f": "*"}
    found = topic_fields(columns, "type = 'o'", FORMATS)
    assert found == (
        Field("key", "bytes", (Field("id", None),)),
        Field(
            "value",
            "json",
            (
                Field("type", None),
                Field("x", None, (Field("y", None), Field("z", None, (Field("[0]", None),)))),
            ),
        ),
        Field("partition", "int32"),
        Field("offset", "int64"),
        Field("timestamp", "timestamp"),
        Field("headers", None, (Field("trace", None),)),
    )


def test_the_parts_that_a_load_need_not_read() -> None:
    """Six are told of any topic; the others where a column has them."""
    usual = [each.name for each in topic_fields(DEFAULT_COLUMNS, None, FORMATS)]
    assert usual == ["key", "value", "partition", "offset", "timestamp", "headers"]
    more = topic_fields({"t": "__topic__", "e": "__leader_epoch__"}, None, FORMATS)
    assert [each.name for each in more] == [*usual, "leader_epoch", "topic"]


_STEPS = st.lists(
    st.one_of(st.integers(0, 99), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=5)),
    min_size=1,
    max_size=4,
)


@given(st.lists(_STEPS, max_size=5))
def test_every_source_of_a_column_is_a_field_of_the_topic(paths: list[list[str | int]]) -> None:
    """Whoever follows a column finds the field, however odd its name is."""
    columns = {f"c{number}": _written(steps) for number, steps in enumerate(paths)}
    names = set(_names(topic_fields(columns, None, FORMATS)))
    assert {each.field for each in column_sources(columns)} <= names


def _written(steps: Sequence[str | int]) -> str:
    # From the root on, because the first step may be a number.
    spelled = (f"[{step}]" if isinstance(step, int) else spelled_name(step, first=False) for step in steps)
    text = f"__value__{''.join(spelled)}"
    assert FieldPath(tuple(steps))
    return text


def _names(fields: Sequence[Field], outer: str = "") -> Iterator[str]:
    for each in fields:
        name = f"{outer}{'.' if outer and not each.name.startswith('[') else ''}{each.name}"
        yield name
        yield from _names(each.fields, name)
