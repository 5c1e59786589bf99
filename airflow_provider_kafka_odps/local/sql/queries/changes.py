"""UPDATE, DELETE and MERGE INTO as queries: which rows go, which get new values, and which come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.functions.rewriting import dialect
from airflow_provider_kafka_odps.local.sql.parsing.statements import Name
from airflow_provider_kafka_odps.local.sql.queries.translating import ROW, TARGET, Parsed, parse_error

_CLAUSES = frozenset({"this", "expressions", "from_", "from", "where", "using", "on", "whens"})
"""What sqlglot calls the clauses that are read below."""


_PARTS_OF_A_NAME = frozenset({"this", "db", "catalog", "alias"})


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that go: the query returns their numbers."""

    query: Parsed


@dataclass(frozen=True, slots=True)
class Update:
    """Rows that change: the query returns their numbers, and the new values of these columns."""

    columns: tuple[str, ...]
    query: Parsed


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows that come: the query returns the values of these columns, or of all of them when none is named."""

    columns: tuple[str, ...]
    query: Parsed


@dataclass(frozen=True, slots=True)
class Change:
    """What a statement does to the rows of one table; no row is met by two steps, unless the statement is wrong."""

    word: str
    name: Name
    steps: tuple[Removal | Update | Addition, ...]


def read_change(text: str) -> Change:
    """Read UPDATE, DELETE or MERGE INTO.

    Raises SqlError: parse error, or a form that this endpoint doesn't have.
    """
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, read=dialect())
    except sqlglot.errors.SqlglotError as reason:
        raise parse_error(reason) from None
    reader = _Reader(text)
    reader.refuse_others(tree)
    match tree:
        case exp.Merge():
            return reader.merge(tree)
        case exp.Update() if isinstance(tree.this, exp.Table) and tree.expressions:
            return reader.update(tree)
        case exp.Delete() if isinstance(tree.this, exp.Table):
            return reader.delete(tree)
    raise SqlError.parse(1, 1, f"expected UPDATE t SET …, DELETE FROM t …, or MERGE INTO t …: {text[:80]}")  # noqa: S608 - words


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str

    def refuse_others(self, tree: Any) -> None:
        """Refuse clauses that this endpoint does not have: DELETE … LIMIT 1 must not delete all rows.

        Raises SqlError.
        """
        from sqlglot import exp

        clauses = _CLAUSES - {"using"} if isinstance(tree, exp.Delete) else _CLAUSES
        for node, known in ((tree, clauses), (tree.this, _PARTS_OF_A_NAME)):
            others = [name for name, value in node.args.items() if value and name not in known]
            if others:
                self._refuse(f"{type(tree).__name__.upper()} with {', '.join(others).upper().strip('_')}")

    def delete(self, tree: Any) -> Change:
        """Return what DELETE does."""
        name, alias = _target(tree.this)
        query = _rows(alias).from_(_aliased(alias))
        return Change("DELETE", name, (Removal(self._parsed(_where(query, tree.args.get("where")))),))

    def update(self, tree: Any) -> Change:
        """Return what UPDATE does."""
        name, alias = _target(tree.this)
        columns, values = self._sets(tree, {name[-1], alias})
        query = _rows(alias, *values).from_(_aliased(alias))
        source = tree.args.get("from_") or tree.args.get("from")
        if source is not None:
            query = query.join(source.this.copy(), join_type="cross")
            for join in source.this.args.get("joins") or []:
                self._refuse(f"UPDATE … FROM with a join of its own: {join.sql()}")
        return Change("UPDATE", name, (Update(columns, self._parsed(_where(query, tree.args.get("where")))),))

    def merge(self, tree: Any) -> Change:
        """Return what MERGE INTO does."""
        name, alias = _target(tree.this)
        steps: list[Removal | Update | Addition] = []
        before: dict[bool, list[Any]] = {True: [], False: []}
        for when in tree.args["whens"].expressions:
            matched, condition = bool(when.args.get("matched")), when.args.get("condition")
            if when.args.get("source"):
                self._refuse("WHEN NOT MATCHED BY SOURCE")
            joined = _joined(tree, alias) if matched else _unmatched(tree, alias)
            for earlier in before[matched]:
                joined = joined.where(_fails(earlier))
            joined = joined if condition is None else joined.where(condition.copy())
            before[matched].append(condition if condition is not None else _true())
            steps.append(self._step(when, {name[-1], alias}, alias, joined))
        return Change("MERGE", name, tuple(steps))

    def _step(self, when: Any, names: set[str], alias: str, joined: Any) -> Removal | Update | Addition:
        from sqlglot import exp

        matched, then = bool(when.args.get("matched")), when.args["then"]
        if matched and isinstance(then, exp.Update) and then.expressions:
            columns, values = self._sets(then, names)
            return Update(columns, self._parsed(_rows_of(joined, alias, values)))
        if matched and isinstance(then, exp.Var) and then.name.upper() == "DELETE":
            return Removal(self._parsed(_rows_of(joined, alias, ())))
        if not matched and isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
            columns = tuple(map(_column_name, then.this.expressions)) if then.this else ()
            values = tuple(then.expression.expressions)
            if columns and len(columns) != len(values):
                raise SqlError.semantic(f"MERGE inserts {len(values)} values into {len(columns)} columns")
            return Addition(columns, self._parsed(joined.select(*_numbered(values), append=False)))
        return self._refuse(f"MERGE … {when.sql(dialect=dialect())}")

    def _sets(self, tree: Any, target: set[str]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        from sqlglot import exp

        for each in tree.expressions:
            if not isinstance(each, exp.EQ) or not isinstance(each.this, exp.Column):
                self._refuse(f"SET {each.sql(dialect=dialect())}: set one column at a time")
            if len(each.this.parts) > 2 or each.this.table.lower() not in {"", *(name.lower() for name in target)}:  # noqa: PLR2004 - table.column
                raise SqlError.semantic(
                    f"SET {each.this.sql(dialect=dialect())}: only columns of the target can be set"
                )
        names = tuple(_column_name(each.this) for each in tree.expressions)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SqlError.semantic(f"column {', '.join(twice)} is set twice")
        return names, tuple(each.expression for each in tree.expressions)

    def _parsed(self, tree: Any) -> Parsed:
        return Parsed(self.text, tree)

    def _refuse(self, what: str) -> NoReturn:
        raise SqlError.unsupported(f"{what} is not part of this endpoint")


def _target(table: Any) -> tuple[Name, str]:
    name = tuple(part.name.lower() for part in table.parts)
    return name, table.alias or name[-1]


def _column_name(node: Any) -> str:
    return str(node.name).lower()


def _true() -> Any:
    from sqlglot import exp

    return exp.true()


def _fails(condition: Any) -> Any:
    from sqlglot import exp

    return exp.Not(this=exp.Is(this=exp.paren(condition.copy()), expression=exp.true()))


def _aliased(alias: str) -> Any:
    from sqlglot import exp

    return exp.alias_(exp.to_table(TARGET), exp.to_identifier(alias, quoted=True), table=True)


def _row(alias: str) -> Any:
    from sqlglot import exp

    return exp.column(ROW, table=exp.to_identifier(alias, quoted=True))


def _numbered(values: Sequence[Any]) -> list[Any]:
    from sqlglot import exp

    return [exp.alias_(value.copy(), f"_v{at}") for at, value in enumerate(values)]


def _rows(alias: str, *values: Any) -> Any:
    from sqlglot import exp

    return exp.select(_row(alias), *_numbered(values))


def _rows_of(joined: Any, alias: str, values: Sequence[Any]) -> Any:
    return joined.select(_row(alias), *_numbered(values), append=False)


def _where(query: Any, where: Any) -> Any:
    return query if where is None else query.where(where.this.copy())


def _joined(merge: Any, alias: str) -> Any:
    from sqlglot import exp

    return exp.select().from_(_aliased(alias)).join(merge.args["using"].copy(), on=merge.args["on"].copy())


def _unmatched(merge: Any, alias: str) -> Any:
    from sqlglot import exp

    # Not a subquery: a name that both have would mean the target's in there, silently, where MERGE calls it ambiguous.
    source = exp.select().from_(merge.args["using"].copy())
    return source.join(_aliased(alias), on=merge.args["on"].copy(), join_type="anti")
