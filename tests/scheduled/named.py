"""What the DAGs of the histories and their tests have to agree on."""

from __future__ import annotations

import os
from datetime import UTC, datetime

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
"""When the first hour of every history begins."""
SUFFIX = "HISTORIES"
"""The environment variable with what makes the names of this run of the tests its own."""


def name_of(dag_id: str) -> str:
    """Return the name of a DAG's topic, which is also that of its table."""
    return f"{dag_id}_{os.environ[SUFFIX]}"
