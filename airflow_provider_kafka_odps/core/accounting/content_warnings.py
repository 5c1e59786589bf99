"""Nothing is silently nothing: what is to be said of a load whose records gave it nothing, or little."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.core.accounting.content import Content, Documents
from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.core.options import OnBadJson

FEW = 10
"""Of fewer records than this nothing is concluded, but for JSON, of which no record without it is meant to be there."""


_NEARLY_ALL = 0.9


def content_warnings(content: Content, on_bad_json: OnBadJson) -> Iterator[str]:
    """Yield what a load has to say of what its records gave it, before anything of it is visible."""
    for part, documents in content.documents.items():
        if _is_nearly_nothing(documents):
            yield _not_json(part, documents, on_bad_json)


def _is_nearly_nothing(documents: Documents) -> bool:
    bad, there = documents.bad, documents.there
    return bool(bad) and (bad == there or (there >= FEW and bad >= _NEARLY_ALL * there))


def _not_json(part: Part, documents: Documents, on_bad_json: OnBadJson) -> str:
    became = "they are rejects" if on_bad_json is OnBadJson.REJECT else "columns that are filled from them are NULL"
    looks = dict.fromkeys(each.look for each in documents.first)
    lines = [
        f"{documents.bad} of {documents.there} {part}s are no JSON object, into which paths lead, or no JSON at all",
        f"on_bad_json='{on_bad_json}', so {became}",
        f"the first: {', '.join(each.place for each in documents.first)}",
        *(f"{look.what}: {look.advice}" for look in looks),
    ]
    return "\n  ".join(lines)
