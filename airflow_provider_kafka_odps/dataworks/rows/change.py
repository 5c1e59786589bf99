"""What a step of the job does: functions behind the source of one column, or a condition that records must meet."""

from __future__ import annotations

import re
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
class Filter:
    """Which records a step of the job leaves out."""

    where: str
    """The place of the step in the JSON."""
    column: int
    """Of the reader, from 0."""
    keeps: str
    """Of which records it leaves in: a condition of the operator's ``where``."""
    there: str
    """What it does where the job runs today."""
    differs: str = ""
    """In what the condition differs; nothing if it does the same."""
    minds_empty: bool = False
    """Whether it is another condition where an empty text is taken for NULL."""


def argument(text: str, where: str, render: Render) -> str:
    """Return a text of the job as an argument of a function: quoted, its variables rendered, and no template else."""
    quoted = _JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", quote(text))
    return render(quoted, where)
