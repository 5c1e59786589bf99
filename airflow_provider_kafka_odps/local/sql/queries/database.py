"""DuckDB, within bounds: its memory, what it spills to disk, and how much of a result is kept."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.disk import make_folder
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.settings import Bounds
from airflow_provider_kafka_odps.local.sql.stopping import Stopping

_CODES = (
    ("Binder Error", "ODPS-0130071"),
    ("Catalog Error", "ODPS-0130071"),
    ("Parser Error", "ODPS-0130161"),
    ("Conversion Error", "ODPS-0121095"),
)


_FAILED = "ODPS-0123144"


_ROWS_PER_BATCH = 65536


_BYTES_PER_THREAD = 64 << 20


class Database:
    """One DuckDB that sees nothing but the tables it is given; it starts with the first query."""

    def __init__(self, bounds: Bounds, spill: Path | None) -> None:
        """Stay within `bounds`; what doesn't fit the memory goes to the folder `spill`, which is emptied, if any."""
        self._bounds = bounds
        self._spill = spill
        self._starting = Lock()
        self._root: Any = None
        if spill is not None:
            # A killed process leaves its files there.
            shutil.rmtree(spill, ignore_errors=True)

    def cursor(self) -> Any:
        """Return a connection of its own for a statement."""
        with self._starting:
            if self._root is None:
                self._root = self._started()
            return self._root.cursor()

    def _started(self) -> Any:
        import duckdb

        if self._spill is not None:
            make_folder(self._spill)
        # Without a directory nothing is spilled: DuckDB would take the one that the process runs in.
        # Each thread needs some memory of its own: on a machine of many cores a small limit would be used up by them.
        threads = max(1, min(os.cpu_count() or 1, self._bounds.memory // _BYTES_PER_THREAD))
        settings = {
            "threads": str(threads),
            "TimeZone": "UTC",
            "memory_limit": f"{self._bounds.memory}B",
            "temp_directory": str(self._spill) if self._spill is not None else "",
            "max_temp_directory_size": f"{self._bounds.spill}B",
            # A query must not reach files, the network or Python objects of this process.
            "python_enable_replacements": "false",
            "enable_external_access": "false",
            "lock_configuration": "true",
        }
        root = duckdb.connect(":memory:")
        for name, value in settings.items():
            quoted = value.replace("'", "''")
            root.execute(f"SET {'GLOBAL ' if name == 'TimeZone' else ''}{name}='{quoted}'")
        return root

    def run(self, cursor: Any, text: str, stopping: Stopping) -> pa.Table:
        """Run DuckDB's SQL and return its rows.

        Raises SqlError with the service's code for what went wrong.
        """
        import duckdb

        try:
            with stopping.watched(cursor):
                return self._rows(cursor.sql(text))
        except duckdb.InterruptException:
            stopping.check()
            raise
        except duckdb.OutOfMemoryException as reason:
            raise self._too_large(f"{reason}".splitlines()[0]) from None
        except duckdb.Error as reason:
            message = re.sub(r"\s+LINE \d+:.*", "", str(reason), flags=re.DOTALL).strip()
            code = next((code for start, code in _CODES if message.startswith(start)), _FAILED)
            raise SqlError(code, f"[0,0] {message}") from None

    def _rows(self, found: Any) -> pa.Table:
        # In batches: a result that is too large must be noticed before it is there.
        reader = found.to_arrow_reader(_ROWS_PER_BATCH)
        batches, size = [], 0
        for batch in reader:
            batches.append(batch)
            size += batch.nbytes
            if size > self._bounds.memory:
                rows = sum(each.num_rows for each in batches)
                raise self._too_large(f"after {rows} rows the result has {size} bytes")
        return pa.Table.from_batches(batches, reader.schema)

    def _too_large(self, seen: str) -> SqlError:
        limits = f"--memory-limit is {self._bounds.memory}, --spill-limit {self._bounds.spill} bytes"
        return SqlError(_FAILED, f"[0,0] the statement is too large for this endpoint ({limits}): {seen}")
