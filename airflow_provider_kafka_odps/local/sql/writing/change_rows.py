"""UPDATE, DELETE and MERGE INTO: the partitions that they touch are written anew, and change places all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from uuid import uuid4

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Blob, Column, Partition, Spec, Table
from airflow_provider_kafka_odps.local.catalog.rows import concatenated, read_rows, write_rows
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.parsing.statements import Insert
from airflow_provider_kafka_odps.local.sql.queries.changes import Addition, Change, Removal, Update
from airflow_provider_kafka_odps.local.sql.queries.query import Queries
from airflow_provider_kafka_odps.local.sql.queries.translating import ROW, Parsed
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.sql.writing.insert import check_not_null, placed
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

_NUMBER = Column(0, ROW, ColumnType(Kind.BIGINT), nullable=False)


@dataclass(slots=True)
class _Rows:
    """What becomes of the rows of a table: numbers of those that go, new values of others, and what comes."""

    gone: list[pa.Array] = field(default_factory=list)
    updates: list[tuple[tuple[Column, ...], pa.Table]] = field(default_factory=list)
    added: list[tuple[Spec, pa.Table]] = field(default_factory=list)

    @property
    def met(self) -> np.ndarray:
        """The numbers of all rows that a step has met, in no order."""
        found = [rows.column(0).to_numpy() for _, rows in self.updates]
        found += [numbers.to_numpy(zero_copy_only=False) for numbers in self.gone]
        return np.concatenate(found) if found else np.empty(0, np.int64)


def change_rows(store: Store, queries: Queries, change: Change, scope: Scope) -> int:
    """Change the rows of a table, and return how many went, changed or came.

    Raises SqlError; then nothing changes: the table is not transactional, a row is met twice, a value does not fit.
    """
    with store.reading(lambda catalog: changeable(catalog, change, scope), lambda table: [table]) as table:
        rows = _Rows()
        for step in change.steps:
            _take(step, rows, queries, table, scope)
        met = rows.met
        if len(np.unique(met)) != len(met):
            raise SqlError(
                "ODPS-0123144", f"{change.word} meets a row of {table.name} more than once: which values count?"
            )
        written = _Written(store, table)
        try:
            _write(written, rows, np.sort(met))
            store.change(_transition(table, written, scope), ended=scope.job)
        except BaseException:
            written.discard()
            raise
    return len(met) + sum(int(part.num_rows) for _, part in rows.added)


def changeable(catalog: Catalog, change: Change, scope: Scope) -> Table:
    """Return the table that a statement changes.

    Raises SqlError: there is none, it is a view or not transactional, or a column that is set cannot be.
    """
    table = scope.stored(catalog, change.name, change.word)
    if not table.transactional:
        raise SqlError.semantic(
            f"{change.word} needs a transactional table, and {table.name} is none: "
            f'create it with TBLPROPERTIES ("transactional"="true")'
        )
    for step in change.steps:
        if isinstance(step, Update):
            for name in step.columns:
                _updatable(table, name)
    return table


def _take(step: Removal | Update | Addition, rows: _Rows, queries: Queries, table: Table, scope: Scope) -> None:
    match step:
        case Removal(query):
            rows.gone.append(queries.select_into(query, scope, [_NUMBER], table).column(0).combine_chunks())
        case Update(names, query):
            columns = tuple(_updatable(table, name) for name in names)
            rows.updates.append((columns, queries.select_into(query, scope, [_NUMBER, *columns], table)))
        case Addition(names, query):
            statement = Insert((table.name.table,), overwrite=False, partition={}, columns=names, query="")
            rows.added += placed(queries, statement, scope, table, _partitions_last(table, names, query))


def _updatable(table: Table, name: str) -> Column:
    found = table.column(name)
    if found is None:
        raise SqlError.semantic(f"column {name} cannot be resolved in {table.name}")
    if found in table.partition_columns:
        raise SqlError.unsupported(f"a new value for {name}, which partitions {table.name}")
    if name in table.primary_key:
        raise SqlError.semantic(f"column {name} is of the primary key of {table.name} and cannot be updated")
    return found


class _Written:
    """What was written for each partition: the file that replaces its files, and the file that comes beside them."""

    def __init__(self, store: Store, table: Table) -> None:
        self.store = store
        self.table = table
        self.instead: dict[Spec, Blob] = {}
        self.beside: dict[Spec, list[Blob]] = {}

    def write(self, rows: pa.Table) -> Blob:
        """Write rows as a file; none is written for no rows."""
        if not rows.num_rows:
            return Blob("", 0, 0)
        return write_rows(self.store.blobs, f"change-{uuid4().hex}.arrow", self.table.columns, rows)

    def discard(self) -> None:
        """Remove all files: nothing has changed."""
        written = [*self.instead.values(), *(blob for blobs in self.beside.values() for blob in blobs)]
        # Those that a failing disk has let into the table stay there.
        self.store.discard(blob.name for blob in written if blob.rows)


def _write(written: _Written, rows: _Rows, met: np.ndarray) -> None:
    for spec, first, end in _ranges(written.table):
        if np.searchsorted(met, first) < np.searchsorted(met, end):
            written.instead[spec] = written.write(_changed(written, rows, spec, first, end))
    for spec, part in rows.added:
        if part.num_rows:
            written.beside.setdefault(spec, []).append(written.write(part))


def _ranges(table: Table) -> Iterator[tuple[Spec, int, int]]:
    ends = np.cumsum([0, *(partition.rows for partition in table.partitions.values())]).tolist()
    for spec, (first, end) in zip(table.partitions, pairwise(ends), strict=True):
        yield spec, first, end


def _changed(written: _Written, rows: _Rows, spec: Spec, first: int, end: int) -> pa.Table:
    """Return the rows of a partition in their order, without those that go, and with new values."""
    table = written.table
    kept = read_rows(written.store.blobs, table.partitions[spec].blobs, table.columns)
    parts, order = [kept], np.arange(kept.num_rows)
    for columns, values in rows.updates:
        numbers = values.column(0).to_numpy()
        chosen = np.flatnonzero((numbers >= first) & (numbers < end))
        places = numbers[chosen] - first
        order[places] = sum(part.num_rows for part in parts) + np.arange(len(places))
        parts.append(_updated(table, kept.take(places), columns, values.take(chosen)))
    stays = np.ones(kept.num_rows, dtype=bool)
    for gone in rows.gone:
        numbers = gone.to_numpy(zero_copy_only=False)
        stays[numbers[(numbers >= first) & (numbers < end)] - first] = False
    return concatenated(parts).take(order[stays])


def _updated(table: Table, old: pa.Table, columns: Sequence[Column], values: pa.Table) -> pa.Table:
    for at, column in enumerate(columns, 1):
        check_not_null(table, column, values.column(at))
        old = old.set_column(old.schema.get_field_index(column.name), column.name, values.column(at))
    return old


def _partitions_last(table: Table, names: Sequence[str], query: Parsed) -> Parsed:
    """Return the query with the values of partition columns behind the others, where an INSERT expects them."""
    if not names or not table.partition_columns:
        return query
    levels = [column.name for column in table.partition_columns]
    missing = [level for level in levels if level not in names]
    if missing:
        raise SqlError.semantic(f"no value is inserted into {', '.join(missing)}, which partitions {table.name}")
    order = [at for at, name in enumerate(names) if name not in levels] + [names.index(level) for level in levels]
    tree = query.tree.copy()
    return replace(query, tree=tree.select(*(tree.expressions[at] for at in order), append=False))


def _transition(planned: Table, written: _Written, scope: Scope) -> Callable[[Catalog], Catalog]:
    def change(catalog: Catalog) -> Catalog:
        table = catalog.find(planned.name)
        if table is None or table.table_id != planned.table_id:
            raise SqlError.no_table(str(planned.name))
        for spec, blob in written.instead.items():
            later = _since(planned, table.partitions, spec)
            blobs = ((blob,) if blob.rows else ()) + later
            partition = replace(table.partitions[spec], blobs=blobs, modified=scope.now)
            table = table.with_partition(spec, partition, scope.now)
        for spec, added in written.beside.items():
            partition = table.partitions.get(spec, Partition((), scope.now, scope.now))
            partition = replace(partition, blobs=partition.blobs + tuple(added), modified=scope.now)
            table = table.with_partition(spec, partition, scope.now)
        return catalog.with_table(table)

    return change


def _since(planned: Table, partitions: Mapping[Spec, Partition], spec: Spec) -> tuple[Blob, ...]:
    """Return the files that came while the statement ran; rows that another one has changed are a conflict."""
    before = planned.partitions[spec].blobs
    now = partitions[spec].blobs if spec in partitions else None
    if now is None or now[: len(before)] != before:
        raise SqlError(
            "ODPS-0130071",
            f"[0,0] Transaction conflict - another statement has changed the same rows of {planned.name} meanwhile; "
            "nothing of this one is kept, run it again",
        )
    return now[len(before) :]
