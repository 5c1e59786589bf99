"""Strict conversions of whole columns: what fits is converted at once, what does not is listed, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Unconvertible:
    """One row whose value does not fit."""

    row: int
    reason: str


class TooMuchAtOnce(Exception):
    """A batch of which a function would make more than is to be in memory: it is to be taken in parts."""

    def __init__(self, share: float) -> None:
        """Take how much of the batch, below 1, would have fitted."""
        super().__init__(share)
        self.share = share


Converted: TypeAlias = tuple[pa.Array, list[Unconvertible]]
"""A column in the type of the table, NULL where a value does not fit; and these rows, in order."""


class Conversion(Protocol):
    """How a source column becomes a column of the table."""

    def apply(self, values: pa.Array) -> Converted:
        """Convert every value that fits exactly."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A conversion of whole columns that fails for a column with any problem, and what finds the problems then."""

    convert: Callable[[pa.Array], pa.Array]
    """Raises ArrowInvalid if any value does not fit; NULL stays NULL."""
    unfit: Callable[[pa.Array], pa.Array]
    """Return where a value surely does not fit, in a column with problems; what it overlooks is found by halving."""
    reason: Callable[[Any], str]
    """Say why one value does not fit."""

    def apply(self, values: pa.Array) -> Converted:
        """Convert every value that fits exactly."""
        try:
            return self.convert(values), []
        except pa.ArrowInvalid:
            unfit = pc.fill_null(self.unfit(values), fill_value=False)
        rows = pc.indices_nonzero(unfit).to_pylist()
        if not rows:
            array, overlooked = self._halved(values)
        else:
            array, overlooked = self._halved(pc.if_else(unfit, pa.scalar(None, values.type), values))
        rows = sorted([*rows, *overlooked])
        seen = _plain(values.take(pa.array(rows, pa.int64()))).to_pylist()
        return array, [Unconvertible(row, self.reason(value)) for row, value in zip(rows, seen, strict=True)]

    def _halved(self, values: pa.Array) -> tuple[pa.Array, list[int]]:
        try:
            return self.convert(values), []
        except pa.ArrowInvalid:
            if len(values) == 1:
                return self.convert(pa.nulls(1, values.type)), [0]
        middle = len(values) // 2
        left, left_rows = self._halved(values.slice(0, middle))
        right, right_rows = self._halved(values.slice(middle))
        return pa.concat_arrays([left, right]), left_rows + [row + middle for row in right_rows]


@dataclass(frozen=True, slots=True)
class Always:
    """A conversion that every value allows."""

    change: Callable[[pa.Array], pa.Array]

    def apply(self, values: pa.Array) -> Converted:
        """Change all values."""
        return self.change(values), []


UNCHANGED = Always(lambda values: values)
"""Values stay what they are."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Conversions of which each takes some of the values; all give the same type."""

    route: Callable[[pa.Array], npt.NDArray[np.int64]]
    """Returns which of the options a value takes."""
    options: Sequence[Conversion]

    def apply(self, values: pa.Array) -> Converted:
        """Convert each value by its option."""
        chosen = self.route(values)
        present = np.unique(chosen).tolist() or [0]
        if len(present) == 1:
            whole: Converted = self.options[present[0]].apply(values)
            return whole
        parts: list[pa.Array] = []
        problems: list[list[Unconvertible]] = []
        rows = [np.flatnonzero(chosen == each) for each in present]
        for each, mine in zip(present, rows, strict=True):
            part, found = self.options[each].apply(values.take(pa.array(mine)))
            parts.append(part)
            problems.append([Unconvertible(int(mine[problem.row]), problem.reason) for problem in found])
        places = np.empty(len(values), np.int64)
        places[np.concatenate(rows)] = np.arange(len(values))
        column: pa.Array = pa.concat_arrays(parts).take(pa.array(places))
        return column, merged(*problems)


@dataclass(frozen=True, slots=True)
class Retried:
    """A conversion, and another one for the values that it does not take; both give the same type.

    A column of which the first takes everything costs no more than the first.
    """

    first: Conversion
    second: Conversion

    def apply(self, values: pa.Array) -> Converted:
        """Convert what fits either; what fits none has the first one's reason."""
        array, problems = self.first.apply(values)
        if not problems:
            return array, problems
        rows = np.array([each.row for each in problems])
        again, left = self.second.apply(values.take(pa.array(rows)))
        mask = np.zeros(len(values), bool)
        mask[rows] = True
        column: pa.Array = pc.replace_with_mask(array, pa.array(mask), again)
        return column, [problems[each.row] for each in left]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A conversion of something that is made of the source column first, such as the text of a JSON string."""

    prepare: Callable[[pa.Array], pa.Array]
    then: Conversion

    def apply(self, values: pa.Array) -> Converted:
        """Prepare, then convert."""
        return self.then.apply(self.prepare(values))


@dataclass(frozen=True, slots=True)
class Sieved:
    """A conversion that is tried with some values only; the others are problems from the outset."""

    unfit: Callable[[pa.Array], pa.Array]
    reason: Callable[[Any], str]
    then: Conversion

    def apply(self, values: pa.Array) -> Converted:
        """Convert what passes the sieve."""
        unfit = pc.fill_null(self.unfit(values), fill_value=False)
        if not pc.any(unfit).as_py():
            return self.then.apply(values)
        rows = pc.indices_nonzero(unfit).to_pylist()
        seen = values.filter(unfit).to_pylist()
        array, rest = self.then.apply(pc.if_else(unfit, pa.scalar(None, values.type), values))
        found = [Unconvertible(row, self.reason(value)) for row, value in zip(rows, seen, strict=True)]
        return array, merged(found, rest)


def _plain(values: pa.Array) -> pa.Array:
    # Python has no instants beyond the year 9999, Kafka's timestamps have.
    return values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values


def merged(*lists: Sequence[Unconvertible]) -> list[Unconvertible]:
    """Return problems in the order of their rows; of several of one row the first counts."""
    first: dict[int, Unconvertible] = {}
    for problems in lists:
        for problem in problems:
            first.setdefault(problem.row, problem)
    return [first[row] for row in sorted(first)]


def shown(value: Any) -> str:
    """Return a value as a message shows it: quoted, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Chained:
    """Two conversions, one after the other."""

    def __init__(self, first: Conversion, second: Conversion) -> None:
        self._first, self._second = first, second

    def apply(self, values: pa.Array) -> Converted:
        """Convert what fits both."""
        between, problems = self._first.apply(values)
        array, more = self._second.apply(between)
        return array, merged(problems, more)


def utf8() -> Conversion:
    """Return the conversion of bytes into text, strictly as UTF-8."""
    return Checked(lambda values: values.cast(pa.string()), _not_utf8, _why_not_utf8)


def _not_utf8(values: pa.Array) -> pa.Array:
    """Return which bytes are no UTF-8: a loop of 0.5 µs a row, over rows that are not plain ASCII only."""
    doubtful = pc.fill_null(pc.invert(pc.string_is_ascii(values.view(pa.string()))), fill_value=False)
    verdicts = [_why_not_utf8(octets) != "" for octets in values.filter(doubtful).to_pylist()]
    return pc.replace_with_mask(doubtful, doubtful, pa.array(verdicts, pa.bool_()))


def _why_not_utf8(octets: bytes) -> str:
    try:
        octets.decode()
    except UnicodeDecodeError as error:
        return f"{shown(octets)} is not UTF-8 at byte {error.start}"
    return ""
