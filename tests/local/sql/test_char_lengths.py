"""CHAR and VARCHAR: filled up with blanks, cut by INSERT, and refused in a block when they are too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import TableTunnel

MakeTable = Callable[..., Any]


def read_arrow(odps: ODPS, name: str) -> pa.Table:
    """Return a table as Arrow."""
    session = TableTunnel(odps).create_download_session(name)
    with session.open_arrow_reader(0, session.count) as reader:
        return reader.read()


@pytest.mark.parametrize("arrow", [False, True])
def test_chars_come_back_filled_up(odps: ODPS, make_table: MakeTable, name: str, arrow: bool) -> None:
    """A CHAR(4) has four characters in records, Arrow and previews, however it was written; a VARCHAR is as it came."""
    table = make_table("c char(4), v varchar(4)")
    rows: list[list[Any]] = [["ä", "ä"], ["  a ", "  a "], [None, None], ["four", "four"]]
    odps.write_table(name, pa.table({"c": [r[0] for r in rows], "v": [r[1] for r in rows]}) if arrow else rows)
    filled = ["ä   ", "  a ", None, "four"]
    assert [record.values for record in odps.read_table(name)] == [[c, r[1]] for c, r in zip(filled, rows, strict=True)]
    assert read_arrow(odps, name).column("c").to_pylist() == filled
    assert [record["c"] for record in table.head(4)] == filled


def test_chars_are_compared_without_their_blanks(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """Blanks at the end of a CHAR don't take part in a comparison."""
    make_table("c char(4), k bigint")
    odps.write_table(name, [["ab", 1], ["ab  ", 2], [" ab", 3]])
    with odps.execute_sql(f"SELECT k FROM {name} WHERE c = 'ab' ORDER BY k").open_reader() as reader:
        assert [record[0] for record in reader] == [1, 2]


def test_results_keep_the_length_of_their_column(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """A column of a table is CHAR or VARCHAR in a result too, and in a table that is made of it; others are STRING."""
    make_table(("c char(4), v varchar(4), s string", "ds char(2)"))
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds='x') VALUES ('ab', 'ab', 'ab')")
    for query in (f"SELECT * FROM {name}", f"SELECT c AS c, t.v, t.s, ds FROM {name} t"):
        with odps.execute_sql(query).open_reader(tunnel=True) as reader:
            assert [str(column.type).lower() for column in reader.schema.columns] == [
                "char(4)",
                "varchar(4)",
                "string",
                "char(2)",
            ]
            assert [record.values for record in reader] == [["ab  ", "ab", "ab", "x "]]
    odps.execute_sql(f"CREATE TABLE {name}_copy AS SELECT c, v, CONCAT(c, '|') AS s FROM {name}")
    assert [str(column.type).lower() for column in odps.get_table(f"{name}_copy").table_schema.columns] == [
        "char(4)",
        "varchar(4)",
        "string",
    ]
    assert [record.values for record in odps.read_table(f"{name}_copy")] == [["ab  ", "ab", "ab|"]]


def test_inserts_cut_texts_to_their_column(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """INSERT keeps as many characters as the column has room for."""
    make_table("c char(2), v varchar(3), s string")
    odps.execute_sql(f"INSERT INTO {name} VALUES ('äbcd', 'äbcd', 'äbcd'), ('a', 'a', 'a')")
    assert [record.values for record in odps.read_table(name)] == [["äb", "äbc", "äbcd"], ["a ", "a", "a"]]


@pytest.mark.parametrize(
    ("column", "value", "kind", "where"),
    [
        ("char(2)", "äbc", pa.string(), "v is char"),
        ("array<varchar(2)>", ["a", None, "äbc"], pa.list_(pa.string()), r"v\[\] is varchar"),
        ("map<char(2),bigint>", [("abc", 1)], pa.map_(pa.string(), pa.int64()), "v.key is char"),
        ("map<string,varchar(2)>", [("abc", "abc")], pa.map_(pa.string(), pa.string()), "v.value is varchar"),
        (
            "struct<a:bigint,b:array<char(2)>>",
            {"a": 1, "b": ["abc"]},
            pa.struct({"a": pa.int64(), "b": pa.list_(pa.string())}),
            r"v.b\[\] is char",
        ),
    ],
)
def test_texts_that_are_too_long_are_refused_wherever_they_are(
    odps: ODPS, make_table: MakeTable, name: str, column: str, value: Any, kind: pa.DataType, where: str
) -> None:
    """A block with a text longer than its CHAR(n) or VARCHAR(n), also inside another value, is refused whole."""
    make_table(f"v {column}")
    session = TableTunnel(odps).create_upload_session(name)
    writer = session.open_arrow_writer(0)
    writer.write(pa.table({"v": pa.array([None, value], kind)}))
    with pytest.raises(errors.ODPSError, match=where) as caught:
        writer.close()
    assert caught.value.code == "MalformedDataStream"
    session.reload()
    assert not session.blocks
