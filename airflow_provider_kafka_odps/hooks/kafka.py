"""KafkaHook: survey a topic, and read a window of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_kafka_odps.clients.clock import SystemClock
from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings, parse_kafka_settings
from airflow_provider_kafka_odps.core.load.resources import FETCH_BYTES, UNPACK_LIMIT
from airflow_provider_kafka_odps.core.options import OnDataLoss, OnTimestampAhead
from airflow_provider_kafka_odps.core.window.ahead import SCANNED, Looker
from airflow_provider_kafka_odps.core.window.bounds import Side
from airflow_provider_kafka_odps.core.window.facts import Identity, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.parsing import BoundInput, Interval, parse_bound
from airflow_provider_kafka_odps.core.window.planning import WindowRequest, plan_window
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidConnection, KafkaOdpsError
from airflow_provider_kafka_odps.hooks.masking import mask, mask_connection

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock


class KafkaHook(BaseHook):
    """Survey a Kafka topic, and read a window of it; create no topic, commit only when asked to, and read in no group.

    :param kafka_config_id: the Airflow connection, in the format of the official ``kafka`` connection type.
    :param group_id: the consumer group to use in place of the connection's ``group.id``.
    :param clock: the clock for deadlines and pauses; with a ``StoppableClock``, a pause before a retry can be broken
        off.
    """

    conn_name_attr = "kafka_config_id"
    default_conn_name = "kafka_default"
    conn_type = "kafka"
    hook_name = "Apache Kafka"

    def __init__(
        self, kafka_config_id: str = default_conn_name, group_id: str | None = None, *, clock: Clock | None = None
    ) -> None:
        super().__init__()
        self.kafka_config_id = kafka_config_id
        self._group_id = group_id
        self._clock = clock or SystemClock()

    @cached_property
    def settings(self) -> KafkaSettings:
        """The connection, parsed; raises InvalidConnection with all of its problems."""
        connection = self._connection()
        settings = parse_kafka_settings(
            self.kafka_config_id,
            connection.extra_dejson,
            connection.host,
            connection.port,
            connection.login,
            connection.password,
            callbacks=_allowed_callbacks(),
        )
        if settings.ignored:
            self.log.info(
                "connection %r: these keys have no effect, because a window is read by offsets: %s",
                self.kafka_config_id,
                ", ".join(settings.ignored),
            )
        if settings.in_the_clear:
            self.log.warning(
                "connection %r: the login by %s is not encrypted (security.protocol=SASL_PLAINTEXT): whoever listens "
                "on the network may log in the same way; SASL_SSL encrypts it",
                self.kafka_config_id,
                settings.login,
            )
        return settings

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster as this process reaches it; raises InvalidConnection as ``settings`` does."""
        return Cluster(self.settings, self._clock, mask)

    def _connection(self) -> Connection:
        try:
            connection = self.get_connection(self.kafka_config_id)
        except AirflowNotFoundException as error:
            raise InvalidConnection(self.kafka_config_id, "there is no connection of this name") from error
        if connection.extra and connection.extra.strip() != "{}" and not connection.extra_dejson:
            raise InvalidConnection(self.kafka_config_id, "its extra is not JSON")
        mask_connection(connection)
        return connection

    @property
    def group_id(self) -> str | None:
        """The consumer group whose committed offsets ``"committed"`` means."""
        return self._group_id or self.settings.group_id

    def test_connection(self, topic: str | None = None) -> tuple[bool, str]:
        """Tell whether this connection works, and if not, at which server and which step; within half a minute.

        ``topic`` is looked for too; without it, the answer has the number of topics that this login can see.
        """
        from airflow_provider_kafka_odps.clients.kafka.check import answer

        try:
            return answer(self.cluster, topic)
        except KafkaOdpsError as error:
            return False, str(error)

    def survey(self, topic: str, questions: Questions | None = None) -> TopicFacts:
        """Ask once for all that a plan needs: where the logs begin and end, and what ``questions`` add.

        Raises UnknownTopic (and creates none), Unreachable, BrokerRefused.
        """
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        with open_admin(self.cluster) as admin:
            return admin.survey(topic, questions or Questions())

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now: it changes when a topic is deleted and created again."""
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        with open_admin(self.cluster) as admin:
            return admin.topic_id(topic)

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's UUID as it is now, and where these leader epochs of its partitions end.

        Where the broker does not tell, or this login may not ask, the log says so.
        """
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        with open_admin(self.cluster) as admin:
            found = admin.identity(topic, epochs)
        self._warn_of_unknown_epochs(topic, epochs.keys() - found.epoch_ends.keys())
        return found

    def epochs(self, window: Window) -> Mapping[int, int]:
        """Return, by partition, the leader epoch in which the last offset of the window's range was written.

        A log that still has that epoch up to that offset has the whole range as it was: ``identity`` tells. Where the
        broker does not tell, or this login may not ask, the partition is left out, and the log says so.
        """
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        with open_admin(self.cluster) as admin:
            found = admin.epochs(window)
        asked = {each.partition for each in window.ranges if each.span}
        self._warn_of_unknown_epochs(window.topic, asked - found.keys())
        return found

    def _warn_of_unknown_epochs(self, topic: str, partitions: Collection[int]) -> None:
        if partitions:
            self.log.warning(
                "connection %r: the broker does not tell where leader epochs end in %s[%s]: if a log is truncated "
                "there after the plan (by an unclean leader election), and has grown past the window's end again "
                "before it is read, that is not noticed",
                self.kafka_config_id,
                topic,
                ", ".join(map(str, sorted(partitions))),
            )

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``, such as ``compact,delete``; None if this login may not know it."""
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        with open_admin(self.cluster) as admin:
            policy = admin.cleanup_policy(topic)
        if policy is None:
            self.log.warning(
                "connection %r lacks DescribeConfigs on topic %s: whether the topic is compacted is not checked",
                self.kafka_config_id,
                topic,
            )
        return policy

    def commit_ends(self, window: Window) -> Mapping[int, int]:
        """Commit a window's ends to the connection's group, for tools that show its lag; return what was committed.

        Partitions in which the group has come as far already, or further, are left out; so is a topic that was created
        again since the window was planned. Harmless to repeat. The group is not joined, and must have no members.
        Raises InvalidConnection without ``group.id``, BrokerRefused, Unreachable.
        """
        from airflow_provider_kafka_odps.clients.kafka.admin import open_admin

        if self.group_id is None:
            raise InvalidConnection(
                self.kafka_config_id, "group.id is missing: the window's ends are committed to this group"
            )
        with open_admin(self.cluster) as admin:
            if admin.topic_id(window.topic) != window.topic_id:
                self.log.warning("topic %s was created again: nothing is committed to the group", window.topic)
                return {}
            return admin.commit_ends(self.group_id, window)

    def planning_lock(self, topic: str, table: str, check: Callable[[], None] = lambda: None) -> PlanningLock:
        """Return the lock of those who plan windows of a topic for a table: a consumer group of its own.

        ``check`` is called several times a second while others are waited for, and ends the wait by raising.
        """
        from airflow_provider_kafka_odps.clients.kafka.groups.planning_lock import KafkaPlanningLock

        return KafkaPlanningLock(self.cluster, topic, table, check)

    def plan(self, topic: str, start: BoundInput, end: BoundInput, **request: Any) -> Window:
        """Plan a window in one call, for use in a ``@task``: bounds as the operator takes them.

        ``"interval"`` and ``"previous"`` are none here: a run has the one, and a task that remembers the other.
        ``request`` are further fields of ``core.window.planning.WindowRequest``.
        """
        nowhere = Interval(None, None)
        first, last = parse_bound(start, Side.START, nowhere), parse_bound(end, Side.END, nowhere)
        asked = WindowRequest(topic, first, last, **request)
        facts, now = self.survey(topic, asked.questions(self.group_id)), self._clock.now()
        if asked.on_timestamp_ahead is OnTimestampAhead.IGNORE:
            looker = Looker(asked.isolation_level, now, lambda window: self.read(window, wanted=SCANNED))
            facts = looker.behind(facts, first, last, asked.first_start)
        return plan_window(facts, asked.plannable(first, last, asked.first_start), now)

    def read(  # noqa: PLR0913 - all but the window are named at the call
        self,
        window: Window,
        *,
        wanted: frozenset[str] | None = None,
        poll_timeout: float = 60.0,
        check: Callable[[], None] = lambda: None,
        passed_over: Callable[[PassedOver], None] = lambda _: None,
        on_data_loss: OnDataLoss = OnDataLoss.FAIL,
        fetch_bytes: int = FETCH_BYTES,
        unpack_limit: int = UNPACK_LIMIT,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Generator[pa.RecordBatch]:
        """Yield every record of the window as Arrow record batches (``decoding.batch.BATCH_SCHEMA``).

        A batch holds one partition, in the order of offsets. The generator ends when every partition has been read to
        its end, and only then; columns that are not ``wanted`` (None: all are) are NULL.
        ``passed_over`` gets transaction markers and aborted transactions before the batches behind them come, and
        under ``OnDataLoss.SKIP`` offsets that are lost, which fail the read otherwise.
        A response of the broker holds up to ``fetch_bytes``, and less where the window is small or many brokers lead
        its partitions; ``waiting`` is entered for as long as one is waited for.
        A record batch that unpacks to more than ``unpack_limit`` bytes is CorruptBatch.
        ``check`` is called about once a second, and ends the read by raising.
        Raises NoProgress after ``poll_timeout`` seconds without any, OffsetsExpired, CorruptBatch.
        """
        from airflow_provider_kafka_odps.clients.kafka.reader import read_window
        from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS

        columns = ALL_COLUMNS if wanted is None else wanted
        return read_window(
            self.cluster,
            window,
            wanted=columns,
            poll_timeout=poll_timeout,
            check=check,
            passed_over=passed_over,
            on_data_loss=on_data_loss,
            fetch_bytes=fetch_bytes,
            unpack_limit=unpack_limit,
            waiting=waiting,
        )


def _allowed_callbacks() -> frozenset[str]:
    """Return the functions that a connection may name as ``oauth_cb``, by this Airflow's configuration."""
    from airflow.configuration import conf

    listed = conf.get("apache_kafka", "callback_allowlist", fallback="") or ""
    return frozenset(name.strip() for name in listed.split(",") if name.strip())
