"""A job of DataX: one reader with its writer, and the transformers between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.dataworks.parts import Job, Step, refuse_altering, refuse_unknown
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.settings import Settings, says_nothing
from airflow_provider_kafka_odps.exceptions import InvalidJob

READERS, WRITERS = ("kafka", "kafkareader"), ("odps", "odpswriter", "maxcompute")
"""Names of plugins, in lower case."""


def from_content(written: Mapping[str, Any]) -> Job:
    """Return the parts of a job of DataX.

    Whatever else may change rows and is not known is among what is refused.
    Raises InvalidJob for two contents, and for one that has no reader and writer of these systems.
    """
    job, refusals = Settings("job", written["job"]), Refusals()
    first = _only(job.value("content"))
    beside = [key for key, value in first.items() if key not in _CONTENT and not says_nothing(value)]
    reader = plugin("job.content[0].reader", first.get("reader"), "name", READERS, refusals)
    writer = plugin("job.content[0].writer", first.get("writer"), "name", WRITERS, refusals)
    refusals.asked(refuse_unknown, [f"job.content[0].{key}" for key in beside], f"; known are {', '.join(_CONTENT)}")
    steps = _steps(first.get("transformer") or [], refusals)
    setting = job.section("setting")
    common = Settings("common", written.get("common") or {})
    return Job(
        reader,
        writer,
        setting,
        common.section("column"),
        steps,
        (*job.unknown(), *common.unknown(), *(key for key in written if key not in ("job", "common"))),
        refusals.problems,
    )


_CONTENT = ("reader", "writer", "transformer")


def _only(content: object) -> Mapping[str, Any]:
    # DataX takes a single object as well as the usual list of one.
    first = content[0] if isinstance(content, list) and len(content) == 1 else content
    if isinstance(first, Mapping):
        return first
    count = f"; it has {len(content)}, and each is a job of its own" if isinstance(content, list) else ""
    raise InvalidJob(f"job.content has to be a list of one reader with its writer{count}")


def _steps(transformers: object, refusals: Refusals) -> tuple[Step, ...]:
    where = "job.content[0].transformer"
    if not isinstance(transformers, list):
        refusals.asked(_refuse, f"{where} is no list of transformers")
        return ()
    steps = [refusals.asked(_step, f"{where}[{number}]", each) for number, each in enumerate(transformers)]
    return tuple(step for step in steps if step is not None)


def _refuse(problem: str) -> None:
    raise InvalidJob(problem)


def _step(where: str, transformer: object) -> Step:
    written = Settings(where, transformer)
    kind = written.text("name")
    if kind is None:
        raise InvalidJob(f"{where}.name is missing: which transformer it is is not known")
    parameter = Settings(f"{where} ({kind})", written.value("parameter") or {})
    refuse_unknown(written.unknown(), "; a transformer has name and parameter")
    return Step(kind.lower(), parameter)


def plugin(where: str, written: object, key: str, kinds: tuple[str, ...], refusals: Refusals) -> Settings:
    """Return the parameter of a reader or writer, whose keys that change rows are among what is refused.

    Raises InvalidJob for one of another system.
    """
    part = Settings(where, written)
    kind = part.text(key)
    if (kind or "").lower() not in kinds:
        raise InvalidJob(f"{where}.{key} is {kind!r}; only {kinds[0]!r} can be run by this operator")
    parameter = Settings(f"{where}.parameter", part.value("parameter"))
    refusals.asked(refuse_altering, part)
    refusals.asked(refuse_altering, parameter)
    return parameter
