r"""Schedule variables of DataWorks as templates of Airflow.

DataWorks counts from the instant when an instance is due; of a run that is the end of its data interval, and its
logical date where it has none. ``bizdate`` is the day before. Both are days of a time zone, which has to be known.

| in the job | at a run that is due at 2026-11-22T11:00 |
|---|---|
| ``${bizdate}``, ``${bdp.system.bizdate}``, ``$bizdate`` | ``20261121`` |
| ``${bdp.system.cyctime}``, ``$cyctime`` | ``20261122110000`` |
| ``$[yyyymmddhh24miss]``, ``$[yyyymmddhh24miss-1/24]`` | ``20261122110000``, ``20261122100000`` |
| ``$[yyyymmdd-1]``, ``$[hh24mi-15/24/60]`` | ``20261121``, ``1045`` |
| ``$[add_months(yyyymmdd,-1)]`` | ``20261022`` |
| ``${yyyymmdd}``, ``${yyyymmdd-7}``, ``${yyyy-mm-dd}`` | ``20261121``, ``20261114``, ``2026-11-21`` |
| ``${yyyymm-1}``, ``${yyyy-1}`` | ``202610``, ``2025`` |

Source: the scheduling parameters in the documentation of DataWorks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_kafka_odps.exceptions import InvalidJob

DUE = "(data_interval_end or logical_date)"
"""When the run is due, in Airflow's templates: an instant of pendulum's."""


_VARIABLE = re.compile(
    r"\$\{([^{}]*)\}|\$\[([^\[\]]*)\]|\$(bizdate|cyctime|bdp\.system\.bizdate|bdp\.system\.cyctime)\b"
)


_ADD_MONTHS = re.compile(r"add_months\(\s*([^,()]+?)\s*,\s*([+-]?[0-9]{1,4})\s*\)")


# `$[yyyymmddhh24miss-1/24]`: a format, then days as a product of fractions.
_SHIFTED = re.compile(r"(.+?)\s*(?:([+-]\s*[0-9]{1,5})((?:\s*/\s*(?:24|60))*))?")


_DATE_PARTS = {"yyyy": "%Y", "hh24": "%H", "mm": "%m", "dd": "%d", "mi": "%M", "ss": "%S", "hh": "%H"}


_FORMAT = re.compile(r"yyyy|hh24|mm|dd|mi|ss|hh|[-/: _.TZ]", re.IGNORECASE)


_UNITS = {"": "days", "/24": "hours", "/24/60": "minutes", "/24/60/60": "seconds"}


_SYSTEM = {"bizdate": ("%Y%m%d", {"days": -1}), "cyctime": ("%Y%m%d%H%M%S", {})}


def has_variables(text: str) -> bool:
    """Tell whether a text of the job has a schedule variable in it."""
    return _VARIABLE.search(text) is not None


def to_template(text: str, where: str, zone: str | None, given: Mapping[str, str] | None = None) -> str:
    """Return the text with every variable as a template that Airflow renders for each run.

    ``given`` has the job's own variables, as its schedule assigns them: ``{"day": "$[yyyymmdd-1]"}``.
    Raises InvalidJob for a variable that is not known, and where no zone says which day it is.

    >>> to_template("ds=${bizdate}", "writer.partition", "Asia/Shanghai")
    "ds={{ (data_interval_end or logical_date).in_timezone('Asia/Shanghai').add(days=-1).strftime('%Y%m%d') }}"
    """
    named = {name.lower(): value for name, value in (given or {}).items()}

    def template(found: re.Match[str]) -> str:
        braced, bracketed, system = found.groups()
        name = (braced or system or "").strip()
        if name.lower() in named:
            return to_template(named[name.lower()], f"variable {name}", zone)
        if zone is None:
            raise InvalidJob(
                f"{where}: {found[0]} is a day or an hour of a time zone, and the job names none (DataWorks takes its "
                "region's); say which, as in timezone='Asia/Shanghai'"
            )
        if bracketed is not None:
            return _template(*_from_due(bracketed, found[0], where), zone)
        short = name.lower().removeprefix("bdp.system.")
        return _template(*(_SYSTEM.get(short) or _from_bizdate(name, found[0], where)), zone)

    return _VARIABLE.sub(template, text)


def _template(pattern: str, shift: Mapping[str, int], zone: str) -> str:
    moves = "".join(f".add({unit}={count})" for unit, count in shift.items())
    return f"{{{{ {DUE}.in_timezone('{zone}'){moves}.strftime('{pattern}') }}}}"


def _from_due(text: str, variable: str, where: str) -> tuple[str, dict[str, int]]:
    if months := _ADD_MONTHS.fullmatch(text.strip()):
        pattern = _strftime(months[1])
        if pattern is not None:
            return pattern, {"months": int(months[2])}
    elif found := _SHIFTED.fullmatch(text.strip()):
        pattern, unit = _strftime(found[1]), _UNITS.get((found[3] or "").replace(" ", ""))
        if pattern is not None and unit is not None:
            return pattern, _shift(unit, found[2])
    raise _unknown(variable, where)


def _from_bizdate(text: str, variable: str, where: str) -> tuple[str, dict[str, int]]:
    found = _SHIFTED.fullmatch(text)
    pattern = _strftime(found[1]) if found and not found[3] else None
    if found is None or pattern is None:
        raise _unknown(variable, where)
    # The number counts what the format ends in: days, months or years.
    unit = {"%d": "days", "%m": "months", "%Y": "years"}.get(pattern[-2:])
    if unit is None:
        raise _unknown(variable, where)
    return pattern, {"days": -1} | ({} if not found[2] else _plus(unit, found[2]))


def _plus(unit: str, count: str) -> dict[str, int]:
    shift = _shift(unit, count)
    # Days add up: the business date is one day back already.
    return {"days": shift["days"] - 1} if unit == "days" else shift


def _shift(unit: str, count: str | None) -> dict[str, int]:
    return {unit: int(count.replace(" ", ""))} if count else {}


def _strftime(text: str) -> str | None:
    """Return the format in Python's words; None where something in it is no part of a date."""
    parts = _FORMAT.findall(text)
    if "".join(parts) != text or not any(part.lower() in _DATE_PARTS for part in parts):
        return None
    return "".join(_DATE_PARTS.get(part.lower(), part) for part in parts)


def _unknown(variable: str, where: str) -> InvalidJob:
    return InvalidJob(
        f"{where}: {variable} is no variable that is known here. Give what the job's schedule assigns to it, as in "
        "variables={'day': '$[yyyymmdd-1]'}; known are ${bizdate}, ${bdp.system.bizdate}, ${bdp.system.cyctime}, "
        "${yyyymmdd-N} and $[yyyymmddhh24miss-N/24]"
    )
