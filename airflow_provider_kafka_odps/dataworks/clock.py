"""By which clock a job writes times, and what its variables stand for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.settings import Settings
from airflow_provider_kafka_odps.dataworks.variables import Template, to_template
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidJob


class Clock:
    """By which clock the job writes times, and what its variables stand for."""

    def __init__(self, job: Job, zone: str | None, variables: Mapping[str, str] | None) -> None:
        self._variables = variables
        # Its own zone cannot be told by a day or an hour, so only constants are known to it.
        reader = job.reader.rendered(lambda text, where: to_template(text, where, None, variables))
        self.zone = _named(reader.fixed("timeZone") or zone)
        self.of_values = _named(job.common.text("timeZone")) or self.zone
        """By which clock times without an offset are meant in values."""

    def render(self, text: str, where: str) -> str:
        """Return a text of the job, its variables as templates or constants."""
        return to_template(text, where, self.zone, self._variables)

    def moment(self, settings: Settings, key: str) -> str | None:
        """Return a ``yyyyMMddHHmmss`` of the job as a bound: an instant, or a template that becomes one."""
        found = settings.text(key)
        if found is None:
            return None
        where = f"{settings.where}.{key}"
        if self.zone is None:
            raise InvalidJob(
                f"{where} is {found!r} by a clock that the job does not name (DataWorks takes its region's); add "
                "'timeZone' to the reader, or say timezone='Asia/Shanghai'"
            )
        if isinstance(found, Template):
            return f"{found}[{self.zone}]"
        try:
            moment = datetime.strptime(found, "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo(self.zone))
        except ValueError:
            raise InvalidJob(f"{where} is {found!r}; a time is written yyyyMMddHHmmss, as in 20261122100000") from None
        return moment.isoformat()


def _named(zone: str | None) -> str | None:
    """Return the zone by its name in the IANA database."""
    if zone is None:
        return None
    try:
        return zone_of(zone, "timezone").key
    except InvalidInput:
        raise InvalidJob(f"there is no time zone {zone!r}; write for example Asia/Shanghai") from None
