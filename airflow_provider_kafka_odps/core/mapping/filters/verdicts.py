"""What a condition says of each record: true, false, NULL, or that it cannot be told.

AND and OR are those of SQL, with a fourth value: ``type = 'order' AND amount > 10`` is false for a record of another
type, whatever stands in its ``amount``; for an order whose ``amount`` is a text it cannot be told.
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
    """One for each row of a batch; all that is neither true, false nor unclear is NULL."""

    true: Where
    false: Where
    unclear: Mapping[int, str]
    """Row → why it cannot be told; such a row is neither true nor false."""

    @classmethod
    def of(cls, found: pa.BooleanArray, unclear: Mapping[int, str]) -> Verdicts:
        """Return the verdicts of a comparison; NULL and unclear rows may have anything."""
        known = pc.is_valid(found).to_numpy(zero_copy_only=False).copy()
        known[list(unclear)] = False
        said = pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False)
        return cls(said & known, ~said & known, unclear)

    def negated(self) -> Verdicts:
        """Return NOT."""
        return Verdicts(self.false, self.true, self.unclear)

    def both(self, other: Verdicts) -> Verdicts:
        """Return AND."""
        false = self.false | other.false
        return Verdicts(self.true & other.true, false, _left({**other.unclear, **self.unclear}, false))

    def either(self, other: Verdicts) -> Verdicts:
        """Return OR."""
        true = self.true | other.true
        return Verdicts(true, self.false & other.false, _left({**other.unclear, **self.unclear}, true))


def _left(unclear: Mapping[int, str], decided: Where) -> Mapping[int, str]:
    return {row: why for row, why in unclear.items() if not decided[row]}
