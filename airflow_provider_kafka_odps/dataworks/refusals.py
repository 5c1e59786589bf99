"""All that is refused of a job, in one error: who corrects one thing of it wants to know of the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from airflow_provider_kafka_odps.exceptions import InvalidJob

_Asked = ParamSpec("_Asked")


_Found = TypeVar("_Found")


class Refusals:
    """What was refused so far, in the order in which it was found."""

    def __init__(self, problems: Sequence[str] = ()) -> None:
        self._problems = list(problems)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each, and for each only one."""
        return tuple(dict.fromkeys(self._problems))

    def asked(self, ask: Callable[_Asked, _Found], *given: _Asked.args, **named: _Asked.kwargs) -> _Found | None:
        """Return what is found; None where the job is refused, which is noted."""
        try:
            return ask(*given, **named)
        except InvalidJob as refused:
            self._problems += refused.args
            return None

    def raise_any(self) -> None:
        """Raise InvalidJob with all of them, if there are any."""
        if self._problems:
            raise InvalidJob(*self.problems)


def gathered(*asks: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the operator's arguments of several parts of a job.

    Raises InvalidJob with all that is refused in any of them.
    """
    refusals = Refusals()
    arguments: dict[str, Any] = {}
    for ask in asks:
        arguments |= refusals.asked(ask) or {}
    refusals.raise_any()
    return arguments
