"""The sources of one projection, taken from batches: parts of records, headers, decoded keys and values, paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import element
from airflow_provider_kafka_odps.core.mapping.expressions import Constant, FieldPath, Header, Part, Rest, Source
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.sources.decoders import Fields, decoded, documents
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import JsonReader, invalid_json
from airflow_provider_kafka_odps.core.mapping.sources.samples import (
    RECORDS,
    Sample,
    sample_documents,
    sample_fields,
    sample_headers,
)
from airflow_provider_kafka_odps.core.mapping.sources.taken import Taken
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible, merged
from airflow_provider_kafka_odps.core.options import OnBadJson
from airflow_provider_kafka_odps.exceptions import InvalidMapping

_KINDS = {
    Part.PARTITION: SourceKind.INT32,
    Part.OFFSET: SourceKind.INT64,
    Part.TIMESTAMP: SourceKind.INSTANT,
    Part.TIMESTAMP_TYPE: SourceKind.INT8,
    Part.LEADER_EPOCH: SourceKind.INT32,
    Part.HEADERS: SourceKind.HEADERS,
    Part.TOPIC: SourceKind.TEXT,
}


_NO_OBJECT, _NO_JSON = "the {} is no JSON object", "the {} is no JSON"


def kind_of(source: Source, record_format: RecordFormat) -> SourceKind:
    """Return what a source is made of; raises InvalidMapping for a path into something that has no fields."""
    match source:
        case Part.KEY | Part.VALUE:
            return _format(source, record_format).kind
        case Part():
            return _KINDS[source]
        case Constant():
            return SourceKind.TEXT
        case Header():
            return SourceKind.BYTES
        case FieldPath():
            return _kind_within(source, source.root, record_format)
        case Rest():
            return _kind_within(source, Part.VALUE, record_format)
        case _:
            assert_never(source)


def _kind_within(source: FieldPath | Rest, root: Part, record_format: RecordFormat) -> SourceKind:
    form = _format(root, record_format)
    if form.is_document:
        return SourceKind.JSON
    if not form.has_fields:
        raise InvalidMapping(f"{source} leads into the {root}, but {root}_type={form.value!r} has no fields")
    if isinstance(source, Rest) or len(source.steps) > 1 or not isinstance(source.steps[0], int):
        raise InvalidMapping(f"{source}: with {root}_type={form.value!r} fields are found by number, such as [0]")
    return SourceKind.TEXT


def _format(part: Part, record_format: RecordFormat) -> Format:
    return record_format.key if part is Part.KEY else record_format.value


class Sources:
    """What a projection takes from each batch."""

    def __init__(
        self,
        sources: Iterable[Source],
        record_format: RecordFormat,
        by_value: Mapping[Source, Sequence[float]] = MappingProxyType({}),
        beside: AbstractSet[Source] = frozenset(),
    ) -> None:
        """Take what to find.

        Of ``by_value`` the value of a JSON number counts, and how it is written near the given numbers only;
        ``beside`` goes into no column.
        """
        self._reading = record_format
        self._sources = tuple(dict.fromkeys(source for source in sources if not isinstance(source, Constant)))
        self._roots = [
            root
            for root in (_Root(part, self._sources, record_format, by_value, beside) for part in (Part.KEY, Part.VALUE))
            if root
        ]

    @property
    def wanted(self) -> frozenset[str]:
        """The columns of a batch that are looked at."""
        parts = {source.value for source in self._sources if isinstance(source, Part) and source is not Part.TOPIC}
        headers = {"headers"} if any(isinstance(source, Header) for source in self._sources) else set()
        return frozenset(parts | headers | {root.part.value for root in self._roots})

    def take(self, topic: str, batch: pa.RecordBatch) -> Taken:
        """Return the sources of a batch."""
        columns: dict[Source, Converted] = {}
        for source in self._sources:
            match source:
                case Part.TOPIC:
                    columns[source] = pa.repeat(topic, len(batch)), []
                case Part.KEY | Part.VALUE | FieldPath() | Rest():
                    # Of the roots, below.
                    continue
                case Part():
                    columns[source] = batch.column(source.value), []
                case Header():
                    columns[source] = _header(batch.column("headers"), source.name), []
                case _:
                    assert_never(source)
        bad: dict[Part, Sequence[Unconvertible]] = {}
        first: Unconvertible | None = None
        for root in self._roots:
            found, problems = root.take(batch.column(root.part.value))
            columns |= found
            if root.reads_json:
                bad[root.part] = problems
            first = first or next(iter(problems), None)
        unusable = first if self._reading.on_bad_json is OnBadJson.FAIL else None
        return Taken(columns, bad, unusable)

    def sample(self, batch: pa.RecordBatch, sources: Sequence[FieldPath | Header]) -> dict[Source, Sample]:
        """Return what some records of a batch have in the place of paths and headers that are in none of them."""
        samples: dict[Source, Sample] = {}
        for root in self._roots:
            paths = [source for source in sources if isinstance(source, FieldPath) and source.root is root.part]
            samples |= root.sample(batch.column(root.part.value).slice(0, RECORDS), paths) if paths else {}
        if headers := [source for source in sources if isinstance(source, Header)]:
            samples |= dict.fromkeys(headers, sample_headers(batch.column("headers")))
        return samples


class _Root:
    """The key or the value, as a whole and by its fields."""

    def __init__(
        self,
        part: Part,
        sources: Iterable[Source],
        record_format: RecordFormat,
        by_value: Mapping[Source, Sequence[float]],
        beside: AbstractSet[Source],
    ) -> None:
        self.part, self._reading = part, record_format
        self._form = _format(part, record_format)
        self._whole = part in sources
        self._inner = [
            source
            for source in sources
            if (isinstance(source, FieldPath) and source.root is part)
            or (isinstance(source, Rest) and part is Part.VALUE)
        ]
        self._json = JsonReader(self._inner, by_value, beside) if self._inner and self._form.is_document else None
        self._fields = Fields(self._form, record_format.delimiter) if self._inner and self._form.has_fields else None

    def __bool__(self) -> bool:
        return bool(self._whole or self._inner)

    @property
    def reads_json(self) -> bool:
        """Tell whether a document that is no JSON is told."""
        return self._json is not None or (self._whole and self._form is Format.JSON)

    def take(self, octets: pa.Array) -> tuple[dict[Source, Converted], list[Unconvertible]]:
        """Return the sources within this root, and which rows are no JSON or no object though they should be."""
        columns: dict[Source, Converted] = {}
        bad: list[Unconvertible] = []
        if self._whole and self._form is Format.JSON:
            columns[self.part], bad = self._json_value(octets)
        elif self._whole:
            columns[self.part] = decoded(octets, self._form, self._reading)
        if self._json is not None:
            texts, undecoded = documents(octets, self._form, self._reading)
            found = self._json.extract(texts)
            no_object = merged(undecoded, self._listed(found.bad, _NO_OBJECT))
            columns |= {
                source: (leaf, self._rejected(no_object))
                for source, leaf in zip(self._inner, found.leaves, strict=True)
            }
            bad = merged(bad, no_object)
        if self._fields is not None:
            columns |= self._cut(*decoded(octets, self._form, self._reading))
        return columns, bad

    def sample(self, octets: pa.Array, paths: Sequence[FieldPath]) -> dict[Source, Sample]:
        """Return what there is in the place of some paths."""
        if self._fields is not None:
            lists, _ = self._fields.cut(decoded(octets, self._form, self._reading)[0])
            return dict.fromkeys(paths, sample_fields(lists))
        texts, _ = documents(octets, self._form, self._reading)
        return dict(zip(paths, sample_documents(texts, [path.steps for path in paths]), strict=True))

    def _json_value(self, octets: pa.Array) -> tuple[Converted, list[Unconvertible]]:
        texts, undecoded = decoded(octets, self._form, self._reading)
        no_json = invalid_json(texts)
        trimmed = pc.utf8_trim(texts, " \t\r\n")
        nothing = pc.or_(no_json, pc.fill_null(pc.equal(trimmed, "null"), fill_value=False))
        bad = merged(undecoded, self._listed(no_json, _NO_JSON))
        return (pc.if_else(nothing, pa.scalar(None, pa.string()), trimmed), self._rejected(bad)), bad

    def _cut(self, texts: pa.Array, undecoded: list[Unconvertible]) -> dict[Source, Converted]:
        assert self._fields is not None, "asked for with fields only"
        lists, uncut = self._fields.cut(texts)
        problems = merged(undecoded, uncut)
        numbers = {source: source.steps[0] for source in self._inner if isinstance(source, FieldPath)}
        return {
            source: (element(lists, number), problems) for source, number in numbers.items() if isinstance(number, int)
        }

    def _listed(self, where: pa.Array, reason: str) -> list[Unconvertible]:
        if not pc.any(where).as_py():
            return []
        return [Unconvertible(row, reason.format(self.part.value)) for row in pc.indices_nonzero(where).to_pylist()]

    def _rejected(self, bad: list[Unconvertible]) -> list[Unconvertible]:
        return bad if self._reading.on_bad_json is OnBadJson.REJECT else []


def _header(headers: pa.Array, name: str) -> pa.Array:
    """Return, per record, the value of the last header of this name; null where there is none."""
    names, values = headers.flatten().flatten()
    # A name that is not UTF-8 is null, and no other name.
    same = pc.fill_null(pc.equal(names, name), fill_value=False)
    found = np.flatnonzero(same.to_numpy(zero_copy_only=False))
    last = np.full(len(headers), -1)
    # Of several for one record NumPy keeps the last.
    last[pc.list_parent_indices(headers).to_numpy()[found]] = found
    return values.take(pa.array(last, mask=last < 0))
