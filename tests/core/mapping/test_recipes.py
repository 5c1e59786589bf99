"""docs/values.md, line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from core.mapping.test_filters import filtered
from core.mapping.test_functions import projected, shown
from kit.airflow_home import ROOT
from kit.page_tables import rows_below

from airflow_provider_kafka_odps.core.table.types import OdpsType

PAGE = (ROOT / "docs" / "values.md").read_text(encoding="utf-8")
TRACE = [{"key": "trace", "value": b"t-1"}]


def table(head: str) -> list[list[str]]:
    """Return the rows of the table with this first line, as they read."""
    return [[cell.strip("`") for cell in row] for row in rows_below(PAGE, head)]


COLUMNS = table("| what you need | source | value | type | in the table |")
CONDITIONS = table("| what you need | `where` | loaded | left out |")


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
