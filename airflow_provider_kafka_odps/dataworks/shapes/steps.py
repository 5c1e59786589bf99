"""A job of DataWorks: its steps, and the hops that lead from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_kafka_odps.dataworks.parts import FILTERS, STEP_KEYS, Job, Step, refuse_unknown
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.settings import Settings, says_nothing
from airflow_provider_kafka_odps.dataworks.shapes.content import READERS, WRITERS, plugin
from airflow_provider_kafka_odps.exceptions import InvalidJob

_UNSUPPORTED = (
    "it may change rows, and has no counterpart here. Do the same in SQL behind the load, or take the step out and "
    "write functions behind the columns of the operator (docs: Column mapping)"
)


_KNOWN = ("type", "version", "steps", "order", "setting", "extend")


_LABELS = STEP_KEYS - {"parameter"}


def from_steps(written: Mapping[str, Any]) -> Job:
    """Return the parts of a job of DataWorks.

    Steps and hops that may change rows and are not understood are among what is refused.
    Raises InvalidJob for a job that has not one reader and one writer of these systems.
    """
    refusals = Refusals()
    steps = written["steps"]
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise InvalidJob("steps is no list of JSON objects")
    hops = refusals.asked(_hops, written) or []
    named = [(_category(step, hops), step) for step in steps]
    ends, found = [], dict[str, Settings]()
    for category, kinds in (("reader", READERS), ("writer", WRITERS)):
        matching = [step for each, step in named if each == category]
        if len(matching) != 1:
            raise InvalidJob(f"steps has {len(matching)} steps of category {category!r}; one is wanted")
        ends.append(matching[0])
        found[category] = plugin(f"steps.{category}", matching[0], "stepType", kinds, refusals)
    between = [
        (number, category, step)
        for number, (category, step) in enumerate(named)
        if category not in found and not says_nothing({key: step[key] for key in step if key.lower() not in _LABELS})
    ]
    middle = [step for *_, step in between]
    ordered = refusals.asked(_in_order, middle, ends, [step for _, step in named], hops) or middle
    changes = {id(step): refusals.asked(_step, number, category, step) for number, category, step in between}
    setting = Settings("setting", written.get("setting") or {})
    return Job(
        found["reader"],
        found["writer"],
        setting,
        setting.section("common").section("column"),
        tuple(done for step in ordered if (done := changes[id(step)]) is not None),
        (*_unread(steps), *(key for key in written if key not in _KNOWN and not says_nothing(written[key]))),
        refusals.problems,
    )


def _hops(written: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    order = written.get("order") or {}
    hops = (order.get("hops") if isinstance(order, Mapping) else order) or []
    if not isinstance(hops, list) or not all(isinstance(hop, Mapping) for hop in hops):
        raise InvalidJob("order.hops is no list of JSON objects with from and to")
    return hops


def _category(step: Mapping[str, Any], hops: Sequence[Mapping[str, Any]]) -> str:
    """Return the step's category by its own word, or ``reader`` and ``writer`` as the ends of the hops."""
    if step.get("category"):
        return str(step["category"]).lower()
    if not hops:
        return ""
    ends = {hops[0].get("from"): "reader", hops[-1].get("to"): "writer"}
    return ends.get(step.get("name"), "")


def _step(number: int, category: str, written: Mapping[str, Any]) -> Step:
    kind = str(written.get("stepType") or "").lower()
    name = written.get("displayName") or written.get("name") or number
    where = f"steps[{number}] ({name})"
    if "filter" in f"{kind} {category}":
        raise InvalidJob(f"{where} has stepType {kind!r} and leaves out records; {FILTERS}")
    if kind != "stringreplace" or category not in ("map", ""):
        raise InvalidJob(
            f"{where} has category {category!r} and stepType {kind!r}; {_UNSUPPORTED}. Only 'stringreplace' is applied"
        )
    beside = [key for key in written if key.lower() not in STEP_KEYS and not says_nothing(written[key])]
    refuse_unknown([f"{where}.{key}" for key in beside])
    return Step(kind, Settings(f"{where}.parameter", written.get("parameter")))


def _in_order(
    between: Sequence[Mapping[str, Any]],
    ends: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    hops: Sequence[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Return the steps between reader and writer in the order in which the hops lead through them.

    Raises InvalidJob for hops that go past one, another way, or to a step that there is none of.
    """
    if not hops or (len(hops) == 1 and not between):
        return list(between)
    way = _way(hops, ends[0].get("name"))
    if way[-1] != ends[1].get("name") or len(way) != len(hops) + 1:
        raise InvalidJob(f"order.hops is no single way from reader to writer: it goes {' → '.join(map(str, way))}")
    names = [step.get("name") for step in steps]
    if strange := [name for name in way if names.count(name) != 1]:
        raise InvalidJob(f"order.hops goes by {strange[0]!r}, and {names.count(strange[0])} steps have that name")
    if past := [step.get("name") for step in between if step.get("name") not in way]:
        raise InvalidJob(
            f"order.hops goes past the step {past[0]!r}: whether it changes rows is not clear. Put it on the way from "
            "reader to writer, or take it out"
        )
    return sorted(between, key=lambda step: way.index(step.get("name")))


def _way(hops: Sequence[Mapping[str, Any]], start: object) -> list[object]:
    following = {hop.get("from"): hop.get("to") for hop in hops}
    way: list[object] = [start]
    while way[-1] in following and len(way) <= len(hops):
        way.append(following[way[-1]])
    return way


def _unread(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"steps[{number}].{key}"
        for number, step in enumerate(steps)
        for key, value in step.items()
        if key.lower() not in STEP_KEYS and not says_nothing(value)
    ]
