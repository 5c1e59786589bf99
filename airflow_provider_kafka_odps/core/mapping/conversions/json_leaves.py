"""Leaves of JSON documents become values of a column's type; a text is no number, and a number no date."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import bytes_of
from airflow_provider_kafka_odps.core.mapping.arrow_sql import query
from airflow_provider_kafka_odps.core.mapping.conversions.hints import hinting
from airflow_provider_kafka_odps.core.mapping.conversions.leniency import STRICT, Leniency
from airflow_provider_kafka_odps.core.mapping.conversions.nested import nested_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.text import (
    TEXTS,
    epoch_days,
    epoch_millis,
    fitting,
    text_conversion,
)
from airflow_provider_kafka_odps.core.mapping.strict import (
    UNCHANGED,
    Conversion,
    Prepared,
    Retried,
    Routed,
    Sieved,
    shown,
)
from airflow_provider_kafka_odps.core.table.types import OdpsType

_BACKSLASH = ord("\\")
_MOMENTS = frozenset({"date", "datetime", "timestamp", "timestamp_ntz"})


def leaf_conversion(target: OdpsType, leniency: Leniency = STRICT) -> Conversion | None:
    """Return how JSON text, as ``JsonReader`` returns it, becomes a column of this type; None where it cannot."""
    if target.name == "json":
        return UNCHANGED
    if target.name in TEXTS:
        return Prepared(leaf_texts, fitting(target))
    if target.fields:
        nested = nested_conversion(target, lambda inner: leaf_conversion(inner, leniency))
        opening = "[" if target.name == "array" else "{"
        return nested and _only(opening, "an array" if opening == "[" else "an object", target, nested)
    then = text_conversion(target, leniency)
    if then is None:
        return None
    if target.name in _MOMENTS:
        texts = Prepared(leaf_texts, then)
        millis = _millis(target, leniency) if leniency.converts else None
        return (
            _only('"', "text", target, texts, zoned=leniency.zone is not None)
            if millis is None
            else Routed(_numbers_second, (texts, millis))
        )
    if leniency.converts:
        texts = Prepared(leaf_texts, then)
        return texts if target.name == "boolean" else Retried(texts, Prepared(_bits, then))
    return _unless_text("true or false" if target.name == "boolean" else "a number", target, then)


def _millis(target: OdpsType, leniency: Leniency) -> Conversion | None:
    if target.name != "date":
        return epoch_millis(target)
    return None if leniency.zone is None else epoch_days(leniency.zone)


def _bits(leaves: pa.Array) -> pa.Array:
    """Return 1 for true, and 0 for false; texts keep their quotes."""
    return pc.if_else(pc.equal(leaves, "true"), "1", pc.if_else(pc.equal(leaves, "false"), "0", leaves))


def _numbers_second(leaves: pa.Array) -> npt.NDArray[np.int64]:
    numbers = pc.fill_null(pc.match_substring_regex(leaves, "^[-0-9]"), fill_value=False)
    chosen: npt.NDArray[np.int64] = numbers.to_numpy(zero_copy_only=False).astype(np.int64)
    return chosen


def _only(opening: str, wanted: str, target: OdpsType, then: Conversion, *, zoned: bool = False) -> Conversion:
    """Take leaves that start like this."""
    return Sieved(
        lambda leaves: pc.invert(pc.starts_with(leaves, opening)),
        hinting(target.name, lambda leaf: f"{shown(leaf)} stands where {target} wants {wanted}", zoned=zoned),
        then,
    )


def _unless_text(wanted: str, target: OdpsType, then: Conversion) -> Conversion:
    return Sieved(
        lambda leaves: pc.starts_with(leaves, '"'),
        hinting(target.name, lambda leaf: f"the text {shown(leaf)} stands where {target} wants {wanted}"),
        then,
    )


def leaf_texts(leaves: pa.Array) -> pa.Array:
    r"""Return the text of JSON strings, and everything else as it is.

    >>> leaf_texts(pa.array(['"a\\u0062"', "1.10", '[1,"x"]', '""', None])).to_pylist()
    ['ab', '1.10', '[1,"x"]', '', None]
    """
    escaped = _escaped(leaves)
    if not pc.any(escaped).as_py():
        return _unquoted(leaves)
    (read,) = query("SELECT json_extract_string(item, '$') FROM batch", leaves.filter(escaped))
    return pc.replace_with_mask(_unquoted(leaves), escaped, read)


def _escaped(leaves: pa.Array) -> pa.Array:
    """Return which leaves are strings with a backslash; mostly none has one, and one look at all bytes tells."""
    if not (np.frombuffer(bytes_of(leaves), np.uint8) == _BACKSLASH).any():
        return pa.repeat(pa.scalar(False), len(leaves))  # noqa: FBT003 - a value, not a choice
    return pc.fill_null(pc.and_(pc.starts_with(leaves, '"'), pc.match_substring(leaves, "\\")), fill_value=False)


def _unquoted(leaves: pa.Array) -> pa.Array:
    # Quotes stand at the ends of strings only: those that hold one, or start like an object, are not trimmed.
    return pc.ascii_trim(leaves, '"')
