"""A job of DataX: one reader with its writer, and the transformers between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.dataworks.parts import Job, Step, refuse_altering
from airflow_provider_kafka_odps.dataworks.settings import Settings, says_nothing
from airflow_provider_kafka_odps.exceptions import InvalidJob

READERS, WRITERS = ("kafka", "kafkareader"), ("odps", "odpswriter", "maxcompute")
"""Names of plugins, in lower case."""


def from_content(written: Mapping[str, Any]) -> Job:
    """Return the parts of a job of DataX.

    Raises InvalidJob for two contents, and for whatever else may change rows and is not known.
    """
    job = Settings("job", written["job"])
    first = _only(job.value("content"))
    beside = [key for key, value in first.items() if key not in _CONTENT and not says_nothing(value)]
    if beside:
        raise InvalidJob(
            f"job.content[0].{beside[0]} is not known here, and may change rows; known are {', '.join(_CONTENT)}"
        )
    setting = job.section("setting")
    common = Settings("common", written.get("common") or {})
    return Job(
        plugin("job.content[0].reader", first.get("reader"), "name", READERS),
        plugin("job.content[0].writer", first.get("writer"), "name", WRITERS),
        setting,
        common.section("column"),
        tuple(_steps(first.get("transformer") or [])),
        (*job.unknown(), *common.unknown(), *(key for key in written if key not in ("job", "common"))),
    )


_CONTENT = ("reader", "writer", "transformer")


def _only(content: object) -> Mapping[str, Any]:
    # DataX takes a single object as well as the usual list of one.
    first = content[0] if isinstance(content, list) and len(content) == 1 else content
    if isinstance(first, Mapping):
        return first
    count = f"; it has {len(content)}, and each is a job of its own" if isinstance(content, list) else ""
    raise InvalidJob(f"job.content has to be a list of one reader with its writer{count}")


def _steps(transformers: object) -> list[Step]:
    where = "job.content[0].transformer"
    if not isinstance(transformers, list):
        raise InvalidJob(f"{where} is no list of transformers")
    steps = []
    for number, transformer in enumerate(transformers):
        written = Settings(f"{where}[{number}]", transformer)
        kind = written.text("name")
        if kind is None:
            raise InvalidJob(f"{written.where}.name is missing: which transformer it is is not known")
        parameter = Settings(f"{written.where} ({kind})", written.value("parameter") or {})
        if beside := written.unknown():
            raise InvalidJob(
                f"{beside[0]} is not known here, and may change rows; a transformer has name and parameter"
            )
        steps.append(Step(kind.lower(), parameter))
    return steps


def plugin(where: str, written: object, key: str, kinds: tuple[str, ...]) -> Settings:
    """Return the parameter of a reader or writer.

    Raises InvalidJob for one of another system.
    """
    part = Settings(where, written)
    kind = part.text(key)
    if (kind or "").lower() not in kinds:
        raise InvalidJob(f"{where}.{key} is {kind!r}; only {kinds[0]!r} can be run by this operator")
    parameter = Settings(f"{where}.parameter", part.value("parameter"))
    refuse_altering(part)
    refuse_altering(parameter)
    return parameter
