"""The settings of a reader, a writer or a job: looked up without regard to case, and ticked off when used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob

Render: TypeAlias = "Callable[[str, str], str]"
"""Takes a text of the job and its place, and returns it with its variables rendered."""

_ABSENT = object()


# ASCII digits only: `int` and `float` would take those of every script, and words such as "nan".
_WHOLE = re.compile(r"-?[0-9]{1,19}")


_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Settings:
    """A JSON object of the job; what was never asked for is known in the end.

    DataWorks writes numbers and booleans as text in many places, and an empty text where nothing is meant.
    """

    def __init__(self, where: str, written: object, render: Render | None = None) -> None:
        if not isinstance(written, Mapping):
            raise InvalidJob(f"{where} is {_shown(written)}; a JSON object is wanted")
        self.where = where
        self._written = {str(key).lower(): (str(key), value) for key, value in written.items()}
        self._asked: set[str] = set()
        self._render = render

    def rendered(self, render: Render) -> Settings:
        """Return the same settings with the variables of each text rendered when it is read; ticks are shared."""
        same = Settings(self.where, {}, render)
        same._written, same._asked = self._written, self._asked
        return same

    def raw(self, key: str) -> Any:
        """Return exactly what is written, or None."""
        self._asked.add(key.lower())
        _, found = self._written.get(key.lower(), (key, None))
        return found

    def value(self, key: str) -> Any:
        """Return what is written, with variables rendered, or None for what is absent or empty."""
        self._asked.add(key.lower())
        _, found = self._written.get(key.lower(), (key, _ABSENT))
        if isinstance(found, str) and self._render is not None:
            found = self._render(found, f"{self.where}.{key}")
        return None if found is _ABSENT or found is None or found == "" else found

    def has(self, key: str) -> bool:
        """Tell whether the key is there, even with nothing behind it."""
        self._asked.add(key.lower())
        return key.lower() in self._written

    def text(self, key: str) -> str | None:
        """Return a text, also where a number is written; a Template where only the run knows it.

        Raises InvalidJob for anything else.
        """
        match self.value(key):
            case None:
                return None
            case Template() as template:
                return template
            case str() as text:
                return text.strip() or None
            case int() as number if not isinstance(number, bool):
                return str(number)
            case other:
                raise self._refused(key, other, "a text")

    def fixed(self, key: str) -> str | None:
        """Return a text that has to be known when the job is read.

        Raises InvalidJob for one that only the run knows.
        """
        text = self.text(key)
        if isinstance(text, Template):
            raise self._refused(key, text, "a text")
        return text

    def number(self, key: str) -> float | None:
        """Return a number, also where it is written as text.

        Raises InvalidJob for anything else.
        """
        seen = self.value(key)
        if seen is None:
            return None
        if isinstance(seen, bool) or not _NUMBER.fullmatch(str(seen).strip()):
            raise self._refused(key, seen, "a number")
        return float(seen)

    def whole(self, key: str) -> int | None:
        """Return a whole number, also where it is written as text.

        Raises InvalidJob for anything else.
        """
        seen = self.value(key)
        if seen is None:
            return None
        if isinstance(seen, bool) or not _WHOLE.fullmatch(str(seen).strip()):
            raise self._refused(key, seen, "a whole number")
        return int(seen)

    def switch(self, key: str, *, otherwise: bool) -> bool:
        """Return a boolean, also where it is written as text.

        Raises InvalidJob for anything but true and false.
        """
        match self.value(key):
            case None:
                return otherwise
            case bool() as on:
                return on
            case str() as text if text.strip().lower() in ("true", "false"):
                return text.strip().lower() == "true"
            case other:
                raise self._refused(key, other, "true or false")

    def names(self, key: str) -> list[str]:
        """Return a list of texts.

        Raises InvalidJob for anything else, also for an empty list.
        """
        found = self.value(key)
        if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
            raise self._refused(key, found, "a list of texts")
        if self._render is None:
            return list(found)
        refusals = Refusals()
        each = [
            refusals.asked(self._render, text, f"{self.where}.{key}[{number}]") for number, text in enumerate(found)
        ]
        refusals.raise_any()
        return [text for text in each if text is not None]

    def section(self, key: str) -> Settings:
        """Return the JSON object below a key; an empty one where there is none."""
        return Settings(f"{self.where}.{key}", self.value(key) or {}, self._render)

    def written(self) -> list[str]:
        """Return all keys, as they are written."""
        return [written for written, _ in self._written.values()]

    def unknown(self) -> list[str]:
        """Return the keys that nobody asked for, as they are written."""
        return [f"{self.where}.{written}" for key, (written, _) in self._written.items() if key not in self._asked]

    def _refused(self, key: str, seen: object, wanted: str) -> InvalidJob:
        if isinstance(seen, Template):
            return InvalidJob(
                f"{self.where}.{key} is {_shown(seen.written)}, whose value is known in the run only; {wanted} is "
                "wanted here when the job is read: give the variable a constant in variables="
            )
        return InvalidJob(f"{self.where}.{key} is {_shown(seen)}; {wanted} is wanted")


def says_nothing(value: object) -> bool:
    """Tell whether a value of the JSON is empty in all its parts, but for versions.

    >>> says_nothing({"nodes": [], "edges": [], "version": "2.0"}), says_nothing({"condition": [{}, {"name": "a"}]})
    (True, False)
    """
    match value:
        case Mapping():
            return all(says_nothing(each) for key, each in value.items() if key != "version")
        case list():
            return all(map(says_nothing, value))
        case _:
            return value is None or value is False or value == ""


def _shown(seen: object) -> str:
    return "missing" if seen is None else json.dumps(seen, ensure_ascii=False, default=repr)[:200]
