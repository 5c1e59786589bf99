"""Faults on demand: what is to go wrong with which request, as values that are sent as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from itertools import count
from typing import Any, TypeAlias


class Operation(Enum):
    """What a request asks for; ANY stands for all of them in a rule."""

    ANY = "any"
    CREATE_UPLOAD = "create_upload"
    RELOAD_UPLOAD = "reload_upload"
    WRITE_BLOCK = "write_block"
    COMMIT_UPLOAD = "commit_upload"
    CREATE_DOWNLOAD = "create_download"
    RELOAD_DOWNLOAD = "reload_download"
    READ_ROWS = "read_rows"
    CREATE_INSTANCE = "create_instance"
    READ_INSTANCE = "read_instance"
    READ_RESULT = "read_result"
    READ_TABLE = "read_table"
    LIST_TABLES = "list_tables"
    READ_PARTITIONS = "read_partitions"
    PREVIEW = "preview"
    READ_PROJECT = "read_project"
    READ_TENANT = "read_tenant"
    FIND_TUNNEL = "find_tunnel"
    SCHEMAS = "schemas"
    OTHER = "other"


class Moment(Enum):
    """When a connection is dropped: before the request has any effect, or after it had all of it."""

    BEFORE = "before"
    AFTER = "after"


_LONGEST = 24 * 60 * 60
"""Seconds that an answer may be held back, and the most by which it may be slowed down."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer an error without applying the request; `retry_after` is in seconds."""

    status: int
    code: str = "ServiceUnavailable"
    message: str = "A fault was asked for"
    retry_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is not the status of an error."""
        if not 300 <= self.status <= 599:  # noqa: PLR2004 - redirections and errors of HTTP
            raise ValueError(f"status {self.status} is not one of an error (300 to 599)")


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class Truncate:
    """Apply the request, send only the first `keep` bytes of the answer's body, and close the connection."""

    keep: int = 0

    def __post_init__(self) -> None:
        """Refuse a negative length."""
        if self.keep < 0:
            raise ValueError(f"keep {self.keep}: a length is not negative")


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait `seconds` before the request is applied."""

    seconds: float

    def __post_init__(self) -> None:
        """Refuse a negative wait."""
        if not 0 <= self.seconds <= _LONGEST:
            raise ValueError(f"seconds {self.seconds}: a wait is 0 to {_LONGEST} seconds long")


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer `factor` times as slowly as it would take."""

    factor: float = 2.0

    def __post_init__(self) -> None:
        """Refuse to be faster."""
        if not 1 <= self.factor <= _LONGEST:
            raise ValueError(f"factor {self.factor}: it is 1 to {_LONGEST}, as an answer cannot be made faster")


@dataclass(frozen=True, slots=True)
class Expire:
    """Expire the upload session of the request before it is applied."""


