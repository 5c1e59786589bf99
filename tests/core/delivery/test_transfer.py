"""The order of effects, and what is in the table whatever goes wrong between any two of them."""

import copy
from collections.abc import Callable
from contextlib import suppress

import pytest
from core.examples import orders, target_of
from core.world import Crash, World, attempt_at, cluster_of
from twins.kafka import Fate, Transaction
from twins.maxcompute import OLD_ROW, Row
from twins.stores import Superseded

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    AlreadyLoaded,
    Cancelled,
    CommitPending,
    CommitRejected,
    CommitUnknown,
    JournalMismatch,
    RecordsRejected,
    RowsDiffer,
    TopicReplaced,
    UnexplainedGap,
)

MODES = pytest.mark.parametrize("mode", Mode)
ORDER = [
    *[
        "survey",
        "ask for epochs",
        "save planned",
        "announce",
        "ask for the topic's id",
        "ensure",
        "open",
        "save uploading",
    ],
    *[
        "look at the log",
        "read 0:0",
        "write block 0",
        "read 0:1",
        "write block 1",
        "read 0:2",
        "write block 2",
        "read 1:0",
        "write block 3",
    ],
    *["ask for the topic's id", "save committing", "commit", "save committed"],
]


def loaded(mode: Mode, rows: list[Row]) -> list[Row]:
    """Return the table once `rows` were loaded into it."""
    return rows if mode is Mode.OVERWRITE else [OLD_ROW, *rows]


def phase(world: World) -> Phase:
    """Return how far the journal says that the run has come."""
    assert world.journal is not None
    return Journal.from_json(world.journal).phase


def crashed(world: World, mode: Mode, clear_number: int = 0, *, by_rows: bool = False) -> bool:
    """Run one attempt, which may die where the world says; return whether it did."""
    try:
        transfer(attempt_at(world, mode, clear_number=clear_number, by_rows=by_rows))
    except Crash:
        return True
    finally:
        world.crash_before = world.crash_after = None
    return False


@MODES
def test_the_effects_come_in_order(mode: Mode) -> None:
    """What a load does to the world is this, in this order, and it is all visible afterwards."""
    world = World()
    receipt = transfer(attempt_at(world, mode))
    assert world.effects == ORDER
    assert world.table == loaded(mode, world.records())
    assert (receipt.rows, receipt.blocks, receipt.upload_id) == (4, 4, "u1")
    assert {each.partition: counts.rows for each, counts in receipt.partitions.items()} == {0: 3, 1: 1, 2: 0}
    assert world.announced == [receipt.window]


@MODES
def test_nothing_is_visible_before_the_commit(mode: Mode) -> None:
    """An attempt that dies before the commit leaves the table as it was."""
    for effect in range(ORDER.index("commit")):
        world = World(crash_after=effect)
        assert crashed(world, mode)
        assert world.table == [OLD_ROW]


@MODES
@pytest.mark.parametrize("effect", range(len(ORDER)))
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_crash_anywhere_loads_every_row_once(mode: Mode, effect: int, side: str) -> None:
    """Wherever an attempt dies, the next one completes its window: each row once, whatever has arrived since."""
    world = World()
    setattr(world, f"crash_{side}", effect)
    assert crashed(world, mode)
    frozen = world.records() if world.journal else None
    world.log[1].append(b"late")
    receipt = transfer(attempt_at(world, mode))
    assert world.table == loaded(mode, frozen or world.records())
    assert receipt.rows == len(world.table) - (mode is Mode.APPEND)
    again = transfer(attempt_at(world, mode))
    assert again.to_json() == receipt.to_json()
    assert world.table == loaded(mode, frozen or world.records())
    assert world.announced[-1] == receipt.window


@MODES
@pytest.mark.parametrize("cleared", [False, True])
def test_two_crashes_anywhere_load_every_row_once(mode: Mode, cleared: bool) -> None:
    """The same for every pair of crashes, also when a user clears the task between them."""
    for first in range(len(ORDER)):
        for second in range(40):
            world = World(crash_after=first)
            assert crashed(world, mode)
            world.crash_before = len(world.effects) + second
            if not crashed(world, mode, clear_number=int(cleared)):
                break
            transfer(attempt_at(world, mode, clear_number=int(cleared)))
            assert world.table == loaded(mode, world.records()), (first, second)


