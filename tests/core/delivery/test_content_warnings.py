"""Nothing is silently nothing: what a load says of records that gave it nothing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from core.world import World, attempt_at, cluster_of
from twins.maxcompute import RejectSink

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.options import Mode, OnBadJson

PATHS = {"p": "__partition__", "o": "__offset__", "v": "a"}
JSON = b'{"a": 1}'
REJECT = RecordFormat(on_bad_json=OnBadJson.REJECT)


def warned(*partitions: Sequence[bytes | None], columns: dict[str, str] = PATHS, **changes: Any) -> str:
    """Return what a load of these values warns of, all in one."""
    world = World(cluster=cluster_of(*partitions), table=[])
    transfer(attempt_at(world, Mode.APPEND, columns=columns, **changes))
    return "\n".join(world.warned)


def test_a_window_in_which_nothing_is_json_warns() -> None:
    """How many, where the first are, what they look like, what that means for the table, and what to do."""
    warning = warned([gzip.compress(JSON)] * 2, [gzip.compress(JSON)] * 2)
    assert re.search(r"4 of 4 values.*no JSON object", warning)
    assert "NULL" in warning
    assert "orders[0] offset 0, orders[0] offset 1, orders[1] offset 0" in warning
    assert re.search(r"gzip.*compression\.type", warning, re.DOTALL)


@pytest.mark.parametrize(
    ("bad", "good", "warns"), [(1, 0, True), (8, 1, False), (9, 1, True), (9, 2, False), (0, 9, False), (0, 0, False)]
)
def test_nearly_all_is_as_good_as_all(bad: int, good: int, warns: bool) -> None:
    """All values, or nine tenths of at least ten; a null value is none, whatever number of them there is."""
    values = [b"no JSON"] * bad + [JSON] * good
    assert bool(warned(values)) == warns
    world = World(cluster=cluster_of(values), table=[])
    for _ in range(20):
        world.log[0].append(None)
    transfer(attempt_at(world, Mode.APPEND, columns=PATHS))
    assert any("no JSON object" in warning for warning in world.warned) == warns


def test_values_that_are_rejects_for_it_warn_too() -> None:
    """What they look like is said beside the rejects themselves."""
    world = World(cluster=cluster_of([b"\x00\x00\x00\x00\x07avro"] * 3), table=[])
    transfer(attempt_at(world, Mode.APPEND, columns=PATHS, rejects=RejectSink(world), record_format=REJECT))
    warning = "\n".join(world.warned)
    assert re.search(r"3 of 3 values.*no JSON object.*rejects", warning, re.DOTALL)
    assert "schema registry" in warning


def test_keys_and_values_are_counted_apart() -> None:
    """That all values are JSON does not hide that no key is."""
    world = World(cluster=cluster_of([]), table=[])
    for _ in range(3):
        world.log[0].append(JSON, key=b"k")
    transfer(attempt_at(world, Mode.APPEND, columns={**PATHS, "v": "__key__.id"}))
    assert "3 of 3 keys" in "\n".join(world.warned)


def test_rejects_are_a_warning() -> None:
    """What was left out is worth one, with the first of them."""
    columns = {**PATHS, "v": "__value__"}
    world = World(cluster=cluster_of([b"a", b"\xff"]), table=[])
    transfer(attempt_at(world, Mode.APPEND, columns=columns, rejects=RejectSink(world)))
    (warning,) = world.warned
    assert re.search(r"^1 records do not fit the table and are left out:\n  orders\[0\] offset 1, column v", warning)


@pytest.mark.parametrize("kept", [True, False])
def test_a_window_of_nothing_but_rejects_says_what_that_means(kept: bool) -> None:
    """That no row comes of it, and where the records are."""
    world = World(cluster=cluster_of([b"\xff", b"\xff"]), table=[])
    attempt = attempt_at(world, Mode.APPEND, columns={**PATHS, "v": "__value__"}, rejects=RejectSink(world))
    transfer(replace(attempt, load=replace(attempt.load, keep_rejects=kept)))
    (warning,) = world.warned
    where = r"in shop\.rejects:\n" if kept else "kept nowhere, for want of rejects_table"
    assert re.search(rf"^all 2 records of the window are rejects.*no row of it.*they are {where}", warning)
    assert warning.count("\n  orders[0] offset") == 2


def test_records_that_fit_warn_of_nothing() -> None:
    """Neither does a window without a record."""
    assert warned([JSON] * 20) == warned([]) == warned([b"x"] * 20, columns={**PATHS, "v": "__value__"}) == ""


def test_text_in_another_encoding_says_which() -> None:
    """UTF-16 is read by its name."""
    assert "encoding='utf-16'" in warned(['{"a": 1}'.encode("utf-16")] * 2)
    form = RecordFormat(value=Format.STRING, encoding="utf-16")
    assert warned(['{"a": 1}'.encode("utf-16")] * 2, record_format=form) == ""
