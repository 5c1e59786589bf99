"""Whether two columns have the same values, whatever way a service carries them on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.table.types import OdpsType


def unequal(left: pa.Array, right: pa.Array, kind: OdpsType) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return, for each row, whether its values differ; NULL equals NULL, and NaN equals NaN.

    Blanks at the end of a CHAR, the order of a MAP and the spelling of a JSON are no difference.
    """
    left, right = _whole(left), _whole(right)
    if kind.name == "char":
        left, right = pc.utf8_rtrim_whitespace(left), pc.utf8_rtrim_whitespace(right)
    if right.type != left.type and not pa.types.is_nested(left.type):
        right = right.cast(left.type)
    if kind.name == "json" or pa.types.is_nested(left.type):
        comparable = _json if kind.name == "json" else _comparable(left.type)
        pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
        return np.array([comparable(ours) != comparable(theirs) for ours, theirs in pairs], dtype=bool)
    same = pc.fill_null(pc.equal(left, right), fill_value=False)
    same = pc.or_(same, pc.and_(pc.is_null(left), pc.is_null(right)))
    if pa.types.is_floating(left.type):
        nan = pc.and_(*(pc.fill_null(pc.is_nan(each), fill_value=False) for each in (left, right)))
        same = pc.or_(same, nan)
    inverted: np.ndarray[Any, np.dtype[np.bool_]] = pc.invert(same).to_numpy(zero_copy_only=False)
    return inverted


def _whole(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return ("JSON", json.loads(text))
    except ValueError:
        return text


def _comparable(kind: pa.DataType) -> Callable[[Any], Any]:
    """Return what makes a value of a type one that Python compares as MaxCompute does."""
    if pa.types.is_map(kind):
        inner = _comparable(kind.item_type)
        return lambda value: None if value is None else {key: inner(each) for key, each in value}
    if pa.types.is_list(kind):
        inner = _comparable(kind.value_type)
        return lambda value: None if value is None else [inner(each) for each in value]
    if pa.types.is_struct(kind):
        inners = [_comparable(each.type) for each in kind]
        # By position: a service may spell the names of fields in another way.
        return lambda value: (
            None if value is None else [inner(each) for inner, each in zip(inners, value.values(), strict=True)]
        )
    return lambda value: value
