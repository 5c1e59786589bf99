"""Staged rows become visible by one statement under a name, whatever goes wrong between any two effects."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core.examples import target_of
from core.world import ROUTES, STAGED, Crash, World, attempt_at, cluster_of
from twins.maxcompute import OLD_ROW, Upload
from twins.staging import TwinStagedRows
from twins.stores import Superseded

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Reconciled
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitPending, CommitRejected, CommitUnknown, RecordsRejected

ORDER = [
    *["survey", "ask for epochs", "save planned", "announce", "ask for the topic's id", "ensure", "open"],
    *["save uploading", "look at the log", "read 0:0", "write block 0", "read 0:1", "write block 1", "read 0:2"],
    *["write block 2", "read 1:0", "write block 3", "ask for the topic's id", "save committing", "commit"],
    *["look at the staged", "save merging", "start merge", "save merging", "await merge", "look at the staged"],
    *["save committed", "drop the staged"],
]


def attempt_of(
    world: World,
    *,
    by_rows: bool = True,
    clear_number: int = 0,
    max_partitions: int = 64,
    on_rerun: OnRerun = OnRerun.KEEP,
) -> Attempt:
    """Return an attempt at loading all records, each into the partition that its value names."""
    return attempt_at(
        world,
        Mode.APPEND,
        routed=True,
        by_rows=by_rows,
        clear_number=clear_number,
        max_partitions=max_partitions,
        on_rerun=on_rerun,
    )


def crashed(world: World, *, by_rows: bool = True, clear_number: int = 0) -> bool:
    """Run one attempt, which may die where the world says; return whether it did."""
    try:
        transfer(attempt_of(world, by_rows=by_rows, clear_number=clear_number))
    except Crash:
        return True
    finally:
        world.crash_before = world.crash_after = None
    return False


def phase(world: World) -> Phase:
    """Return how far the journal says that the run has come."""
    assert world.journal is not None
    return Journal.from_json(world.journal).phase


def test_the_effects_come_in_order() -> None:
    """The upload is committed to the staging table, behind the fence; one statement makes the rows visible."""
    world = World()
    receipt = transfer(attempt_of(world))
    assert world.effects == ORDER
    assert world.table == [OLD_ROW, *world.records()]
    assert receipt.per_partition == {PartitionSpec.parse(f"ds={value}"): 1 for value in "abcd"}
    assert (receipt.rows, receipt.staged_bytes, receipt.learned) == (4, 40, CommitProof.ANSWERED)
    assert world.staged == {}
    assert "u1" in world.sessions
    assert any(
        "go from shop.t__kafka_staging (load_id=hourly.load.run) into 4 partitions" in each for each in world.said
    )


@pytest.mark.parametrize("by_rows", [True, False])
@pytest.mark.parametrize("effect", range(len(ORDER)))
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_crash_anywhere_loads_every_row_once(by_rows: bool, effect: int, side: str) -> None:
    """Wherever an attempt dies, the next one completes its window: each row once, whatever has arrived since."""
    world = World()
    setattr(world, f"crash_{side}", effect)
    assert crashed(world, by_rows=by_rows)
    if effect < ORDER.index("await merge"):
        assert world.table == [OLD_ROW]
    frozen = world.records() if world.journal else None
    world.log[1].append(b"late")
    receipt = transfer(attempt_of(world, by_rows=by_rows))
    assert world.table == [OLD_ROW, *(frozen or world.records())]
    assert receipt.rows == len(world.table) - 1
    assert receipt.per_partition is not None
    assert sum(receipt.per_partition.values()) == receipt.rows
    assert transfer(attempt_of(world, by_rows=by_rows)).to_json() == receipt.to_json()
    assert len(world.statements_of_merges.merges) == 1


@pytest.mark.parametrize(
    "effect", [ORDER.index("save merging"), ORDER.index("start merge"), ORDER.index("await merge")]
)
@pytest.mark.parametrize("second", range(8))
def test_a_crash_while_going_on(effect: int, second: int) -> None:
    """The attempt that finds the statement dies, too; the third one ends it."""
    world = World(crash_before=effect)
    assert crashed(world)
    world.crash_before = len(world.effects) + second
    crashed(world)
    transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]


@pytest.mark.parametrize("effect", [ORDER.index("commit"), ORDER.index("start merge"), ORDER.index("await merge")])
def test_a_superseded_attempt_moves_nothing_twice(effect: int) -> None:
    """It stands still there, the next one loads the window, and it goes on: under the name nothing more runs."""
    world = World()

    def meanwhile(_: str) -> None:
        if len(world.effects) == effect and not world.fenced:
            world.before = lambda _: None
            transfer(attempt_of(world))
            world.fenced = True

    world.before = meanwhile
    with pytest.raises((Superseded, CommitRejected, CommitPending, CommitUnknown)):
        transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]


@pytest.mark.parametrize("fault", ["fails", "conflicts", "forgotten"])
def test_a_statement_that_moved_nothing_is_followed_by_another(fault: str) -> None:
    """Its rows are looked for; where none is there, the next one has another name."""
    world = World()
    world.statements_of_merges.faults = [fault]
    if fault == "fails":
        with pytest.raises(
            CommitRejected, match="none of them is visible: the statement that moves them failed 1 times"
        ):
            transfer(attempt_of(world))
        assert (world.table, phase(world)) == ([OLD_ROW], Phase.MERGING)
    receipt = transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]
    assert [*world.statements_of_merges.merges] == ["merge-u1-0", "merge-u1-1"]
    assert receipt.learned is CommitProof.ANSWERED


def test_a_clear_gives_up_what_cannot_be_moved() -> None:
    """Staged rows that the service does not take are not tried until they expire: a person has corrected something."""
    world = World()
    world.statements_of_merges.faults = ["fails"] * 3
    for _ in range(2):
        with pytest.raises(CommitRejected):
            transfer(attempt_of(world))
    with pytest.raises(CommitPending, match="was cleared since they were staged, so the next attempt loads the window"):
        transfer(attempt_of(world, clear_number=1))
    assert (world.table, phase(world)) == ([OLD_ROW], Phase.UPLOADING)
    receipt = transfer(attempt_of(world, clear_number=1))
    assert (world.table, receipt.upload_id) == ([OLD_ROW, *world.records()], "u2")
    assert [*world.statements_of_merges.merges] == ["merge-u1-0", "merge-u1-1", "merge-u1-2", "merge-u2-0"]


def test_who_is_late_does_not_move_what_was_staged_again() -> None:
    """It stood still between two statements while a person cleared the task: the name that it goes on with has run."""
    world = World()
    world.statements_of_merges.faults = ["conflicts", "fails"]

    def meanwhile(name: str) -> None:
        if name == "start merge" and len(world.statements_of_merges.merges) == 1 and not world.fenced:
            world.before = lambda _: None
            with pytest.raises(CommitPending):
                transfer(attempt_of(world, clear_number=1))
            world.crash_before = len(world.effects) + ORDER.index("start merge") - ORDER.index("announce")
            assert crashed(world, clear_number=1)
            assert world.staged
            world.fenced = True

    world.before = meanwhile
    with pytest.raises(Superseded):
        transfer(attempt_of(world))
    assert world.table == [OLD_ROW]
    world.fenced = False
    transfer(attempt_of(world, clear_number=1))
    assert world.table == [OLD_ROW, *world.records()]


def test_a_conflict_that_does_not_end() -> None:
    """It is tried until the commit's deadline; the next attempt goes on."""
    world = World()
    world.statements_of_merges.faults = ["conflicts"] * 100
    with pytest.raises(CommitRejected, match="MetaTransactionAborted"):
        transfer(attempt_of(world))
    tried = len(world.statements_of_merges.merges)
    assert 5 < tried < 100
    world.statements_of_merges.faults = []
    transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]
    assert len(world.statements_of_merges.merges) == tried + 1