@MODES
@pytest.mark.parametrize(
    ("faults", "tail"),
    [
        (["lost"], ["commit", "ask for the status", "commit"]),
        (["applied and lost"], ["commit", "ask for the status"]),
        (["refused", "lost"], ["commit", "ask for the status"] * 2 + ["commit"]),
        (["closing"], ["commit"] + ["ask for the status"] * 4),
    ],
    ids=str,
)
def test_a_commit_in_doubt_is_settled(mode: Mode, faults: list[str], tail: list[str]) -> None:
    """An answer that is an error or never came leads to a question, and to a second commit only where none applied."""
    world = World(commit_faults=list(faults), closing=3)
    receipt = transfer(attempt_at(world, mode))
    assert world.effects[ORDER.index("commit") :] == [*tail, "save committed"]
    assert world.table == loaded(mode, world.records())
    assert receipt.rows == 4


@MODES
def test_a_commit_that_is_refused_again_and_again_leaves_it_to_the_next_attempt(mode: Mode) -> None:
    """Three refusals fail the attempt; the next one commits the same upload and writes nothing anew."""
    world = World(commit_faults=["refused"] * 3)
    with pytest.raises(
        CommitRejected, match=r"upload u1 is still open.*NoPermission.*commits this same upload"
    ) as refused:
        transfer(attempt_at(world, mode))
    assert refused.value.retry_helps
    world.effects.clear()
    assert transfer(attempt_at(world, mode)).upload_id == "u1"
    assert world.effects == ["announce", "attach", "ask for the status", "commit", "save committed"]
    assert world.table == loaded(mode, world.records())


@MODES
def test_a_commit_that_does_not_end_is_asked_about_by_the_next_attempt(mode: Mode) -> None:
    """A session that stays CLOSING fails the attempt at its deadline; the next one asks before it does anything."""
    world = World(commit_faults=["closing"], closing=10_000)
    with pytest.raises(CommitPending, match=r"could not be learned in time.*still closing.*asks again") as pending:
        transfer(attempt_at(world, mode))
    assert pending.value.retry_helps
    assert world.clock.seconds >= 300
    world.closing = 2
    world.effects.clear()
    receipt = transfer(attempt_at(world, mode))
    assert world.effects == ["announce", "attach", *["ask for the status"] * 3, "save committed"]
    assert (receipt.rows, world.table) == (4, loaded(mode, world.records()))


@pytest.mark.parametrize("fault", ["gone", "applied and gone"])
def test_a_session_that_vanished_is_never_guessed_about_in_append(fault: str) -> None:
    """Append stops for a person, at once and in every later attempt, and says what to look for and where to go on."""
    world = World(commit_faults=[fault])
    table = [OLD_ROW, *world.records()] if fault.startswith("applied") else [OLD_ROW]
    for _ in range(2):
        with pytest.raises(CommitUnknown, match=r"(?s)u1.*4 rows are in shop\.t\. Look for them.*Storage") as unknown:
            transfer(attempt_at(world, Mode.APPEND))
        assert not unknown.value.retry_helps
        assert world.table == table
        assert len(world.sessions) == 1


def test_a_session_that_vanished_is_replaced_in_overwrite() -> None:
    """Overwrite leaves it to a retry, which loads the same window again where nobody has written since."""
    world = World(commit_faults=["gone"])
    with pytest.raises(CommitPending) as pending:
        transfer(attempt_at(world, Mode.OVERWRITE))
    assert pending.value.retry_helps
    frozen = world.records()
    world.log[0].append(b"late")
    assert transfer(attempt_at(world, Mode.OVERWRITE)).upload_id == "u2"
    assert world.table == frozen


