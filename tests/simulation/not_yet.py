"""What is known to break the promise: it is not played, and each has a history that shows it.

Whoever fixes one deletes its entry here: from then on, all histories play it.
"""

from __future__ import annotations

from simulation.breaks import (
    Break,
    created_again_and_died,
    looked_before_it_takes_over,
    looked_before_it_writes,
    lost_after_a_removal,
)
from simulation.play.steps import Move, Place, Way
from simulation.several.cases import Runs, entrances, hour
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
        "a run that is marked as failed stands still between its look at the interval's journal and its write",
        "Run a is marked as failed and runs on. It sees that nobody has the interval, and stands still before it "
        "writes that it has planned it. Run b for the same interval plans, loads and commits. Then a writes over b's "
        "entry, and loads the window as well: the asset's store has no lock.",
        looked_before_it_writes,
        Runs((hour("a", 0), hour("b", 0)), entrances("a b a:clear")),
        {Place(1, "save planning", 1): (Move.MARK,), Place(1, "set journal", 1): (Move.NEXT,)},
    ),
    Break(
        "a run that takes an interval over stands still between its look at the journal and its write",
        "Run a dies before the interval's journal says that it commits. Run b takes the interval over, and stands "
        "still before it writes so. A user clears a, which commits. Then b writes over a's entry, and loads the window "
        "as well: the asset's store has no lock.",
        looked_before_it_takes_over,
        Runs((hour("a", 0), hour("b", 0)), entrances("a b a:clear")),
        {Place(1, "set journal", 3): (Move.CRASH,), Place(2, "set journal", 1): (Move.NEXT,)},
    ),
    Break(
        "a run that was created again dies before its first write, and a task of it was cleared",
        "Run a has loaded its window, is deleted and created again, and another task of it is cleared. It dies before "
        "it writes that it has found what was loaded. Its retry looks like one whose journal a user has deleted in "
        "order to have the window forgotten: Airflow tells nothing by which the two differ.",
        created_again_and_died,
        Runs((hour("a", 0),), entrances("a a:again_and_cleared")),
        {Place(2, "save committed", 1): (Move.CRASH,)},
    ),
)
