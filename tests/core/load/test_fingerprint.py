"""The fingerprint of what is written to an upload: laws, and who is refused by it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from enum import Enum
from typing import Any

import pytest
from core.examples import window_of
from core.world import COLUMNS, SCHEMA
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.core.load.fingerprint import differences, fingerprint
from airflow_provider_kafka_odps.core.load.layout import Block, lay_out
from airflow_provider_kafka_odps.core.load.shares import share_out
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Origin
from airflow_provider_kafka_odps.core.options import IsolationLevel, OnUnclear
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import FingerprintDiffers

WINDOW = window_of((3, 90), (0, 40), (7, 7))
BLOCKS = lay_out(WINDOW, 4, {})
ORIGIN = Origin(COLUMNS, SCHEMA, RecordFormat(), Wanted())
_TEXTS = st.text(max_size=8)
_ORIGINS = st.builds(
    Origin,
    st.dictionaries(_TEXTS, _TEXTS, max_size=4),
    st.just(SCHEMA),
    st.builds(RecordFormat, delimiter=st.sampled_from(",;|"), timezone=st.none() | st.just("UTC")),
    st.builds(Wanted, st.none() | _TEXTS, st.sampled_from(OnUnclear)),
)
_LAYOUTS = st.tuples(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda at: (at[0], at[0] + at[1])), max_size=4),
    st.integers(1, 9),
)


def _of(origin: Origin, layout: tuple[list[tuple[int, int]], int]) -> str:
    window = window_of(*layout[0])
    return fingerprint(window, lay_out(window, layout[1], {}), origin)


@given(one=_ORIGINS, other=_ORIGINS, layout=_LAYOUTS, laid=_LAYOUTS)
def test_a_fingerprint_is_one_of_what_it_was_made_of(
    one: Origin, other: Origin, layout: tuple[list[tuple[int, int]], int], laid: tuple[list[tuple[int, int]], int]
) -> None:
    """Equal things have the same, whatever the order in which columns are written; others have another one."""
    found = _of(one, layout)
    again = replace(one, columns=dict(reversed([*one.columns.items()])))
    assert _of(again, layout) == found
    assert len(found) == 32
    assert int(found, 16) >= 0
    assert (_of(other, layout) == found) is (other == one)
    of_blocks = [
        (window, lay_out(window, most, {})) for window, most in ((window_of(*r), n) for r, n in (layout, laid))
    ]
    assert (_of(one, laid) == found) is (of_blocks[0] == of_blocks[1])


def _with(origin: Origin = ORIGIN, blocks: tuple[Block, ...] = BLOCKS, **changed: Any) -> str:
    return fingerprint(replace(WINDOW, **changed), blocks, origin)


def _mapped(**columns: str) -> str:
    return _with(replace(ORIGIN, columns=COLUMNS | columns))


def _into(*columns: Column, partitioned: tuple[Column, ...] = ()) -> str:
    return _with(replace(ORIGIN, schema=TableSchema(columns, partitioned)))


_P, _O, _V = SCHEMA.columns
_CHANGES = {
    "topic": fingerprint(window_of(topic="returns"), (), ORIGIN),
    "topic_id": _with(topic_id="id-2"),
    "cluster": _with(cluster_id="another"),
    "isolation": _with(isolation_level=IsolationLevel.READ_UNCOMMITTED),
    "range": _with(ranges=WINDOW.ranges[:2]),
    "edge": _with(blocks=lay_out(WINDOW, 4, {0: 2})),
    "blocks": _with(blocks=lay_out(WINDOW, 5, {})),
    "numbers": _with(blocks=(replace(BLOCKS[0], number=1), replace(BLOCKS[1], number=0), *BLOCKS[2:])),
    "expression": _mapped(v="__value__ | trim"),
    "swapped": _mapped(p=COLUMNS["o"], o=COLUMNS["p"]),
    "fewer columns": _with(replace(ORIGIN, columns={"p": COLUMNS["p"], "o": COLUMNS["o"]})),
    "where": _with(replace(ORIGIN, wanted=Wanted("a = 1"))),
    "levels": _with(replace(ORIGIN, levels=("v",))),
    "on_unclear": _with(replace(ORIGIN, wanted=Wanted(None, OnUnclear.LEAVE_OUT))),
    "type": _into(replace(_P, type=OdpsType.parse("int")), _O, _V),
    "order": _into(_V, _O, _P),
    "not null": _into(_P, _O, replace(_V, nullable=False)),
    "partitioned": _into(_P, _O, _V, partitioned=(Column("ds", OdpsType.parse("string")),)),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_each_change_is_another_fingerprint(change: str) -> None:
    """Whatever makes other rows, or puts them into other blocks."""
    assert _CHANGES[change] not in {_with(), fingerprint(window_of(), (), ORIGIN)}


@pytest.mark.parametrize("name", [each.name for each in fields(RecordFormat)])
def test_whatever_says_how_records_are_read_is_in_it(name: str) -> None:
    """Each field of the record format, also one that is added later."""
    before = getattr(ORIGIN.record_format, name)
    others = {"encoding": "gb18030", "delimiter": ";", "empty_as_null": True, "timezone": "Asia/Tokyo"}
    other = next(each for each in type(before) if each is not before) if isinstance(before, Enum) else others[name]
    record_format: dict[str, Any] = {name: other}
    changed = replace(ORIGIN, record_format=replace(ORIGIN.record_format, **record_format))
    assert differences(_with(), _with(changed)) == "the mapping"


def test_another_release_has_another_fingerprint() -> None:
    """What it makes of the same records is not known."""
    planned, own = (fingerprint(WINDOW, BLOCKS, ORIGIN, release) for release in (__version__, "0.0.9"))
    assert planned == fingerprint(WINDOW, BLOCKS, ORIGIN)
    assert differences(planned, own) == "the release of this package"


def test_every_process_has_the_same() -> None:
    """Nothing in it depends on how a process hashes texts."""
    code = (
        "from core.load.test_fingerprint import BLOCKS, ORIGIN, WINDOW, fingerprint; "
        "print(fingerprint(WINDOW, BLOCKS, ORIGIN))"
    )
    path = f"import sys; sys.path[:0] = {sys.path!r}; "
    told = {
        subprocess.run(
            [sys.executable, "-c", path + code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert told == {fingerprint(WINDOW, BLOCKS, ORIGIN)}


def test_whoever_would_write_other_rows_is_refused() -> None:
    """Before anything is read: the message says what differs, and that nothing was committed."""
    _, share = share_out(WINDOW, BLOCKS, 2, ORIGIN)
    share.check(compile_projection(COLUMNS, SCHEMA).origin)
    edited = compile_projection({**COLUMNS, "v": "__value__ | trim"}, SCHEMA).origin
    with pytest.raises(
        FingerprintDiffers,
        match=rf"share 1 of 2, .*do not agree on the mapping: {share.fingerprint} was planned, \w+ would be loaded, by "
        rf"release {__version__}.*Nothing was committed.*the next attempt shares",
    ):
        share.check(edited)
