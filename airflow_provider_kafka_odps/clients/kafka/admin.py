"""One round of questions to a Kafka cluster.

All of them go through the admin client: a consumer's calls create topics that do not exist, the admin client's do not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_kafka_odps.clients.kafka.connection.client import build, client_arguments
from airflow_provider_kafka_odps.clients.kafka.connection.probe import certificate_obstacles
from airflow_provider_kafka_odps.clients.kafka.epochs import Ends, epoch_ends, epochs_before
from airflow_provider_kafka_odps.clients.kafka.errors import needing, retried, translated
from airflow_provider_kafka_odps.core.window.facts import Identity, PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.exceptions import BrokerRefused, UnknownTopic

if TYPE_CHECKING:
    import ssl

    from kafka import TopicPartition
    from kafka.admin import KafkaAdminClient
    from kafka.structs import OffsetAndTimestamp

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.core.window.window import Window

Answer = TypeVar("Answer")
_PROBE_SECONDS = 5.0
_NEW_TOPIC_SECONDS = 5.0
"""How long a broker may not have heard of a topic that was made."""


@contextmanager
def open_admin(cluster: Cluster) -> Generator[Admin]:
    """Give an admin client, and close it.

    Raises Unreachable, with the servers and how long they were tried, when none of them answers, and BrokerRefused
    when one answers that this login may not.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    from airflow_provider_kafka_odps.clients.kafka.transport import RoomyClient

    started = cluster.clock.monotonic()
    arguments = client_arguments(cluster)
    _refuse_certificates(cluster, arguments.get("ssl_context"))
    # The rack and the like are for those who read records; the admin client refuses settings that it does not know.
    known = {name: value for name, value in arguments.items() if name in KafkaAdminClient.DEFAULT_CONFIG}
    servers = list(cluster.settings.bootstrap_servers)
    made: list[RoomyClient] = []

    def network(**configs: Any) -> RoomyClient:
        # The client's own transport drops a refusal after which the broker hangs up, and tries again.
        made.append(RoomyClient(**configs))
        return made[-1]

    try:
        client = build(KafkaAdminClient, network, bootstrap_servers=servers, **known)
        try:
            yield Admin(client, cluster)
        finally:
            client.close()
    except KafkaError as error:
        failures = [failure for each in made for failure in each.failures]
        raise translated(error, cluster, cluster.clock.monotonic() - started, failures) from error


def _refuse_certificates(cluster: Cluster, context: ssl.SSLContext | None) -> None:
    """Raise BrokerRefused where no server can be trusted, or none trusts us.

    The client itself would try again until its time is over, and keep the reason to itself.
    """
    if found := certificate_obstacles(cluster.settings.bootstrap_servers, context, _PROBE_SECONDS, cluster.clock):
        raise BrokerRefused(f"{cluster}: " + "; ".join(map(str, found)))


