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
| ``$gmtdate`` | ``20261122``: the day on which the run is due |
| ``$bizmonth`` | ``202610``: the month before the one in which the run is due |

A ``$`` before anything else than a name or a bracket, such as ``$5``, is no variable.

Source: the scheduling parameters in the documentation of DataWorks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_kafka_odps.core.mapping.calls import quote
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.exceptions import InvalidJob

DUE = "(data_interval_end or logical_date)"
"""When the run is due, in Airflow's templates: an instant of pendulum's."""


# A bracket that is never closed is a variable, too: a mistyped one.
_TEXT = r"\$\{([^{}]*)\}|\$\[([^\[\]]*)\]|\$(bdp\.system\.(?:bizdate|cyctime)\b|[^\W\d]\w*)|\$[{\[].*"


_VARIABLE = re.compile(_TEXT)


# In the value of a variable, `$$` is a `$` that begins none.
_IN_VALUE = re.compile(rf"\$\$|{_TEXT}")


_ADD_MONTHS = re.compile(r"add_months\(\s*([^,()]+?)\s*,\s*([+-]?[0-9]{1,4})\s*\)")


# `$[yyyymmddhh24miss-1/24]`: a format, then days as a product of fractions.
_SHIFTED = re.compile(r"(.+?)\s*(?:([+-]\s*[0-9]{1,5})((?:\s*/\s*(?:24|60))*))?")


_DATE_PARTS = {"yyyy": "%Y", "hh24": "%H", "mm": "%m", "dd": "%d", "mi": "%M", "ss": "%S", "hh": "%H"}


_FORMAT = re.compile(r"yyyy|hh24|mm|dd|mi|ss|hh|[-/: _.TZ]", re.IGNORECASE)


_UNITS = {"": "days", "/24": "hours", "/24/60": "minutes", "/24/60/60": "seconds"}


_SYSTEM: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "bizdate": ("%Y%m%d", {"days": -1}),
    "cyctime": ("%Y%m%d%H%M%S", {}),
    "gmtdate": ("%Y%m%d", {}),
    # The month of the business date where that is another one than the run's, or else the one before it.
    "bizmonth": ("%Y%m", {"months": -1}),
}


class Template(str):
    """A text of the job whose value is known in the run only, as a template of Airflow."""

    __slots__ = ("written",)

    written: str
    """How it stands in the job."""

    @classmethod
    def of(cls, template: str, written: str) -> Template:
        """Return the template that a text of the job has become."""
        made = cls(template)
        made.written = written
        return made


def has_variables(text: str) -> bool:
    """Tell whether a text of the job has a schedule variable in it."""
    return _VARIABLE.search(text) is not None


def to_template(text: str, where: str, zone: str | None, given: Mapping[str, str] | None = None) -> str:
    r"""Return the text with every variable as a template that Airflow renders for each run, or with its constant.

    ``given`` has the job's own variables, as its schedule assigns them: ``{"day": "$[yyyymmdd-1]"}``; a value may also
    be a constant, or a template of Airflow's. It is a Template if there is one in it.
    Raises InvalidJob for a variable that is not known, and where no zone says which day it is.

    >>> to_template("ds=${bizdate}", "writer.partition", "Asia/Shanghai")
    "ds={{ (data_interval_end or logical_date).in_timezone('Asia/Shanghai').add(days=-1).strftime('%Y%m%d') }}"
    >>> to_template("'${city}'", "reader.column", None, {"city": "Xi'an"})
    "'Xi\\'an'"
    """
    named = {name.lower(): value for name, value in (given or {}).items()}
    # A constant column: what is put into its quotes must not end them.
    quoted = text.startswith("'") and text.endswith("'")
    templates, refusals = 0, Refusals()

    def rendered(found: re.Match[str]) -> str:
        nonlocal templates
        name = (found[1] or found[3] or "").strip()
        if name.lower() in named:
            value = _value(named[name.lower()], f"variable {name}", zone)
            templates += isinstance(value, Template)
            return quote(value)[1:-1] if quoted and not isinstance(value, Template) else value
        templates += 1
        return refusals.asked(_variable, found, where, zone) or ""

    made = _VARIABLE.sub(rendered, text)
    refusals.raise_any()
    return Template.of(made, text) if templates else made


def _value(value: str, where: str, zone: str | None) -> str:
    """Return what a variable's value stands for."""
    made = _IN_VALUE.sub(lambda found: "$" if found[0] == "$$" else _variable(found, where, zone), value)
    return Template.of(made, value) if "{{" in made or "{%" in made else made


def _variable(found: re.Match[str], where: str, zone: str | None) -> str:
    """Return the template of a variable that DataWorks knows by itself."""
    braced, bracketed, bare = found.groups()
    short = (braced or bare or "").strip().lower().removeprefix("bdp.system.")
    if short in _SYSTEM:
        asked = _SYSTEM[short]
    elif bracketed is not None:
        asked = _from_due(bracketed, found[0], where)
    elif braced is not None:
        asked = _from_bizdate(braced.strip(), found[0], where)
    else:
        raise _unknown(found[0], where)
    if zone is None:
        raise InvalidJob(
            f"{where}: {found[0]} is a day or an hour of a time zone, and the job names none (DataWorks takes its "
            "region's); say which, as in timezone='Asia/Shanghai'"
        )
    return _template(*asked, zone)


def _template(pattern: str, shift: Mapping[str, int], zone: str) -> str:
    moves = "".join(f".add({unit}={count})" for unit, count in shift.items())
    return f"{{{{ {DUE}.in_timezone('{zone}'){moves}.strftime('{pattern}') }}}}"


def _from_due(text: str, variable: str, where: str) -> tuple[str, Mapping[str, int]]:
    if months := _ADD_MONTHS.fullmatch(text.strip()):
        pattern = _strftime(months[1])
        if pattern is not None:
            return pattern, {"months": int(months[2])}
    elif found := _SHIFTED.fullmatch(text.strip()):
        pattern, unit = _strftime(found[1]), _UNITS.get((found[3] or "").replace(" ", ""))
        if pattern is not None and unit is not None:
            return pattern, _shift(unit, found[2])
    raise _unknown(variable, where)


def _from_bizdate(text: str, variable: str, where: str) -> tuple[str, Mapping[str, int]]:
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
    example = re.sub(r"\W", "", variable) or "day"
    return InvalidJob(
        f"{where}: {variable} is no variable that is known here. Give what the job's schedule assigns to it, as in "
        f"variables={{'{example}': '$[yyyymmdd-1]'}}, where '$$' stands for a $ that begins no variable; known are "
        "${bizdate}, ${bdp.system.bizdate}, ${bdp.system.cyctime}, $gmtdate, $bizmonth, ${yyyymmdd-N} (from the day "
        "before) and $[yyyymmddhh24miss-N/24]"
    )
