"""A verification in words."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.terminal import BAD, CAUTION, GOOD, HEADING, Terminal
from airflow_provider_kafka_odps.commands.verifying.verdict import Verified
from airflow_provider_kafka_odps.core.journal.window_text import bounds_text
from airflow_provider_kafka_odps.core.verification.differences import Differences

_SHOWN = 20
"""How many Kafka partitions are listed where they are alike; those with a difference come first."""
_COLOURS = {Code.YES: GOOD, Code.NO: BAD}


def tell(verified: Verified, terminal: Terminal) -> None:
    """Say to a person what came of it."""
    place = f", partition {verified.partition}" if verified.partition else ""
    terminal.say(("table     ", HEADING), f"{verified.table}{place}")
    window = verified.window
    terminal.say(("window    ", HEADING), f"{bounds_text(window)}, {window.span} offsets")
    terminal.say(("against   ", HEADING), " and ".join(verified.against))
    if verified.differences is not None:
        _tell_differences(verified.differences, verified.values, terminal)
    for each in verified.different:
        terminal.say(("DIFFERENT ", BAD), each)
    for each in verified.unknown:
        terminal.say(("unknown   ", CAUTION), each)
    for each in verified.notes:
        terminal.say(("note      ", CAUTION), each)
    colour = _COLOURS.get(verified.code, CAUTION)
    terminal.say(("verdict   ", HEADING), (verified.word, colour))


def _tell_differences(found: Differences, values: str, terminal: Terminal) -> None:
    each = sorted(found.partitions.items(), key=lambda one: (not one[1].any, one[0]))
    names = ["partition", "wanted", "found", "missing", "doubled", "extra", "other values"]
    rows = [
        [str(place), it.wanted, it.found, it.missing.covered, it.surplus, it.extra.covered, it.different]
        for place, it in each[:_SHOWN]
    ]
    terminal.table(names, rows, right=names[1:])
    if len(each) > _SHOWN:
        terminal.say(f"… and {len(each) - _SHOWN} partitions more; --json has all")
    for name, text in _listed(found):
        terminal.say((f"{name:<10}", BAD), text)
    whose = {"none": "were not compared", "sample": "of a sample", "all": "of all rows"}[values]
    compared = "" if values == "none" else f": {found.compared} rows were compared"
    terminal.say(("values    ", HEADING), f"{whose}{compared}")


def _listed(found: Differences) -> Iterator[tuple[str, str]]:
    for each in found.partitions.values():
        for name, kind in (("missing", each.missing), ("doubled", each.doubled), ("extra", each.extra)):
            if kind.covered:
                more = ", …" if len(kind.listed) > len(list(each.listed(kind))) else ""
                yield name, ", ".join(map(str, each.listed(kind))) + more
    for value in found.first:
        yield "value", str(value)
