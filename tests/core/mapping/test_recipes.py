"""docs/values.md, line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from core.mapping.test_filters import OFFSET, filtered, loaded
from core.mapping.test_functions import projected, shown
from kit.airflow_home import ROOT
from kit.page_tables import rows_below

from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType

PAGE = (ROOT / "docs" / "values.md").read_text(encoding="utf-8")
TRACE = [{"key": "trace", "value": b"t-1"}]


def table(head: str) -> list[list[str]]:
    """Return the rows of the table with this first line, as they read."""
    return [[cell.strip("`") for cell in row] for row in rows_below(PAGE, head)]


COLUMNS = table("| what you need | source | value | type | in the table |")
CONDITIONS = table("| what you need | `where` | loaded | left out |")
WITH_A_PARAMETER = table("| what you need | parameter | `where` | loaded | left out |")
PARAMETERS = {
    'timezone="Asia/Shanghai"': RecordFormat(timezone="Asia/Shanghai"),
    'value_type="csv"': RecordFormat(value=Format.CSV),
}


@pytest.mark.parametrize(("need", "source", "written", "kind", "becomes"), COLUMNS)
def test_a_line_for_a_column(need: str, source: str, written: str, kind: str, becomes: str) -> None:
    """It gives what stands beside it."""
    record: dict[str, Any] = {"value": written.encode(), "timestamp": 1_795_341_600_000, "headers": TRACE}
    found = projected(source, kind, record)
    assert found.rejects == (), need
    (value,) = found.columns.column("c").to_pylist()
    text = json.dumps(value) if kind.startswith("ARRAY") else shown(value, OdpsType.parse(kind))
    assert (text or "NULL") == becomes


@pytest.mark.parametrize(("need", "where", "kept", "left_out"), CONDITIONS)
def test_a_line_for_a_condition(need: str, where: str, kept: str, left_out: str) -> None:
    """The one record is loaded, and the other one is not."""
    for written, rows in ((kept, 1), (left_out, 0)):
        if written != "others":
            found = filtered(where, [written.encode()])
            assert (found.columns.num_rows, found.rejects) == (rows, ()), need


@pytest.mark.parametrize(("need", "parameter", "where", "kept", "left_out"), WITH_A_PARAMETER)
def test_a_line_for_a_condition_with_a_parameter(
    need: str, parameter: str, where: str, kept: str, left_out: str
) -> None:
    """The one record is loaded, and the other one is not, with the operator's parameter that stands beside it."""
    found = filtered(where, [kept.encode(), left_out.encode()], record_format=PARAMETERS[parameter], mapping=OFFSET)
    assert (loaded(found), found.rejects, found.filtered) == ([0], (), 1), need


def test_the_rest_has_what_is_masked_within_a_field_as_it_came() -> None:
    """As the page warns: only a field that a column takes whole is not in `*`."""
    values = [b'{"customer": {"phone": "13812345678"}, "phone": "13812345678"}']
    mapping = {"o": "__offset__", "a": "customer.phone | mask(3, 4)", "b": "phone | mask(3, 4)", "rest": "*"}
    schema = TableSchema(columns_of({"o": "bigint", "a": "string", "b": "string", "rest": "string"}))
    (row,) = filtered("", values, mapping=mapping, schema=schema).columns.to_pylist()
    assert row["rest"] == '{"customer":{"phone":"13812345678"}}'
