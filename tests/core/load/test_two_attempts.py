"""Numbers, contents and order of blocks are a function of window, layout and mapping: two attempts write the same.

What differs between them is how many lanes there are, where the reader's batches end, and which requests fail. Rows are
compared, one by one in their order. The bytes of a body are the same where a table has record blocks; those of an Arrow
block are cut where the reader's batches end (``tests/clients/maxcompute/test_block_body.py``). Of several partitions in
one block, this reader takes one after the other; a real one takes them as brokers answer, and each of them in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from core.examples import window_of
from core.world import resources, uncounted
from hypothesis import example, given
from hypothesis import strategies as st
from twins.clock import HandClock
from twins.kafka import Cluster, Fate, Log, Topic, Transaction
from twins.kafka_reader import Source

from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
from airflow_provider_kafka_odps.core.load.layout import Block, lay_out
from airflow_provider_kafka_odps.core.load.shares import share_out
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.core.window.facts import Questions

PROJECTION = compile_projection(
    {"p": "__partition__", "o": "__offset__", "n": "__value__"},
    TableSchema(columns_of({"p": "bigint", "o": "bigint", "n": "bigint"})),
    RecordFormat(value=Format.STRING),
    Wanted("__key__ IS NULL OR __key__ <> 'left out'"),
)
WHOLE = 99
"""More batches than any block has: such a try comes to its end, and only its answer is lost."""
_LOGS = st.lists(st.text("rrrxfhac", max_size=14), min_size=1, max_size=3)
"""By partition: a record that is a row, a reject, one that is filtered; nothing; a transaction, aborted or not."""


@dataclass(frozen=True)
class Way:
    """How one attempt goes."""

    lanes: int
    batch_records: int
    tries: Mapping[int, Sequence[int]]
    """By block: after how many batches of rows each request failed before the one that was taken."""


WAYS = st.builds(
    Way,
    st.integers(0, 3),
    st.integers(1, 5),
    st.dictionaries(st.integers(0, 5), st.lists(st.sampled_from([0, 1, 2, WHOLE]), max_size=2), max_size=3),
)


def _log(things: str) -> Log:
    log = Log()
    for number, thing in enumerate(things):
        match thing:
            case "h":
                log.skip()
            case "a" | "c":
                transaction = Transaction()
                for _ in range(2):
                    log.append(b"%d" % number, transaction=transaction)
                transaction.fate = Fate.ABORTED if thing == "a" else Fate.COMMITTED
                log.mark(transaction)
            case _:
                log.append(b"no" if thing == "x" else b"%d" % number, b"left out" if thing == "f" else None)
    return log


@dataclass
class Attempt:
    """An upload that a whole window is written to, and all that is told of it."""

    way: Way
    id: str = "u1"
    blocks: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    rejects: list[tuple[int, int]] = field(default_factory=list)

    def load(self, logs: Sequence[str], most: int, sizes: Mapping[int, int]) -> Mapping[Any, Any]:
        """Load the whole of some logs; return what became of each partition's offsets."""
        topic = Topic("id-1", "compact", {number: _log(things) for number, things in enumerate(logs)})
        source = Source(Cluster(topics={"orders": topic}), batch_records=self.way.batch_records)
        facts = source.survey("orders", Questions())
        window = window_of(*((0, log.high) for log in topic.partitions.values()))
        (share,) = share_out(window, lay_out(window, most, sizes), 1, PROJECTION.origin)
        stages = Stages(
            lambda: source.open_reader(PROJECTION.wanted, facts),
            *(PROJECTION, self._take, resources(self.way.lanes), HandClock(), lambda: None),
            **uncounted(),
        )
        result = ShareLoad(share, stages).run(self, self)
        return result.ledger.prove(lambda: "compact", OnDataLoss.FAIL)

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        for broken in self.way.tries.get(number, ()):
            with sending.slot(), closing(iter(batches)) as rows:  # type: ignore[type-var]  # a generator
                for _ in range(broken):
                    next(rows, None)
        with sending.slot():
            self.blocks[number] = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
        return 0

    def _take(self, _: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        self.rejects += [(each.partition, each.offset) for each in rejects]

    def commit(self, blocks: int) -> None:
        raise AssertionError(f"nobody commits {blocks} blocks here")

    def status(self) -> UploadStatus:
        return UploadStatus.NORMAL

    def check(self) -> None:
        """Never stop."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Tell nobody."""

    def others_done(self) -> bool:
        """Wait for nobody."""
        return True


def _expected(logs: Sequence[str], blocks: Sequence[Block]) -> dict[int, list[tuple[int, ...]]]:
    rows: dict[int, dict[int, int]] = {}
    for partition, things in enumerate(logs):
        at, there = 0, rows.setdefault(partition, {})
        for number, thing in enumerate(things):
            if thing in "rc":
                there |= dict.fromkeys(range(at, at + (2 if thing == "c" else 1)), number)
            at += 3 if thing in "ac" else 1
    return {
        block.number: [
            (each.partition, at, rows[each.partition][at])
            for each in block.ranges
            for at in range(each.start, each.end)
            if at in rows[each.partition]
        ]
        for block in blocks
    }


@given(
    logs=_LOGS,
    most=st.integers(1, 7),
    sizes=st.dictionaries(st.integers(0, 2), st.integers(1, 5)),
    one=WAYS,
    other=WAYS,
)
@example(["raachr", "xxr"], 5, {}, Way(0, 5, {}), Way(3, 1, {0: [WHOLE], 2: [1, WHOLE]}))
@example(["aa", "hh", "c"], 7, {}, Way(1, 1, {}), Way(2, 3, {6: [WHOLE, WHOLE]}))
def test_two_attempts_write_the_same_blocks(
    logs: list[str], most: int, sizes: dict[int, int], one: Way, other: Way
) -> None:
    """Under the same numbers the same rows in the same order, and of each block what is in its ranges: nothing else.

    Also where edges are within a transaction, an aborted one or a hole. What became of each offset is the same, and the
    same records are rejects.
    """
    first, second = Attempt(one), Attempt(other)
    counts = [attempt.load(logs, most, sizes) for attempt in (first, second)]
    window = window_of(*((0, _log(things).high) for things in logs))
    assert first.blocks == _expected(logs, lay_out(window, most, sizes))
    assert first.blocks == second.blocks
    assert counts[0] == counts[1]
    assert sorted(first.rejects) == sorted(second.rejects)
