"""Airflow's task state store in a file: it survives every process, and refuses whoever was superseded."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse


@dataclass(frozen=True, slots=True)
class StateStore:
    """The store of one task instance, as the attempt of this number sees it."""

    path: Path
    attempt: int

    def claim(self) -> None:
        """Become the current attempt, as Airflow does before it starts one: the others are superseded."""
        with self._locked() as kept:
            kept["attempt"] = self.attempt

    def get(self, key: str, default: Any = None) -> Any:
        """Return what was set last."""
        with self._locked() as kept:
            self._refuse_superseded(kept)
            return kept["entries"].get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a JSON value."""
        del retention
        with self._locked() as kept:
            self._refuse_superseded(kept)
            kept["entries"][key] = value

    def entries(self) -> dict[str, Any]:
        """Return all that was set, whoever is current."""
        with self._locked() as kept:
            entries: dict[str, Any] = kept["entries"]
            return entries

    def _refuse_superseded(self, kept: dict[str, Any]) -> None:
        if kept["attempt"] != self.attempt:
            # What the API server answers to a task instance whose id is no longer that of the row.
            raise AirflowRuntimeError(
                ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404, "message": "not found"})
            )

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(self.path.read_text()) if self.path.exists() else {"attempt": 0, "entries": {}}
            before = json.dumps(kept)
            yield kept
            if (after := json.dumps(kept)) != before:
                fresh = self.path.with_suffix(".new")
                fresh.write_text(after)
                fresh.replace(self.path)
