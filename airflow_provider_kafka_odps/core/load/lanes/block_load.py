"""One block: its rows as they come, and what became of each of its offsets."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.lanes.projecting import projected
from airflow_provider_kafka_odps.core.load.lanes.stage_times import StageTimes
from airflow_provider_kafka_odps.core.load.lanes.stages import Read, Stages, TakeRejects
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.pacing.gate import Turn
from airflow_provider_kafka_odps.core.load.pacing.slots import Slots
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.window.offsets import next_offset
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import ReadAgain

PIECE_BYTES = 1024 * 1024
"""Bytes of rows that are sent at once: what is larger would be in memory twice, in every lane."""

_NOTHING = 0.001
"""Seconds that taking a free slot may take: that is no pause."""


Send = Callable[[int, int, int], None]
"""Waits until rows may go: so many, of so many bytes, with which so many offsets more are passed."""


class BlockLoad:
    """The passes over the offsets of one block: a try that failed is followed by another, and the last one counts."""

    def __init__(
        self,
        block: Block,
        window: Window,
        read: Read,
        stages: Stages,
        turn: Turn,
        check: Callable[[], None],
        send: Send,
    ) -> None:
        self._window, self._read_window, self._stages = replace(window, ranges=block.ranges), read, stages
        self._turn, self._check, self._send = turn, check, send
        self._rejects = _NewRejects(stages.take_rejects)
        self._seconds = StageTimes(stages.clock)
        self._outside = 0.0
        """Seconds in which the broker or a place among those that compute was waited for."""
        self._whole: list[int] = []
        """How many records each pass had that came to its end: its request may be under way still."""
        self._begin()

    def _begin(self) -> None:
        self.ledger, self.not_json = Ledger(self._window), 0
        self._evidence, self._sent = Evidence(self._waiting), (0, 0, 0)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the block from its first offset on, and yield its rows."""
        rows, size, passed = self._sent
        if rows or passed:
            self._send(-rows, -size, -passed)
        self._begin()
        try:
            self._take_turn()
            with closing(self._read()) as batches:
                for batch in batches:
                    for columns in self._project(batch):
                        yield from self._pieces(columns)
            self._before_read()
            self._whole.append(self.ledger.records)
        finally:
            self._turn.leave()

    def sending(self, slots: Slots) -> BlockSending:
        """Return how this block is sent: its seconds are counted with those of its rows."""
        return BlockSending(slots, self._seconds, self._stages.clock)

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage so far, of all passes."""
        return dict(self._seconds.spent())

    def check_tries(self) -> None:
        """Raise ReadAgain where another pass has found other records, or other rejects than were handed on."""
        # Of two requests with all rows of a block, the service may finish the first one last.
        records = self.ledger.records
        before_this = next((each for each in self._whole if each != records), records)
        for what, before, now in (
            ("records that do not fit", self._rejects.count, self.ledger.rejects),
            ("records", before_this, records),
        ):
            if before != now:
                raise ReadAgain(
                    f"{', '.join(map(str, self._window.ranges))}: read twice, because a block was not taken the first "
                    f"time, and it had {before} {what}, and then {now}: the log has changed. Nothing was committed; "
                    "the next attempt loads what the log has then"
                )

    def _read(self) -> Generator[pa.RecordBatch]:
        clock = self._stages.clock
        with closing(self._read_window(self._window, self._evidence)) as batches:
            while True:
                self._before_read()
                before, started = self._outside, clock.monotonic()
                batch = next(batches, None)
                outside = self._outside - before
                self._seconds.add("decode", clock.monotonic() - started - outside)
                if batch is None:
                    return
                yield batch

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Leave the place to another lane while the broker is waited for."""
        started = self._stages.clock.monotonic()
        self._turn.leave()
        try:
            with self._seconds.timed("wait"):
                yield
        finally:
            self._take_turn()
            self._outside += self._stages.clock.monotonic() - started

    def _take_turn(self) -> None:
        with self._seconds.timed("queue"):
            self._turn.take()

    def _before_read(self) -> None:
        self._check()
        for passed in self._evidence.take_passed_over():
            self.ledger.pass_over(passed)

    def _project(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        parts = projected(self._stages.projection, self._window.topic, batch)
        while True:
            with self._seconds.timed("project"):
                part, found = next(parts, (None, None))
                if part is None or found is None:
                    return
                self._rejects.take(part, found.rejects)
                self.ledger.add(part, rejects=len(found.rejects), filtered=found.filtered)
                self.ledger.content.add(found, part, self._stages.projection)
                self.not_json += found.not_json
            yield found.columns

    def _pieces(self, columns: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        # While they are sent, another lane may compute.
        self._turn.leave()
        for piece in pieces(columns):
            yield piece
            # Behind it: whoever takes the next piece has written this one.
            self._advance(piece)
        self._take_turn()
        if not columns.num_rows:
            self._advance(columns)

    def _advance(self, piece: pa.RecordBatch) -> None:
        rows, size, passed = self._sent
        more = piece.num_rows, int(piece.nbytes), self.ledger.passed - passed
        self._sent = rows + more[0], size + more[1], passed + more[2]
        if self._stages.resources.max_bytes_per_second is None:
            self._send(*more)
            return
        with self._seconds.timed("throttle"):
            self._send(*more)


class BlockSending:
    """The tries of one block."""

    def __init__(self, slots: Slots, seconds: StageTimes, clock: Clock) -> None:
        """Take what all lanes share, and where the seconds of the block are counted."""
        self._slots, self._seconds, self._clock = slots, seconds, clock
        self._ended: float | None = None
        """When the last try did; None: there was none."""

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a slot; what passes between two tries is a pause as well."""
        asked = self._clock.monotonic() if self._ended is None else self._ended
        with self._slots.slot():
            paused = self._clock.monotonic() - asked
            if paused > _NOTHING:
                self._seconds.add("pause", paused)
            try:
                yield
            finally:
                self._ended = self._clock.monotonic()

    def packed(self, seconds: float) -> None:
        """Count it."""
        self._seconds.add("pack", seconds)


class _NewRejects:
    """Hands rejects on once, however often their block is read."""

    def __init__(self, take: TakeRejects) -> None:
        self._take = take
        self._behind: dict[int, int] = {}
        """By partition: the offset behind what was handed on."""
        self.count = 0

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        offsets = batch.column("offset").to_numpy()
        if not len(offsets):
            return
        partition = batch.column("partition")[0].as_py()
        known = int(offsets.searchsorted(self._behind.get(partition, 0)))
        if known == len(offsets):
            return
        new = [replace(each, row=each.row - known) for each in rejects if each.row >= known] if known else rejects
        self._behind[partition] = next_offset(int(offsets[-1]))
        self.count += len(new)
        self._take(batch.slice(known), new)


def pieces(columns: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a batch in slices of about ``PIECE_BYTES``."""
    rows, size = columns.num_rows, int(columns.nbytes)
    if size <= PIECE_BYTES:
        if rows:
            yield columns
        return
    step = max(1, rows * PIECE_BYTES // size)
    for start in range(0, rows, step):
        yield columns.slice(start, step)
