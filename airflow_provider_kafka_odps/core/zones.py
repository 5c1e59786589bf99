"""Time zones, by their names in the IANA database."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_kafka_odps.exceptions import InvalidInput


def zone_of(name: str, where: str) -> ZoneInfo:
    """Return the zone of this name, such as ``Asia/Shanghai``.

    Raises InvalidInput, beginning with ``where``, if there is none.

    >>> zone_of("Asia/Shanghai", "partition_timezone").key
    'Asia/Shanghai'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        # OSError: "Asia" is a folder of the database.
        raise InvalidInput(f"{where}: there is no time zone {name!r}; write for example Asia/Shanghai") from None
