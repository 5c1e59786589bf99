"""What an endpoint is started with, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_kafka_odps.local.instances.pacing import Pace

DEFAULT_PROJECT = "demo_project"


DEFAULT_ACCESS_ID = "demo_access_id"


DEFAULT_ACCESS_KEY = "demo_access_key"


DEFAULT_FOLDER = "maxcompute-data"


IN_MEMORY = ":memory:"


LONGEST_BLOCK = 4 << 30
"""A packed body of a few MB can unpack to more than this; the disk or the memory must outlive it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One endpoint: its project, who may call it, and where rows are kept (`folder` None: in memory)."""

    project: str = DEFAULT_PROJECT
    access_id: str = DEFAULT_ACCESS_ID
    access_key: str = DEFAULT_ACCESS_KEY
    folder: Path | None = None
    strict_limits: bool = False
    sts_token: str = ""
    """The temporary token that every request must carry; when it is empty, tokens are not looked at."""
    longest_block: int = LONGEST_BLOCK
    """Bytes that one block may have when it is unpacked."""
    pace: Pace = field(default_factory=Pace)
    """How long statements are shown as running."""

    def __post_init__(self) -> None:
        """Refuse what no client could call."""
        if not self.project.replace("_", "").isalnum() or not self.project.isascii():
            raise ValueError(f"--project {self.project!r}: a project's name has letters, digits and underscores only")
        if not self.access_id or not self.access_key:
            raise ValueError("--access-id and --access-key must not be empty")
        if self.longest_block < 1:
            raise ValueError(f"--longest-block {self.longest_block}: a block needs one byte at least")

    @property
    def owner(self) -> str:
        """Who owns what is created."""
        return f"ALIYUN${self.access_id}"
