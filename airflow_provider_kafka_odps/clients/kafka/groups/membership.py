"""One member of a consumer group that consumes nothing: it joins, commits under its generation, and leaves.

kafka-python's consumer does this too, but only together with an assignment of partitions and a thread that keeps the
membership alive. ``tests/contracts/test_planning_lock.py`` holds what is relied on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.kafka.errors import needing

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

_PROTOCOL = "planning"
_QUICK_SECONDS = 10.0
_LAST_WITH_RETENTION = 4
"""The last version of OffsetCommit that says how long an offset is kept."""
_RETENTION_MS = 100 * 365 * 24 * 3_600_000
"""Without it, brokers forget what a group without members has committed after a week."""


class Membership:
    """This process as a member of a group; every method raises the client's errors."""

    def __init__(self, client: KafkaAdminClient, group: str, session_seconds: float) -> None:
        """Take an open client; nothing is joined yet."""
        self._client, self.group, self._session_seconds = client, group, session_seconds
        self._member, self._generation, self._joins = "", -1, 0

    def join_and_sync(self) -> bool:
        """Wait for the next generation, and until its leader is ready; return whether that is this member.

        As long as the group has a leader that does not answer, the broker lets this wait, up to a session.
        A member that the broker does not know, or does not know any more, has to try again.
        """
        from kafka.errors import (
            IllegalGenerationError,
            MemberIdRequiredError,
            RebalanceInProgressError,
            UnknownMemberIdError,
        )

        try:
            leads = self._join()
            self._sync()
        except UnknownMemberIdError:
            self._member = ""
        except (MemberIdRequiredError, IllegalGenerationError, RebalanceInProgressError):
            pass
        else:
            return leads
        return False

    def _join(self) -> bool:
        from kafka.protocol.consumer import JoinGroupRequest

        # Members whose metadata changes are given a new generation, others the one that there is.
        self._joins += 1
        protocol = JoinGroupRequest.JoinGroupRequestProtocol(name=_PROTOCOL, metadata=b"%d" % self._joins)
        millis = round(self._session_seconds * 1000)
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=millis,
            rebalance_timeout_ms=millis,
            member_id=self._member,
            group_instance_id=None,
            protocol_type=_PROTOCOL,
            protocols=[protocol],
            reason="",
        )
        answer = self._ask(request, self._session_seconds + _QUICK_SECONDS)
        # The broker gives an id with its first refusal.
        self._member = answer.member_id or self._member
        _check(answer.error_code)
        self._generation = answer.generation_id
        return bool(answer.leader == answer.member_id)

    def _sync(self) -> None:
        # The leader tells the broker that nobody is assigned anything; the others wait for that.
        from kafka.protocol.consumer import SyncGroupRequest

        request = SyncGroupRequest(
            group_id=self.group,
            generation_id=self._generation,
            member_id=self._member,
            group_instance_id=None,
            protocol_type=_PROTOCOL,
            protocol_name=_PROTOCOL,
            assignments=[],
        )
        _check(self._ask(request, self._session_seconds + _QUICK_SECONDS).error_code)

    def leave(self) -> None:
        """Let the others have the next generation at once."""
        from kafka.protocol.consumer import LeaveGroupRequest

        if self._member:
            whom = LeaveGroupRequest.MemberIdentity(member_id=self._member, group_instance_id=None, reason="")
            self._ask(LeaveGroupRequest(group_id=self.group, member_id=self._member, members=[whom]), _QUICK_SECONDS)

    def commit(self, topic: str, offset: int, metadata: Mapping[int, str]) -> None:
        """Commit this offset with its metadata for each partition: all of them, or none where that is refused."""
        from kafka.protocol.consumer import OffsetCommitRequest

        places = OffsetCommitRequest.OffsetCommitRequestTopic
        partitions = [
            places.OffsetCommitRequestPartition(
                partition_index=number, committed_offset=offset, committed_leader_epoch=-1, committed_metadata=text
            )
            for number, text in metadata.items()
        ]
        request = OffsetCommitRequest(
            group_id=self.group,
            generation_id_or_member_epoch=self._generation,
            member_id=self._member,
            group_instance_id=None,
            retention_time_ms=_RETENTION_MS,
            topics=[places(name=topic, partitions=partitions)],
            max_version=_LAST_WITH_RETENTION,
        )
        with needing(f"Read on Group {self.group!r} and Read on Topic {topic!r}"):
            for answered in self._ask(request, _QUICK_SECONDS).topics:
                for partition in answered.partitions:
                    _check(partition.error_code)

    def committed(self, topic: str) -> dict[int, tuple[int, str]]:
        """Return what was committed: partition → offset and metadata."""
        with needing(f"Read on Group {self.group!r}"):
            found = self._client.list_group_offsets({self.group: None})[self.group]
        return {
            place.partition: (each.offset, each.metadata or "") for place, each in found.items() if place.topic == topic
        }

    def _ask(self, request: Any, seconds: float) -> Any:
        from kafka.errors import CoordinatorNotAvailableError, NotCoordinatorError

        client = self._client

        async def ask() -> Any:
            node = await client._find_coordinator_id(self.group)  # noqa: SLF001 - as the client's own requests do
            return await client._manager.send(request, node_id=node, request_timeout_ms=round(seconds * 1000))  # noqa: SLF001

        with needing(f"Read on Group {self.group!r}"):
            answer = client._manager.run(ask)  # noqa: SLF001
        if getattr(answer, "error_code", 0) in (CoordinatorNotAvailableError.errno, NotCoordinatorError.errno):
            client._manager.cluster._coordinators.clear()  # noqa: SLF001 - it would be asked again for ever
        return answer


def _check(code: int) -> None:
    if code:
        from kafka.errors import for_code

        raise for_code(code)
