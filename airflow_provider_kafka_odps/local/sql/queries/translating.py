"""Queries of the service as DuckDB's SQL: what their names mean, and which tables they read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Table, View
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.functions.rewriting import dialect, rewrite
from airflow_provider_kafka_odps.local.sql.scope import Scope

_SECRET = uuid4().hex
"""Part of names that no statement can write: one that did would read what is not its own, or hide it."""


TARGET = f"target_{_SECRET}"
"""What the queries that a change of rows is made of call the table that is changed."""


ROW = f"row_{_SECRET}"
"""Its column with the number of each row, from 0, in the order of its partitions."""


_MOST_VIEWS = 32
"""How deep views may stand on views: far more than anybody has, and no endless chain."""


_MOST_READ = 256
"""How many queries one query may be made of: views that join others twice double with each step."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query that has been read: its text, and its tree, which nobody changes."""

    text: str
    tree: Any


@dataclass(slots=True)
class Translation:
    """DuckDB's SQL for a query, the tables that it calls by `table_name`, and all queries that it was made of."""

    sql: str = ""
    tables: list[Table] = field(default_factory=list)
    read: list[Parsed] = field(default_factory=list)
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The columns of the tables and views that the query itself names, by full name."""

    def number_of(self, table: Table) -> int:
        """Return by which number the query calls this table; a new one is added."""
        for at, known in enumerate(self.tables):
            if known.name == table.name:
                return at
        self.tables.append(table)
        return len(self.tables) - 1


def table_name(number: int) -> str:
    """Return what DuckDB's SQL calls the table of this number."""
    return f"t{number}_{_SECRET}"


def parsed(text: str) -> Parsed:
    """Read a query.

    Raises SqlError (parse).
    """
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, read=dialect())
    except sqlglot.errors.SqlglotError as reason:
        raise parse_error(reason) from None
    if not isinstance(tree, exp.Query | exp.Values):
        raise SqlError.parse(1, 1, f"invalid token '{text.split(maxsplit=1)[0]}', expected a query")
    return Parsed(text, tree)


def translate(
    query: str | Parsed,
    catalog: Catalog,
    scope: Scope,
    *,
    wide: bool = False,
    exact: bool = False,
    target: Table | None = None,
) -> Translation:
    """Return DuckDB's SQL for a query, and its tables; `wide` has TIMESTAMPs in microseconds.

    Numbers with a point are DOUBLE, as on the service, unless `exact`: then no digit of one that is inserted is lost.
    `target` is the table that the query calls `TARGET`, if any.

    Raises SqlError: parse error, table not found, a view that reads itself.
    """
    made = Translation()
    reading = _Reading(catalog, made, wide=wide, exact=exact, target=target)
    tree = reading.read(parsed(query) if isinstance(query, str) else query, scope, 0)
    made.sql = tree.sql(dialect="duckdb")
    return made


