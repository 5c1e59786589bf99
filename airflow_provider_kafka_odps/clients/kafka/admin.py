"""One round of questions to a Kafka cluster.

All of them go through the admin client: a consumer's calls create topics that do not exist, the admin client's do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import BrokerRefused

if TYPE_CHECKING:
    from kafka import TopicPartition
    from kafka.admin import KafkaAdminClient
import itertools
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_kafka_odps.clients.kafka.connection.client import build, client_arguments
from airflow_provider_kafka_odps.clients.kafka.connection.probe import certificate_obstacles
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError, UnknownTopic, Unreachable

if TYPE_CHECKING:
    import ssl

    from kafka import TopicPartition
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError


Answer = TypeVar("Answer")


_PROBE_SECONDS = 5.0


_UNKNOWN_TOPIC = 3
"""Kafka's error code UNKNOWN_TOPIC_OR_PARTITION."""


@contextmanager
def admin_client(settings: KafkaSettings) -> Generator[KafkaAdminClient]:
    """Give an admin client, and close it.

    Raises Unreachable, with the servers and how long they were tried, when none of them answers, and BrokerRefused
    when one answers that this login may not.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    from airflow_provider_kafka_odps.clients.kafka.transport import RoomyClient

    started = time.monotonic()
    arguments = client_arguments(settings)
    refuse_certificates(settings, arguments.get("ssl_context"))
    # The rack and the like are for those who read records; the admin client refuses settings that it does not know.
    known = {name: value for name, value in arguments.items() if name in KafkaAdminClient.DEFAULT_CONFIG}
    servers = list(settings.bootstrap_servers)
    try:
        # The client's own transport drops a refusal after which the broker hangs up, and tries again.
        client = build(KafkaAdminClient, RoomyClient, bootstrap_servers=servers, **known)
        try:
            yield client
        finally:
            client.close()
    except KafkaError as error:
        raise translated(error, settings, time.monotonic() - started) from error


def refuse_certificates(settings: KafkaSettings, context: ssl.SSLContext | None) -> None:
    """Raise BrokerRefused where no server can be trusted, or none trusts us.

    The client itself would try again until its time is over, and keep the reason to itself.
    """
    if found := certificate_obstacles(settings, context, _PROBE_SECONDS):
        raise BrokerRefused(f"{where_of(settings)}: " + "; ".join(map(str, found)))


def where_of(settings: KafkaSettings) -> str:
    """Return how messages begin: the connection and its servers."""
    return f"connection {settings.conn_id!r}, Kafka at {', '.join(settings.bootstrap_servers)}"


def patiently(ask: Callable[[], Answer], seconds: float = 30.0) -> Answer:
    """Ask until the broker answers: just after a start or a leader change it asks for patience.

    Raises the last refusal after ``seconds``, and one that time does not mend at once.
    """
    from kafka.errors import KafkaError

    deadline = time.monotonic() + seconds
    for pause in itertools.chain((0.05, 0.1, 0.2, 0.5), itertools.repeat(1.0)):
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
    raise AssertionError("the pauses do not end")


def translated(error: KafkaError, settings: KafkaSettings, seconds: float) -> KafkaOdpsError:
    """Return our error for one of the client's."""
    from kafka.errors import AuthorizationError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError

    where = where_of(settings)
    if error.retriable:
        return Unreachable(
            f"{where}: no answer within {seconds:.0f} s ({error}). "
            "Is the address right, and reachable from this worker?"
        )
    match error:
        case SaslAuthenticationFailedError() | UnsupportedSaslMechanismError():
            return BrokerRefused(f"{where}, step authenticate: no login by {settings.login}: {error}")
        case AuthorizationError():
            needed = ", ".join(getattr(error, "__notes__", ())) or "a right that it lacks"
            return BrokerRefused(
                f"{where}, step authorise: who logs in by {settings.login} needs {needed} ({error}). "
                "The broker's administrator grants it with kafka-acls --add; docs/connections lists all that is needed"
            )
    return BrokerRefused(f"{where}: the broker refused: {error}")


@contextmanager
def needing(right: str) -> Generator[None]:
    """Note on a refusal which right was missing, such as ``Describe on Topic 'orders'``: Kafka does not say."""
    from kafka.errors import AuthorizationError

    try:
        yield
    except AuthorizationError as error:
        if not getattr(error, "__notes__", ()):
            error.add_note(right)
        raise


def topic_description(client: KafkaAdminClient, topic: str, conn_id: str) -> Mapping[str, Any]:
    """Return what the cluster says of a topic; raise UnknownTopic if it has none of this name."""
    with needing(f"Describe on Topic {topic!r}"):
        (description,) = patiently(lambda: client.describe_topics([topic]))
    if description["error_code"] == _UNKNOWN_TOPIC:
        raise UnknownTopic(
            f"the cluster of connection {conn_id!r} has no topic {topic!r} (or this login may not see it); "
            "nothing was created"
        )
    if description["error_code"]:
        from kafka.errors import for_code

        with needing(f"Describe on Topic {topic!r}"):
            raise for_code(description["error_code"])(f"topic {topic}")
    found: Mapping[str, Any] = description
    return found