def test_a_statement_that_is_forgotten_is_proved_by_its_rows() -> None:
    """All of them are there: it was applied."""
    world = World()
    world.statements_of_merges.faults = ["applied and forgotten"]
    assert transfer(attempt_of(world)).learned is CommitProof.PROVED
    assert world.table == [OLD_ROW, *world.records()]


def test_a_statement_that_leaves_a_part_is_for_a_person() -> None:
    """Whoever looks next finds the same; nothing is added to it."""
    world = World()
    world.statements_of_merges.faults = ["leaves a part"]
    for _ in range(2):
        with pytest.raises(CommitUnknown, match="1 rows with 1 different offsets of the window: neither none nor all"):
            transfer(attempt_of(world))
    assert len(world.table) == 2


def test_without_offset_columns_a_failure_is_believed_and_said() -> None:
    """What it may have left cannot be seen."""
    world = World()
    world.statements_of_merges.faults = ["conflicts"]
    transfer(attempt_of(world, by_rows=False))
    assert world.table == [OLD_ROW, *world.records()]
    assert any("Whether it left rows behind cannot be seen" in each for each in world.warned)


def test_without_offset_columns_what_is_forgotten_is_for_a_person() -> None:
    """Nobody knows whether it has moved the rows."""
    world = World()
    world.statements_of_merges.faults = ["applied and forgotten"]
    with pytest.raises(CommitUnknown, match="is forgotten: NoSuchObject"):
        transfer(attempt_of(world, by_rows=False))


