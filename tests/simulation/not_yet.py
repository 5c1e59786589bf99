"""What is known to break the promise: it is not played, and each has a history that shows it.

Whoever mends one deletes its entry here: from then on, all histories play it.
"""

from __future__ import annotations

from simulation.breaks import (
    Break,
    added_while_another_plans,
    changed_between_surveys,
    died_while_it_planned,
    interval_behind,
    looked_before_it_writes,
    lost_after_a_removal,
    marked_while_it_plans,
    never,
    planned_at_once,
)
from simulation.play.steps import Move, Place, Way
from simulation.several.cases import Runs, entrances, hour, link
from simulation.single.cases import Case

from airflow_provider_kafka_odps.core.options import Mode, OnRerun

NOT_YET: tuple[Break, ...] = (
    Break(
        "an upload expires after the rows that it replaces were removed",
        "on_rerun='replace': the new rows are proved, the old ones are removed, and before the commit the upload "
        "session expires and the topic loses the records, or is created again: the rows cannot be loaded once more.",
        lost_after_a_removal,
        Case(Mode.APPEND, OnRerun.REPLACE, (Way.CLEAR, Way.CLEAR), log="rnr", compacted=True),
        {
            Place(1, "save committed", 1): (Move.NEXT,),
            Place(2, "save replacing", 2): (Move.CRASH,),
            Place(3, "ask for the status", 1): (Move.GONE,),
            Place(3, "ask for the topic's id", 1): (Move.RECREATE,),
        },
    ),
    Break(
        "attempts die while they write their cuts, and a partition is added",
        "Runs c and b die between their cuts, then a partition is added and run a is planned with it. The cuts that c "
        "and b have left do not know the partition: c begins it at 0, and loads what a has loaded.",
        died_while_it_planned,
        Runs((hour("a", 0), hour("b", 1), hour("c", 2)), entrances("c b a")),
        {
            Place(1, "set cut", 2): (Move.CRASH,),
            Place(2, "set cut", 1): (Move.CRASH,),
            Place(3, "survey", 1): (Move.ADD,),
        },
    ),
    Break(
        "a run stands still between its look at the interval's journal and its write",
        "Run a sees that nobody has the interval, and stands still before it writes that it has planned it. Run b for "
        "the same interval plans, loads and commits. Then a writes over b's entry, and loads the window as well: the "
        "asset's store has no lock.",
        looked_before_it_writes,
        Runs((hour("a", 0), hour("b", 0)), entrances("a b a:clear")),
        {Place(1, "set journal", 1): (Move.NEXT,)},
    ),
    Break(
        "an interval's journal that is behind its run's",
        "Run b writes into the task's journal that it commits, and dies before it writes it into the interval's. Its "
        "retry commits, and dies before it writes that into the interval's journal; b fails for good. Run a for the "
        "same interval finds that b was uploading, and loads the window as well.",
        interval_behind,
        Runs((hour("a", 0), hour("b", 0)), entrances("b b:retry a")),
        {Place(1, "set journal", 3): (Move.CRASH,), Place(2, "save committed", 1): (Move.CRASH,)},
    ),
    Break(
        "a partition is added between the surveys of two neighbours",
        "Run a has surveyed the topic and stands still. A partition is added, and run b plans with it. Run a finds a "
        "cut with a partition that its survey does not have, and fails without retries, though another look would do.",
        added_while_another_plans,
        Runs((hour("a", 0), hour("b", 1)), entrances("a b")),
        {Place(1, "get cut", 1): (Move.NEXT,), Place(2, "survey", 1): (Move.ADD,)},
    ),
    Break(
        "an interval that overlaps another one",
        "The runs of two hours are loaded, then a run for an interval that begins within the first one and ends within "
        "the second: by hand, or because the schedule was edited.",
        never,
        Runs((hour("a", 0), hour("b", 1), hour("c", 0.5)), entrances("a b c"), stamps=(0.1, 0.6, 1.1, 1.6)),
        {},
    ),
    Break(
        "a chain's task has another name",
        "A task has loaded a topic; it is renamed, or another element of a mapped one: its chain is not found, and it "
        "loads the topic from its beginning.",
        never,
        Runs((link("a"), link("b", "hourly.load[1]")), entrances("a b")),
        {},
    ),
    Break(
        "a link of a chain is marked as failed while it plans",
        "Run a is marked as failed before it notes its window in the chain. Run b plans the same window; a's note "
        "covers b's; b commits, and the chain says that a is planned. Clearing a loads the window again.",
        marked_while_it_plans,
        Runs((link("a"), link("b")), entrances("a b a:clear")),
        {
            Place(1, "save planning", 1): (Move.MARK,),
            Place(1, "set chain", 1): (Move.NEXT,),
            Place(2, "save uploading", 1): (Move.SWITCH,),
            Place(1, "save planned", 1): (Move.CRASH,),
        },
    ),
    Break(
        "a record comes between the surveys of two neighbours in a quiet partition",
        "Run b has surveyed an empty partition. A record comes, and run a is planned behind it. Run b finds that its "
        "start differs, takes back that claim alone, and fails. Its retry starts by a's cut, which is behind its own "
        "end by the claim that is left: it is refused for ever.",
        changed_between_surveys,
        Runs((hour("a", 0), hour("b", 1)), entrances("b a"), stamps=()),
        {Place(1, "get cut", 3): (Move.NEXT,), Place(2, "survey", 1): (Move.ARRIVE,)},
    ),
    Break(
        "more than two hours are planned at the same moment",
        "Run c surveys while its hours are empty, and claims both of its instants. Meanwhile a record comes, and run a "
        "is planned behind it. Run c finds that its start lies before a's end, takes back that claim alone, and fails. "
        "Run d takes c's other claim for a cut, and begins before a's end.",
        planned_at_once,
        Runs(
            (hour("a", 0), hour("b", 1), hour("c", 2), hour("d", 3)),
            entrances("c a d b"),
            stamps=(),
        ),
        {Place(1, "set cut", 1): (Move.NEXT,), Place(2, "survey", 1): (Move.ARRIVE,)},
    ),
)