def cleanup_policy(client: KafkaAdminClient, topic: str) -> str | None:
    """Return the topic's ``cleanup.policy``, its own or the broker's; None if this login may not describe it."""
    from kafka.admin import ConfigResource
    from kafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError

    wanted = ConfigResource("topic", topic, {"cleanup.policy": None})
    try:
        answer = patiently(lambda: client.describe_configs([wanted], config_filter="all"))
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
        return None
    # A topic whose settings may not be known comes without any.
    found = answer["topic"].get(topic, {}).get("cleanup.policy")
    return str(found["value"]) if found else None


def survey(client: KafkaAdminClient, topic: str, questions: Questions, conn_id: str) -> TopicFacts:
    """Ask for all that a plan needs.

    The log ends are asked for last, so that no other answer lies beyond them: a record that arrives in between would
    otherwise make an instant's offset lie past the end.
    """
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    description = topic_description(client, topic, conn_id)
    partitions = [TopicPartition(topic, found["partition_index"]) for found in description["partitions"]]
    committed = _committed(client, questions.group, partitions)
    at = {millis: _offsets(client, partitions, millis) for millis in sorted(questions.instants)}
    low = _offsets(client, partitions, OffsetSpec.EARLIEST)
    stable = _offsets(client, partitions, OffsetSpec.LATEST, committed_only=True)
    high = _offsets(client, partitions, OffsetSpec.LATEST)
    return TopicFacts(
        topic=topic,
        topic_id=str(description["topic_id"]),
        cluster_id=str(patiently(client.describe_cluster)["cluster_id"]),
        group=questions.group,
        leaders=len({found["leader_id"] for found in description["partitions"]}),
        partitions={
            place.partition: PartitionFacts(
                partition=place.partition,
                low=_known(low[place]),
                high=_known(high[place]),
                stable=_known(stable[place]),
                committed=committed.get(place),
                at={millis: found[place] for millis, found in at.items()},
            )
            for place in sorted(partitions)
        },
    )


def _offsets(
    client: KafkaAdminClient, partitions: Iterable[TopicPartition], spec: Any, *, committed_only: bool = False
) -> dict[TopicPartition, int | None]:
    isolation = "read_committed" if committed_only else "read_uncommitted"
    wanted = dict.fromkeys(partitions, spec)
    with needing(f"Describe on Topic {', '.join({repr(place.topic) for place in wanted})}"):
        answer = patiently(lambda: client.list_partition_offsets(wanted, isolation_level=isolation))
    # The wire's -1 (no record that late) comes as such; it is no offset.
    return {place: found.offset if found.offset >= 0 else None for place, found in answer.items()}


def _known(offset: int | None) -> int:
    assert offset is not None, "a log has a start and an end"
    return offset


def _committed(
    client: KafkaAdminClient, group: str | None, partitions: list[TopicPartition]
) -> dict[TopicPartition, int]:
    if group is None:
        return {}
    with needing(f"Describe on Group {group!r}"):
        answer = patiently(lambda: client.list_group_offsets({group: partitions})[group])
    return {place: found.offset for place, found in answer.items() if found.offset >= 0}


def commit_ends(client: KafkaAdminClient, settings: KafkaSettings, group: str, window: Window) -> Mapping[int, int]:
    """Commit the window's ends where the group has not come as far; return what was committed, by partition.

    The group is not joined: like any commit from outside, this needs a group without members.
    Raises BrokerRefused with the broker's words.
    """
    from kafka import OffsetAndMetadata, TopicPartition

    ends = {TopicPartition(window.topic, offsets.partition): offsets.end for offsets in window.ranges()}
    with needing(f"Describe on Group {group!r}"):
        known = patiently(lambda: client.list_group_offsets({group: list(ends)})[group])
    # Never back: an old window that is loaded again says nothing about the newer ones.
    ahead = {place: end for place, end in ends.items() if place not in known or known[place].offset < end}
    if ahead:
        wanted = {place: OffsetAndMetadata(end, "", -1) for place, end in ahead.items()}
        with needing(f"Read on Group {group!r} and Read on Topic {window.topic!r}"):
            _check(settings, group, patiently(lambda: client.alter_group_offsets(group, wanted)))
    return {place.partition: end for place, end in sorted(ahead.items())}


def _check(settings: KafkaSettings, group: str, answer: Mapping[TopicPartition, type[Exception]]) -> None:
    from kafka.errors import AuthorizationError, NoError

    if denied := next((error for error in answer.values() if issubclass(error, AuthorizationError)), None):
        raise denied(f"the window's ends were not committed to group {group!r}; the rows are in the table")
    refused = {place.partition: error for place, error in sorted(answer.items()) if error is not NoError}
    if refused:
        listed = ", ".join(f"partition {number}: {error.__name__}" for number, error in refused.items())
        raise BrokerRefused(
            f"connection {settings.conn_id!r}: the window's ends were not committed to group {group!r}: {listed}. "
            "The rows are in the table, and stay there. A group that others have joined cannot be committed to from "
            "outside: give this connection a group.id of its own"
        )
