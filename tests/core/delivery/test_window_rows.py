"""The rows of a window in its table: how they are found, and what is removed with them."""

import pytest
from core.examples import window_of

from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows, window_rows_sql
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import InvalidInput

TABLE = TableName("t", "shop")
SCHEMA = TableSchema(columns_of({"select": "bigint", "o": "string", "v": "string"}), columns_of({"ds": "string"}))
COLUMNS = {"SELECT": "__partition__", "o": "__offset__", "v": "__value__"}


def test_the_removal_keeps_every_other_row() -> None:
    """Names are quoted, only the partition is touched, and a row without coordinates stays."""
    finder = window_rows_sql(COLUMNS, TABLE, SCHEMA, PartitionSpec.parse("ds=1"))
    assert finder is not None
    text = "TRIM(CAST(`o` AS STRING))"
    offset = f"CASE WHEN {text} RLIKE '^(0|[1-9][0-9]{{0,17}})$' THEN CAST({text} AS BIGINT) END"
    assert finder.removal_statement(window_of((3, 5), (0, 0), (7, 8))) == (
        "INSERT OVERWRITE TABLE `shop`.`t` PARTITION (`ds`='1')\nSELECT `select`, `o`, `v`\nFROM `shop`.`t`\n"
        "WHERE `ds`='1' AND CASE WHEN "
        f"(CAST(`select` AS BIGINT) = 0 AND {offset} >= 3 AND {offset} < 5)\n"
        f"    OR (CAST(`select` AS BIGINT) = 2 AND {offset} >= 7 AND {offset} < 8) THEN 0 ELSE 1 END = 1;"
    )


def test_a_window_without_offsets_has_no_rows() -> None:
    """An empty window finds nothing and removes nothing."""
    finder = window_rows_sql(COLUMNS, TABLE, SCHEMA, None)
    assert finder is not None
    assert "WHERE (1 = 0)" in finder.count_statement(window_of((5, 5)))
    assert "WHERE CASE WHEN 1 = 0 THEN 0 ELSE 1 END = 1" in finder.removal_statement(window_of((5, 5)))


@pytest.mark.parametrize("missing", ["SELECT", "o"])
def test_both_coordinates_are_needed(missing: str) -> None:
    """A partition or an offset alone names no record."""
    columns = {name: source for name, source in COLUMNS.items() if name != missing}
    assert window_rows_sql(columns, TABLE, SCHEMA, None) is None


@pytest.mark.parametrize(("rows", "offsets"), [(1, 2), (1, 0), (-1, -1)])
def test_a_count_that_cannot_be_is_refused(rows: int, offsets: int) -> None:
    """There are never more different offsets than rows."""
    with pytest.raises(InvalidInput, match="cannot be"):
        FoundRows(rows, offsets)
