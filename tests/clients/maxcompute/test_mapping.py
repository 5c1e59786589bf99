"""The tables of docs/mapping.md, cell by cell: through the tunnel, and back by the official client."""

import html
import json
import re
import struct
import uuid
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from odps import ODPS
from odps.config import option_context

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
PACKED = {
    SourceKind.INT16: (Format.SHORT, ">h"),
    SourceKind.INT32: (Format.INTEGER, ">i"),
    SourceKind.INT64: (Format.LONG, ">q"),
    SourceKind.FLOAT: (Format.FLOAT, ">f"),
    SourceKind.DOUBLE: (Format.DOUBLE, ">d"),
}


MADE = {
    SourceKind.NUMBER: "__value__ | number",
    SourceKind.BOOLEAN: "__value__ | bool",
    SourceKind.NANOS: "__value__ | epoch_ns",
    SourceKind.LOCAL: "__value__ | local_time('yyyy-MM-dd HH:mm:ss')",
    SourceKind.DATE: "__value__ | local_time('yyyy-MM-dd') | date",
}
"""Kinds that only functions give."""


def table_after(heading: str, number: int = 0) -> list[list[str]]:
    """Return the cells of a table below a heading, by default the first one."""
    chapter = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [each for each in re.split(r"\n\n", chapter) if each.strip().startswith("|")][number].splitlines()
    rows = [[html.unescape(cell.strip()) for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return [rows[0], *rows[2:]]


@dataclass(frozen=True)
class Example:
    """One line of the examples."""

    kind: SourceKind
    written: str
    type: str
    becomes: str

    @property
    def rejected(self) -> bool:
        return self.becomes == "reject"


EXAMPLES = [
    Example(SourceKind(kind), written.strip("`"), kind_of_column, becomes)
    for kind, written, kind_of_column, becomes in table_after("Examples")[1:]
]
TABLES = [table_after("Kinds and types", number) for number in (0, 1)]
CELLS = [
    (SourceKind(kind), row[0], cell)
    for head, *matrix in TABLES
    for row in matrix
    for kind, cell in zip(head[1:], row[1:], strict=True)
]


@pytest.mark.parametrize(("kind", "text", "cell"), CELLS)
def test_each_cell_of_the_table_is_true(kind: SourceKind, text: str, cell: str) -> None:
    """What the page calls refused is refused; of all else it has an example, and one of a reject if any can be."""
    found = conversion(kind, OdpsType.parse(text))
    mine = [example for example in EXAMPLES if (example.kind, example.type) == (kind, text)]
    assert (found is None) == (cell == "refused") == (not mine)
    always_fits = kind not in (SourceKind.BYTES, SourceKind.TEXT, SourceKind.JSON) or text in ("STRING", "BINARY")
    if mine:
        assert not all(example.rejected for example in mine)
        assert always_fits or (kind, text) == (SourceKind.JSON, "JSON") or any(example.rejected for example in mine)


def test_the_table_has_every_kind_and_every_type() -> None:
    """No kind of source and no type of column is missing from the page."""
    assert {SourceKind(name) for head, *_ in TABLES for name in head[1:]} == set(SourceKind)
    for _, *matrix in TABLES:
        assert {OdpsType.parse(row[0]).name for row in matrix} == {
            *("tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "boolean", "string", "varchar"),
            *("char", "binary", "date", "datetime", "timestamp", "timestamp_ntz", "json", "array", "map", "struct"),
        }


def octets(text: str) -> bytes:
    r"""Return what is written: UTF-8, and bytes by \x.."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())


def project(number: int, example: Example, schema: TableSchema) -> Projected:
    """Put what is written into a record, and project it."""
    record: dict[str, Any] = {"partition": 0, "offset": number}
    source, form = "__value__", Format.BYTES
    match example.kind:
        case SourceKind.BYTES | SourceKind.TEXT:
            record["value"] = octets(example.written)
            form = Format.BYTES if example.kind is SourceKind.BYTES else Format.STRING
        case SourceKind.JSON:
            record["value"], source = f'{{"a": {example.written}}}'.encode(), "a"
        case SourceKind.INT8:
            record["timestamp_type"], source = int(example.written), "__timestamp_type__"
        case SourceKind.INSTANT:
            record["timestamp"], source = int(example.written), "__timestamp__"
        case SourceKind.HEADERS:
            pairs = [each.partition("=") for each in example.written.split()]
            record["headers"] = [{"key": name, "value": octets(value)} for name, _, value in pairs]
            source = "__headers__"
        case _ if example.kind in MADE:
            record["value"], source = example.written.encode(), MADE[example.kind]
        case _:
            form, shape = PACKED[example.kind]
            record["value"] = struct.pack(shape, json.loads(example.written))
    columns = [
        pa.array([record.get(field.name)], pa.int64()).cast(field.type)
        if field.name == "timestamp"
        else pa.array([record.get(field.name)], field.type)
        for field in BATCH_SCHEMA
    ]
    projection = compile_projection({"n": "__offset__", "c": source}, schema, RecordFormat(value=form))
    return projection.apply("orders", pa.RecordBatch.from_arrays(columns, schema=BATCH_SCHEMA))


BY_TYPE: dict[str, list[Example]] = defaultdict(list)
for each in EXAMPLES:
    BY_TYPE[each.type].append(each)


@pytest.mark.parametrize("text", BY_TYPE)
def test_each_example_arrives_as_the_page_says(odps_hook: OdpsHook, plain_odps: ODPS, text: str) -> None:
    """What is written is in the table as the page shows it, or its record is a reject."""
    table = TableName(f"m_{uuid.uuid4().hex[:12]}")
    schema = TableSchema(columns_of({"n": "bigint", "c": text}))
    odps_hook.create_table(table, schema)
    projected = [project(number, example, schema) for number, example in enumerate(BY_TYPE[text])]
    upload = odps_hook.open_upload(table)
    upload.write_block(0, [each.columns for each in projected])
    upload.commit(1)
    with option_context() as options:
        # The client would show instants in this machine's zone.
        options.local_timezone = False
        with plain_odps.get_table(table.name).open_reader() as reader:
            found = {record[0]: record[1] for record in reader}
    for number, (example, each) in enumerate(zip(BY_TYPE[text], projected, strict=True)):
        assert [reject.column for reject in each.rejects] == (["c"] if example.rejected else []), example
        assert (number in found) is not example.rejected, example
        if not example.rejected:
            assert_shown(found[number], example, OdpsType.parse(text))


def assert_shown(value: Any, example: Example, kind: OdpsType) -> None:
    """Hold what the official client returns against what the page shows."""
    if example.becomes == "NULL":
        assert value is None, example
        return
    expected = example.becomes.strip("`")
    match kind.name:
        case "binary":
            shown: Any = value == octets(expected)
        case "decimal":
            shown = Decimal(value) == Decimal(expected)
        case "datetime" | "timestamp" | "timestamp_ntz":
            shown = pd.Timestamp(value).tz_localize(None) == pd.Timestamp(expected)
        case "boolean":
            shown = json.dumps(value) == expected
        case "json" | "array":
            shown = value == json.loads(expected)
        case "map":
            shown = dict(value) == json.loads(expected)
        case "struct":
            shown = value._asdict() == json.loads(expected)
        case "float":
            shown = repr(float(np.float32(value))) == expected
        case _:
            shown = str(value).rstrip() == expected
    assert shown, (value, example)
