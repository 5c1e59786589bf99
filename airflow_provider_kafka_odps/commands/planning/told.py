"""A plan in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_kafka_odps.commands.planning.plan import Plan
from airflow_provider_kafka_odps.commands.terminal import BAD, CAUTION, GOOD, HEADING, Terminal
from airflow_provider_kafka_odps.core.journal.window_text import bounds_text
from airflow_provider_kafka_odps.core.table.statements import create_statement

_SHOWN = 20
"""How many partitions are listed; of the others only their number."""


def tell(plan: Plan, terminal: Terminal) -> None:
    """Say to a person what a load would do."""
    window = plan.window
    records = f"{window.span} offsets in {len(window.ranges)} partitions, so at most {window.span} records"
    terminal.say((_named("window"), HEADING), f"{bounds_text(window)}: {records}")
    for side, bound in (("start", window.start), ("end", window.end)):
        terminal.say((_named(side), HEADING), f"{bound.asked}, by {bound.source}")
    filled = sorted(window.ranges, key=lambda each: (-each.span, each.partition))
    names = ["partition", "start", "end", "offsets", "log", "behind the end", "bytes, about"]
    terminal.table(names, [_row(plan, each) for each in sorted(filled[:_SHOWN])], right=names[1:])
    if len(filled) > _SHOWN:
        terminal.say(f"… and {len(filled) - _SHOWN} partitions more, with fewer offsets each; --json has all")
    for name, text in _lines(plan):
        terminal.say((_named(name), HEADING), text)
    for note in plan.held.wanted.notes:
        terminal.say((_named("note"), CAUTION), note)
    if plan.sample.problem:
        terminal.say((_named("REFUSED"), BAD), f"the load would fail: {plan.sample.problem}")
    else:
        terminal.say((_named("ok"), GOOD), "nothing was written")


def _named(name: str) -> str:
    return f"{name:<10}"


def _row(plan: Plan, each: Any) -> list[object]:
    log = plan.facts.partitions[each.partition]
    end = plan.log_ends[each.partition]
    size = each.span * plan.sized.sizes.get(each.partition, 0)
    bounds = f"[{log.low}, {end})"
    return [str(each.topic_partition), each.start, each.end, each.span, bounds, max(0, end - each.end), _bytes(size)]


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    sink, load = plan.held.destination.target, plan.held.load
    place = f", partition {plan.held.destination.partition}" if plan.held.destination.partition else ""
    missing = "" if plan.exists in (None, True) else " (it is created)"
    yield "table", f"{sink.table}{place}{missing}, mode {load.target.mode}"
    if sink.create:
        yield "create", create_statement(sink.table, sink.schema, sink.lifecycle)
    if sink.added:
        yield "columns", f"are added: {', '.join(each.name for each in sink.added)}"
    if load.routing is not None:
        yield "staging", f"rows wait in {load.routing.staged.table}, and one statement moves them"
    yield "rows", _sample_text(plan)
    if plan.sample.rejects.count:
        yield "rejects", plan.sample.rejects.shown.strip()
    if plan.sample.per_partition is not None:
        yield "into", _partitions_text(plan.sample.per_partition, whole=plan.sample.whole)
    if own := load.routing.own if load.routing else ():
        yield "replaces", f"all rows of {', '.join(map(str, own))}"
    yield "blocks", _blocks_text(plan)
    if plan.losses:
        yield "lost", "\n".join(map(str, plan.losses))
    if plan.window.possibly_missing:
        yield "may lack", ", ".join(plan.window.possibly_missing)


def _blocks_text(plan: Plan) -> str:
    sized, count = plan.sized, len(plan.sized.blocks)
    if not count:
        return "none: the window has no offsets"
    each, at_once = _bytes(sized.size // count), min(sized.at_once(plan.held.load.resources), count)
    workers = "" if sized.workers == 1 else f", by {sized.workers} workers"
    return f"{count} of about {each}, up to {at_once} at a time{workers}; {_bytes(sized.size)} of rows in all"


def _sample_text(plan: Plan) -> str:
    sample = plan.sample
    which = "all of them were read" if sample.whole else f"of {sample.offsets} offsets that were looked at"
    counts = {name: count for name, count in sample.counts.items() if count or name in ("rows", "rejects")}
    return f"{which}: {', '.join(f'{count} {name}' for name, count in counts.items())}"


def _partitions_text(rows: Mapping[str, int], *, whole: bool) -> str:
    listed = sorted(rows.items(), key=lambda each: (-each[1], each[0]))
    named = ", ".join(f"{name} ({count})" for name, count in listed[:_SHOWN])
    more = f", and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    others = "" if whole else "; records that were not looked at may say others (--sample all)"
    return f"{len(listed)} partitions: {named}{more}{others}"


def _bytes(size: int) -> str:
    """Return an amount of bytes as people write it.

    >>> _bytes(0), _bytes(999), _bytes(12_345), _bytes(2_500_000)
    ('0 B', '999 B', '12.3 kB', '2.5 MB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"


def document(plan: Plan) -> dict[str, Any]:
    """Return the plan for a script."""
    sink, load, sized = plan.held.destination.target, plan.held.load, plan.sized
    return {
        "planned": True,
        "refused": plan.sample.problem,
        "window": plan.window.to_json(),
        "records_at_most": plan.window.span,
        "partitions": {
            str(each.partition): {
                "start": each.start,
                "end": each.end,
                "offsets": each.span,
                "log": [plan.facts.partitions[each.partition].low, plan.log_ends[each.partition]],
                "bytes": each.span * sized.sizes.get(each.partition, 0),
            }
            for each in plan.window.ranges
        },
        "table": str(sink.table),
        "partition": plan.held.destination.partition,
        "mode": load.target.mode.value,
        "creates": {
            "table": create_statement(sink.table, sink.schema, sink.lifecycle) if sink.create else None,
            "partition": plan.exists is False,
            "columns": [each.name for each in sink.added],
        },
        "staging": None if load.routing is None else str(load.routing.staged.table),
        "replaces": [] if load.routing is None else [str(each) for each in load.routing.own],
        "bytes": sized.size,
        "blocks": len(sized.blocks),
        "lanes": min(sized.at_once(load.resources), len(sized.blocks)),
        "workers": sized.workers,
        "sample": plan.sample.to_json(),
        "lost": [str(each.lost) for each in plan.losses],
        "possibly_missing": list(plan.window.possibly_missing),
        "notes": list(plan.held.wanted.notes),
    }
