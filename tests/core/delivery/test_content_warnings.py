"""Nothing is silently nothing: what a load says of records that gave it nothing."""

from __future__ import annotations

import gzip
import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from core.examples import window_of
from core.world import SCHEMA, World, attempt_at, batch_of, cluster_of
from twins.maxcompute import RejectSink

from airflow_provider_kafka_odps.core.accounting.content import MOST_COLUMNS, Content
from airflow_provider_kafka_odps.core.accounting.content_warnings import FEW, content_warnings
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.sources.samples import RECORDS
from airflow_provider_kafka_odps.core.options import Mode, OnBadJson
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA

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
    assert "is filled from" not in (many := warned([gzip.compress(JSON)] * FEW))
    assert "rows are NULL" not in many


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


@pytest.mark.parametrize("kept", [True, False])
def test_rejects_are_a_warning(kept: bool) -> None:
    """What was left out is worth one, with what allows it, where they are, and the first of them."""
    columns = {**PATHS, "v": "__value__"}
    world = World(cluster=cluster_of([b"a", b"\xff"]), table=[])
    attempt = attempt_at(world, Mode.APPEND, columns=columns, rejects=RejectSink(world))
    transfer(replace(attempt, load=replace(attempt.load, keep_rejects=kept)))
    (warning,) = world.warned
    where = r"in shop\.rejects:\n" if kept else "nowhere: rejects_table= or rejects_path= would keep them:\n"
    allowed = (
        rf"1 of 2 records do not fit the table and are left out, which max_rejects=unlimited allows; .* kept {where}"
    )
    assert re.search(rf"^{allowed}  orders\[0\] offset 1, column v", warning)


@pytest.mark.parametrize("kept", [True, False])
def test_a_window_of_nothing_but_rejects_says_what_that_means(kept: bool) -> None:
    """That no row comes of it, and where the records are."""
    world = World(cluster=cluster_of([b"\xff", b"\xff"]), table=[])
    attempt = attempt_at(world, Mode.APPEND, columns={**PATHS, "v": "__value__"}, rejects=RejectSink(world))
    transfer(replace(attempt, load=replace(attempt.load, keep_rejects=kept)))
    (warning,) = world.warned
    where = r"kept in shop\.rejects:\n" if kept else "kept nowhere: rejects_table="
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


def documents(*made: object) -> list[bytes]:
    """Return values that are JSON."""
    return [json.dumps(each).encode() for each in made]


def test_a_path_that_is_in_no_record_warns_with_the_nearest_names() -> None:
    """Which column, which path, of how many records, what was there, and what to do."""
    warning = warned(
        documents(*[{"order_id": 1, "city": "x"}] * 6), documents(*[{"orderId": 1}] * 6), columns={"v": "oderid"}
    )
    assert re.search(r"in none of 12 records", warning)
    assert re.search(r"v: no record has oderid; the nearest: order_id, orderId; also there: city", warning)
    assert "columns" in warning


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        ("a.bb", {"a": {"bbb": 1}}, r"v: a is there, a\.bb is not; the nearest: a\.bbb"),
        ("a.b", {"a": '{"b": 1}'}, r"v: a is there, a\.b is not: a is a text"),
        ("a[3]", {"a": [1]}, r"v: a is there, a\[3\] is not: a is a list of length 1"),
        ("id", {"after": {"id": 1}}, r"v: no record has id; one level deeper: after\.id"),
        ("a", {"a": None}, r"v: a is null in the records that were looked at"),
        ("Order-ID", {"order_id": 1}, r"the nearest: order_id"),
        ("a", {"x y": 1, "a'b": 1, "k:v": 2}, r"no record has a; .*\['x y'\]"),
        ("__key__.id", {"id": 1}, r"v: no record has __key__\.id"),
        ("a", {}, r"v: no record has a$"),
    ],
)  # fmt: skip
def test_what_is_there_in_its_place_is_said(path: str, document: object, said: str) -> None:
    """Each is written as an expression that can be pasted into columns."""
    assert re.search(said, warned(documents(*[document] * FEW), columns={"v": path}), re.MULTILINE)


def test_one_record_that_has_it_is_enough() -> None:
    """Fields that most records lack are nothing to warn of, nor are fields that few records lack."""
    none = documents(*[{"b": 1}] * (FEW - 1))
    assert "in none of" in warned(none, documents({"b": 2}))
    assert warned(none, documents({"a": 2})) == warned(documents({"a": 2}), none) == warned(none) == ""


