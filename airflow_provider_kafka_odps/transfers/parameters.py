"""The parameters of a load, parsed and frozen."""

from __future__ import annotations

import re

from airflow_provider_kafka_odps.exceptions import InvalidInput

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]?i?)b?\s*", re.IGNORECASE)


def parse_bytes(asked: int | str, parameter: str) -> int:
    """Return a number of bytes: ``268435456``, ``"256MB"`` (millions), ``"256MiB"``.

    >>> parse_bytes("1.5 MB", "max_memory")
    1500000
    """
    found = _AMOUNT.fullmatch(str(asked))
    if found is None or found[2].lower() not in _UNITS or isinstance(asked, bool):
        raise InvalidInput(f'{parameter}={asked!r} is no amount of bytes: write a number, or "256MB" or "256MiB"')
    return int(float(found[1]) * _UNITS[found[2].lower()])
