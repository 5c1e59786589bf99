"""The settings of a reader, a writer or a job: looked up without regard to case, and ticked off when used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.exceptions import InvalidJob

_ABSENT = object()


# ASCII digits only: `int` and `float` would take those of every script, and words such as "nan".
_WHOLE = re.compile(r"-?[0-9]{1,19}")


_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Settings:
    """A JSON object of the job; what was never asked for is known in the end.

    DataWorks writes numbers and booleans as text in many places, and an empty text where nothing is meant.
    """

    def __init__(self, where: str, written: object) -> None:
        if not isinstance(written, Mapping):
            raise InvalidJob(f"{where} is {_shown(written)}; a JSON object is wanted")
        self.where = where
        self._written = {str(key).lower(): (str(key), value) for key, value in written.items()}
        self._asked: set[str] = set()

    def value(self, key: str) -> Any:
        """Return what is written, or None for what is absent or empty."""
        self._asked.add(key.lower())
        _, found = self._written.get(key.lower(), (key, _ABSENT))
        return None if found is _ABSENT or found is None or found == "" else found

    def has(self, key: str) -> bool:
        """Tell whether the key is there, even with nothing behind it."""
        self._asked.add(key.lower())
        return key.lower() in self._written

    def text(self, key: str) -> str | None:
        """Return a text, also where a number is written.

        Raises InvalidJob for anything else.
        """
        match self.value(key):
            case None:
                return None
            case str() as text:
                return text.strip() or None
            case int() as number if not isinstance(number, bool):
                return str(number)
            case other:
                raise self._refused(key, other, "a text")

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
        return list(found)

    def section(self, key: str) -> Settings:
        """Return the JSON object below a key; an empty one where there is none."""
        return Settings(f"{self.where}.{key}", self.value(key) or {})

    def written(self) -> list[str]:
        """Return all keys, as they are written."""
        return [written for written, _ in self._written.values()]

    def unknown(self) -> list[str]:
        """Return the keys that nobody asked for, as they are written."""
        return [f"{self.where}.{written}" for key, (written, _) in self._written.items() if key not in self._asked]

    def _refused(self, key: str, seen: object, wanted: str) -> InvalidJob:
        return InvalidJob(f"{self.where}.{key} is {_shown(seen)}; {wanted} is wanted")


def _shown(seen: object) -> str:
    return "missing" if seen is None else json.dumps(seen, ensure_ascii=False, default=repr)[:200]
