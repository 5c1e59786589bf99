"""What a step of the job does to one column, as functions behind its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.mapping.calls import quote
from airflow_provider_kafka_odps.dataworks.settings import Render

_JINJA = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class Change:
    """What a step of the job does to one column."""

    where: str
    """The place of the step in the JSON."""
    column: int
    """Of the reader, from 0."""
    calls: tuple[str, ...]
    """As they stand behind the source: ``substr(0, 3)``."""
    there: str
    """What it does where the job runs today, with values that are missing or too short."""
    differs: str = ""
    """In what the functions differ; nothing if they do the same."""

    @property
    def functions(self) -> str:
        """The calls, as they follow one another."""
        return " | ".join(self.calls)


@dataclass(frozen=True, slots=True)
class Source:
    """A column of the reader, as far as steps ask for it."""

    text: str
    """As it is written in the job."""
    textual: bool
    """Whether functions of texts take it."""
    number: bool
    """Whether it is a number of the record itself, which is no JSON value."""


Sources = Sequence[Source]


def argument(text: str, where: str, render: Render) -> str:
    """Return a text of the job as an argument of a function: quoted, its variables rendered, and no template else."""
    quoted = _JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", quote(text))
    return render(quoted, where)