@dataclass(frozen=True, slots=True)
class ForceStatus:
    """Apply the request, and answer another session status than the true one."""

    status: str


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Change one byte: of a block on its way in, of any other answer on its way out; `at` counts from the start."""

    at: int = 0

    def __post_init__(self) -> None:
        """Refuse a place before the start."""
        if self.at < 0:
            raise ValueError(f"at {self.at}: a place is not negative")


Fault: TypeAlias = Refuse | Drop | Truncate | Delay | Slow | Expire | ForceStatus | Corrupt


_KINDS: Mapping[str, type[Any]] = {
    "refuse": Refuse,
    "drop": Drop,
    "truncate": Truncate,
    "delay": Delay,
    "slow": Slow,
    "expire": Expire,
    "force_status": ForceStatus,
    "corrupt": Corrupt,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Let `fault` happen to requests [nth, nth + times) of those that match; the first one is number 1.

    `table` and `block_id` narrow the match; `number` is given by the endpoint.
    """

    operation: Operation
    fault: Fault
    nth: int = 1
    times: int = 1
    table: str | None = None
    block_id: int | None = None
    number: int = 0

    def __post_init__(self) -> None:
        """Refuse a rule that could never fire."""
        if self.nth < 1 or self.times < 1:
            raise ValueError(f"nth {self.nth}, times {self.times}: both count from 1")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the log keeps it; `faults` are the numbers of the rules that fired. Times are in seconds."""

    number: int
    operation: Operation
    method: str
    path: str
    query: Mapping[str, str]
    status: int | None
    started: float
    seconds: float
    faults: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule, how many requests matched it so far, and the numbers of the requests it fired at."""

    rule: Rule
    seen: int = 0
    fired: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The rules of an endpoint, and how often each matched."""

    states: list[RuleState] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def add(self, rule: Rule) -> Rule:
        """Add a rule, and return it with its number."""
        numbered = replace(rule, number=next(self._numbers))
        self.states.append(RuleState(numbered))
        return numbered

    def clear(self) -> None:
        """Forget all rules."""
        self.states.clear()

    def firing(self, operation: Operation, table: str | None, block_id: int | None, request: int) -> list[Rule]:
        """Count a request and return the rules that fire at it."""
        rules = []
        for at, state in enumerate(self.states):
            rule = state.rule
            if not _matches(rule, operation, table, block_id):
                continue
            seen = state.seen + 1
            fires = rule.nth <= seen < rule.nth + rule.times
            self.states[at] = RuleState(rule, seen, (*state.fired, request) if fires else state.fired)
            if fires:
                rules.append(rule)
        return rules


def _matches(rule: Rule, operation: Operation, table: str | None, block_id: int | None) -> bool:
    return (
        rule.operation in (Operation.ANY, operation)
        and rule.table in (None, table)
        and rule.block_id in (None, block_id)
    )


def dump(value: Any) -> Any:
    """Write a value of this module as plain JSON values."""
    match value:
        case Enum():
            return value.value
        case Rule():
            return {**_fields(value), "fault": dump_fault(value.fault)}
        case RuleState():
            return {"rule": dump(value.rule), "seen": value.seen, "fired": list(value.fired)}
        case _:
            return _fields(value)


def _fields(value: Any) -> dict[str, Any]:
    return {name: part.value if isinstance(part, Enum) else part for name, part in asdict(value).items()}


def dump_fault(fault: Fault) -> dict[str, Any]:
    """Write a fault with its kind."""
    kind = next(name for name, known in _KINDS.items() if isinstance(fault, known))
    return {"kind": kind, **_fields(fault)}


def load_rule(content: Any) -> Rule:
    """Read a rule.

    Raises ValueError that says what is wrong with it.
    """
    parts = dict(content) if isinstance(content, Mapping) else {}
    if not isinstance(parts.get("fault"), Mapping) or "operation" not in parts:
        raise ValueError(f"a rule has an 'operation' and a 'fault' with a 'kind', not {json.dumps(content)[:200]}")
    fault = dict(parts.pop("fault"))
    known = _KINDS.get(str(fault.get("kind")))
    if known is None:
        raise ValueError(f"fault kind {fault.get('kind')!r} is not one of {_listed(_KINDS)}")
    del fault["kind"]
    try:
        if "moment" in fault:
            fault["moment"] = Moment(fault["moment"])
        operation = Operation(parts.pop("operation"))
        for owner, given in ((known, fault), (Rule, parts)):
            _check_kinds(owner, given)
        return Rule(operation=operation, fault=known(**fault), **parts)
    except TypeError as reason:
        raise ValueError(f"the rule has a wrong part: {reason}") from None


def _check_kinds(owner: type[Any], given: Mapping[str, Any]) -> None:
    """Refuse values of another type than the field has: they would fail only once the rule fires."""
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
    for part in fields(owner):
        kind, _, optional = str(part.type).partition(" | ")
        value = given.get(part.name, part.default)
        if kind in kinds and type(value) not in kinds[kind] and not (optional and value is None):
            raise ValueError(f"{part.name} is {value!r}; its type is {part.type}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def load_request(content: Mapping[str, Any]) -> Request:
    """Read what `dump` wrote of a request."""
    return Request(**{**content, "operation": Operation(content["operation"]), "faults": tuple(content["faults"])})


def load_state(content: Mapping[str, Any]) -> RuleState:
    """Read what `dump` wrote of a rule's state."""
    return RuleState(load_rule(content["rule"]), content["seen"], tuple(content["fired"]))
