"""What an endpoint is started with, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import available_timezones

DEFAULT_PROJECT = "demo_project"


DEFAULT_ACCESS_ID = "demo_access_id"


DEFAULT_ACCESS_KEY = "demo_access_key"


DEFAULT_FOLDER = "maxcompute-data"


IN_MEMORY = ":memory:"


SCHEMA_SYNTAX = "odps.namespace.schema"
"""The setting by which a tenant, or one statement, reads a name of two parts as a schema and a table."""


TIMEZONE = "odps.sql.timezone"
"""The setting by whose clock statements read and write DATETIME and TIMESTAMP."""


LONGEST_BLOCK = 4 << 30
"""A packed body of a few MB can unpack to more than this; the disk or the memory must outlive it."""


LEAST_MEMORY = 64 << 20
"""Bytes with which DuckDB can start and answer."""


_MOST_SECONDS = 24 * 60 * 60


_MOST_POLLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """A statement is shown as running to the first `polls` requests for its status, and for `seconds` at least."""

    polls: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what never ends."""
        if not 0 <= self.polls <= _MOST_POLLS:
            raise ValueError(f"polls {self.polls}: a statement runs for 0 to {_MOST_POLLS} polls")
        if not 0 <= self.seconds <= _MOST_SECONDS:
            raise ValueError(f"seconds {self.seconds}: a statement runs for 0 to {_MOST_SECONDS} seconds")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What statements may take: `memory` and `spill` of all together in bytes, `seconds` of each."""

    memory: int = 2 << 30
    """For DuckDB, and again for the rows of a result."""
    spill: int = 16 << 30
    """On the disk, where the memory isn't enough."""
    seconds: float = _MOST_SECONDS
    """A day, as on the service."""

    def __post_init__(self) -> None:
        """Refuse what lets no statement run."""
        if self.memory < LEAST_MEMORY:
            raise ValueError(f"--memory-limit {self.memory}: statements need {LEAST_MEMORY} bytes at least")
        if self.spill < 0:
            raise ValueError(f"--spill-limit {self.spill}: 0 bytes is the least")
        if not 0 < self.seconds <= _MOST_SECONDS:
            raise ValueError(
                f"--statement-timeout {self.seconds}: it is more than 0 and at most {_MOST_SECONDS} seconds"
            )


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
    schemas: bool = True
    """Whether the tenant's names have schemas, unless a statement says otherwise."""
    timezone: str = "UTC"
    """By whose clock statements read and write times, unless they say otherwise."""
    open_page: bool = False
    """Whether the page shows tables, and runs statements, to other machines than this one."""
    pace: Pace = field(default_factory=Pace)
    """How long statements are shown as running."""
    hosts: frozenset[str] = frozenset()
    """Names besides those of this machine by which a browser may ask for the page and the control route."""
    bounds: Bounds = field(default_factory=Bounds)
    """What statements may take."""

    def __post_init__(self) -> None:
        """Refuse what no client could call."""
        if not self.project.replace("_", "").isalnum() or not self.project.isascii():
            raise ValueError(f"--project {self.project!r}: a project's name has letters, digits and underscores only")
        if not self.access_id or not self.access_key:
            raise ValueError("--access-id and --access-key must not be empty")
        if self.timezone not in available_timezones():
            raise ValueError(f"--timezone {self.timezone!r} is no time zone; write one such as Asia/Shanghai")
        if self.longest_block < 1:
            raise ValueError(f"--longest-block {self.longest_block}: a block needs one byte at least")

    @property
    def tenant(self) -> dict[str, str]:
        """The tenant's parameters, which are settings of each statement that has none of its own."""
        return {SCHEMA_SYNTAX: "true" if self.schemas else "false", TIMEZONE: self.timezone}

    @property
    def owner(self) -> str:
        """Who owns what is created."""
        return f"ALIYUN${self.access_id}"
