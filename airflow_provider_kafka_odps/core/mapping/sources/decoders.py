"""The bytes of keys and values, decoded in columns."""

from __future__ import annotations

import csv
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import replaced
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible, shown, utf8

_NUMBERS = {Format.INTEGER: ">i4", Format.LONG: ">i8", Format.SHORT: ">i2", Format.FLOAT: ">f4", Format.DOUBLE: ">f8"}


def decoded(octets: pa.Array, form: Format, record_format: RecordFormat) -> Converted:
    """Return keys or values as what they are: numbers, text, or the bytes themselves."""
    match form:
        case Format.BYTES:
            return octets, []
        case Format.JSON:
            return utf8().apply(octets)
        case Format.STRING | Format.CSV | Format.DELIMITED:
            return utf8().apply(octets) if record_format.is_utf8 else _text(octets, record_format.encoding)
        case Format.INTEGER | Format.LONG | Format.SHORT | Format.FLOAT | Format.DOUBLE:
            return _numbers(octets, form)
        case _:
            assert_never(form)


def documents(octets: pa.Array, form: Format, record_format: RecordFormat) -> Converted:
    """Return keys or values as the text that paths lead into."""
    return decoded(octets, Format.JSON if form is Format.BYTES else form, record_format)


def _text(octets: pa.Array, encoding: str) -> Converted:
    """Decode one by one, about 1.5 µs each: Arrow knows UTF-8 only."""
    texts: list[str | None] = []
    problems: list[Unconvertible] = []
    for row, each in enumerate(octets.to_pylist()):
        try:
            texts.append(None if each is None else each.decode(encoding))
        except UnicodeError as error:
            texts.append(None)
            problems.append(Unconvertible(row, f"{shown(each)} is not {encoding}: {error}"))
    return pa.array(texts, pa.string()), problems


def _numbers(octets: pa.Array, form: Format) -> Converted:
    number = np.dtype(_NUMBERS[form])
    right = pc.equal(pc.binary_length(octets), number.itemsize)
    wrong = pc.fill_null(pc.invert(right), fill_value=False)
    there = pc.fill_null(right, fill_value=False)
    fixed = octets.filter(there).cast(pa.binary(number.itemsize))
    mask = there.to_numpy(zero_copy_only=False)
    values = np.zeros(len(octets), number.newbyteorder("="))
    if len(fixed):
        values[mask] = np.frombuffer(fixed.buffers()[1], number, len(fixed), fixed.offset * number.itemsize)
    problems = [
        Unconvertible(row, f"{size} bytes, but a {form} has {number.itemsize}")
        for row, size in zip(
            pc.indices_nonzero(wrong).to_pylist(), pc.binary_length(octets.filter(wrong)).to_pylist(), strict=True
        )
    ]
    return pa.array(values, mask=~mask), problems


class Fields:
    """Texts cut into fields at a delimiter."""

    def __init__(self, form: Format, delimiter: str) -> None:
        self._quotes, self._delimiter = form is Format.CSV, delimiter

    def cut(self, texts: pa.Array) -> tuple[pa.ListArray, list[Unconvertible]]:
        """Return a list of fields per text; an empty text has one empty field."""
        fields = pc.split_pattern(texts, self._delimiter)
        if not self._quotes:
            return fields, []
        quoted = pc.fill_null(pc.match_substring_regex(texts, '["\r\n]'), fill_value=False)
        if not pc.any(quoted).as_py():
            return fields, []
        rows = pc.indices_nonzero(quoted).to_pylist()
        again: list[list[str] | None] = []
        problems = []
        for row, text in zip(rows, texts.filter(quoted).to_pylist(), strict=True):
            try:
                again.append(self._cut_one(text))
            except csv.Error as error:
                again.append(None)
                problems.append(Unconvertible(row, f"{shown(text)} is no CSV: {error}"))
        return replaced(fields, quoted, pa.array(again, fields.type)), problems

    def _cut_one(self, text: str) -> list[str]:
        """Return the fields of a text with quotes or line ends: about 3 µs, one text at a time."""
        lines = list(csv.reader([text], delimiter=self._delimiter, strict=True))
        if len(lines) != 1:
            raise csv.Error(f"it has {len(lines)} lines")
        return lines[0]
