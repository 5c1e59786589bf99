"""Record batches in a row that the client can take as one: no transactions, no control batches."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

from crc32c import crc32c

from airflow_provider_kafka_odps.core.window.offsets import next_offset
from airflow_provider_kafka_odps.decoding.raw import CRC_ENDS_AT, FORMAT_2, HEADER, LENGTH_ENDS_AT, RawBatches

# Of the header: length, magic, attributes.
_START = struct.Struct(">8xi4xb4xh")
_TRANSACTIONAL_OR_CONTROL = 0x30


@dataclass
class Run:
    """What the client takes for a batch of format 2: one or more of them, in no transaction and no marker.

    Where batches are small, most of the cost is what the client asks of each; of a run it asks once.
    """

    octets: memoryview
    starts: list[int]
    """Where in the octets each batch begins; the next one begins where it ends, and the last one ends with them."""
    where: str

    magic = FORMAT_2
    is_control_batch = is_transactional = False
    was_read = True

    @cached_property
    def _read(self) -> RawBatches:
        return RawBatches.read(self.octets, self.starts)

    @property
    def batches(self) -> RawBatches:
        """Return the batches; raises CorruptBatch where the numbers of a header contradict each other."""
        self._read.check(self.where)
        return self._read

    @property
    def base_offset(self) -> int:
        """Return where the first batch begins: after a failed CRC it is the one that is named."""
        return int(self._read.base_offsets[0])

    @property
    def last_offset(self) -> int:
        """Return the last offset of the last batch."""
        return int(self._read.last_offsets[-1])

    @property
    def leader_epoch(self) -> int:
        """Return the leader's epoch in which the last batch was written."""
        return int(self._read.headers["leader_epoch"][-1])

    @property
    def next_offset(self) -> int:
        """Return the offset to read after the run."""
        return next_offset(self.last_offset)

    def has_producer_id(self) -> bool:
        """Say no: an id matters to the client in transactions only."""
        return False

    def validate_crc(self) -> bool:
        """Tell whether the first batch is sound; the run ends before the next one that is not."""
        octets, read = self.octets, self._read
        sealed = zip(self.starts, read.ends.tolist(), read.headers["crc"].tolist(), strict=True)
        for number, (start, end, expected) in enumerate(sealed):
            if crc32c(octets[start + CRC_ENDS_AT : end]) != expected:
                self._keep(max(number, 1))
                return number > 0
        return True

    def _keep(self, batches: int) -> None:
        if batches < len(self.starts):
            self.octets, self.starts = self.octets[: self.starts[batches]], self.starts[:batches]
            del self._read

    @property
    def size(self) -> int:
        """Return how many bytes of the response the run takes."""
        return len(self.octets)


def run_at(response: memoryview, position: int, where: str) -> Run | None:
    """Return the run that begins at a position of a fetch response; None if what is there is the client's to judge."""
    here, starts, end, size = response[position:], [], 0, len(response) - position
    read, least = _START.unpack_from, HEADER.itemsize
    while size - end >= least:
        length, magic, attributes = read(here, end)
        after = end + LENGTH_ENDS_AT + length
        if magic != FORMAT_2 or attributes & _TRANSACTIONAL_OR_CONTROL or not end + least <= after <= size:
            break
        starts.append(end)
        end = after
    return Run(here[:end], starts, where) if starts else None
