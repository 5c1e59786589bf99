"""What Arrow has no function for: the bytes of columns of texts, and the edges and elements of columns of lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def bytes_of(texts: pa.Array) -> memoryview:
    """Return the bytes of all texts, one behind the other, without a copy; NULL may have some, which mean nothing.

    >>> bytes(bytes_of(pa.array(["a", "bc", None, "d"]).slice(1)))
    b'bcd'
    """
    _, ends, octets = texts.buffers()
    if octets is None or not len(texts):
        return memoryview(b"")
    at = np.frombuffer(ends, np.int32)[texts.offset :]
    return memoryview(octets)[at[0] : at[len(texts)]]


def edges(lists: pa.Array) -> pa.Array:
    """Return where the lists of a column begin and end among its flattened elements: one more than there are lists."""
    sizes = pc.fill_null(pc.list_value_length(lists), 0)
    return pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(sizes).cast(pa.int32())])


def element(lists: pa.ListArray, number: int) -> pa.Array:
    """Return one element of each list; null where the list is shorter."""
    starts = edges(lists).to_numpy()
    at = starts[:-1] + number
    return lists.flatten().take(pa.array(at, mask=at >= starts[1:]))


def replaced(lists: pa.ListArray, which: pa.Array, others: pa.ListArray) -> pa.ListArray:
    """Return a column with some lists replaced by others, in their order."""
    rows = np.arange(len(lists))
    rows[which.to_numpy(zero_copy_only=False)] = len(lists) + np.arange(len(others))
    return pa.concat_arrays([lists, others]).take(pa.array(rows))


def masked(array: pa.Array, gone: np.ndarray) -> pa.Array:
    """Return a column of any type with NULL where ``gone`` is true."""
    return array.take(pa.array(np.arange(len(array)), mask=gone))
