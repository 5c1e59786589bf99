"""What a record becomes in a table, told by a converter that is slow and obvious: one record, one column at a time."""

from __future__ import annotations

import csv
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_kafka_odps.core.mapping.expressions import (
    Constant,
    FieldPath,
    Header,
    Part,
    Rest,
    parse_expression,
)
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.options import OnBadJson
from airflow_provider_kafka_odps.core.table.types import OdpsType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANGES = {"tinyint": 2**7, "smallint": 2**15, "int": 2**31, "bigint": 2**63}
NUMBERS = {Format.SHORT: ">h", Format.INTEGER: ">i", Format.LONG: ">q", Format.FLOAT: ">f", Format.DOUBLE: ">d"}
LARGEST = {"float": 3.4028234663852886e38, "double": 1.7976931348623157e308}


class Unconvertible(Exception):
    """The record does not fit this column."""


class Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


class NoJson(Exception):
    """Not the JSON that is wanted."""


@dataclass(frozen=True)
class JsonText:
    """JSON text that says this, however it is spaced."""

    tree: Any


def row_of(
    record: Mapping[str, Any], columns: Mapping[str, str], types: Mapping[str, str], record_format: RecordFormat
) -> dict[str, Any] | str:
    """Return the row of a record, or the first column of the table that it does not fit."""
    row = {}
    for name, kind in types.items():
        try:
            row[name] = _column(record, columns.get(name), columns, OdpsType.parse(kind), record_format)
        except Unconvertible:
            return name
    return row


def bad_json(record: Mapping[str, Any], columns: Mapping[str, str], record_format: RecordFormat) -> int:
    """Return how many of key and value are no JSON, or no object though paths lead into them."""
    bad = 0
    for root, form in ((Part.KEY, record_format.key), (Part.VALUE, record_format.value)):
        expressions = [parse_expression(text) for text in columns.values()]
        paths = [each for each in expressions if isinstance(each, FieldPath) and each.root is root]
        inner = [*paths, *(each for each in expressions if isinstance(each, Rest) and root is Part.VALUE)]
        octets = record[root.value]
        if octets is None or form not in (Format.BYTES, Format.STRING, Format.JSON):
            continue
        indexed = any(isinstance(path.steps[0], int) for path in paths)
        whole = form is Format.JSON and root in expressions
        bad += (bool(inner) and not _is(octets, form, record_format, indexed=indexed)) or (
            whole and not _is(octets, form, record_format, indexed=None)
        )
    return bad


def _is(octets: bytes, form: Format, record_format: RecordFormat, *, indexed: bool | None) -> bool:
    try:
        tree = read_json(_decoded(octets, form, record_format))
    except (NoJson, Unconvertible):
        return False
    return indexed is None or isinstance(tree, tuple) or (indexed and isinstance(tree, list))


def _column(  # noqa: C901 - one flat table of sources
    record: Mapping[str, Any],
    text: str | None,
    columns: Mapping[str, str],
    target: OdpsType,
    record_format: RecordFormat,
) -> Any:
    if text is None:
        return None
    source = parse_expression(text)
    match source:
        case Constant():
            return from_text(None if record_format.empty_as_null and not source.text else source.text, target)
        case Header():
            found = [pair["value"] for pair in record["headers"] if pair["key"] == source.name]
            return _from_bytes(found[-1] if found else None, target, record_format)
        case Part.KEY | Part.VALUE:
            return _whole(
                record[source.value],
                record_format.key if source is Part.KEY else record_format.value,
                target,
                record_format,
            )
        case Part.TOPIC:
            return from_text("orders", target)
        case Part.TIMESTAMP:
            return _from_millis(record["timestamp"], target)
        case Part.HEADERS:
            return _from_headers(record["headers"], target)
        case Part():
            return None if record[source.value] is None else from_text(str(record[source.value]), target)
    root = source.root if isinstance(source, FieldPath) else Part.VALUE
    form = record_format.key if root is Part.KEY else record_format.value
    octets = record[root.value]
    if octets is None:
        return None
    if form in (Format.CSV, Format.DELIMITED):
        return _field(octets, form, source, target, record_format)
    return _path(octets, form, source, columns, target, record_format)


