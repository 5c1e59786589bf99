"""A task instance of a real Airflow, what it loads from, and whether the table is what it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delivery.scene import OLD_ROW, Scene


@dataclass
class AirflowScene:
    """A scene whose attempts are Airflow's."""

    scene: Scene
    signals: dict[str, dict[str, int]] = field(default_factory=dict)
    """What happens to an attempt at which point, by its number."""

    @property
    def conf(self) -> dict[str, Any]:
        """The conf of the DAG run."""
        parameters = self.scene.parameters
        return {
            "topic": parameters["topic"],
            "table": parameters["table"],
            "start": json.dumps(parameters["start"]),
            "folder": str(self.scene.folder),
            "signals": self.signals,
            "parameters": {name: parameters[name] for name in ("mode", "on_rerun") if name in parameters},
        }

    def trace(self, number: int) -> list[str]:
        """Return the points that an attempt has reached by now."""
        path = Path(self.scene.folder, f"trace-{number}")
        return path.read_text().splitlines()[1:] if path.exists() else []

    def pid(self, number: int) -> int:
        """Return the process in which an attempt runs, or ran."""
        return int(Path(self.scene.folder, f"trace-{number}").read_text().split()[0])

    def check_unchanged(self) -> None:
        """Hold that nothing was loaded."""
        self.scene.check_unchanged()

    def check_once(self, journal: Mapping[str, Any]) -> None:
        """Hold that the window of a committed journal is in the table once, beside what belongs there."""
        assert journal["phase"] == "committed"
        old = [OLD_ROW] if self.scene.parameters["mode"] == "append" else []
        assert self.scene.rows() == [*old, *self.scene.log.records(journal["window"]["partitions"])]
