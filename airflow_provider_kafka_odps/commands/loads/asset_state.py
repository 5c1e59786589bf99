"""What other runs have left in the state store of a table's asset, as a plan that writes nothing goes by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class AssetStateCopy:
    """An asset's state store, read where it is, and written in memory only: a plan finds what it has left itself."""

    def __init__(self, read: Callable[[str], Mapping[str, Any] | None]) -> None:
        """Take what reads an entry of the store; None: there is none."""
        self._read = read
        self._written: dict[str, Mapping[str, Any] | None] = {}

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return the entry."""
        return self._written[key] if key in self._written else self._read(key)

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep it for this plan."""
        self._written[key] = value

    def delete(self, key: str) -> None:
        """Forget it for this plan."""
        self._written[key] = None