def _path(
    octets: bytes, form: Format, source: Any, columns: Mapping[str, str], target: OdpsType, record_format: RecordFormat
) -> Any:
    others = [parse_expression(text) for text in columns.values()]
    paths = [
        each for each in others if isinstance(each, FieldPath) and each.root is getattr(source, "root", Part.VALUE)
    ]
    if not _is(octets, form, record_format, indexed=any(isinstance(path.steps[0], int) for path in paths)):
        if record_format.on_bad_json is OnBadJson.REJECT:
            raise Unconvertible
        return None
    tree = read_json(_decoded(octets, form, record_format))
    if isinstance(source, Rest):
        if not isinstance(tree, tuple):
            return None
        taken = {path.steps[0] for path in paths if len(path.steps) == 1}
        return from_json(tuple(field for field in tree if field[0] not in taken), target, record_format)
    for step in source.steps:
        if isinstance(step, int):
            tree = tree[step] if isinstance(tree, list) and step < len(tree) else None
        else:
            fields = tree if isinstance(tree, tuple) else ()
            tree = next((inner for name, inner in fields if name == step), None)
    return from_json(tree, target, record_format)


def _field(octets: bytes, form: Format, source: Any, target: OdpsType, record_format: RecordFormat) -> Any:
    text = _decoded(octets, form, record_format)
    if form is Format.CSV:
        try:
            lines = list(csv.reader([text], delimiter=record_format.delimiter, strict=True)) if text else [[""]]
        except csv.Error:
            raise Unconvertible from None
        if len(lines) != 1:
            raise Unconvertible
        fields = lines[0]
    else:
        fields = text.split(record_format.delimiter)
    (number,) = source.steps
    found = fields[number] if number < len(fields) else None
    return from_text(None if record_format.empty_as_null and found == "" else found, target)


def _whole(octets: bytes | None, form: Format, target: OdpsType, record_format: RecordFormat) -> Any:
    if octets is None:
        return None
    if form is Format.BYTES:
        return _from_bytes(octets, target, record_format)
    if form in NUMBERS:
        if len(octets) != struct.calcsize(NUMBERS[form]):
            raise Unconvertible
        (number,) = struct.unpack(NUMBERS[form], octets)
        return number if target.name in ("float", "double") else from_text(str(number), target)
    if form is Format.JSON:
        try:
            return from_json(read_json(_decoded(octets, form, record_format)), target, record_format)
        except NoJson:
            pass
        if record_format.on_bad_json is OnBadJson.REJECT:
            raise Unconvertible
        return None
    text = _decoded(octets, form, record_format)
    return from_text(None if record_format.empty_as_null and not text else text, target)


def _decoded(octets: bytes, form: Format, record_format: RecordFormat) -> str:
    try:
        return octets.decode("utf-8" if form in (Format.BYTES, Format.JSON) else record_format.encoding)
    except UnicodeError:
        if form is Format.JSON:
            raise NoJson from None
        raise Unconvertible from None


def _from_bytes(octets: bytes | None, target: OdpsType, record_format: RecordFormat) -> Any:
    if octets is None or target.name == "binary":
        return octets
    if record_format.empty_as_null and not octets:
        return None
    try:
        return from_text(octets.decode(), target)
    except UnicodeDecodeError:
        raise Unconvertible from None


def _from_headers(headers: Any, target: OdpsType) -> Any:
    try:
        pairs = [
            (("key", pair["key"]), ("value", None if pair["value"] is None else pair["value"].decode()))
            for pair in headers
        ]
    except UnicodeDecodeError:
        raise Unconvertible from None
    assert target.name in ("string", "json")
    return JsonText(pairs)


def _from_millis(millis: int | None, target: OdpsType) -> Any:
    if millis is None or target.name in ("bigint", "string"):
        return millis if millis is None or target.name == "bigint" else str(millis)
    try:
        moment = EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise Unconvertible from None
    return _moment(moment, 0, target)


def _moment(moment: datetime, nanos: int, target: OdpsType) -> int:
    """Return an instant, and what it has below microseconds, in the unit of the column."""
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    if target.name == "datetime":
        if micros % 1000 or nanos:
            raise Unconvertible
        return micros // 1000
    total = micros * 1000 + nanos
    if not -(2**63) < total < 2**63:
        raise Unconvertible
    return total


def read_json(text: str) -> Any:
    """Read JSON: objects as tuples of pairs, numbers as they are written."""
    try:
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=_no_constant, object_pairs_hook=tuple
        )
    except ValueError:
        raise NoJson from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def from_json(  # noqa: C901 - one flat table of types
    tree: Any, target: OdpsType, record_format: RecordFormat | None = None
) -> Any:
    """Return a JSON value as a value of a column, or raise an error for what does not fit."""
    if tree is None or (
        record_format is not None and record_format.empty_as_null and tree == "" and not isinstance(tree, tuple)
    ):
        return None
    if target.name == "json":
        return JsonText(tree)
    if target.name in ("string", "varchar", "char"):
        return _json_as_text(tree, target)
    if target.name == "array":
        if not isinstance(tree, list):
            raise Unconvertible
        return [from_json(element, target.fields[0][1]) for element in tree]
    if target.name in ("map", "struct"):
        if not isinstance(tree, tuple):
            raise Unconvertible
        return _object(tree, target)
    if target.name == "boolean":
        if not isinstance(tree, bool):
            raise Unconvertible
        return tree
    if target.name in ("date", "datetime", "timestamp", "timestamp_ntz"):
        if not isinstance(tree, str) or isinstance(tree, Number):
            raise Unconvertible
        return from_text(tree, target)
    if not isinstance(tree, Number):
        raise Unconvertible
    return from_text(str(tree), target)


