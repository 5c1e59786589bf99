"""The positions of records: where each one begins, found in many stretches side by side.

A batch does not say where its records are; each record says only where the next one begins. To go through a batch from
several places at once, places are guessed where a record seems to begin. Each stretch has to arrive exactly where the
next one begins; as the first one begins with a batch, that proves every guess. Where a guess was wrong, or anything
else is, the positions are found one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from airflow_provider_kafka_odps.decoding.varints import Ints, Malformed, Octets, read_varint, read_varints
from airflow_provider_kafka_odps.decoding.workspace import Workspace

_MORE = 0x80
_SMALLEST_RECORD = 7
"""Bytes: length, attributes, timestamp, offset, key length, value length, number of headers, one each."""
_MANY = 2_000
"""Records from which on the guessing pays."""
_STRETCH = 24
"""Records between two guesses, on average."""
_FARTHEST = 4_096
"""Bytes of a window in which a record is looked for: where records are larger, there are few to find."""
_LOOKS = 3
"""How many records have to follow each other for a guess."""


def _sizes() -> Ints:
    """Return, for the first two bytes of a record, its size with its length; 0 where they do not tell it."""
    first, second = np.ogrid[:256, :256]
    raw = np.where(first < _MORE, first, first & 0x7F | second << 7)
    one_or_two = (raw % 2 == 0) & ((first < _MORE) | (second < _MORE))
    return np.where(one_or_two, raw // 2 + np.where(first < _MORE, 1, 2), 0)


_SIZES = _sizes()
_BEHIND = np.iinfo(np.int64).max


def find_records(workspace: Workspace) -> Ints:
    """Return where each record begins, in order.

    Raises Malformed where a batch does not end with its last record.
    """
    if workspace.records >= _MANY:
        found = _find_side_by_side(workspace)
        if found is not None:
            return found
    starts: list[int] = []
    edges = workspace.edges.tolist()
    for start, end, count in zip(edges, edges[1:], workspace.counts.tolist(), strict=False):
        _find_one_by_one(workspace.view, start, end, count, starts)
    return np.array(starts, np.int64)


def _find_side_by_side(workspace: Workspace) -> Ints | None:
    """Return where each record begins; None if that is not proved, whatever is wrong."""
    octets, counts = workspace.octets, workspace.counts
    edges, after = workspace.edges[:-1], workspace.edges[1:]
    if bool(np.any(counts * _SMALLEST_RECORD > after - edges)):
        return None
    try:
        at = np.union1d(edges, _guesses(workspace))
        stop = np.append(at[1:], workspace.used)
        found, left = [], workspace.records
        while at.size:
            found.append(at)
            left -= at.size
            at = _after(octets, at)
            if left < 0 or bool(np.any(at > stop)):
                return None
            going = at < stop
            if not going.all():
                at, stop = at[going], stop[going]
    except Malformed:
        return None
    starts = np.sort(np.concatenate(found))
    in_each = np.searchsorted(starts, after) - np.searchsorted(starts, edges)
    return starts if np.array_equal(in_each, counts) else None


def _after(octets: Octets, at: Ints) -> Ints:
    """Return where the records that begin at ``at`` end; behind everything, for an impossible length."""
    sizes = _SIZES[octets[at], octets[at + 1]]
    after = at + sizes
    if not sizes.all():
        rare = np.flatnonzero(sizes == 0)
        length, body = read_varints(octets, at[rare])
        after[rare] = np.where((length < 0) | (length > octets.size), _BEHIND, body + length)
    return after


def _guesses(workspace: Workspace) -> Ints:
    """Return places where records seem to begin, about one every ``_STRETCH`` records."""
    average, end = workspace.used // workspace.records, workspace.used
    window = min(2 * average, _FARTHEST)
    apart = max(average * _STRETCH, window)
    octets = workspace.octets
    # The attributes of a record, which are 0, stand behind a length, here of one or two bytes.
    near = sliding_window_view(octets[:end], window)[apart : max(end - window, apart) : apart]
    row, column = np.divmod(np.flatnonzero(near == 0), window)
    attributes = (row + 1) * apart + column
    begin = attributes - np.where(octets[attributes - 2] < _MORE, 1, 2)
    position = begin
    for _ in range(_LOOKS):
        first = octets[position]
        size = _SIZES[first, octets[position + 1]]
        after, attributes = position + size, position + 1 + (first >= _MORE)
        good = (size >= _SMALLEST_RECORD) & (after < end) & (octets[attributes] == 0)
        row, begin, position = row[good], begin[good], after[good]
    _, one_each = np.unique(row, return_index=True)
    guesses: Ints = begin[one_each]
    return guesses


def _find_one_by_one(octets: memoryview, position: int, end: int, count: int, starts: list[int]) -> None:
    """Append where each record of a batch begins, one after the other."""
    if count * _SMALLEST_RECORD > end - position:
        raise Malformed(len(starts), f"{count} records cannot be in {end - position} bytes")
    # The usual lengths, of one or two bytes, are read without a call, and negative ones are refused later, for all
    # records at once; until then they count as positive.
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