@pytest.mark.parametrize("during_the_commit", [True, False])
@pytest.mark.parametrize("fault", ["gone", "applied and gone"])
def test_a_session_that_vanished_is_proved_by_the_rows(fault: str, during_the_commit: bool) -> None:
    """Where rows can be found by their offsets, append needs no person: all are there, or none and it loads again."""
    world = World()
    frozen = world.records()
    if during_the_commit:
        world.commit_faults.append(fault)
    else:
        world.crash_after = ORDER.index("save committing")
        assert crashed(world, Mode.APPEND, by_rows=True)
        if fault == "applied and gone":
            world.visible(world.sessions["u1"])
        world.sessions["u1"].status = UploadStatus.GONE
    if during_the_commit and fault == "gone":
        with pytest.raises(CommitPending, match="The next attempt loads the window again"):
            transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    if world.journal is not None:
        world.log[0].append(b"late")
    receipt = transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    assert world.table == [OLD_ROW, *frozen]
    assert receipt.upload_id == ("u1" if fault.startswith("applied") else "u2")
    assert phase(world) is Phase.COMMITTED


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        (lambda table: table.pop(), "3 rows with 3 different"),
        (lambda table: table.append(table[1]), "5 rows with 4 different"),
        (lambda table: table.__setitem__(1, table[2]), "4 rows with 3 different"),
    ],
)
def test_rows_that_prove_nothing_stay_unknown(change: Callable[[list[Row]], None], numbers: str) -> None:
    """Some of the rows, or some of them twice, are neither all nor none: a person gets the numbers."""
    world = World(commit_faults=["applied and gone"])
    world.before = lambda name: change(world.table) if name == "count" else None
    with pytest.raises(CommitUnknown, match=rf"u1.*The table has {numbers}"):
        transfer(attempt_at(world, Mode.APPEND, by_rows=True))


@MODES
@pytest.mark.parametrize("on_rerun", OnRerun)
def test_a_rerun_does_what_was_asked_for(mode: Mode, on_rerun: OnRerun) -> None:
    """A cleared task keeps, replaces or refuses; the table has the window once in any case."""
    world = World()
    transfer(attempt_at(world, mode, by_rows=True))
    frozen = world.records()
    world.log[0].append(b"late")
    rerun = attempt_at(world, mode, clear_number=1, on_rerun=on_rerun, by_rows=True)
    if on_rerun is OnRerun.FAIL:
        said = r"4 rows.*shop\.t already, by upload u1; on_rerun='fail'.*set on_rerun='replace'"
        with pytest.raises(AlreadyLoaded, match=said):
            transfer(rerun)
    else:
        assert transfer(rerun).upload_id == ("u1" if (mode, on_rerun) == (Mode.APPEND, OnRerun.KEEP) else "u2")
    assert sorted(world.table) == sorted(loaded(mode, frozen))
    assert ("start removal" in world.effects) == (mode is Mode.APPEND and on_rerun is OnRerun.REPLACE)
    # A retry of the cleared attempt repeats nothing.
    again = attempt_at(world, mode, clear_number=1, on_rerun=OnRerun.KEEP, by_rows=True)
    assert transfer(again).rows == 4


def test_a_replacement_that_crashes_anywhere_is_completed() -> None:
    """Wherever an attempt dies between removing and loading, the next one ends with each row once."""
    for effect in range(len(ORDER) + 7):
        for side in ("before", "after"):
            world = World()
            transfer(attempt_at(world, Mode.APPEND, by_rows=True))
            setattr(world, f"crash_{side}", len(world.effects) + effect)
            with suppress(Crash):
                transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE, by_rows=True))
            world.crash_before = world.crash_after = None
            transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.KEEP, by_rows=True))
            assert sorted(world.table) == sorted([OLD_ROW, *world.records()]), (effect, side)


def test_a_removal_that_still_runs_is_waited_for() -> None:
    """A dead attempt's removal would take what is committed now: it has ended before the next one commits."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))

    def replacing() -> Receipt:
        return transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE, by_rows=True))

    def die(name: str) -> None:
        if name == "await removal":
            raise Crash("before await removal")

    world.before = die
    with pytest.raises(Crash, match="before await removal"):
        replacing()
    world.before = lambda _: None
    world.effects.clear()
    replacing()
    assert world.effects[:5] == ["announce", "attach", "ask for the status", "await removal", "count"]
    assert [statement.ended for statement in world.statements.values()] == [True]
    assert sorted(world.table) == sorted([OLD_ROW, *world.records()])


def test_rows_of_others_are_not_removed() -> None:
    """More rows with the window's offsets than the load wrote belong to somebody else: none is removed."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    world.table.append((0, 1, "of another topic"))
    before = list(world.table)
    with pytest.raises(RowsDiffer, match=r"shop\.t has 5 rows.*u1 wrote 4.*None was removed"):
        transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE, by_rows=True))
    assert world.table == before


