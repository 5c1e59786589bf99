"""Leader epochs: in which one an offset was written, and where each ends in a log.

kafka-python's consumer asks this of its own positions, and its admin client does not ask at all. So the request goes
through the admin client's connections; ``tests/clients/kafka/test_epochs.py`` holds what is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_kafka_odps.core.window.facts import EpochEnd

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

Ends: TypeAlias = "Mapping[int, EpochEnd | None]"
"""By partition, the answers of the leaders; None: the log knows none that early."""
_CONSUMER = -1
"""As a replica's id: who asks is no broker."""
_ANY_EPOCH = -1
"""As the epoch of the leader that is asked: whichever it has."""


def epoch_ends(client: KafkaAdminClient, topic: str, epochs: Mapping[int, int]) -> Ends:
    """Ask the leader of each partition where a leader epoch ends in its log.

    Raises what the client raises, of the first partition that could not be answered.
    """
    return client._manager.run(_ask, client, topic, epochs) if epochs else {}  # noqa: SLF001 - see the module


async def _ask(client: Any, topic: str, epochs: Mapping[int, int]) -> Ends:
    from kafka import TopicPartition
    from kafka.protocol.consumer import OffsetForLeaderEpochRequest

    wanted = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
    found: dict[int, EpochEnd | None] = {}
    leaders = await client._async_get_leader_for_partitions({TopicPartition(topic, number) for number in epochs})  # noqa: SLF001
    for leader, places in leaders.items():
        partitions = [
            wanted.OffsetForLeaderPartition(
                partition=place.partition, current_leader_epoch=_ANY_EPOCH, leader_epoch=epochs[place.partition]
            )
            for place in sorted(places)
        ]
        request = OffsetForLeaderEpochRequest(replica_id=_CONSUMER, topics=[wanted(topic=topic, partitions=partitions)])
        response = await client._manager.send(request, node_id=leader)  # noqa: SLF001
        found |= _answers(response, topic, epochs)
    return found


def _answers(response: Any, topic: str, epochs: Mapping[int, int]) -> dict[int, EpochEnd | None]:
    from kafka.errors import NoError, for_code

    found: dict[int, EpochEnd | None] = {}
    for answered in response.topics:
        for each in answered.partitions:
            error = for_code(each.error_code)
            if error is not NoError:
                raise error(f"{topic}[{each.partition}]: where does leader epoch {epochs[each.partition]} end?")
            # Some brokers answer with the epoch of now, whichever was asked for: that tells no more than the end does.
            epoch = min(each.leader_epoch, epochs[each.partition])
            # The wire has -1 for both where the log knows none.
            found[each.partition] = EpochEnd(epoch, each.end_offset) if epoch >= 0 and each.end_offset >= 0 else None
    return found


@dataclass
class _Search:
    """Looks for the epoch of the offset before an end, from the leader's epoch downwards in growing steps."""

    end: int
    above: int
    """This epoch ends at ``end`` or behind it."""
    below: int = -1
    """This epoch ends before ``end``, as far as is known."""
    step: int = 1

    @property
    def epoch(self) -> int | None:
        """The epoch to ask about next; None: ``above`` is the one that was looked for."""
        if self.above - self.below <= 1:
            return None
        return max(self.above - self.step, (self.above + self.below) // 2)

    def learn(self, asked: int, found: EpochEnd) -> None:
        """Take over an answer."""
        if found.end < self.end:
            self.below = asked
        else:
            self.above = found.epoch
            self.step *= 2


def epochs_before(
    ends: Mapping[int, int], leaders: Mapping[int, int], ask: Callable[[Mapping[int, int]], Ends]
) -> Mapping[int, int]:
    """Return, by partition, the epoch in which the offset before an end was written.

    ``leaders`` has the epochs of the partitions' leaders now. A partition is left out where the answers do not fit its
    end: the log is shorter, or its broker does not keep epochs.
    """
    first = ask(leaders)
    searches = {
        number: _Search(ends[number], found.epoch)
        for number, found in first.items()
        if found is not None and found.end >= ends[number]
    }
    while asked := {number: epoch for number, search in searches.items() if (epoch := search.epoch) is not None}:
        for number, found in ask(asked).items():
            if found is None:
                del searches[number]
            else:
                searches[number].learn(asked[number], found)
    return {number: search.above for number, search in sorted(searches.items())}
