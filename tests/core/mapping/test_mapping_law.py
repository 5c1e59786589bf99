"""The law of the mapping: whatever the records, the projection gives what a slow converter of single records gives."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import given, note, settings
from hypothesis import strategies as st
from kit.reference_converter import JsonText, bad_json, read_json, row_of

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.options import OnBadJson
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA


@dataclass(frozen=True)
class Scene:
    """A table, what is mapped to it, and how records are read."""

    columns: Mapping[str, str]
    types: Mapping[str, str]
    record_format: RecordFormat

    @property
    def projection(self) -> Projection:
        return compile_projection(self.columns, TableSchema(columns_of(self.types)), self.record_format)


PATHS = {
    "b": ("a", "bigint"),
    "t": ("a", "tinyint"),
    "s": ("a.s", "string"),
    "v": ("a['odd.name']", "varchar(4)"),
    "f": ("f", "float"),
    "d": ("a[1].d", "double"),
    "e": ("e", "decimal(10,2)"),
    "l": ("e", "decimal"),
    "o": ("o", "boolean"),
    "day": ("day", "date"),
    "at": ("at", "datetime"),
    "ts": ("at", "timestamp"),
    "tn": ("at", "timestamp_ntz"),
    "j": ("a", "json"),
    "ar": ("n", "array<decimal(6,2)>"),
    "as": ("n", "array<string>"),
    "m": ("n", "map<string,double>"),
    "st": ("a", "struct<s:string,d:bigint>"),
    "k": ("__key__.id", "string"),
    "rest": ("*", "string"),
}


def _scene(names: str, **record_format: Any) -> Scene:
    chosen = {name: PATHS[name] for name in names.split()}
    return Scene(
        {name: path for name, (path, _) in chosen.items()},
        {name: kind for name, (_, kind) in chosen.items()},
        RecordFormat(**record_format),
    )


SCENES = {
    "parts": Scene(
        {
            "k": "__key__",
            "v": "__value__",
            "w": "__value__",
            "p": "__partition__",
            "o": "__offset__",
            "t": "__timestamp__",
            "d": "__timestamp__",
            "n": "__timestamp__",
            "y": "__timestamp_type__",
            "e": "__leader_epoch__",
            "h": "__headers__",
            "x": "__headers__.a",
            "z": "__headers__['']",
            "q": "__topic__",
            "c": "'1.50'",
        },
        {
            "k": "string",
            "v": "binary",
            "w": "json",
            "p": "int",
            "o": "decimal(19,0)",
            "t": "bigint",
            "d": "datetime",
            "n": "timestamp",
            "y": "tinyint",
            "e": "bigint",
            "h": "string",
            "x": "varchar(2)",
            "z": "binary",
            "q": "char(9)",
            "c": "decimal(5,2)",
        },
        RecordFormat(),
    ),
    **{f"one path: {name}": _scene(name) for name in PATHS},
    "many paths": _scene("s v f o j k rest"),
    "bad JSON rejected": _scene("b s k", on_bad_json=OnBadJson.REJECT),
    "empty is null": _scene("b s e o at j as k rest", empty_as_null=True),
    "another encoding": _scene("s v rest", value=Format.STRING, key=Format.STRING, encoding="gb18030"),
    "JSON values": Scene(
        {"s": "__value__", "b": "__value__", "a": "a.s", "k": "__key__"},
        {"s": "string", "b": "json", "a": "string", "k": "array<bigint>"},
        RecordFormat(Format.JSON, Format.JSON, on_bad_json=OnBadJson.REJECT),
    ),
    "text": Scene(
        {"v": "__value__", "b": "__key__"},
        {"v": "string", "b": "bigint"},
        RecordFormat(Format.STRING, Format.STRING, "utf-16-le", empty_as_null=True),
    ),
    "csv": Scene(
        {"a": "[0]", "b": "__value__[1]", "c": "[2]", "k": "__key__[1]", "v": "__value__"},
        {"a": "string", "b": "double", "c": "date", "k": "bigint", "v": "string"},
        RecordFormat(Format.DELIMITED, Format.CSV, delimiter=";", empty_as_null=True),
    ),
    "short and long": Scene(
        {"k": "__key__", "v": "__value__"}, {"k": "smallint", "v": "string"}, RecordFormat(Format.SHORT, Format.LONG)
    ),
    "integer": Scene(
        {"k": "__key__", "v": "__value__"}, {"k": "double", "v": "int"}, RecordFormat(Format.INTEGER, Format.INTEGER)
    ),
    "float and double": Scene(
        {"k": "__key__", "v": "__value__"}, {"k": "double", "v": "double"}, RecordFormat(Format.FLOAT, Format.DOUBLE)
    ),
}

_NUMBERS = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"-?[1-9][0-9]{0,3}(\.[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        ["-0", "1.10", "1e400", "1e-400", "18446744073709551616", "9007199254740993", "16777217", "0.0000001"]
    ),
)
_MOMENTS = st.sampled_from(
    [
        *("2026-11-22", "2026-02-30", "0000-01-01", "9999-12-31", "2026-11-22T10:00:00Z", "2026-11-22 10:00:00+08:00"),
        *("2026-11-22T10:00:00.123Z", "2026-11-22T10:00:00.123000-0330", "2026-11-22T10:00:00.123456Z"),
        *("2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.1234567890Z", "2026-11-22T10:00:00"),
        *("2026-11-22T10:00:00.5", "1677-09-21T00:12:43.145224193Z", "1677-09-21T00:12:43.145224191Z"),
        *("1500-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-01:00", "2026-11-22T24:00:00Z"),
        *(
            "2026-11-22T10:00:60Z",
            "2026-11-22T10:00:00+24:00",
            "1969-12-31T23:59:59.999999999Z",
            "0001-01-01T00:00:00Z",
        ),
    ]
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_LEAVES = st.one_of(
    _NUMBERS,
    _NUMBERS.map(json.dumps),
    _MOMENTS.map(json.dumps),
    _TEXTS.map(json.dumps),
    _TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(["null", "true", "false", '""', "NaN", "-Infinity", "[]", "{}", "[1,]", '"true"']),
)
_NAMES = st.sampled_from(["a", "s", "odd.name", "f", "e", "o", "day", "at", "n", "d", "id", "é"])


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    field = st.tuples(_NAMES, inner).map(lambda pair: f"{json.dumps(pair[0])}: {pair[1]}")
    return st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]") | st.lists(field, max_size=4).map(
        lambda each: f"{{{', '.join(each)}}}"
    )


_INNER = st.recursive(_LEAVES, _around, max_leaves=6)
_OBJECTS = st.lists(st.tuples(_NAMES, _INNER), max_size=8).map(
    lambda fields: "{" + ",".join(f"{json.dumps(name)}:{inner}" for name, inner in fields) + "}"
)
_OCTETS = st.one_of(
    st.none(),
    _OBJECTS.map(str.encode),
    _OBJECTS.map(str.encode),
    _INNER.map(str.encode),
    st.binary(max_size=9),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: struct.pack(">q", number)),
    st.integers(-(2**31), 2**31 - 1).map(lambda number: struct.pack(">i", number)),
    _OBJECTS.map(lambda text: text.encode("gb18030")),
    st.text('ab1.5-;,"\r\n ', max_size=9).map(str.encode),
    st.sampled_from(["12", "", "é"]).map(lambda text: text.encode("utf-16-le")),
    st.sampled_from([b"", b"123", b"abc", b"\xff", b"a;1.5;2026-11-22", b'"a;""b";;', b"x;9", b"\xef\xbb\xbf{}"]),
)
_HEADERS = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["a", "b", ""]), "value": st.none() | st.just(b"v") | st.binary(max_size=3)}
    ),
    max_size=3,
)
RECORDS = st.fixed_dictionaries(
    {
        "partition": st.just(7),
        "timestamp": st.none() | st.integers(0, 2**41) | st.integers(-(2**50), 2**50),
        "timestamp_type": st.none() | st.integers(0, 1),
        "leader_epoch": st.none() | st.integers(0, 2**31 - 1),
        "key": _OCTETS,
        "value": _OCTETS,
        "headers": _HEADERS,
    }
)


def batch_of_records(records: list[dict[str, Any]]) -> pa.RecordBatch:
    """Return records as a batch; instants beyond the year 9999 are welcome."""
    columns = [
        pa.array([record[field.name] for record in records], pa.int64()).cast(field.type)
        if field.name == "timestamp"
        else pa.array([record[field.name] for record in records], field.type)
        for field in BATCH_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=BATCH_SCHEMA)


def _rows(columns: pa.RecordBatch) -> list[dict[str, Any]]:
    plain = [array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array for array in columns.columns]
    rows: list[dict[str, Any]] = pa.RecordBatch.from_arrays(plain, names=columns.schema.names).to_pylist()
    return rows


def assert_same(found: Any, expected: Any) -> None:
    """Hold a value of the table against what the slow converter says."""
    match expected:
        case JsonText():
            tree = read_json(found)
            assert json.dumps(tree) == json.dumps(expected.tree)
        case list():
            assert len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                assert_same(one, other)
        case tuple():
            assert_same(list(found), list(expected))
        case dict():
            assert found.keys() == expected.keys()
            for name, inner in expected.items():
                assert_same(found[name], inner)
        case float():
            assert struct.pack("d", found) == struct.pack("d", expected)
        case _:
            assert found == expected


PROJECTIONS = {name: scene.projection for name, scene in SCENES.items()}


# Each example has many records and is held against every scene: a tenth of the usual examples does.
@settings(max_examples=settings().max_examples // 10)
@given(st.lists(RECORDS, min_size=1, max_size=15), st.integers(0, 2))
def test_the_projection_is_what_a_slow_converter_says(records: list[dict[str, Any]], cut: int) -> None:
    """The same rows, the same rejects with the same column, the same count of what is no JSON."""
    for offset, record in enumerate(records):
        record["offset"] = offset * 3
    batch = batch_of_records(records).slice(cut)
    for name, scene in SCENES.items():
        note(name)
        _hold(scene, PROJECTIONS[name].apply("orders", batch), records[cut:])


def _hold(scene: Scene, projected: Projected, wanted: list[dict[str, Any]]) -> None:
    expected = [row_of(record, scene.columns, scene.types, scene.record_format) for record in wanted]
    rejected = [(record["offset"], row) for record, row in zip(wanted, expected, strict=True) if isinstance(row, str)]
    assert [(reject.offset, reject.column) for reject in projected.rejects] == rejected
    assert [wanted[reject.row]["offset"] for reject in projected.rejects] == [offset for offset, _ in rejected]
    assert_same(_rows(projected.columns), [row for row in expected if not isinstance(row, str)])
    assert projected.not_json == sum(bad_json(record, scene.columns, scene.record_format) for record in wanted)
    projected.columns.validate(full=True)