def test_a_replacement_without_offset_columns_is_refused() -> None:
    """Rows that cannot be found cannot be replaced."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    with pytest.raises(RowsDiffer, match=r"upload u1 in shop\.t are none: they cannot be found"):
        transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE))


@MODES
def test_a_superseded_attempt_cannot_commit(mode: Mode) -> None:
    """The journal refuses whoever is not the current attempt: before its commit, so that nothing is doubled."""
    for saves in range(4):
        world = World()
        attempt = attempt_at(world, mode)
        _fence_after(world, saves)
        with pytest.raises(Superseded):
            transfer(attempt)
        world.fenced, world.after = False, lambda _: None
        transfer(attempt_at(world, mode))
        assert world.table == loaded(mode, world.records())


def _fence_after(world: World, saves: int) -> None:
    def fence(_: str) -> None:
        world.fenced = sum(done.startswith("save") for done in world.effects) >= saves

    world.fenced = saves == 0
    world.after = fence


@MODES
def test_a_late_commit_of_a_dead_attempt_counts_once(mode: Mode) -> None:
    """A commit that lands after the next attempt looked conflicts with that attempt's own, and is found to be done."""
    world = World()
    world.crash_before = ORDER.index("commit")
    assert crashed(world, mode)

    def late(name: str) -> None:
        if name == "commit":
            world.visible(world.sessions["u1"])

    world.before = late
    assert transfer(attempt_at(world, mode)).rows == 4
    assert world.table == loaded(mode, world.records())


def test_a_cleared_task_keeps_appended_rows() -> None:
    """Append that is cleared after its commit says that the rows are there, and by which upload."""
    world = World()
    first = transfer(attempt_at(world, Mode.APPEND))
    world.log[0].append(b"late")
    world.effects.clear()
    assert transfer(attempt_at(world, Mode.APPEND, clear_number=1)) == Receipt.from_json(first.to_json())
    assert world.effects == ["announce"]
    assert "4 rows are already there, by upload u1" in world.said[-1]


def test_a_cleared_task_overwrites_with_the_same_window() -> None:
    """Overwrite that is cleared after its commit loads the same window again, once; a retry of that keeps it."""
    world = World()
    first = transfer(attempt_at(world, Mode.OVERWRITE))
    rows = world.records()
    world.log[0].append(b"late")
    world.table.append((9, 9, "somebody else's"))
    again = transfer(attempt_at(world, Mode.OVERWRITE, clear_number=1))
    assert (again.window, again.upload_id, world.table) == (first.window, "u2", rows)
    transfer(attempt_at(world, Mode.OVERWRITE, clear_number=1))
    assert len(world.sessions) == 2


@pytest.mark.parametrize("effect", [ORDER.index("commit") - 1, ORDER.index("commit")])
def test_a_task_that_is_cleared_in_doubt_settles_first(effect: int) -> None:
    """A clear that finds a commit in doubt finishes that upload; then overwrite loads again, and append keeps."""
    for mode in Mode:
        world = World(crash_after=effect)
        assert crashed(world, mode)
        receipt = transfer(attempt_at(world, mode, clear_number=1))
        assert world.sessions["u1"].status is UploadStatus.CLOSED
        assert receipt.upload_id == ("u1" if mode is Mode.APPEND else "u2")
        assert world.table == loaded(mode, world.records())


@MODES
def test_a_window_without_offsets_is_recorded(mode: Mode) -> None:
    """An empty window appends nothing without an upload, and replaces the old rows with none."""
    world = World(cluster=cluster_of([]))
    receipt = transfer(attempt_at(world, mode, on_fewer_rows=OnFewerRows.REPLACE))
    assert (receipt.rows, receipt.window.span, phase(world)) == (0, 0, Phase.COMMITTED)
    assert world.table == loaded(mode, [])
    assert ("open" in world.effects) == (mode is Mode.OVERWRITE)
    assert transfer(attempt_at(world, mode, on_fewer_rows=OnFewerRows.REPLACE)).upload_id == receipt.upload_id


@MODES
def test_a_window_of_gaps_only_has_no_rows(mode: Mode) -> None:
    """Offsets without a record are counted as gaps; append has nothing to commit, overwrite replaces with nothing."""
    world = World(cluster=cluster_of([None, None], policy="compact"))
    receipt = transfer(attempt_at(world, mode, on_fewer_rows=OnFewerRows.REPLACE))
    assert (receipt.rows, receipt.partitions[orders(0)].gaps, phase(world)) == (0, 2, Phase.COMMITTED)
    assert world.table == loaded(mode, [])
    assert ("commit" in world.effects) == (mode is Mode.OVERWRITE)


