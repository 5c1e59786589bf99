"""What a filter of the job compares a column with, as the operator's ``where`` has it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from airflow_provider_kafka_odps.dataworks.rows.change import argument
from airflow_provider_kafka_odps.dataworks.rows.sources import in_sql
from airflow_provider_kafka_odps.dataworks.settings import Render
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,36}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")


_DIGITS, _SCALE = 36, 18
"""What a condition takes of a number before and behind its point."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_ORDERED_ALIKE = "\ud800"
"""From here on the order of Java's texts, which is by 16 bits, is another one than that of Arrow's."""


class Constant:
    """One text of the job, which is read as what it is compared with."""

    def __init__(self, written: str, where: str, render: Render) -> None:
        self._written, self._where, self._render = written, where, render
        rendered = render(written, where)
        self._known = None if isinstance(rendered, Template) else rendered

    @property
    def lowered(self) -> str:
        """The text in lower case; empty where only the run knows it."""
        return (self._known or "").lower()

    @property
    def is_null(self) -> bool:
        """Whether it means a value that is not there."""
        return self.lowered == "null"

    @property
    def is_number(self) -> bool:
        """Whether it can be told now that it is a number."""
        return self._known is not None and _NUMBER.fullmatch(self._known) is not None

    def text(self) -> str:
        """Return it as a text, its variables rendered."""
        return in_sql(argument(self._written, self._where, self._render))

    def ordered(self) -> str:
        """Return it as a text before and behind which others are; raise InvalidJob where that depends on their bits."""
        if any(character >= _ORDERED_ALIKE for character in self._known or self._written):
            raise InvalidJob(
                f"{self._where} is {self._written!r}; the order of texts with characters from U+D800 on is another one "
                "in DataX"
            )
        return self.text()

    def whole(self) -> str:
        """Return it as a whole number of 64 bits; raise InvalidJob if it is none."""
        if self._known is None or not _WHOLE.fullmatch(self._known) or not -(2**63) <= int(self._known) < 2**63:
            raise self._refused("a whole number")
        return str(int(self._known))

    def number(self) -> str:
        """Return it as a number, without an exponent; raise InvalidJob if it is none, or is too long."""
        number = self._decimal()
        found = format(number, "f")
        whole, _, fraction = found.lstrip("-").partition(".")
        if len(whole) > _DIGITS or len(fraction) > _SCALE:
            raise self._refused(f"a number with at most {_DIGITS} digits before and {_SCALE} behind its point")
        return found

    def spellings(self) -> str:
        """Return the pattern of RE2 of how JSON writes this number, and of all numbers with an exponent."""
        whole, _, fraction = self.number().lstrip("-").partition(".")
        whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
        number = self._decimal()
        sign = "-?" if not number else "-" * (number < 0)
        behind = rf"\.{fraction}0*" if fraction else r"(?:\.0+)?"
        return rf"{sign}{whole}{behind}|-?[0-9.]+[eE][-+]?[0-9]+"

    def moment(self) -> str:
        """Return it as an instant, of milliseconds since 1970; raise InvalidJob if it is none."""
        try:
            moment = _EPOCH + timedelta(milliseconds=int(self.whole()))
        except OverflowError:
            raise self._refused("an instant of the years 1 to 9999, as milliseconds since 1970") from None
        return f"'{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z'"

    def _decimal(self) -> Decimal:
        if not self.is_number:
            raise self._refused("a number")
        return Decimal(self._known or "")

    def _refused(self, wanted: str) -> InvalidJob:
        return InvalidJob(f"{self._where} is {self._written!r}; {wanted} is wanted there, known when the job is read")