@dataclass(frozen=True, slots=True)
class _Reading:
    """One translation: views are read as the queries that they are."""

    catalog: Catalog
    made: Translation
    wide: bool
    exact: bool
    target: Table | None

    def read(self, query: Parsed, scope: Scope, depth: int, view: View | None = None) -> Any:
        """Return the tree of a query, with DuckDB's functions, and with the numbers of its tables for their names.

        `view` is what the query is that of, if any.
        """
        from sqlglot import exp

        if depth > _MOST_VIEWS:
            raise SqlError.semantic(f"views stand on views more than {_MOST_VIEWS} deep, or a view reads itself")
        if len(self.made.read) >= _MOST_READ:
            raise SqlError.semantic(f"the query reads views and variables more than {_MOST_READ} times, also in views")
        self.made.read.append(query)
        tree = query.tree.copy()
        _name_results(tree)
        if not self.exact:
            _make_doubles(tree)
        for kind in tree.find_all(exp.DataType):
            # Both kinds of TIMESTAMP have nanoseconds here; DATETIME keeps DuckDB's own type, which has all functions.
            if kind.this in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ):
                kind.set("this", exp.DataType.Type.TIMESTAMPTZ if self.wide else exp.DataType.Type.TIMESTAMP_NS)
        tree = rewrite(tree, self.catalog, scope, wide=self.wide)
        for reference in list(tree.find_all(exp.Table)):
            self._resolve(reference, scope, depth, view)
        return tree

    def _resolve(self, reference: Any, scope: Scope, depth: int, view: View | None) -> None:
        from sqlglot import exp

        if isinstance(reference.this, exp.Parameter):
            name = f"@{reference.this.name.lower()}"
            variable = scope.variables.get(name)
            if variable is None:
                raise SqlError.semantic(f"variable {name} cannot be resolved; a script sets it by {name} := SELECT …")
            self._put_query(reference, variable, (), name[1:], scope, depth)
            return
        parts = tuple(part.name.lower() for part in reference.parts)
        if not isinstance(reference.this, exp.Identifier) or (len(parts) == 1 and is_common(reference, parts[0])):
            return
        if parts == (TARGET,) and self.target is not None:
            reference.set("this", exp.to_identifier(TARGET))
            return
        table = scope.table(self.catalog, parts)
        every = tuple(column.name for column in (*table.columns, *table.partition_columns))
        if not depth:
            self.made.named[table.name.full] = every
        known = every if view is None else view.columns.get(table.name.full, every)
        if known != every:
            reference = _only(reference, known, parts[-1])
        if table.view is not None:
            inside = replace(scope, settings={**scope.settings, **table.view.settings}, variables={})
            self._put_query(reference, table.view.query, every, parts[-1], inside, depth, table.view)
            return
        if not reference.alias:
            reference.set("alias", exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True)))
        reference.set("this", exp.to_identifier(table_name(self.made.number_of(table))))
        reference.set("db", None)
        reference.set("catalog", None)

    def _put_query(
        self,
        reference: Any,
        query: str,
        names: tuple[str, ...],
        name: str,
        scope: Scope,
        depth: int,
        view: View | None = None,
    ) -> None:
        from sqlglot import exp

        inner = self.read(parsed(query), scope, depth + 1, view)
        inner = inner.unnest() if isinstance(inner, exp.Subquery) else inner
        alias = exp.to_identifier(reference.alias or name, quoted=True)
        if names:
            # A view has the columns that it was made with, whatever its tables have got since.
            columns = [exp.to_identifier(each, quoted=True) for each in names]
            source = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("_v"), columns=columns))
            inner = exp.select(*(exp.column(column.copy()) for column in columns)).from_(source)
        reference.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=alias), **_behind(reference)))


def _behind(reference: Any) -> dict[str, Any]:
    """Return what stands behind a table: joins in parentheses, a sample, a pivot."""
    return {name: reference.args.get(name) for name in ("joins", "laterals", "pivots", "sample")}


def _only(reference: Any, names: tuple[str, ...], name: str) -> Any:
    """Put a query of these columns in the place of a table, and return the table in there."""
    from sqlglot import exp

    alias = exp.TableAlias(this=exp.to_identifier(reference.alias or name, quoted=True))
    inner = exp.Table(this=reference.this.copy(), db=reference.args.get("db"), catalog=reference.args.get("catalog"))
    columns = (exp.column(exp.to_identifier(each, quoted=True)) for each in names)
    query = exp.select(*columns).from_(inner, copy=False)
    reference.replace(exp.Subquery(this=query, alias=alias, **_behind(reference)))
    return inner


def is_common(reference: Any, name: str) -> bool:
    """Return whether a table's name is, where it stands, that of a WITH clause."""
    within, above = reference, reference.parent
    while above is not None:
        if name in _common_names(above, within):
            return True
        within, above = above, above.parent
    return False


def _common_names(above: Any, within: Any) -> set[str]:
    """Return the names of WITH clauses that `within`, which is right below `above`, sees there."""
    from sqlglot import exp

    if isinstance(above, exp.With):
        parts = above.expressions
        if not above.args.get("recursive"):
            # In its own query, and in those before it, a name means what it means outside of the clause.
            parts = parts[: next(at for at, part in enumerate(parts) if part is within)]
    else:
        clause = above.args.get("with_") or above.args.get("with")
        parts = [] if clause is None or clause is within else clause.expressions
    return {part.alias.lower() for part in parts}


def _name_results(tree: Any) -> None:
    from sqlglot import exp

    # The service names results without a name by their position.
    for at, result in enumerate(getattr(tree, "selects", [])):
        if not isinstance(result, exp.Alias | exp.Column | exp.Star | exp.Subquery) or (
            isinstance(result, exp.Subquery) and not result.alias
        ):
            result.replace(exp.alias_(result.copy(), f"_c{at}"))


def _make_doubles(tree: Any) -> None:
    from sqlglot import exp

    for literal in tree.find_all(exp.Literal):
        # A cast names the type itself: 1.0BD is read as one.
        if not literal.is_string and "." in literal.name and not isinstance(literal.parent, exp.Cast):
            literal.set("this", literal.name if "e" in literal.name.lower() else f"{literal.name}e0")


def parse_error(reason: Any) -> SqlError:
    """Return the service's parse error for one of sqlglot's."""
    details = getattr(reason, "errors", None) or [{}]
    first = details[0]
    message = first.get("description") or str(reason).splitlines()[0]
    return SqlError.parse(first.get("line") or 1, first.get("col") or 1, message)