def test_a_statement_that_still_runs_is_waited_for() -> None:
    """By the next attempt, where the deadline has passed; it is not started again."""
    world = World()
    world.statements_of_merges.faults = ["runs"]
    with pytest.raises(CommitPending, match="has not ended in time: it still runs"):
        transfer(attempt_of(world))
    receipt = transfer(attempt_of(world))
    assert (receipt.learned, len(world.statements_of_merges.merges)) == (CommitProof.SETTLED, 1)
    assert world.table == [OLD_ROW, *world.records()]


def test_a_statement_that_is_refused() -> None:
    """The rows wait, and the next attempt starts it under the same name: nobody has run it."""
    world = World()
    world.statements_of_merges.faults = ["refused"]
    with pytest.raises(
        CommitRejected, match=r"is refused: ODPS-0130013: no privilege\. The next attempt starts it again"
    ):
        transfer(attempt_of(world))
    transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]
    assert [*world.statements_of_merges.merges] == ["merge-u1-0"]


@pytest.mark.parametrize("by_rows", [True, False])
def test_staged_rows_that_are_gone_before_they_are_moved(by_rows: bool) -> None:
    """The lifecycle of the staging table has removed them: the window is loaded again, nobody has to look."""
    world = World(crash_before=ORDER.index("save merging"))
    assert crashed(world, by_rows=by_rows)
    world.staged.clear()
    with pytest.raises(
        CommitPending, match=r"are not in shop\.t__kafka_staging .* The next attempt loads the window again"
    ):
        transfer(attempt_of(world, by_rows=by_rows))
    assert phase(world) is Phase.UPLOADING
    receipt = transfer(attempt_of(world, by_rows=by_rows))
    assert (world.table, receipt.upload_id) == ([OLD_ROW, *world.records()], "u2")
    assert [*world.statements_of_merges.merges] == ["merge-u2-0"]


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("by_rows", [True, False])
def test_staged_rows_that_are_gone_while_nobody_knows_of_a_statement(started: bool, by_rows: bool) -> None:
    """A statement over nothing succeeds, too: its rows are looked for before it is believed."""
    effect = ORDER.index("start merge")
    world = World(crash_after=effect if started else None, crash_before=None if started else effect)
    assert crashed(world, by_rows=by_rows)
    for merge in world.statements_of_merges.merges.values():
        assert merge.selected
    world.staged.clear()
    if not by_rows:
        with pytest.raises(CommitUnknown):
            transfer(attempt_of(world, by_rows=False))
        return
    if not started:
        # Twice: an attempt that dies between the two finds the same.
        world.crash_after = len(world.effects) + 4
        crashed(world)
        assert phase(world) in (Phase.MERGING, Phase.UPLOADING)
        if phase(world) is Phase.MERGING:
            with pytest.raises(CommitPending, match="loads the window again"):
                transfer(attempt_of(world))
    transfer(attempt_of(world))
    assert world.table == [OLD_ROW, *world.records()]


@pytest.mark.parametrize("by_rows", [True, False])
def test_a_staging_upload_that_expires_in_doubt_is_loaded_again(by_rows: bool) -> None:
    """Nothing was moved, so nothing has to be proved."""
    world = World(crash_before=ORDER.index("commit"))
    assert crashed(world, by_rows=by_rows)
    world.expire(world.sessions.values())
    receipt = transfer(attempt_of(world, by_rows=by_rows))
    assert (world.table, receipt.upload_id) == ([OLD_ROW, *world.records()], "u2")
    assert world.sessions["u1"].status is UploadStatus.GONE


