"""A guard of the delivery code: where it stands, what it becomes without it, and what is to notice."""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "the simulation"
"""In place of a test: a guard that only the simulation is known to miss."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One change of the code that breaks the promise."""

    about: str
    """The step, or the state, that the guard belongs to."""
    broken: str
    """What the code does without the guard."""
    module: str
    """Its path in the package."""
    text: str
    """What stands there, once."""
    replacement: str
    noticed_by: str
    """``module::test`` below ``tests``, or MODEL."""

    def without(self, code: str) -> str:
        """Return a module's code without the guard; raise ValueError where the text does not stand there once."""
        if code.count(self.text) != 1:
            raise ValueError(f"{self.broken}: the text stands {code.count(self.text)} times in {self.module}")
        return code.replace(self.text, self.replacement)

    def row(self, by: str | None = None, *, found: bool = True) -> str:
        """Return the row of a table: what notices that the guard is missing, or does not."""
        named = MODEL if MODEL in {by, self.noticed_by} else f"`{self.noticed_by.rpartition('::')[2]}`"
        return f"| {self.about} | {self.broken} | {named if found else f'**not** {named}'} |"
