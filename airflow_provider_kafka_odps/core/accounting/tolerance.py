"""How many records of a window may fail to fit the table, and the first of those that did.

| ``max_rejects`` | the load fails when |
|---|---|
| ``0`` (default), ``10`` | more records than that are rejects |
| ``"1%"`` | more than that share of the window's records are rejects |
| ``"10, 1%"`` | either |
| ``"unlimited"`` | never |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_kafka_odps.exceptions import InvalidInput, RecordsRejected

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.mapping.reject import Reject


ToleranceInput: TypeAlias = "int | str"
"""What a user may write as ``max_rejects``."""


SHOWN = 10
"""How many rejects the log and an error show."""


WHAT_TO_SET = (
    "Correct them where they are written, or map these columns otherwise. To load the rest without them, set "
    "max_rejects= to a number, a share or 'unlimited', and rejects_table= or rejects_path= to keep them"
)


_LIMIT = re.compile(r"(?:([0-9]{1,18})(?:\s*,\s*|\Z))?(?:([0-9]{1,2}(?:\.[0-9]{1,9})?|100)\s*%)?\Z")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many rejects a load may have."""

    count: int | None = 0
    """None: any number."""
    percent: Decimal | None = None
    """Of the window's records; None: any share."""

    def __str__(self) -> str:
        limits = [] if self.count is None else [str(self.count)]
        limits += [] if self.percent is None else [f"{self.percent}%"]
        return ", ".join(limits) or "unlimited"

    @classmethod
    def parse(cls, asked: ToleranceInput) -> Tolerance:
        """Read ``max_rejects``.

        Raises InvalidInput with what is accepted.

        >>> Tolerance.parse("10, 0.5%")
        Tolerance(count=10, percent=Decimal('0.5'))
        """
        if isinstance(asked, bool) or not isinstance(asked, (int, str)):
            raise _refused(asked)
        text = str(asked).strip()
        if text == "unlimited":
            return cls(None)
        found = _LIMIT.match(text)
        if found is None or not text:
            raise _refused(asked)
        count, percent = found.groups()
        return cls(None if count is None else int(count), None if percent is None else Decimal(percent))


class Rejections:
    """The rejects of one load, counted; of those that came so far, the first ones are kept: by partition and offset."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self._first: list[Reject] = []
        self.count = self._records = 0

    def add(self, rejects: Sequence[Reject], records: int) -> None:
        """Take the rejects among so many records.

        Raises RecordsRejected as soon as there are more than the count that is tolerated.
        """
        self.count += len(rejects)
        self._records += records
        # Those of one batch are in order; lanes and workers bring their batches in any.
        first = sorted([*self._first, *rejects[:SHOWN]], key=lambda each: (each.partition, each.offset))
        self._first = first[:SHOWN]
        if self.tolerance.count is not None and self.count > self.tolerance.count:
            raise self._too_many(
                f"{self.count} of the first {self._records} records that were read",
                "the rest was not looked at, and nothing was committed",
            )

    def prove(self, records: int) -> None:
        """Hold the share of rejects against the limit, when all records of the window were read.

        Raises RecordsRejected.
        """
        percent = self.tolerance.percent
        if percent is not None and self.count * 100 > records * percent:
            share = f"{self.count / records:.2%}"
            raise self._too_many(f"{self.count} of all {records} records ({share})", "nothing was committed")

    def _too_many(self, which: str, state: str) -> RecordsRejected:
        return RecordsRejected(
            f"{which} do not fit the table, more than max_rejects={self.tolerance} allows; {state}:{self.shown}\n"
            f"{WHAT_TO_SET}"
        )

    @property
    def shown(self) -> str:
        """The first ten by partition and offset, a line each; empty where there are none."""
        lines = "".join(f"\n  {reject}" for reject in self._first)
        more = self.count - len(self._first)
        return f"{lines}\n  … and {more} more" if more else lines


def _refused(asked: object) -> InvalidInput:
    return InvalidInput(
        f'max_rejects={asked!r} is no limit; write a number such as 10, a share such as "1%", both as "10, 1%", '
        'or "unlimited"'
    )
