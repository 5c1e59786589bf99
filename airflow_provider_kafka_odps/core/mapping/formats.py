"""How keys, values and missing things are read: the user's choices for a whole load."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_kafka_odps.core.mapping.conversions.leniency import Leniency
from airflow_provider_kafka_odps.core.options import Conversions, OnBadJson
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput


class SourceKind(StrEnum):
    """The kinds of source columns; each has one Arrow type."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "JSON value"
    INT8 = "integer of 8 bits"
    INT16 = "integer of 16 bits"
    INT32 = "integer of 32 bits"
    INT64 = "integer of 64 bits"
    FLOAT = "float"
    DOUBLE = "double"
    INSTANT = "instant"
    HEADERS = "headers"
    NUMBER = "number"
    """A text that is a number in JSON's spelling."""
    BOOLEAN = "boolean"
    NANOS = "instant in nanoseconds"
    """Of the years 1677 to 2262."""
    LOCAL = "local time"
    """A date and a time without a zone."""
    DATE = "date"


class Format(StrEnum):
    """What the bytes of a key or of a value are."""

    BYTES = "bytes"
    """Bytes: text columns take them as UTF-8, and paths lead into them as JSON."""
    STRING = "string"
    """Text in the load's encoding; paths lead into it as JSON."""
    JSON = "json"
    """A JSON value, in UTF-8."""
    INTEGER = "integer"
    """Four bytes, as Kafka's IntegerSerializer writes them."""
    LONG = "long"
    """Eight bytes, as Kafka's LongSerializer writes them."""
    SHORT = "short"
    """Two bytes, as Kafka's ShortSerializer writes them."""
    FLOAT = "float"
    """Four bytes, as Kafka's FloatSerializer writes them."""
    DOUBLE = "double"
    """Eight bytes, as Kafka's DoubleSerializer writes them."""
    CSV = "csv"
    """Text with fields between delimiters, which ``"`` may enclose (RFC 4180); ``[0]`` is the first field."""
    DELIMITED = "delimited"
    """The same without any meaning of quotes."""

    @property
    def kind(self) -> SourceKind:
        """What the whole key or value is."""
        return _KINDS[self]

    @property
    def has_fields(self) -> bool:
        """Whether the fields are found by their number."""
        return self in (Format.CSV, Format.DELIMITED)

    @property
    def is_document(self) -> bool:
        """Whether paths lead into it as JSON."""
        return self in (Format.BYTES, Format.STRING, Format.JSON)


_KINDS = {
    Format.BYTES: SourceKind.BYTES,
    Format.STRING: SourceKind.TEXT,
    Format.JSON: SourceKind.JSON,
    Format.INTEGER: SourceKind.INT32,
    Format.LONG: SourceKind.INT64,
    Format.SHORT: SourceKind.INT16,
    Format.FLOAT: SourceKind.FLOAT,
    Format.DOUBLE: SourceKind.DOUBLE,
    Format.CSV: SourceKind.TEXT,
    Format.DELIMITED: SourceKind.TEXT,
}


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """How keys, values and missing things are read."""

    key: Format = Format.BYTES
    value: Format = Format.BYTES
    encoding: str = "utf-8"
    """Of text; a name that Python knows."""
    delimiter: str = ","
    """Between the fields of a text; one character or several."""
    empty_as_null: bool = False
    """Whether an empty text is NULL; empty bytes stay empty in BINARY columns."""
    on_bad_json: OnBadJson = OnBadJson.NULL
    conversions: Conversions = Conversions.STRICT
    timezone: str | None = None
    """By whose clock a time without an offset is meant; None: it names no instant."""

    def __post_init__(self) -> None:
        """Refuse an encoding or a zone that is none, and delimiters that would mean two things."""
        _ = self.leniency
        try:
            "".encode(self.encoding)
        except LookupError:
            raise InvalidInput(
                f"encoding={self.encoding!r} is no encoding that Python knows, such as utf-8 or gb18030"
            ) from None
        if not self.delimiter:
            raise InvalidInput("field_delimiter='': one character or several are wanted, such as ',' or '\\t'")
        if Format.CSV in (self.key, self.value) and (len(self.delimiter) > 1 or self.delimiter in '"\r\n'):
            raise InvalidInput(
                f"field_delimiter={self.delimiter!r}: csv takes one character, and neither a quote nor the end of a "
                "line; 'delimited' takes any text, and has no quotes"
            )

    @property
    def leniency(self) -> Leniency:
        """What is taken beside what is exact anyway."""
        zone = None if self.timezone is None else zone_of(self.timezone, "timezone")
        return Leniency(self.conversions is Conversions.LENIENT, zone)

    @property
    def is_utf8(self) -> bool:
        """Whether the encoding is UTF-8."""
        return codecs.lookup(self.encoding).name == "utf-8"
