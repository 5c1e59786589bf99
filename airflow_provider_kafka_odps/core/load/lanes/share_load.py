"""The pass of one process over its share of a window, by lanes."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.lanes.block_load import BlockLoad
from airflow_provider_kafka_odps.core.load.lanes.lanes import Lanes, Work
from airflow_provider_kafka_odps.core.load.lanes.stages import StageHooks, Stages
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.pacing.gate import Gate
from airflow_provider_kafka_odps.core.load.pacing.pace import Pace
from airflow_provider_kafka_odps.core.load.pacing.slots import Slots
from airflow_provider_kafka_odps.core.load.pacing.throttle import Throttle
from airflow_provider_kafka_odps.core.load.shares import Share, ShareResult
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, joined
from airflow_provider_kafka_odps.exceptions import WorkerFailed

_GLANCE = 0.1
"""Seconds between two looks at whether whoever else loads is done."""


_MAKING = ("decode", "project")


_TOLD = 20
"""How many ranges are listed in a text."""


class ShareLoad:
    """The blocks of one share, each of which a lane reads, projects and writes on its own."""

    def __init__(self, share: Share, stages: Stages) -> None:
        self._share, self._stages = share, stages
        self._lock = threading.Lock()
        self._done: dict[int, BlockLoad] = {}
        """By the number of their blocks, those that are written."""
        self._loading: dict[int, BlockLoad] = {}
        self._bytes = self._sent = self._running = self._most_running = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._passed: Counter[int] = Counter()
        """By partition, offsets of blocks that are written."""

    def run(self, upload: Upload, hooks: StageHooks) -> ShareResult:
        """Load the share, all of which is written when this returns, and wait for whoever else loads the window.

        Raises FingerprintDiffers, before anything is written, where it was shared out for other rows than these.
        """
        stages, clock = self._stages, self._stages.clock
        self._share.check(stages.projection.origin)
        lanes = Lanes[Block](stages.resources.concurrency, hooks.check, stages.stop)
        rate = stages.resources.max_bytes_per_second
        throttle = None if rate is None else Throttle(rate / self._share.of, clock.monotonic())
        pace, gate = Pace(clock), Gate(stages.resources.computing)
        slots = Slots(stages.resources.concurrency, stages.refusals, lanes.check, clock)

        def send(rows: int, size: int, passed: int) -> None:
            if throttle is not None and size > 0:
                with self._lock:
                    instant = throttle.take(size, clock.monotonic())
                lanes.sleep_until(instant, clock)
            with self._lock:
                self._sent += size
            hooks.advance(rows, size, passed)

        @contextmanager
        def lane() -> Iterator[Work[Block]]:
            with self._counted(), stages.open_reader() as read:
                yield lambda block: self._load(
                    block,
                    upload,
                    BlockLoad(block, self._share.window, read, stages, gate.turn(lanes.check), lanes.check, send),
                    slots,
                )

        began, took = clock.monotonic(), stages.cpu()
        lanes.run(
            self._share.blocks,
            lane,
            hooks.others_done,
            stages.resources.first,
            lambda: not slots.are_fewer and pace.pays(lanes.running, self._made(), self._sent),
        )
        spent, cpu = clock.monotonic() - began, stages.cpu() - took
        while not hooks.others_done():
            lanes.sleep_until(clock.monotonic() + _GLANCE, clock)
        return self._result(Speed(lanes=self._most_running, elapsed=spent, cpu=cpu))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
            self._most_running = max(self._most_running, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def _load(self, block: Block, upload: Upload, loading: BlockLoad, slots: Slots) -> None:
        with self._lock:
            self._loading[block.number] = loading
        started = self._stages.clock.monotonic()
        size = upload.write_block(block.number, loading, loading.sending(slots))
        self._note(block, loading, size, self._stages.clock.monotonic() - started)

    def _made(self) -> float:
        """Return the seconds in which rows were made, so far, in all lanes together."""
        with self._lock:
            running = [each.seconds() for each in self._loading.values()]
            return sum(seconds.get(stage, 0.0) for seconds in (self._seconds, *running) for stage in _MAKING)

    def progress(self) -> str:
        """Return how far this process has come."""
        with self._lock:
            passed = sum(each.ledger.passed for each in (*self._done.values(), *self._loading.values()))
            ahead = [offsets for block in self._share.blocks for offsets in self._ahead(block)]
            blocks = len(self._done)
        return (
            f"{passed} of {self._share.window.span} offsets were read and fit, ahead: {told(ahead)}; "
            f"{blocks} of {len(self._share.blocks)} blocks"
        )

    def passed(self) -> Counter[int]:
        """Return how many offsets are behind this process, by partition."""
        with self._lock:
            passed = Counter(self._passed)
            for each in self._loading.values():
                passed.update(each.ledger.passed_by_partition)
        return passed

    def _ahead(self, block: Block) -> Iterable[OffsetRange]:
        if block.number in self._done:
            return ()
        return self._loading[block.number].ledger.ahead if block.number in self._loading else block.ranges

    def _note(self, block: Block, loading: BlockLoad, size: int, spent: float) -> None:
        loading.check_tries()
        seconds = loading.seconds()
        with self._lock:
            self._done[block.number] = self._loading.pop(block.number)
            self._bytes += size
            self._passed.update({each.partition: each.span for each in joined(block.ranges)})
            for stage, more in seconds.items():
                self._seconds[stage] += more
            self._seconds["write"] += spent - sum(seconds.values())

    def _result(self, speed: Speed) -> ShareResult:
        if len(self._done) != len(self._share.blocks):
            # In a compacted topic the offsets of the others would pass for removed ones.
            raise WorkerFailed(
                f"{len(self._done)} of {len(self._share.blocks)} blocks are written; nothing was committed"
            )
        ledger, not_json = Ledger(self._share.window), 0
        for _, loading in sorted(self._done.items()):
            ledger.merge(loading.ledger)
            not_json += loading.not_json
        return ShareResult(ledger, len(self._done), self._bytes, not_json, dict(self._seconds), speed)


def told(ranges: Sequence[OffsetRange]) -> str:
    """Return the first of some ranges, those of one partition that follow each other as one.

    >>> told([OffsetRange("orders", 0, 5, 7), OffsetRange("orders", 0, 7, 9), OffsetRange("orders", 1, 0, 3)])
    'orders[0]@[5, 9), orders[1]@[0, 3)'
    >>> told([])
    'none'
    """
    whole = joined(ranges)
    more = f", and {len(whole) - _TOLD} ranges more" if len(whole) > _TOLD else ""
    return (", ".join(map(str, whole[:_TOLD])) + more) or "none"
