"""Time zones, by their names in the IANA database, or by an offset in whole hours."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_kafka_odps.exceptions import InvalidInput

_OFFSET = re.compile(r"(?:GMT|UTC)([+-])0?([0-9]{1,2})(?::?00)?", re.IGNORECASE)


def zone_of(name: str, where: str) -> ZoneInfo:
    """Return the zone of this name, such as ``Asia/Shanghai``, or of this offset, such as ``GMT+8`` or ``UTC-03:00``.

    Raises InvalidInput, beginning with ``where``, if there is none.

    >>> zone_of("Asia/Shanghai", "partition_timezone").key
    'Asia/Shanghai'
    >>> zone_of("GMT+8", "partition_timezone").key
    'Etc/GMT-8'
    """
    try:
        offset = _OFFSET.fullmatch(name)
        return ZoneInfo(_by_offset(offset) if offset else name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        # OSError: "Asia" is a folder of the database.
        raise InvalidInput(f"{where}: there is no time zone {name!r}; write for example Asia/Shanghai") from None


def _by_offset(found: re.Match[str]) -> str:
    """Return the name of an offset in the database, whose signs are those of POSIX: west of Greenwich is a plus."""
    return f"Etc/GMT{'-' if found[1] == '+' else '+'}{found[2]}"
