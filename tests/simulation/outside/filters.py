"""The filters of simulated loads, and which records they leave out, as the model knows it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from simulation.outside.world import Spot

from airflow_provider_kafka_odps.core.mapping.filters.wanted import EVERYTHING, Wanted
from airflow_provider_kafka_odps.core.options import OnUnclear


class Keep(StrEnum):
    """Which records an attempt wants."""

    ALL = "no filter"
    ODD = "odd offsets"
    EVEN = "even offsets"
    TELLING = "those of which the filter can tell"
    """Not the first one of the first partition, which is a reject."""
    TELLING_ONLY = "those of which the filter can tell, and the others are left out"


# The last digit of the offset that a value has; of the first record, UNCLEAR makes a letter of it.
_NUMBER = "__value__ | trim | replace('#', '') | {}substr(-1) | number"
_DIGIT, _UNCLEAR = _NUMBER.format(""), _NUMBER.format("replace(':0:0', ':0:x') | ")
WANTED: Mapping[Keep, Wanted] = {
    Keep.ALL: EVERYTHING,
    Keep.ODD: Wanted(f"{_DIGIT} IN (1, 3, 5, 7)"),
    Keep.EVEN: Wanted(f"NOT {_DIGIT} IN (1, 3, 5, 7)"),
    Keep.TELLING: Wanted(f"{_UNCLEAR} < 10 AND __value__ IS NOT NULL"),
    Keep.TELLING_ONLY: Wanted(f"{_UNCLEAR} < 10 OR __value__ IS NULL", OnUnclear.LEAVE_OUT),
}


def keeps(keep: Keep, spot: Spot) -> bool:
    """Tell whether a record is wanted; a reject is, too."""
    match keep:
        case Keep.ALL | Keep.TELLING:
            return True
        case Keep.ODD:
            return spot.offset % 2 == 1
        case Keep.EVEN:
            return spot.offset % 2 == 0
        case Keep.TELLING_ONLY:
            return (spot.partition, spot.offset) != (0, 0)
        case _:
            assert_never(keep)
