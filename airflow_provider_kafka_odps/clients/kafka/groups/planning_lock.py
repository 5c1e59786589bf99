"""The planning lock on the cluster whose log is cut: a consumer group of its own, and what was committed to it.

Whoever leads the group's generation holds the lock, and answers no rebalance: the broker lets the others wait in
JoinGroup until the leader has left, or was silent for longer than its session. The other members of a generation wait
for the next one. An offset that is committed under a generation that is over is refused by the broker, whatever its
member believes: so a note, which is the metadata of such offsets, is only ever the holder's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.clients.kafka.errors import may_pass, retried, translated
from airflow_provider_kafka_odps.clients.kafka.groups.membership import Membership
from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.exceptions import BrokerRefused, PlannedAtOnce

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster

Answer = TypeVar("Answer")
GROUPS = "airflow-provider-kafka-odps.planning."
"""How the names of all of these groups begin, for access lists."""
SESSION_SECONDS = 60.0
"""How long a holder may be silent; planning takes a second or two."""
PATIENCE_SECONDS = 600.0
"""How long others are waited for."""
_LONGEST_TOPIC = 100
_CHUNK = 4000
"""Characters of one offset's metadata: brokers take 4096 bytes (offset.metadata.max.bytes)."""
_HEAD = 5
"""Characters in front of the text: how many parts there are."""
_UNANSWERED_SECONDS = 30.0
_BETWEEN_TRIES = Backoff(first=0.05, longest=1.0)


def group_of(topic: str, table: str) -> str:
    """Return the name of the group of those who plan windows of a topic for a table.

    >>> group_of("orders", "maxcompute://shop/orders")
    'airflow-provider-kafka-odps.planning.orders.de58c6f16f48'
    """
    digest = hashlib.sha256(f"{topic}\0{table}".encode()).hexdigest()[:12]
    return f"{GROUPS}{topic[:_LONGEST_TOPIC]}.{digest}"


class KafkaPlanningLock:
    """The lock of those who plan windows of one topic for one table; it may be acquired again once it is released."""

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        table: str,
        check: Callable[[], None],
        session_seconds: float = SESSION_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Take who is to be asked; ``check`` is called several times a second, and ends a wait by raising."""
        self._cluster, self._topic, self._check = cluster, topic, check
        self._session_seconds, self._patience_seconds = session_seconds, patience_seconds
        self.group = group_of(topic, table)
        self._open = ExitStack()
        self._wanted, self._changing = False, Lock()
        self._partitions, self._sequence = 0, 0

    def acquire(self) -> str | None:
        """Join, and wait until this member leads the group; return what was noted last."""
        self._wanted = True
        ends = self._cluster.clock.monotonic() + self._patience_seconds

        def check() -> None:
            self._check()
            if self._cluster.clock.monotonic() > ends:
                raise PlannedAtOnce(
                    f"other runs have been planning windows of {self._topic} for this table for "
                    f"{self._patience_seconds:.0f} s (group {self.group!r}): this one was not planned"
                )

        try:
            return self._asked(self._acquire, check)
        except BaseException:
            # What is still under way leaves by itself.
            self.release()
            raise

    def note(self, text: str) -> None:
        """Commit under this generation."""
        self._asked(lambda: self._note(text), self._check)

    def release(self) -> None:
        """Leave; what cannot be told to the broker ends with the session."""
        with self._changing:
            self._wanted = False
            held, self._open = self._open, ExitStack()
        with suppress(Exception):
            interruptible(held.close, lambda: None)

    def _asked(self, question: Callable[[], Answer], check: Callable[[], None]) -> Answer:
        started = self._cluster.clock.monotonic()
        return interruptible(lambda: self._translated(question, started), check)

    def _translated(self, question: Callable[[], Answer], started: float) -> Answer:
        from kafka.errors import KafkaError

        try:
            return question()
        except KafkaError as error:
            raise translated(error, self._cluster, self._cluster.clock.monotonic() - started) from error

    def _acquire(self) -> str | None:
        with ExitStack() as opening:
            admin = opening.enter_context(open_admin(self._cluster))
            self._partitions = len(admin.topic_description(self._topic)["partitions"])
            self._membership = Membership(admin.client, self.group, self._session_seconds)
            opening.callback(_quietly, self._membership.leave)
            self._lead()
            found = self._read()
            with self._changing:
                if self._wanted:
                    self._open = opening.pop_all()
            return found

    def _lead(self) -> None:
        """Go from generation to generation until this member leads one, or is wanted no more."""
        from kafka.errors import KafkaError

        clock, failures = self._cluster.clock, 0
        answered = clock.monotonic()
        while self._wanted:
            try:
                if self._membership.join_and_sync():
                    return
                answered, failures = clock.monotonic(), 0
            except KafkaError as error:
                failures += 1
                if not may_pass(error) or clock.monotonic() > answered + _UNANSWERED_SECONDS:
                    raise
                clock.sleep(_BETWEEN_TRIES.pause(failures))

    def _read(self) -> str | None:
        committed = retried(lambda: self._membership.committed(self._topic), self._cluster.clock)
        self._sequence = max((offset for offset, _ in committed.values()), default=0)
        return _joined(committed)

    def _note(self, text: str) -> None:
        from kafka.errors import IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

        parts = _parts(text)
        if len(parts) > self._partitions:
            raise BrokerRefused(
                f"a note of {len(text)} characters does not fit into the offsets of {self._partitions} partitions of "
                f"{self._topic} in group {self.group!r}"
            )
        try:
            retried(lambda: self._membership.commit(self._topic, self._sequence + 1, parts), self._cluster.clock)
        except (IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError) as error:
            raise PlannedAtOnce(
                f"planning took longer than the {self._session_seconds:.0f} s for which the planning lock may be held "
                f"(group {self.group!r}: {type(error).__name__}), and another run may have planned in the meantime. "
                "Nothing was loaded; the next attempt plans again"
            ) from error
        self._sequence += 1


def _parts(text: str) -> dict[int, str]:
    """Cut a text into the metadata of one offset each: all of one length, so that a broker takes all or none.

    >>> _parts("text")
    {0: '1 text'}
    """
    number = -(-(len(text) + _HEAD) // _CHUNK)
    whole = f"{number} {text}"
    length = -(-len(whole) // number)
    whole = whole.ljust(number * length)
    return {part: whole[part * length : (part + 1) * length] for part in range(number)}


def _joined(committed: Mapping[int, tuple[int, str]]) -> str | None:
    """Return what ``_parts`` has cut, or whatever else somebody has committed there; None: nothing.

    >>> _joined({0: (7, "2 te"), 1: (7, "xt"), 2: (6, "old")})
    'text'
    """
    sequence, first = committed.get(0, (0, ""))
    number, _, text = first.partition(" ")
    if not number.isdecimal():
        return first or None
    parts = [committed.get(part, (0, "")) for part in range(1, int(number))]
    return "".join([text, *(part for offset, part in parts if offset == sequence)]).rstrip()


def _quietly(question: Callable[[], None]) -> None:
    from kafka.errors import KafkaError

    with suppress(KafkaError):
        question()
