"""VECTOR columns through PyODPS: records, Arrow and SQL, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import TableTunnel

MakeTable = Callable[..., Any]


@pytest.mark.parametrize("arrow", [False, True])
def test_vectors_come_back(odps: ODPS, make_table: MakeTable, name: str, arrow: bool) -> None:
    """A VECTOR is the same in records, Arrow and queries, however it was written."""
    table = make_table("k bigint, f vector(float,3), d vector(double,2)")
    assert str(table.table_schema["f"].type).lower() == "vector(float,3)"
    rows: list[list[Any]] = [[1, [0.5, -1.0, 2.0], [0.1, -1e300]], [2, None, None]]
    columns = {"k": [1, 2], "f": pa.array([rows[0][1], None], pa.list_(pa.float32())), "d": [rows[0][2], None]}
    odps.write_table(name, pa.table(columns) if arrow else rows)
    assert [record.values for record in odps.read_table(name)] == rows
    session = TableTunnel(odps).create_download_session(name)
    with session.open_arrow_reader(0, 2) as reader:
        assert reader.read().column("d").to_pylist() == [rows[0][2], None]
    odps.execute_sql(f"INSERT INTO {name} SELECT k + 2, f, d FROM {name} WHERE f[0] = 0.5")
    with odps.execute_sql(f"SELECT d[1], f FROM {name} WHERE k = 3").open_reader(tunnel=True) as reader:
        assert [record.values for record in reader] == [[-1e300, [0.5, -1.0, 2.0]]]


@pytest.mark.parametrize("value", [[1.0], [1.0, 2.0, 3.0], [1.0, None]])
def test_vectors_of_another_size_are_refused(odps: ODPS, make_table: MakeTable, name: str, value: list[Any]) -> None:
    """A block with a vector that hasn't as many elements as its column says is refused."""
    make_table("f vector(float,2)")
    writer = TableTunnel(odps).create_upload_session(name).open_arrow_writer(0)
    writer.write(pa.table({"f": pa.array([[1.0, 2.0], value], pa.list_(pa.float32()))}))
    with pytest.raises(errors.ODPSError, match=r"column f is vector\(float,2\)"):
        writer.close()


@pytest.mark.parametrize("column", ["vector(bigint,2)", "vector(float,0)"])
def test_vectors_that_cannot_be_are_refused(odps: ODPS, name: str, column: str) -> None:
    """Elements are FLOAT or DOUBLE, and there is one at least."""
    with pytest.raises(errors.ODPSError, match="VECTOR"):
        odps.execute_sql(f"CREATE TABLE {name} (f {column})")
