"""A step of a check: what was tried, whether it works, what was seen, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and what came of it."""

    name: str
    """What was tried, such as ``topic orders``."""
    works: bool
    seen: str
    """What was found, or what failed."""
    to_do: str = ""
    """What to do where it failed and ``seen`` does not say so already."""


def as_text(step: Step) -> str:
    """Return a step for a person: one line, and below it what does not fit there.

    >>> print(as_text(Step("topic orders", True, "3 partitions")))
    ok      topic orders: 3 partitions
    >>> print(as_text(Step("table t", False, "there is no such table", "create it")))
    FAILED  table t: there is no such table
            → create it
    """
    text = f"{step.name}: {step.seen}" + (f"\n→ {step.to_do}" if step.to_do else "")
    return ("ok      " if step.works else "FAILED  ") + indent(text, " " * 8).lstrip()


def as_document(steps: Sequence[Step]) -> dict[str, Any]:
    """Return all steps for a script."""
    return {"works": all(step.works for step in steps), "steps": [asdict(step) for step in steps]}
