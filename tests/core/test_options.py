"""The operator's parameters, after templates were rendered."""

from typing import Any

import pytest

from airflow_provider_kafka_odps.core.mapping.compiler import parse_columns
from airflow_provider_kafka_odps.core.options import Mode, choice, seconds
from airflow_provider_kafka_odps.core.window.parsing import parse_partitions
from airflow_provider_kafka_odps.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("asked", "partitions"),
    [
        (None, None),
        ("", None),
        ([0, 2], {0, 2}),
        (["0", "3-4"], {0, 3, 4}),
        (5, {5}),
        (0, {0}),
        ("0,2-4", {0, 2, 3, 4}),
        (" 0 , 2 - 4 ", {0, 2, 3, 4}),
        ("[0, 2]", {0, 2}),
        ("7", {7}),
        ([], set()),
    ],
    ids=repr,
)
def test_partitions_come_as_lists_numbers_and_text(asked: Any, partitions: set[int] | None) -> None:
    """Every form that code, Params or templates deliver names the same partitions; nothing means all."""
    assert parse_partitions(asked) == partitions


@pytest.mark.parametrize(
    "asked", ["a", "-1", [-1], "4-2", "0,4-2", "1-", "[]", [True], "None", "1.0", "0-9999999"], ids=repr
)
def test_what_is_no_partition_is_shown(asked: Any) -> None:
    """The word that is no partition is quoted, with what could be written."""
    with pytest.raises(InvalidInput, match=r"partitions=.* is no partition; write a list such as \[0, 2\] or '0,2-4'"):
        parse_partitions(asked)


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (None, None),
        ({}, None),
        ("", None),
        ({"a": "__key__"}, {"a": "__key__"}),
        ('{"a": "__key__", "b": "x.y"}', {"a": "__key__", "b": "x.y"}),
        (["__key__", "x.y"], ["__key__", "x.y"]),
        ('["__key__", "x.y"]', ["__key__", "x.y"]),
    ],
    ids=repr,
)
def test_columns_come_as_mappings_lists_and_json(asked: Any, columns: Any) -> None:
    """A mapping or a list is taken as it is, JSON text is read, nothing means the default."""
    assert parse_columns(asked) == columns


@pytest.mark.parametrize("asked", ["{", "[]", '"a"', {"a": 1}, {1: "a"}, ["a", 1], 5], ids=repr)
def test_what_is_no_mapping_of_columns_is_shown(asked: Any) -> None:
    """Anything but text to text, or a list of texts, is quoted and refused."""
    with pytest.raises(InvalidInput, match=r"^columns="):
        parse_columns(asked)


@pytest.mark.parametrize("asked", [0, -1, -0.5, float("nan"), float("inf"), True, None, "60"], ids=repr)
def test_a_deadline_is_a_number_of_seconds(asked: Any) -> None:
    """What is no positive, finite number would never end a wait, or at once."""
    with pytest.raises(InvalidInput, match=rf"^load_timeout={asked!r}: a number of seconds above 0 is wanted$"):
        seconds(asked, "load_timeout")
    assert seconds(1, "load_timeout") == 1.0


def test_a_choice_names_its_alternatives() -> None:
    """A word that is no member is refused with the members."""
    assert choice(Mode, "append", "mode") is Mode.APPEND
    for asked in ("Append", "", "upsert"):
        with pytest.raises(InvalidInput, match=rf"^mode={asked!r} is not one of 'append', 'overwrite'$"):
            choice(Mode, asked, "mode")
