from __future__ import annotations

import uuid

import pytest
from contracts.conftest import MakeLog
from contracts.kafka_backends import NOTHING
from contracts.topic_questions import FIRST, HOUR, at, values, window_of
from twins.kafka import Fate

from airflow_provider_kafka_odps.core.window.facts import EpochEnd, Identity, PartitionFacts, Questions
from airflow_provider_kafka_odps.exceptions import (
    NoProgress,
    TopicReplaced,
    UnknownTopic,
)


def test_an_empty_topic_has_facts(make_log: MakeLog) -> None:
    """Every partition of a new topic starts and ends at 0, and no instant is an offset in it."""
    log = make_log(2)
    facts = log.source().survey(log.topic, NOTHING)
    assert facts.partitions == {number: PartitionFacts(number, 0, 0, 0) for number in range(2)}
    assert (facts.topic, facts.group, facts.leaders) == (log.topic, None, 1)
    assert facts.topic_id == log.source().identity(log.topic, {}).topic_id
    assert at(log, 0, FIRST) == [None, None]


def test_where_logs_start_end_and_are_decided(make_log: MakeLog) -> None:
    """Retention moves the start, records the end, an open transaction keeps back what is decided."""
    log = make_log(2)
    log.send([b"v"] * 5)
    log.write_in_transaction([b"never", b"never"], Fate.ABORTED)
    log.write_in_transaction([b"open"], Fate.OPEN, 0)
    log.send([b"behind"])
    log.delete_before(3)
    facts = log.source().survey(log.topic, NOTHING)
    assert facts.partitions == {0: PartitionFacts(0, low=3, high=10, stable=8), 1: PartitionFacts(1, 0, 0, 0)}


def test_a_log_may_start_behind_an_open_transaction(make_log: MakeLog) -> None:
    """Where retention has passed the start of an open transaction, nothing is decided, and nothing may be read."""
    log = make_log()
    log.write_in_transaction([b"open"] * 3, Fate.OPEN)
    log.send([b"v"] * 3)
    log.delete_before(2)
    assert log.source().survey(log.topic, NOTHING).partitions[0] == PartitionFacts(0, low=2, high=6, stable=0)
    with pytest.raises(NoProgress, match=r"\[0\]@\[2, 6\)"):
        values(log.source(), window_of(log, (2, 6)))


def test_instants_are_offsets(make_log: MakeLog) -> None:
    """An instant is the first offset at or after it, wherever timestamps go back; behind the last one there is none."""
    log = make_log(2)
    for seconds in (0, 5, 3, 9):
        log.send([b"v"], timestamp=FIRST + seconds * 1000)
    log.send([b"v"], 1, timestamp=FIRST)
    asked = [FIRST + seconds * 1000 for seconds in (-1, 0, 1, 3, 4, 5, 6, 9, 10)]
    assert at(log, *asked) == [0, 0, 1, 1, 1, 1, 3, 3, None]
    assert at(log, *asked, partition=1) == [0, 0, *[None] * 7]


def test_instants_are_offsets_of_what_is_there(make_log: MakeLog) -> None:
    """Records that have expired do not count."""
    log = make_log()
    for seconds in (0, 5, 3, 9):
        log.send([b"v"], timestamp=FIRST + seconds * 1000)
    log.delete_before(2)
    assert at(log, FIRST, FIRST + 4000, FIRST + 5000) == [2, 3, 3]
    log.delete_before(4)
    assert at(log, FIRST) == [None]


def test_what_an_instant_finds_has_a_time(make_log: MakeLog) -> None:
    """The timestamp of the record that an instant finds is told, however far ahead it is."""
    log, far = make_log(), FIRST + HOUR // 2
    for timestamp in (FIRST, FIRST + 1000, far):
        log.send([b"v"], timestamp=timestamp)
    asked = frozenset({FIRST, FIRST + 1, FIRST + 1001, far + 1})
    facts = log.source().survey(log.topic, Questions(instants=asked)).partitions[0]
    assert facts.stamps == {FIRST: FIRST, FIRST + 1: FIRST + 1000, FIRST + 1001: far}


def test_the_first_record_that_is_left_has_a_time(make_log: MakeLog) -> None:
    """Where a log does not start at 0, and an instant is asked for, the first record's timestamp is told, if any is."""
    log = make_log(2)
    for seconds in (0, 5, 3):
        log.send([b"v"], timestamp=FIRST + seconds * 1000)
    asked = Questions(instants=frozenset({FIRST}))
    firsts = []
    for low in (0, 1, 2, 3):
        log.delete_before(low)
        firsts.append(log.source().survey(log.topic, asked).partitions[0].first)
    assert firsts == [None, FIRST + 5000, FIRST + 3000, None]
    assert log.source().survey(log.topic, asked).partitions[1].first is None
    log.write_in_transaction([b"open"], Fate.OPEN, timestamp=FIRST + 7000)
    assert log.source().survey(log.topic, asked).partitions[0].first == FIRST + 7000
    assert log.source().survey(log.topic, NOTHING).partitions[0].first is None


