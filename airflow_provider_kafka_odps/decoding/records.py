"""Where the fields of many records stand: positions by NumPy, without a Python object per record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airflow_provider_kafka_odps.decoding.malformed import Malformed, refuse
from airflow_provider_kafka_odps.decoding.varints import Ints, Octets, read_varint, read_varints
from airflow_provider_kafka_odps.decoding.workspace import Section, Workspace

_MORE = 0x80
_SMALLEST_RECORD = 7
"""Bytes: length, attributes, timestamp, offset, key length, value length, number of headers, one each."""
_ABREAST = 64
"""From so many batches on it is cheaper to walk them all at once, a record of each at a time."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Where byte strings stand in the workspace, one entry per record."""

    start: Ints
    size: Ints
    """Bytes; -1 for null."""


@dataclass(frozen=True, slots=True)
class HeaderSpots:
    """Where the headers of each record stand."""

    start: Ints
    count: Ints
    end: Ints
    """Where the record ends, and with it its last header."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The numbers of the records, and where their bytes stand; None for what nobody wanted."""

    timestamp_delta: Ints
    offset_delta: Ints
    key: Spots | None
    value: Spots | None
    headers: HeaderSpots | None


def read_fields(workspace: Workspace, wanted: frozenset[str]) -> Fields:
    """Return the fields of all records in the workspace.

    Raises Malformed if a field does not end inside its record, or a batch does not end with its last record.
    """
    octets = workspace.octets
    length, body = read_varints(octets, _find_records(workspace))
    refuse(length < 0, "it has a negative length")
    end = body + length
    # One byte of attributes, which nobody uses.
    timestamp_delta, position = read_varints(octets, inside(body + 1, end))
    offset_delta, position = read_varints(octets, inside(position, end))
    key = value = headers = None
    if wanted & {"key", "value", "headers"}:
        key, position = read_bytes(octets, position, end)
    if wanted & {"value", "headers"}:
        value, position = read_bytes(octets, position, end)
    if "headers" in wanted:
        count, position = read_varints(octets, inside(position, end))
        headers = HeaderSpots(position, count, end)
    refuse(position > end, "it ends in the middle of a field")
    return Fields(timestamp_delta, offset_delta, key, value, headers)


def _find_records(workspace: Workspace) -> Ints:
    """Return where each record begins."""
    sections = workspace.sections
    longest = max(section.batch.records for section in sections)
    if workspace.records >= _ABREAST * longest:
        found = _walk_abreast(workspace, longest)
        if found is not None:
            return found
    starts: list[int] = []
    for section in sections:
        _walk_records(workspace.view, section, starts)
    return np.array(starts, np.int64)


def _walk_abreast(workspace: Workspace, longest: int) -> Ints | None:
    """Return where each record begins, found for the first records of all batches, then for the second ones, ….

    None where anything is wrong: who walks record by record can tell which of them it is.
    """
    octets, sections = workspace.octets, workspace.sections
    edges = np.array([(each.start, each.end, each.batch.records) for each in sections], np.int64)
    if bool(np.any(edges[:, 2] * _SMALLEST_RECORD > edges[:, 1] - edges[:, 0])):
        return None
    first = np.cumsum(edges[:, 2]) - edges[:, 2]
    # The batches with most records stand first, so that those with one left are the first so many.
    order = np.argsort(-edges[:, 2], kind="stable")
    position, end, counts = edges[order].T.copy()
    first = first[order]
    left = np.searchsorted(-counts, -np.arange(longest), side="left")
    starts = np.empty(workspace.records, np.int64)
    for step, some in enumerate(left.tolist()):
        starts[first[:some] + step] = position[:some]
        if bool(np.any(position[:some] >= end[:some])):
            return None
        length, body = read_varints(octets, position[:some])
        if bool(np.any((length < 0) | (length > end[:some] - body))):
            return None
        position[:some] = body + length
    return None if bool(np.any(position != end)) else starts


def _walk_records(octets: memoryview, section: Section, starts: list[int]) -> None:
    """Append where each record of a section begins: the one thing that cannot be found for all records at once."""
    position, end, count = section.start, section.end, section.batch.records
    if count * _SMALLEST_RECORD > end - position:
        raise Malformed(len(starts), f"{count} records cannot be in {end - position} bytes")
    # This loop is the only code that runs once per record. So the usual lengths, of one or two bytes, are read without
    # a call, and negative ones are refused later, for all records at once; until then they count as positive.
    append = starts.append
    for _ in range(count):
        append(position)
        low = octets[position]
        if low < _MORE:
            position += 1 + (low >> 1)
        elif (high := octets[position + 1]) < _MORE:
            # 2 + ((low & 0x7F | high << 7) >> 1), in fewer steps.
            position += (high << 6) + (low >> 1) - 62
        else:
            length, position = read_varint(octets, position)
            position += abs(length)
        if position > end:
            raise Malformed(len(starts) - 1, "it does not end inside its batch")
    if position != end:
        raise Malformed(len(starts) - 1, f"{end - position} bytes follow the last record")


def read_bytes(octets: Octets, position: Ints, end: Ints) -> tuple[Spots, Ints]:
    """Read one byte string per record: a length and its bytes; return where they stand and the positions after them.

    Raises Malformed if one does not end inside its record.
    """
    size, start = read_varints(octets, inside(position, end))
    # A negative length means null.
    taken = np.maximum(size, 0)
    refuse(taken > end - start, "a key, value or header does not end inside it")
    return Spots(start, np.maximum(size, -1)), start + taken


def inside(position: Ints, end: Ints) -> Ints:
    """Return the positions; raise Malformed unless each is before the end of its record."""
    refuse(position >= end, "it ends in the middle of a field")
    return position
