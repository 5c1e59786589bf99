"""The rows of a window in its table, found by the columns that hold partition and offset of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_kafka_odps.core.mapping.expressions import Part, parse_expression
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping

NO_OFFSET_COLUMNS = (
    "on_rerun='replace' finds appended rows by partition and offset: map __partition__ and __offset__ to columns, "
    "or choose another on_rerun"
)


_TEXT = frozenset({"string", "varchar", "char"})


# As the projection writes numbers; eighteen digits always fit a BIGINT.
_WHOLE_NUMBER = "^(0|[1-9][0-9]{0,17})$"


@dataclass(frozen=True, slots=True)
class FoundRows:
    """How much of a window is in the table."""

    rows: int
    """Rows that have a partition and an offset of the window."""
    offsets: int
    """How many different offsets these are; fewer than rows: some are there more than once."""

    def __post_init__(self) -> None:
        """Refuse more different offsets than rows."""
        if not 0 <= self.offsets <= self.rows or (self.rows and not self.offsets):
            raise InvalidInput(f"{self.offsets} different offsets in {self.rows} rows cannot be")


class WindowRows(Protocol):
    """The rows of a table, or of one partition of it, as far as they can be found by their offsets."""

    def count(self, window: Window) -> FoundRows | None:
        """Return how much of the window is visible; None where nobody can tell."""

    def start_removal(self, window: Window, name: str) -> str:
        """Start to remove the window's rows and no others, all at once; return the id to wait for.

        What was started under this name before, by whomever, is not started again: its id is returned.
        """

    def await_removal(self, statement_id: str) -> str | None:
        """Wait until the removal has ended; return why nothing was removed, if it was not."""


class NoOffsetColumns:
    """The rows of a table in which partition and offset are no columns: nobody can tell whose they are."""

    def count(self, window: Window) -> None:
        """Return None."""
        del window

    def start_removal(self, window: Window, name: str) -> str:
        """Raise InvalidMapping."""
        del window, name
        raise InvalidMapping(NO_OFFSET_COLUMNS)

    def await_removal(self, statement_id: str) -> str:
        """Raise InvalidMapping: the columns were mapped when the removal was started."""
        del statement_id
        raise InvalidMapping(NO_OFFSET_COLUMNS)


class NoRows:
    """The rows of a load that got none: there is no partition to look for them in, so nothing is looked for."""

    def count(self, window: Window) -> FoundRows:
        """Return that there are none."""
        del window
        return FoundRows(0, 0)

    def start_removal(self, window: Window, name: str) -> str:
        """Return an id: there is nothing to be removed."""
        del window
        return name

    def await_removal(self, statement_id: str) -> None:
        """Return None."""
        del statement_id


@dataclass(frozen=True, slots=True)
class WindowRowsSql:
    """Statements about the rows of one window in one table, or in one partition of it.

    A row is the window's if its partition and offset are; so a table that several topics are loaded into says nothing
    about any of them.
    """

    table: TableName
    schema: TableSchema
    partition: PartitionSpec | None
    partition_column: Column
    """Holds the number of the record's Kafka partition."""
    offset_column: Column
    places: tuple[PartitionSpec, ...] = ()
    """The partitions in which rows are looked for, where there are several; (): ``partition`` alone, or everywhere."""

    @property
    def found_by(self) -> tuple[str, ...]:
        """The names of both columns, as a receipt has them."""
        return self.partition_column.name, self.offset_column.name

    def count_statement(self, window: Window) -> str:
        """Return the SELECT of one row: ``found``, ``places`` (both BIGINT), the fields of ``FoundRows``."""
        partition, offset = _number(self.partition_column), _number(self.offset_column)
        return (
            # Names were checked, values are numbers.
            "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS found, COUNT(*) AS places FROM (\n"  # noqa: S608
            f"  SELECT {partition} AS p, {offset} AS o, COUNT(*) AS n\n  FROM {self.table.quoted}\n"
            f"  WHERE {self._in_partition()}({self._in_window(window)})\n"
            f"  GROUP BY {partition}, {offset}\n) AS each_place;"
        )

    def offsets_statement(self, window: Window) -> str:
        """Return the SELECT of one row per Kafka partition that has rows of the window, all BIGINT.

        ``p`` is its number, the others are the fields of ``reconciling.FoundOffsets``.
        """
        partition, offset = _number(self.partition_column), _number(self.offset_column)
        return (
            # Names were checked, values are numbers.
            "SELECT p, CAST(SUM(n) AS BIGINT) AS found, COUNT(*) AS places, "  # noqa: S608
            "MIN(o) AS first_o, MAX(o) AS last_o FROM (\n"
            f"  SELECT {partition} AS p, {offset} AS o, COUNT(*) AS n\n  FROM {self.table.quoted}\n"
            f"  WHERE {self._in_partition()}({self._in_window(window)})\n"
            f"  GROUP BY {partition}, {offset}\n) AS each_place GROUP BY p;"
        )

    def columns_statement(self, window: Window, columns: Sequence[Column]) -> str:
        """Return the SELECT of the window's rows: ``p``, ``o``, and some columns as ``c_0``, ``c_1`` and so on."""
        chosen = [_number(self.partition_column), _number(self.offset_column), *map(_carried, columns)]
        names = ["p", "o", *(f"c_{number}" for number in range(len(columns)))]
        selected = ", ".join(f"{each} AS {name}" for each, name in zip(chosen, names, strict=True))
        where = f"{self._in_partition()}({self._in_window(window)})"
        return f"SELECT {selected}\nFROM {self.table.quoted}\nWHERE {where};"

    def removal_statement(self, window: Window) -> str:
        """Return the INSERT OVERWRITE that keeps every row but the window's: atomic, and harmless to repeat."""
        columns = ", ".join(f"`{column.name}`" for column in self.schema.columns)
        place = f" PARTITION ({self.partition.ddl})" if self.partition else ""
        return (
            f"INSERT OVERWRITE TABLE {self.table.quoted}{place}\nSELECT {columns}\nFROM {self.table.quoted}\n"
            # CASE, not NOT: a row without coordinates makes the condition NULL, and is somebody else's.
            f"WHERE {self._in_partition()}CASE WHEN {self._in_window(window)} THEN 0 ELSE 1 END = 1;"
        )

    def _in_partition(self) -> str:
        if self.places:
            return f"{_in_places(self.places)} AND "
        return "".join(f"{level} AND " for level in _levels(self.partition))

    def _in_window(self, window: Window) -> str:
        partition, offset = _number(self.partition_column), _number(self.offset_column)
        return (
            "\n    OR ".join(
                f"({partition} = {wanted.partition} AND {offset} >= {wanted.start} AND {offset} < {wanted.end})"
                for wanted in window.ranges
                if wanted.span
            )
            or "1 = 0"
        )