def test_markers_and_undecided_records_have_an_instant(make_log: MakeLog) -> None:
    """An instant may be the offset of a transaction's marker, or of a record that nobody may read yet."""
    log = make_log()
    log.send([b"v"], timestamp=FIRST)
    log.write_in_transaction([b"never"], Fate.ABORTED)
    assert at(log, FIRST + 1) == [1]
    log.delete_before(2)
    assert at(log, FIRST + 1) == [2]
    log.write_in_transaction([b"open"], Fate.OPEN)
    log.delete_before(3)
    assert at(log, FIRST + 1) == [3]


def test_committed_offsets_are_of_the_group(make_log: MakeLog) -> None:
    """A partition for which the group has committed has that offset; nobody else's is told, and none without asking."""
    log, group = make_log(2), uuid.uuid4().hex
    log.send([b"v"] * 5)
    log.commit(group, 4)
    committed = {
        asked: [each.committed for each in log.source().survey(log.topic, Questions(group=asked)).partitions.values()]
        for asked in (group, "another", None)
    }
    assert committed == {group: [4, None], "another": [None, None], None: [None, None]}


def test_ends_are_committed_forward_only(make_log: MakeLog) -> None:
    """What is loaded again moves no group back, and partitions without a commit get one."""
    log, group = make_log(3), uuid.uuid4().hex
    log.send([b"v"] * 5)
    log.commit(group, 4)
    log.commit_ends(group, window_of(log, (0, 3), (0, 0)))
    asked = Questions(group=group)
    assert [each.committed for each in log.source().survey(log.topic, asked).partitions.values()] == [4, 0, None]
    log.commit_ends(group, window_of(log, (0, 5)))
    assert [each.committed for each in log.source().survey(log.topic, asked).partitions.values()] == [5, 0, None]


def test_leader_epochs_end_where_the_log_does(make_log: MakeLog) -> None:
    """Where one leader has written everything, its epoch is that of every offset, and ends at the log's end."""
    log = make_log(2)
    log.send([b"v"] * 5)
    window = window_of(log, (0, 3), (0, 0))
    assert log.source().epochs(window) == {0: 0}
    for end in (5, 7):
        assert log.source().identity(log.topic, {0: 0, 1: 0}).epoch_ends == {0: EpochEnd(0, end), 1: EpochEnd(0, 0)}
        log.send([b"more"] * 2)
    log.delete_before(6)
    found = log.source().identity(log.topic, {0: 0, 1: 7})
    assert found == Identity(window.topic_id, {0: EpochEnd(0, 9), 1: None})
    assert log.source().identity(log.topic, {}) == Identity(window.topic_id, {})


def test_a_partition_that_is_not_there_has_no_epochs(make_log: MakeLog) -> None:
    """A topic that was created again with fewer partitions has another id, and that is told at once."""
    log = make_log(2)
    window = window_of(log, (0, 0), (0, 0))
    log.delete()
    log.create()
    found = log.source().identity(log.topic, {0: 0, 1: 0})
    assert found.topic_id != window.topic_id
    assert found.epoch_ends == {0: EpochEnd(0, 0)}


def test_an_end_that_the_log_does_not_reach_has_no_epoch(make_log: MakeLog) -> None:
    """Of offsets that are not there nobody knows who is to write them."""
    log = make_log()
    log.send([b"v"] * 2)
    assert log.source().epochs(window_of(log, (0, 3))) == {}


def test_a_topic_that_is_created_again_is_another_one(make_log: MakeLog) -> None:
    """It has another id, an empty log, and nothing that a group has committed; its old window is refused."""
    log, group = make_log(), uuid.uuid4().hex
    log.send([b"old"] * 3)
    log.commit(group, 2)
    window = window_of(log, (0, 1))
    log.delete()
    with pytest.raises(UnknownTopic, match=log.topic):
        log.source().survey(log.topic, NOTHING)
    with pytest.raises(UnknownTopic, match=log.topic):
        log.source().identity(log.topic, {})
    with pytest.raises(UnknownTopic, match=log.topic):
        values(log.source(), window)
    log.create()
    log.send([b"new"])
    facts = log.source().survey(log.topic, Questions(group=group))
    assert facts.topic_id == log.source().identity(log.topic, {}).topic_id != window.topic_id
    assert facts.cluster_id == window.cluster_id
    assert facts.partitions == {0: PartitionFacts(0, 0, 1, 1)}
    with pytest.raises(TopicReplaced):
        values(log.source(), window)
    log.commit_ends(group, window)
    assert log.source().survey(log.topic, Questions(group=group)).partitions[0].committed is None


def test_partitions_are_added(make_log: MakeLog) -> None:
    """A topic with more partitions is the same topic; the new ones are empty."""
    log = make_log()
    log.send([b"v"])
    window = window_of(log, (0, 1))
    log.add_partitions(3)
    facts = log.source().survey(log.topic, NOTHING)
    assert facts.topic_id == window.topic_id
    assert facts.partitions == {0: PartitionFacts(0, 0, 1, 1), **{n: PartitionFacts(n, 0, 0, 0) for n in (1, 2)}}
    assert values(log.source(), window) == [(0, 0, b"v")]


@pytest.mark.parametrize("policy", ["delete", "compact", "compact,delete"])
def test_the_policy_is_the_topics(make_log: MakeLog, policy: str) -> None:
    """A topic's cleanup.policy is told as it was given."""
    log = make_log(policy=policy)
    assert log.source().cleanup_policy(log.topic) == policy