@MODES
def test_gaps_are_accounted_for_before_the_fence(mode: Mode) -> None:
    """Offsets without a record need a reason before anything becomes visible; the broker is asked only if they do."""
    world = World(cluster=cluster_of([b"a"]))
    world.log[0].mark(Transaction(Fate.COMMITTED))
    world.log[0].skip()
    world.log[0].append(b"b")
    with pytest.raises(UnexplainedGap, match=r"orders\[0\]@\[2, 3\): 1 offsets without a record"):
        transfer(attempt_at(world, mode))
    assert (world.table, phase(world)) == ([OLD_ROW], Phase.UPLOADING)

    world.orders.policy = "compact"
    receipt = transfer(attempt_at(world, mode))
    assert receipt.partitions[orders(0)] == Counts(2, 0, 2, control=1, compacted=1)

    explained = World(cluster=cluster_of([b"a"]))
    explained.log[0].append(b"never", transaction=(aborted := Transaction()))
    explained.orders.end(aborted, Fate.ABORTED)
    assert transfer(attempt_at(explained, mode)).partitions[orders(0)] == Counts(1, 0, 2, control=1, aborted=1)
    assert "ask for the policy" not in explained.effects


@MODES
@pytest.mark.parametrize("when", range(ORDER.index("save committing") - 1))
def test_a_topic_that_is_replaced_before_the_commit_stops_the_load(mode: Mode, when: int) -> None:
    """Offsets of another topic of the same name are never committed, and the error says how to start anew."""
    world = World()

    def replace(_: str) -> None:
        if len(world.effects) == when + 1:
            world.orders.id = "id-2"

    world.after = replace
    with pytest.raises(TopicReplaced, match=r"id-1.* id-2"):
        transfer(attempt_at(world, mode))
    assert world.table == [OLD_ROW]


@MODES
def test_rejects_stop_the_load(mode: Mode) -> None:
    """A record that does not fit leaves nothing visible, and is named with its coordinates."""
    world = World()
    world.log[1].append(b"\xff")
    with pytest.raises(RecordsRejected, match=r"orders\[1\] offset 1, column v: .*UTF"):
        transfer(attempt_at(world, mode))
    assert world.table == [OLD_ROW]
    assert phase(world) is Phase.UPLOADING


@MODES
def test_a_cancelled_load_leaves_nothing(mode: Mode) -> None:
    """Whenever the task is asked to stop before the fence, nothing becomes visible, and a retry completes the load."""
    for when in range(7, ORDER.index("save committing") + 1):
        world = World()
        world.cancelled = lambda world=world, when=when: len(world.effects) >= when  # type: ignore[misc]
        with pytest.raises(Cancelled, match="asked to stop; nothing was committed"):
            transfer(attempt_at(world, mode))
        assert world.table == [OLD_ROW]
        world.cancelled = lambda: False
        transfer(attempt_at(world, mode))
        assert world.table == loaded(mode, world.records())


@MODES
@pytest.mark.parametrize("effect", [2, 7, 17, 19])
def test_a_journal_of_another_target_is_left_alone(mode: Mode, effect: int) -> None:
    """A window that was recorded for another table is neither used nor forgotten."""
    world = World(crash_after=effect)
    assert crashed(world, mode)
    before = copy.deepcopy((world.journal, world.table, world.effects))
    with pytest.raises(JournalMismatch, match="Storage"):
        transfer(attempt_at(world, mode, target=target_of(mode, table="shop.other")))
    assert (world.journal, world.table, world.effects) == before


def test_the_fence_stands_before_the_commit() -> None:
    """When the commit is asked for, the journal already says by which upload, and what it will have proved."""
    world = World()
    seen: list[tuple[Phase, str | None, int]] = []

    def look(name: str) -> None:
        if name == "commit":
            assert world.journal is not None
            entry = Journal.from_json(world.journal)
            assert entry.receipt is not None
            seen.append((entry.phase, entry.upload_id, entry.receipt.rows))

    world.before = look
    transfer(attempt_at(world, Mode.APPEND))
    assert seen == [(Phase.COMMITTING, "u1", 4)]
    assert world.sessions["u1"].status is UploadStatus.CLOSED
