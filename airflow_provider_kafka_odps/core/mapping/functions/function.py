"""What a function of a source expression is, and how one is written.

```python
@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def replace(old: str, new: str) -> Change:
    return lambda texts: pc.replace_substring(texts, old, new)
```

The names, types and defaults of the Python function's parameters are those of the function that users call. What a
function takes reaches it as the Arrow type of its ``takes``: texts, if these are ``TEXTUAL``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.strict import Always, Conversion
from airflow_provider_kafka_odps.exceptions import InvalidInput

TEXTUAL = frozenset(
    {
        SourceKind.TEXT,
        SourceKind.BYTES,
        SourceKind.JSON,
        SourceKind.NUMBER,
        SourceKind.BOOLEAN,
        SourceKind.DATE,
        SourceKind.INT8,
        SourceKind.INT16,
        SourceKind.INT32,
        SourceKind.INT64,
    }
)
"""Kinds that become texts, as a STRING column would have them, before a function of texts gets them."""

Change: TypeAlias = "Callable[[pa.Array], pa.Array]"
"""A change of whole columns that every value allows."""


@dataclass(frozen=True, slots=True)
class Given:
    """A conversion, and the kind of what it gives."""

    kind: SourceKind
    conversion: Conversion


@dataclass(frozen=True, slots=True)
class Function:
    """One function, before it is called."""

    name: str
    takes: AbstractSet[SourceKind]
    gives: SourceKind | None
    """What comes out; None: the kind that goes in."""
    build: Callable[..., Change | Conversion | Given]
    """Takes the arguments; raises InvalidInput for some that make no sense."""

    @property
    def as_texts(self) -> bool:
        """Whether values are made texts first."""
        return self.takes is TEXTUAL

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """What stands in the brackets; what only the compiler knows stands behind a ``*``."""
        found = inspect.signature(self.build, eval_str=True).parameters
        return {name: each for name, each in found.items() if each.kind is not each.KEYWORD_ONLY}

    def __str__(self) -> str:
        """Return how it is written: ``substr(start, length)``; what may be left out stands in brackets of its own."""
        names = [name if each.default is each.empty else f"[{name}]" for name, each in self.parameters.items()]
        return f"{self.name}({', '.join(names)})" if names else self.name

    def called(self, arguments: tuple[str | int, ...], *, kind: SourceKind, timezone: str | None) -> Given:
        """Return the conversion for what stands in the brackets, of values of a kind, in a load with a zone.

        Raises InvalidInput for a wrong number or kind of arguments.
        """
        parameters = list(self.parameters.values())
        needed = sum(each.default is each.empty for each in parameters)
        if not needed <= len(arguments) <= len(parameters):
            raise InvalidInput(f"{len(arguments)} arguments, but it is {self}")
        for parameter, argument in zip(parameters, arguments, strict=False):
            if not isinstance(argument, parameter.annotation):
                wanted = "a text in single quotes" if parameter.annotation is str else "a whole number"
                raise InvalidInput(f"{parameter.name}={argument!r}: {wanted} is wanted here, as in {self}")
        known = {"kind": kind, "timezone": timezone}
        extra = {name: value for name, value in known.items() if name in inspect.signature(self.build).parameters}
        built = self.build(*arguments, **extra)
        if isinstance(built, Given):
            return built
        conversion: Any = built if hasattr(built, "apply") else Always(built)
        return Given(self.gives or kind, conversion)


def function(
    takes: AbstractSet[SourceKind], gives: SourceKind | None = None, name: str = ""
) -> Callable[[Callable[..., Any]], Function]:
    """Make a function of source expressions of a Python function, under its name or another one."""

    def made(build: Callable[..., Any]) -> Function:
        return Function(name or build.__name__, takes, gives, build)

    return made
