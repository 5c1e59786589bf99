"""What bytes that are no JSON look like, by how they begin, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """A guess at what some bytes are; it has nothing of the bytes themselves."""

    what: str
    advice: str


_WHOLE = "load them whole into a BINARY column (__value__ or __key__), and decode them downstream"


_UNPACKED = f"let the producer send JSON and compress by compression.type, which every reader undoes; or {_WHOLE}"


_BY_HAND = "look at one of them by a console consumer, and correct the producer or the columns"


def _read_as(encoding: str) -> str:
    return f"set value_type (or key_type) to 'string' and encoding='{encoding}'"


# The first that matches counts.
_LOOKS: tuple[tuple[re.Pattern[bytes], Look], ...] = tuple(
    (re.compile(pattern, re.DOTALL), Look(what, advice))
    for pattern, what, advice in (
        (rb"\Z", "they have no byte at all", _BY_HAND),
        (rb"\x1f\x8b", "they begin as gzip does", _UNPACKED),
        (rb"\x28\xb5\x2f\xfd", "they begin as Zstandard does", _UNPACKED),
        (rb"\x04\x22\x4d\x18", "they begin as LZ4 does", _UNPACKED),
        (rb"\x82SNAPPY\x00|\xff\x06\x00\x00sNaPpY", "they begin as Snappy does", _UNPACKED),
        (rb"\xff\xfe|\xfe\xff", "they begin with the byte order mark of UTF-16", _read_as("utf-16")),
        (rb"[\[{\"]\x00", "they look like UTF-16", _read_as("utf-16-le")),
        (rb"\x00[\[{\"]\x00", "they look like UTF-16", _read_as("utf-16-be")),
        (rb"\xef\xbb\xbf", "they begin with the byte order mark of UTF-8", _read_as("utf-8-sig")),
        (
            rb"\x00.{4}",
            "they begin with byte 0 and four more, as serializers with a schema registry do (Avro, Protobuf, …)",
            _WHOLE,
        ),
        (rb"Obj\x01|\xc3\x01", "they begin as Avro does", _WHOLE),
        (rb"\xac\xed\x00\x05", "they begin as serialized Java objects do", _WHOLE),
        (rb"\x80[\x02-\x05]", "they begin as Python's pickle does", _WHOLE),
        (rb"\s*\[", "they begin as a JSON array does", "a path into an array begins with an index, such as [0].id"),
        (
            rb"\s*\"",
            "they begin as a JSON text in quotes does, perhaps with a document as its text",
            "no path leads into a text: load it whole (__value__ or __key__)",
        ),
        (rb"\s*\{\s*'", "they look like JSON with single quotes, as Python prints a dict", _BY_HAND),
        (
            rb"\s*\{",
            "they begin as JSON objects do, and are broken: cut off, in another encoding, or with a NaN in them",
            f"{_BY_HAND}; for another encoding, {_read_as('gb18030')}, for example",
        ),
        (rb"\s*<", "they look like XML", _WHOLE),
        (
            rb"[\t\n\r\x20-\x7e]{1,16}",
            "they are other text, or a single JSON value",
            "set value_type (or key_type) to 'csv' or 'delimited', or load them whole (__value__ or __key__)",
        ),
        (rb"", "they are binary, of a kind that is not known here", _WHOLE),
    )
)


def look_of(octets: bytes) -> Look:
    r"""Return what a key or value that is no JSON, or no JSON object, looks like.

    >>> look_of(b"\x1f\x8b\x08").what
    'they begin as gzip does'
    """
    return next(look for pattern, look in _LOOKS if pattern.match(octets))
