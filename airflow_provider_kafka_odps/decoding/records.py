"""Where the fields of many records stand: positions by NumPy, without a Python object per record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airflow_provider_kafka_odps.decoding.positions import find_records
from airflow_provider_kafka_odps.decoding.varints import Ints, Octets, read_varints, refuse
from airflow_provider_kafka_odps.decoding.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Slices:
    """Where byte strings stand in the workspace, one entry per record."""

    start: Ints
    size: Ints
    """Bytes; -1 for null."""


@dataclass(frozen=True, slots=True)
class HeaderSlices:
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
    key: Slices | None
    value: Slices | None
    headers: HeaderSlices | None


def read_fields(workspace: Workspace, wanted: frozenset[str]) -> Fields:
    """Return the fields of all records in the workspace.

    Raises Malformed if a field does not end inside its record, or a batch does not end with its last record.
    """
    octets = workspace.octets
    length, body = read_varints(octets, find_records(workspace))
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
        headers = HeaderSlices(position, count, end)
    refuse(position > end, "it ends in the middle of a field")
    return Fields(timestamp_delta, offset_delta, key, value, headers)


def read_bytes(octets: Octets, position: Ints, end: Ints) -> tuple[Slices, Ints]:
    """Read one byte string per record: a length and its bytes; return where they stand and the positions after them.

    Raises Malformed if one does not end inside its record.
    """
    size, start = read_varints(octets, inside(position, end))
    # A negative length means null.
    taken = np.maximum(size, 0)
    refuse(taken > end - start, "a key, value or header does not end inside it")
    return Slices(start, np.maximum(size, -1)), start + taken


def inside(position: Ints, end: Ints) -> Ints:
    """Return the positions; raise Malformed unless each is before the end of its record."""
    refuse(position >= end, "it ends in the middle of a field")
    return position