def window_rows_sql(
    columns: Mapping[str, str], table: TableName, schema: TableSchema, partition: PartitionSpec | None
) -> WindowRowsSql | None:
    """Return what finds a window's rows; None unless ``__partition__`` and ``__offset__`` are mapped to columns."""
    known = {column.name.lower(): column for column in schema.columns}
    mapped = {parse_expression(text): known.get(name.lower()) for name, text in columns.items()}
    of_partition, of_offset = mapped.get(Part.PARTITION), mapped.get(Part.OFFSET)
    if of_partition is None or of_offset is None:
        return None
    return WindowRowsSql(table, schema, partition, of_partition, of_offset)


def rows_sql_by(
    columns: tuple[str, ...], table: TableName, schema: TableSchema, partition: PartitionSpec | None
) -> WindowRowsSql | None:
    """Return what finds rows by the columns that a receipt names; None unless the table has both of them."""
    known = {column.name.lower(): column for column in schema.columns}
    match [known[name.lower()] for name in columns if name.lower() in known]:
        case [of_partition, of_offset]:
            return WindowRowsSql(table, schema, partition, of_partition, of_offset)
        case _:
            return None


def rows_statement(table: TableName, places: Sequence[PartitionSpec]) -> str:
    """Return the SELECT of one row, ``found`` (BIGINT): how many rows the table, or some partitions of it, have."""
    where = f" WHERE {_in_places(places)}" if places else ""
    return f"SELECT COUNT(*) AS found FROM {table.quoted}{where};"  # noqa: S608 - both were checked


def filled_statement(table: TableName, places: Sequence[PartitionSpec]) -> str:
    """Return the SELECT of a row for each of some partitions that has rows: its levels, in their order, as STRING."""
    names = [f"`{name}`" for name, _ in places[0].levels]
    texts = ", ".join(f"CAST({name} AS STRING) AS level_{number}" for number, name in enumerate(names))
    return (
        # Names and values were checked.
        f"SELECT {texts}\nFROM {table.quoted}\nWHERE {_in_places(places)}\nGROUP BY {', '.join(names)};"
    )


def _in_places(places: Sequence[PartitionSpec]) -> str:
    each = (f"({' AND '.join(_levels(place))})" for place in places)
    return "({})".format("\n    OR ".join(each))


def _levels(partition: PartitionSpec | None) -> list[str]:
    return [f"`{name}`='{value}'" for name, value in (partition.levels if partition else ())]


def _carried(column: Column) -> str:
    """Return a column as a result carries it: JSON as text."""
    return f"CAST(`{column.name}` AS STRING)" if column.type.name == "json" else f"`{column.name}`"


def _number(column: Column) -> str:
    """Return the column as a BIGINT; NULL for text that is no number, which a plain CAST might refuse."""
    if column.type.name not in _TEXT:
        return f"CAST(`{column.name}` AS BIGINT)"
    # A CHAR comes padded with blanks.
    text = f"TRIM(CAST(`{column.name}` AS STRING))"
    return f"CASE WHEN {text} RLIKE '{_WHOLE_NUMBER}' THEN CAST({text} AS BIGINT) END"
