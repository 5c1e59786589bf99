"""Record batches that follow each other and need none of the client's judgement, met by it as one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from crc32c import crc32c

from airflow_provider_kafka_odps.core.offsets import next_offset
from airflow_provider_kafka_odps.decoding.batch import RawBatch

# Of the header: base offset, length, leader epoch, magic, CRC, attributes, last offset delta.
_START = struct.Struct(">qiibIhi")
_LENGTH_ENDS_AT = 12
_CRC_ENDS_AT = 21
_LEAST = 61
_FORMAT_2 = 2
_TRANSACTIONAL_OR_CONTROL = 0x30


@dataclass(slots=True)
class Run:
    """What the client takes for a batch of format 2: one or more of them, in no transaction and no marker.

    Where batches are small, most of the cost is what the client asks of each; of a run it asks once.
    """

    octets: list[memoryview]
    where: str
    last_offset: int
    leader_epoch: int

    magic = _FORMAT_2
    is_control_batch = is_transactional = False
    was_read = True

    @property
    def base_offset(self) -> int:
        """Return where the first batch begins: after a failed CRC it is the one that is named."""
        offset: int = _START.unpack_from(self.octets[0])[0]
        return offset

    @property
    def next_offset(self) -> int:
        """Return the offset to read after the run."""
        return next_offset(self.last_offset)

    def has_producer_id(self) -> bool:
        """Say no: an id matters to the client in transactions only."""
        return False

    def validate_crc(self) -> bool:
        """Tell whether the first batch is sound; the run ends before the next one that is not."""
        for number, octets in enumerate(self.octets):
            if crc32c(octets[_CRC_ENDS_AT:]) != _START.unpack_from(octets)[4]:
                del self.octets[max(number, 1) :]
                self._end_with(self.octets[-1])
                return number > 0
        return True

    def batches(self, fetch_offset: int) -> Iterator[RawBatch]:
        """Yield the batches that do not end before an offset.

        Raises CorruptBatch where the numbers of a header contradict each other.
        """
        for octets in self.octets:
            batch = RawBatch.parse(octets, self.where)
            if batch.last_offset >= fetch_offset:
                yield batch

    def _end_with(self, octets: memoryview) -> None:
        base, _, self.leader_epoch, _, _, _, delta = _START.unpack_from(octets)
        self.last_offset = base + delta

    @property
    def size(self) -> int:
        """Return how many bytes of the response the run takes."""
        return sum(map(len, self.octets))


def run_at(response: memoryview, position: int, where: str) -> Run | None:
    """Return the run that begins at a position of a fetch response; None if what is there is the client's to judge."""
    octets, base, epoch, delta = [], 0, 0, 0
    while len(response) - position >= _LEAST:
        start, length, leader_epoch, magic, _, attributes, last_delta = _START.unpack_from(response, position)
        end = position + _LENGTH_ENDS_AT + length
        if (
            magic != _FORMAT_2
            or attributes & _TRANSACTIONAL_OR_CONTROL
            or not position + _LEAST <= end <= len(response)
        ):
            break
        octets.append(response[position:end])
        base, epoch, delta, position = start, leader_epoch, last_delta, end
    return Run(octets, where, base + delta, epoch) if octets else None