def test_a_path_whose_values_are_rejects_is_there() -> None:
    """What does not fit is another thing than what is missing."""
    world = World(cluster=cluster_of(documents(*[{"a": "x" * 70}] * FEW)), table=[])
    small = compile_projection(PATHS, TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "char(3)"})))
    attempt = attempt_at(world, Mode.APPEND, columns=PATHS, rejects=RejectSink(world))
    transfer(replace(attempt, load=replace(attempt.load, projection=small)))
    assert [warning.partition(" records")[0] for warning in world.warned] == [f"all {FEW}"]


def test_a_window_of_nothing_but_null_says_so() -> None:
    """Tombstones have no names; what such rows may not replace is said."""
    world = World(cluster=cluster_of([]), table=[])
    for _ in range(FEW):
        world.log[0].append(None, key=b"k")
    transfer(attempt_at(world, Mode.APPEND, columns={"p": "__partition__", "o": "__offset__", "v": "__value__"}))
    (warning,) = world.warned
    assert re.search(rf"^all {FEW} rows are NULL in v.*on_fewer_rows", warning, re.DOTALL)


def test_very_many_columns_are_not_all_listed() -> None:
    """A table of a thousand columns, and records of as many names, have a warning that can be read."""
    names = [f"c{number}" for number in range(60)]
    schema = TableSchema(columns_of(dict.fromkeys(names, "string")))
    projection = compile_projection({name: f"x{name}" for name in names}, schema)
    batch = batch_of(0, dict.fromkeys(range(FEW), documents({f"n{number}": 1 for number in range(99)})[0]))
    content = Content()
    content.add(projection.apply("orders", batch), batch, projection)
    absent, empty = content_warnings(content, projection, records=FEW, rejects=0)
    assert (absent.count("\n"), len(empty) < 400) == (23, True)
    content.nulls.update({f"further{number}": 1 for number in range(MOST_COLUMNS)})
    assert content.most_nulls == dict.fromkeys(names, FEW) | {f"further{number}": 1 for number in range(40)}
    assert re.search(r"and 40 other columns", absent)
    assert max(map(len, absent.split("\n"))) < 200


def test_workers_look_and_are_heard() -> None:
    """What another process has found, or not found, counts as this one's."""
    window = window_of((0, 40))
    whole, projection = Ledger(window), compile_projection({"v": "a", "p": "b"}, SCHEMA)
    for start, value in ((0, b'{"c": 1}'), (20, b'{"b": 1, "d": 1}')):
        share = replace(window, ranges=(replace(window.ranges[0], start=start, end=start + 20),))
        ledger, batch = Ledger(share), batch_of(0, dict.fromkeys(range(start, start + 20), value))
        projected = projection.apply("orders", batch)
        ledger.add(batch, len(projected.rejects))
        ledger.content.add(projected, batch, projection)
        whole.merge(pickle.loads(pickle.dumps(ledger)))
    (warning,) = content_warnings(whole.content, projection, records=40, rejects=0)
    assert "v: no record has a; also there: c, b, d" in warning
    assert "p:" not in warning


def test_a_header_without_a_value_is_there() -> None:
    """A header that is null in every record is not told to be missing."""
    rows = [{"partition": 0, "offset": offset, "headers": [{"key": "h", "value": None}]} for offset in range(FEW)]
    projection, content = compile_projection({"v": "__headers__.h"}, SCHEMA), Content()
    batch = pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)
    content.add(projection.apply("orders", batch), batch, projection)
    absent, _ = content_warnings(content, projection, records=FEW, rejects=0)
    assert "v: __headers__['h'] is null in the records that were looked at" in absent


def test_only_some_records_are_looked_at() -> None:
    """A hundred of each partition, of twenty partitions: a column that is missing everywhere costs no second parse."""
    projection, content = compile_projection({"v": "a"}, SCHEMA), Content()
    for number in range(25):
        for name in ("first", "second"):
            batch = batch_of(number, dict.fromkeys(range(RECORDS), documents({f"{name}{number}": 1})[0]))
            content.add(projection.apply("orders", batch), batch, projection)
    assert content.samples["v"].names == tuple(f"first{number}" for number in range(20))
