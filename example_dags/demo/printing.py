"""Windows, receipts and tables, as text with aligned columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

if TYPE_CHECKING:
    import pyarrow as pa


def window_table(window: Mapping[str, Any]) -> str:
    """Return the window, a partition a line."""
    rows = [
        (f"{window['topic']}[{number}]", f"[{start}, {end})", end - start)
        for number, (start, end) in window["partitions"].items()
    ]
    asked = f"asked: start {window['start']['asked']}, end {window['end']['asked']}"
    return f"{asked}\n{tabulate(rows, headers=['partition', 'window', 'span'], disable_numparse=True)}"


def receipt_text(receipt: Mapping[str, Any]) -> str:
    """Return the receipt as JSON, without the window, which stands for itself, a line per field."""
    fields = (
        f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in receipt.items()
        if name != "window"
    )
    return "{\n" + ",\n".join(fields) + "\n}"


def rows_table(rows: pa.Table) -> str:
    """Return the rows with aligned columns, NULL where there is none."""
    columns = [column.to_pylist() for column in rows.columns]
    lines = [["NULL" if value is None else str(value) for value in line] for line in zip(*columns, strict=True)]
    return tabulate(lines, headers=rows.column_names, disable_numparse=True, tablefmt="psql")