class Admin:
    """The questions to a cluster, and the one change: how far a group has come."""

    def __init__(self, client: KafkaAdminClient, cluster: Cluster) -> None:
        """Take an open client; who has opened it closes it."""
        self.client, self._cluster = client, cluster

    def topic_description(self, topic: str) -> Mapping[str, Any]:
        """Return the cluster's description of a topic; raise UnknownTopic if it has none of this name for seconds."""
        from kafka.errors import UnknownTopicOrPartitionError

        try:
            with needing(f"Describe on Topic {topic!r}"):
                return retried(lambda: self._described(topic), self._cluster.clock, _NEW_TOPIC_SECONDS)
        except UnknownTopicOrPartitionError:
            raise UnknownTopic(
                f"the cluster of connection {self._cluster.settings.conn_id!r} has no topic {topic!r} (or this login "
                "may not see it); nothing was created. Check the topic's name, and the cluster of the connection"
            ) from None

    def _described(self, topic: str) -> Mapping[str, Any]:
        from kafka.errors import NoError, UnknownTopicOrPartitionError, for_code

        def ask() -> Mapping[str, Any]:
            (description,) = self.client.describe_topics([topic])
            found: Mapping[str, Any] = description
            error = for_code(found["error_code"])
            # That one is not asked about for as long as the others.
            if error not in (NoError, UnknownTopicOrPartitionError):
                raise error(f"topic {topic}")
            return found

        found = self._ask(ask)
        if found["error_code"]:
            raise UnknownTopicOrPartitionError(f"topic {topic}")
        return found

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now."""
        return str(self.topic_description(topic)["topic_id"])

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's UUID as it is now, and where these leader epochs of its partitions end, if one may ask."""
        description = self.topic_description(topic)
        # A topic that was created again may have fewer: its id says so, and nobody is to wait for the others.
        there = {found["partition_index"] for found in description["partitions"]}
        asked = {number: epoch for number, epoch in epochs.items() if number in there}
        return Identity(str(description["topic_id"]), self._epoch_ends(topic, asked))

    def epochs(self, window: Window) -> Mapping[int, int]:
        """Return, by partition, the leader epoch in which the last offset of the window's range was written.

        Partitions are left out of which the broker does not tell, and ranges without an offset.
        """
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec

        ends = {each.partition: each.end for each in window.ranges if each.span}
        latest = self._listed([TopicPartition(window.topic, number) for number in ends], OffsetSpec.LATEST)
        leaders = {
            place.partition: found.leader_epoch for place, found in latest.items() if found.leader_epoch is not None
        }
        return epochs_before(ends, leaders, lambda asked: self._epoch_ends(window.topic, asked))

    def _epoch_ends(self, topic: str, epochs: Mapping[int, int]) -> Ends:
        """Ask, and take no answer for one where the broker does not know the question, or this login may not ask it."""
        from kafka.errors import AuthorizationError, UnsupportedVersionError

        try:
            return self._ask(lambda: epoch_ends(self.client, topic, epochs))
        except (AuthorizationError, UnsupportedVersionError):
            return {}

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``, its own or the broker's; None if this login may not describe it."""
        from kafka.admin import ConfigResource
        from kafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError

        wanted = ConfigResource("topic", topic, {"cleanup.policy": None})
        try:
            answer = self._ask(lambda: self.client.describe_configs([wanted], config_filter="all"))
        except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
            return None
        # A topic whose settings may not be known comes without any.
        found = answer["topic"].get(topic, {}).get("cleanup.policy")
        return str(found["value"]) if found else None

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask for all that a plan needs.

        Records arrive between the questions. The log ends are asked for behind the instants, so that no instant lies
        beyond its log; how far a log is decided is asked last, or what is not an open transaction would look like one;
        and no instant is reached behind a later one. Where there are instants, partitions whose log does not start at
        0 are asked for their first record: it proves what an instant means there.
        """
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec

        description = self.topic_description(topic)
        partitions = [TopicPartition(topic, found["partition_index"]) for found in description["partitions"]]
        committed = self._committed(questions.group, partitions)
        asked = {millis: self._listed(partitions, millis) for millis in sorted(questions.instants)}
        reached = _in_order(asked)
        low = self._offsets(partitions, OffsetSpec.EARLIEST)
        begun_later = [place for place in partitions if low[place]] if reached else []
        # Of all timestamps there are: 0 and later.
        first = self._listed(begun_later, 0) if begun_later else {}
        high = self._offsets(partitions, OffsetSpec.LATEST)
        stable = self._offsets(partitions, OffsetSpec.LATEST, committed_only=True)
        return TopicFacts(
            topic=topic,
            topic_id=str(description["topic_id"]),
            cluster_id=str(self._ask(self.client.describe_cluster)["cluster_id"]),
            group=questions.group,
            leaders=len({found["leader_id"] for found in description["partitions"]}),
            partitions={
                place.partition: PartitionFacts(
                    partition=place.partition,
                    low=_known(low[place]),
                    high=_known(high[place]),
                    stable=min(_known(stable[place]), _known(high[place])),
                    committed=committed.get(place),
                    at={millis: _offset(answer[place]) for millis, answer in reached.items()},
                    stamps={
                        millis: answer[place].timestamp
                        for millis, answer in reached.items()
                        if _offset(answer[place]) is not None
                    },
                    first=None if place not in first or _offset(first[place]) is None else first[place].timestamp,
                )
                for place in sorted(partitions)
            },
        )

    def commit_ends(self, group: str, window: Window) -> Mapping[int, int]:
        """Commit the window's ends where the group has not come as far; return what was committed, by partition.

        The group is not joined: like any commit from outside, this needs a group without members.
        Raises BrokerRefused with the broker's words.
        """
        from kafka import OffsetAndMetadata, TopicPartition

        ends = {TopicPartition(window.topic, offsets.partition): offsets.end for offsets in window.ranges}
        known = self._committed(group, list(ends))
        # Never back: an old window that is loaded again says nothing about the newer ones.
        ahead = {place: end for place, end in ends.items() if known.get(place, -1) < end}
        if ahead:
            wanted = {place: OffsetAndMetadata(end, "", -1) for place, end in ahead.items()}
            with needing(f"Read on Group {group!r} and Read on Topic {window.topic!r}"):
                answer = self._ask(lambda: self.client.alter_group_offsets(group, wanted))
                _check_committed(self._cluster.settings.conn_id, group, answer)
        return {place.partition: end for place, end in sorted(ahead.items())}

    def _offsets(
        self, partitions: Iterable[TopicPartition], spec: Any, *, committed_only: bool = False
    ) -> dict[TopicPartition, int | None]:
        answer = self._listed(partitions, spec, committed_only=committed_only)
        return {place: _offset(found) for place, found in answer.items()}

    def _listed(
        self, partitions: Iterable[TopicPartition], spec: Any, *, committed_only: bool = False
    ) -> Mapping[TopicPartition, OffsetAndTimestamp]:
        isolation = "read_committed" if committed_only else "read_uncommitted"
        wanted = dict.fromkeys(partitions, spec)
        with needing(f"Describe on Topic {', '.join({repr(place.topic) for place in wanted})}"):
            answer: Mapping[TopicPartition, OffsetAndTimestamp] = self._ask(
                lambda: self.client.list_partition_offsets(wanted, isolation_level=isolation)
            )
        return answer

    def _committed(self, group: str | None, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        if group is None:
            return {}
        with needing(f"Describe on Group {group!r}"):
            answer = self._ask(lambda: self.client.list_group_offsets({group: partitions})[group])
        return {place: found.offset for place, found in answer.items() if found.offset >= 0}

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        return retried(question, self._cluster.clock)


def _offset(found: OffsetAndTimestamp) -> int | None:
    # The wire's -1 (no record that late) comes as such; it is no offset.
    return found.offset if found.offset >= 0 else None


def _in_order(
    reached: Mapping[int, Mapping[TopicPartition, OffsetAndTimestamp]],
) -> dict[int, dict[TopicPartition, OffsetAndTimestamp]]:
    """Return what instants have reached, with that of the next one where one had reached nothing when asked."""
    later: dict[TopicPartition, OffsetAndTimestamp] = {}
    filled = {}
    for millis in sorted(reached, reverse=True):
        later = {
            place: later.get(place, answer) if _offset(answer) is None else answer
            for place, answer in reached[millis].items()
        }
        filled[millis] = later
    return filled


def _known(offset: int | None) -> int:
    assert offset is not None, "a log has a start and an end"
    return offset


def _check_committed(conn_id: str, group: str, answer: Mapping[TopicPartition, type[Exception]]) -> None:
    from kafka.errors import AuthorizationError, NoError

    if denied := next((error for error in answer.values() if issubclass(error, AuthorizationError)), None):
        raise denied(f"the window's ends were not committed to group {group!r}; the rows are in the table")
    refused = {place.partition: error for place, error in sorted(answer.items()) if error is not NoError}
    if refused:
        listed = ", ".join(f"partition {number}: {error.__name__}" for number, error in refused.items())
        raise BrokerRefused(
            f"connection {conn_id!r}: the window's ends were not committed to group {group!r}: {listed}. "
            "The rows are in the table, and stay there. Nobody can commit to a group that has members from outside: "
            "give this connection a group.id of its own"
        )