def test_too_many_partitions_are_refused_before_the_fence() -> None:
    """Nothing is staged for good, and nothing is visible."""
    world = World()
    with pytest.raises(RecordsRejected, match="max_partitions=3 allows 3"):
        transfer(attempt_of(world, max_partitions=3))
    assert (world.table, phase(world), world.staged) == ([OLD_ROW], Phase.UPLOADING, {})


def test_an_hour_without_records_moves_nothing() -> None:
    """No statement runs, and the receipt has no partitions."""
    world = World(cluster=cluster_of([]))
    receipt = transfer(attempt_of(world))
    assert (receipt.upload_id, receipt.per_partition) == (None, {})
    assert world.statements_of_merges.merges == {}


def test_a_clear_keeps_the_rows() -> None:
    """As in every load by append."""
    world = World()
    first = transfer(attempt_of(world))
    again = transfer(attempt_of(world, clear_number=1))
    assert again.to_json() == first.to_json()
    assert world.table == [OLD_ROW, *world.records()]


def test_a_clear_replaces_the_rows() -> None:
    """When the new ones are staged whole, the old ones are removed from their partitions, and the new ones moved."""
    world = World()
    transfer(attempt_of(world))
    world.effects.clear()
    again = transfer(attempt_of(world, clear_number=1, on_rerun=OnRerun.REPLACE))
    assert again.upload_id == "u2"
    assert world.table == [OLD_ROW, *world.records()]
    behind = world.effects[world.effects.index("save replacing") :]
    assert behind == [
        *["save replacing", "start removal", "save replacing", "await removal", "count", "save committing", "commit"],
        *["look at the staged", "save merging", "start merge", "save merging", "await merge", "look at the staged"],
        *["save committed", "drop the staged"],
    ]


@pytest.mark.parametrize("second", range(40))
def test_a_crash_anywhere_while_rows_are_replaced(second: int) -> None:
    """The next attempt, a retry, completes it: each row once."""
    world = World()
    transfer(attempt_of(world))
    world.crash_before = len(world.effects) + second
    try:
        transfer(attempt_of(world, clear_number=1, on_rerun=OnRerun.REPLACE))
    except Crash:
        world.crash_before = None
        transfer(attempt_of(world, clear_number=1, on_rerun=OnRerun.REPLACE))
    assert world.table == [OLD_ROW, *world.records()]


def test_the_table_is_compared_in_the_partitions_that_got_rows() -> None:
    """By partition and offset, as ever."""
    world = World()
    attempt = attempt_at(world, Mode.APPEND, routed=True, by_rows=True, after_commit=True)
    assert transfer(attempt).reconciled is Reconciled.OFFSETS


def test_the_journal_says_where_the_rows_wait() -> None:
    """A later attempt, or another run for the interval, finds them there."""
    world = World(crash_before=ORDER.index("start merge"))
    assert crashed(world)
    assert world.journal is not None
    entry = Journal.from_json(world.journal)
    assert (entry.staged, entry.merge) == (STAGED, "merge-u1-0")
    assert Journal.from_json(entry.to_json()) == entry
    assert str(ROUTES) == "ds=*"
    assert entry.target == target_of()


def test_an_upload_is_asked_where_the_journal_says() -> None:
    """Another run for the interval has staged the rows: they are not looked for in this run's place."""
    world = World(crash_before=ORDER.index("save merging"))
    assert crashed(world)
    attempt = attempt_of(world)
    asked: list[Staged] = []

    class Elsewhere(TwinStagedRows):
        def attach_upload(self, staged: Staged, upload_id: str) -> Upload:
            asked.append(staged)
            return super().attach_upload(staged, upload_id)

    staging = attempt.ports.staging
    assert staging is not None
    ports = replace(attempt.ports, staging=replace(staging, rows=Elsewhere(world)))
    transfer(replace(attempt, ports=ports))
    assert asked == [STAGED]
    assert world.table == [OLD_ROW, *world.records()]
