"""What a condition says of each record: true, false, NULL, or that it cannot be told.

AND and OR are those of SQL, with a fourth value: ``type = 'order' AND amount > 10`` is false for a record of another
type, whatever stands in its ``amount``, and never true for one without a type; for an order whose ``amount`` is a text
it cannot be told. So each record has the values that the condition may have: one of the three, or all, or some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Where = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a condition may be, for each row of a batch; of most rows it is one thing."""

    maybe_true: Where
    maybe_false: Where
    maybe_null: Where
    why: Mapping[int, str]
    """Row → why a comparison cannot be told, of all comparisons in it."""

    @classmethod
    def of(cls, found: pa.BooleanArray, unclear: Mapping[int, str]) -> Verdicts:
        """Return the verdicts of a comparison; unclear rows may have anything."""
        known = pc.is_valid(found).to_numpy(zero_copy_only=False)
        said = pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False)
        each = said & known, ~said & known, ~known
        if unclear:
            each[0][list(unclear)] = each[1][list(unclear)] = each[2][list(unclear)] = True
        return cls(*each, unclear)

    @property
    def true(self) -> Where:
        """Where it is true, and nothing else."""
        return self.maybe_true & ~self.maybe_false & ~self.maybe_null

    @property
    def unclear(self) -> Mapping[int, str]:
        """Row → why it cannot be told whether it is true."""
        doubtful = self.maybe_true & ~self.true
        return {row: why for row, why in self.why.items() if doubtful[row]}

    def negated(self) -> Verdicts:
        """Return NOT."""
        return Verdicts(self.maybe_false, self.maybe_true, self.maybe_null, self.why)

    def both(self, other: Verdicts) -> Verdicts:
        """Return AND."""
        not_false = self.maybe_true | self.maybe_null, other.maybe_true | other.maybe_null
        return Verdicts(
            self.maybe_true & other.maybe_true,
            self.maybe_false | other.maybe_false,
            (self.maybe_null & not_false[1]) | (other.maybe_null & not_false[0]),
            {**other.why, **self.why},
        )

    def either(self, other: Verdicts) -> Verdicts:
        """Return OR."""
        return self.negated().both(other.negated()).negated()