def _object(tree: tuple[Any, ...], target: OdpsType) -> Any:
    if target.name == "struct":
        first = dict(reversed(tree))
        return {name: from_json(first.get(name), kind) for name, kind in target.fields}
    (_, key), (_, item) = target.fields
    pairs = [(from_text(name, key), from_json(inner, item)) for name, inner in tree]
    if len({name for name, _ in pairs}) < len(pairs):
        raise Unconvertible
    return pairs


def _json_as_text(tree: Any, target: OdpsType) -> Any:
    if isinstance(tree, str):
        return from_text(str(tree), target)
    text = JsonText(tree)
    if target.numbers and len(printed(tree)) > target.numbers[0]:
        raise Unconvertible
    return text


def printed(tree: Any) -> str:
    """Return a tree as JSON text without blanks, numbers as they are written."""
    match tree:
        case Number():
            return str(tree)
        case tuple():
            return (
                "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{printed(each)}" for name, each in tree) + "}"
            )
        case list():
            return "[" + ",".join(map(printed, tree)) + "]"
    return json.dumps(tree, ensure_ascii=False)


def from_text(text: str | None, target: OdpsType) -> Any:
    """Return a text as a value of a column, or raise an error for what does not fit."""
    if text is None:
        return None
    if target.name in ("string", "varchar", "char"):
        if target.numbers and len(text) > target.numbers[0]:
            raise Unconvertible
        return text
    if target.name in ("json", "array", "map", "struct"):
        try:
            return from_json(read_json(text), target)
        except NoJson:
            raise Unconvertible from None
    if target.name == "boolean":
        if text not in ("true", "false"):
            raise Unconvertible
        return text == "true"
    if target.name in ("date", "datetime", "timestamp", "timestamp_ntz"):
        return _written_moment(text, target)
    return _written_number(text, target)


def _written_number(text: str, target: OdpsType) -> Any:
    if target.name in RANGES:
        if not re.fullmatch(r"-?[0-9]+", text) or not -RANGES[target.name] <= int(text) < RANGES[target.name]:
            raise Unconvertible
        return int(text)
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", text):
        raise Unconvertible
    if target.name == "decimal":
        precision, scale = target.numbers or (54, 18)
        exact = Decimal(text)
        if exact and (exact.adjusted() >= precision - scale or not _ends_at(text, scale)):
            raise Unconvertible
        return exact
    number = float(text) if target.name == "double" else struct.unpack("f", _single(text))[0]
    whole = re.fullmatch(r"-?[0-9]+", text)
    if abs(number) > LARGEST[target.name] or (number == 0 and Decimal(text)) or (whole and int(number) != int(text)):
        raise Unconvertible
    return number


def _ends_at(text: str, scale: int) -> bool:
    """Tell whether a number has no digits behind this many places."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).rstrip("0")
    places = len(whole) + int(exponent or 0)
    return len(digits) - places <= scale


def _single(text: str) -> bytes:
    try:
        return struct.pack("f", float(text))
    except OverflowError:
        raise Unconvertible from None


def _written_moment(text: str, target: OdpsType) -> Any:
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,99}))?(Z|[+-]\d\d:?\d\d)?)?", text, re.ASCII
    )
    if not found:
        raise Unconvertible
    day, time, fraction, zone = found.groups()
    try:
        if target.name == "date":
            if time is not None:
                raise Unconvertible
            return date.fromisoformat(day)
        if time is None or (zone is None) is not (target.name == "timestamp_ntz"):
            raise Unconvertible
        if zone and zone != "Z" and (int(zone[1:3]) > 23 or int(zone[-2:]) > 59):
            raise Unconvertible
        # To the minute: Python's offsets end at a day, and so do Arrow's.
        moment = datetime.fromisoformat(f"{day}T{time}{zone or 'Z'}")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unconvertible from None
    digits = fraction or ""
    if (target.name != "datetime" and len(digits) > 9) or digits[9:].strip("0"):
        raise Unconvertible
    nanos = int(digits[:9].ljust(9, "0"))
    return _moment(moment + timedelta(microseconds=nanos // 1000), nanos % 1000, target)
