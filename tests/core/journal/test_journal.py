"""The journal and the receipt: their JSON, and what the next attempt does."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from core.examples import orders, receipts, target_of, window_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase, Target
from airflow_provider_kafka_odps.core.journal.next_step import NextStep, next_step
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt, Reconciled, speed_line
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput, JournalMismatch

STAGED = Staged(TableName("t__kafka_staging", "shop"), PartitionSpec.parse("load_id=hourly.load.run"), ("p", "o", "v"))


def receipt_of(upload_id: str | None = "u1") -> Receipt:
    """Return the receipt of three rows, one reject and one gap."""
    return Receipt(
        window=window_of((0, 5)),
        table="shop.t",
        partition=None,
        mode=Mode.APPEND,
        upload_id=upload_id,
        blocks=1,
        partitions={orders(0): Counts(rows=3, rejects=1, gaps=1)},
        bytes=100,
        not_json=0,
        seconds={"read": 0.25},
        offsets={orders(0): (0, 4)},
        attempts=2,
        learned=CommitProof.SETTLED,
        reconciled=Reconciled.OFFSETS,
    )


def entry_of(phase: Phase, mode: Mode = Mode.APPEND, clear_number: int = 0) -> Journal:
    """Return an entry as a run that came this far leaves it."""
    planned = Journal(Phase.PLANNED, target_of(mode), window_of((0, 5)), clear_number)
    match phase:
        case Phase.PLANNED:
            return planned
        case Phase.UPLOADING:
            return planned.uploading("u1")
        case Phase.PUBLISHING:
            return planned.uploading("u1").publishing(receipt_of())
        case Phase.COMMITTING:
            return planned.uploading("u1").committing(receipt_of())
        case Phase.MERGING:
            return planned.uploading("u1", STAGED).committing(receipt_of()).merging(receipt_of(), "m1")
        case Phase.COMMITTED:
            return planned.uploading("u1").committed(receipt_of())
        case Phase.REPLACING:
            return _again(planned).replacing(receipt_of("u2"), "s1")


def _again(planned: Journal) -> Journal:
    return planned.uploading("u1").committed(receipt_of()).again(planned.clear_number).uploading("u2")


def entry_named(journal: str, mode: Mode, clear_number: int) -> Journal:
    """Return an entry by its name in the table of next steps."""
    planned = entry_of(Phase.PLANNED, mode, clear_number)
    match journal:
        case "uploading, an earlier load is visible":
            return _again(planned)
        case "uploading, an earlier load is being removed":
            return entry_of(Phase.REPLACING, mode, clear_number).again(clear_number).uploading("u3")
        case "replacing, the removal has failed":
            return entry_of(Phase.REPLACING, mode, clear_number).removal_failed(untouched=True)
        case phase:
            return entry_of(Phase(phase), mode, clear_number)


def _documented_steps() -> list[tuple[str, str, str, Mode, str]]:
    """Return the rows of the table in the docstring: journal, cleared, on_rerun, mode, step."""
    assert next_step.__doc__ is not None
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in next_step.__doc__.splitlines()
        if line.strip().startswith("|")
    ]
    return [
        (journal, cleared, on_rerun, mode, step)
        for journal, cleared, on_rerun, *steps in rows[2:]
        for mode, step in zip((Mode.APPEND, Mode.OVERWRITE), steps, strict=True)
    ]


def test_the_documented_table_has_every_phase() -> None:
    """No phase is missing from the table that says what is done about it."""
    named = {journal.partition(",")[0] for journal, *_ in _documented_steps()}
    assert named == {"nothing", *(phase.value for phase in Phase)}


@pytest.mark.parametrize(("journal", "cleared", "on_rerun", "mode", "step"), _documented_steps())
def test_the_next_attempt_does_what_the_table_says(
    journal: str, cleared: str, on_rerun: str, mode: Mode, step: str
) -> None:
    """The table in the docstring of `next_step` is what it does."""
    entry = None if journal == "nothing" else entry_named(journal, mode, 3)
    for clear_number in {"": (3, 4), "no": (3,), "yes": (4, 7)}[cleared]:
        for choice in [OnRerun(on_rerun)] if on_rerun else OnRerun:
            assert next_step(entry, clear_number, choice) is NextStep[step.upper()]


def test_the_receipts_json_is_as_documented() -> None:
    """The receipt sums up and lists per partition what the offsets became."""
    assert receipt_of().to_json() == {
        "summary": "orders earliest → latest: 3 rows, 1 rejects",
        "version": 1,
        "window": window_of((0, 5)).to_json(),
        "table": "shop.t",
        "partition": None,
        "mode": "append",
        "upload_id": "u1",
        "blocks": 1,
        "rows": 3,
        "rejects": 1,
        "gaps": 1,
        "late": 0,
        "early": 0,
        "partitions": {"0": {"rows": 3, "rejects": 1, "gaps": 1}},
        "missing": [],
        "offsets": {"0": [0, 4]},
        "attempts": 2,
        "commit": "settled",
        "reconciled": "offsets",
        "rejected_to": None,
        "drift": None,
        "workers": 1,
        "bytes": 100,
        "not_json": 0,
        "seconds": {"read": 0.25},
        "possibly_missing": [],
        "left_out": [],
        "differs": [],
    }


def test_the_receipt_says_where_the_logs_ended() -> None:
    """What lies behind the window, when it was planned, is known beside its rows; of an earlier release's it is not."""
    receipt = receipt_of()
    known = replace(receipt, window=replace(receipt.window, log_ends={0: 12}))
    assert (known.to_json()["log_end"], known.to_json()["window"]["log_end"]) == ({"0": 12}, {"0": 12})
    assert Receipt.from_json(known.to_json()) == known
    assert "log_end" not in receipt.to_json()


def test_the_receipt_begins_with_its_summary() -> None:
    """Who looks at the return value reads one line first; offsets that are lost are in it."""
    written = replace(receipt_of(), partitions={orders(0): Counts(rows=3, rejects=0, gaps=2, missing=2)}).to_json()
    assert next(iter(written.items())) == (
        "summary",
        "orders earliest → latest: 3 rows, 0 rejects, 2 offsets missing",
    )


def test_the_summary_is_not_read() -> None:
    """It is made anew of what it sums up: a receipt with another one, or without, is the same."""
    written = receipt_of().to_json()
    assert Receipt.from_json({**written, "summary": "edited"}).to_json() == written
    del written["summary"]
    assert Receipt.from_json(written) == receipt_of()


def test_what_the_first_release_wrote_is_still_read() -> None:
    """A journal from before the receipt said who committed it, how and in how many attempts, is gone on from."""
    window = window_of((0, 5)).to_json()
    written = {
        "version": 1,
        "phase": "committed",
        "topic": "orders",
        "table": "shop.t",
        "partition": None,
        "mode": "append",
        "clear_number": 0,
        "window": window,
        "upload_id": "u1",
        "receipt": {
            "version": 1,
            "table": "shop.t",
            "partition": None,
            "mode": "append",
            "upload_id": "u1",
            "blocks": 1,
            "rows": 3,
            "rejects": 1,
            "gaps": 1,
            "partitions": {"0": {"rows": 3, "rejects": 1, "gaps": 1}},
            "bytes": 100,
            "not_json": 0,
            "seconds": {"read": 0.25},
        },
    }
    receipt = Journal.from_json(written).receipt
    assert receipt is not None
    assert receipt.partitions == {orders(0): Counts(rows=3, rejects=1, gaps=1)}
    assert (receipt.attempts, receipt.learned, receipt.reconciled) == (1, None, None)
    assert (receipt.offsets, receipt.missing) == ({}, ())


@given(receipts)
def test_a_receipt_survives_json(receipt: Receipt) -> None:
    """What is read back is what was written."""
    assert Receipt.from_json(json.loads(json.dumps(receipt.to_json()))) == receipt


@given(receipts, st.sampled_from(Phase), st.sampled_from(Mode), st.none() | st.text(), st.integers(0, 99))
def test_a_journal_survives_json(
    receipt: Receipt, phase: Phase, mode: Mode, partition: str | None, clears: int
) -> None:
    """Whatever an attempt saves, the next one reads."""
    entry = Journal(Phase.PLANNED, Target("orders", "shop.t", partition, mode), receipt.window, clears)
    match phase:
        case Phase.UPLOADING:
            entry = entry.uploading("u1")
        case Phase.PUBLISHING:
            entry = entry.publishing(receipt)
        case Phase.COMMITTING:
            entry = entry.committing(receipt)
        case Phase.COMMITTED:
            entry = entry.committed(receipt)
        case Phase.REPLACING:
            entry = entry.committed(receipt).again(clears).replacing(receipt, partition)
    assert Journal.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_a_fresh_upload_keeps_the_receipt_of_what_is_visible() -> None:
    """A window that is loaded again is not proved by what was written the first time; but that is not forgotten."""
    again = entry_of(Phase.COMMITTED, Mode.OVERWRITE).again(1).uploading("u2")
    assert (again.upload_id, again.receipt, again.replaces, again.clear_number) == ("u2", None, receipt_of(), 1)


@pytest.mark.parametrize("mode", Mode)
def test_an_overwrite_in_doubt_counts_as_visible(mode: Mode) -> None:
    """Whether the rows of an upload that is gone are there, nobody knows; an overwrite by less would take them away."""
    again = entry_of(Phase.COMMITTING, mode).again(0)
    assert again.replaces == (receipt_of() if mode is Mode.OVERWRITE else None)


@pytest.mark.parametrize(
    "target",
    [
        target_of(topic="other"),
        target_of(table="shop.other"),
        target_of(Mode.OVERWRITE),
        Target("orders", "shop.t", "ds=1", Mode.APPEND),
    ],
    ids=str,
)
def test_a_journal_of_another_target_is_not_ours(target: Target) -> None:
    """Parameters that no longer match the recorded window fail, with both and with the way to forget it."""
    entry_of(Phase.PLANNED).check_target(target_of())
    with pytest.raises(
        JournalMismatch, match=r"recorded window for topic orders into shop\.t, mode append.*say .*Storage"
    ):
        entry_of(Phase.PLANNED).check_target(target)


@pytest.mark.parametrize(
    ("phase", "changes"),
    [
        (Phase.PLANNED, {"version": 2}),
        (Phase.PLANNED, {"phase": "done"}),
        (Phase.PLANNED, {"mode": "replace"}),
        (Phase.PLANNED, {"topic": "other"}),
        (Phase.PLANNED, {"topic": ...}),
        (Phase.PLANNED, {"window": []}),
        (Phase.PLANNED, {"window": None}),
        (Phase.PLANNED, {"window": {**window_of((0, 5)).to_json(), "topic": "other"}}),
        (Phase.PLANNED, {"clear_number": "x"}),
        (Phase.UPLOADING, {"upload_id": None}),
        (Phase.PUBLISHING, {"upload_id": None}),
        (Phase.PUBLISHING, {"receipt": None}),
        (Phase.COMMITTING, {"upload_id": None}),
        (Phase.COMMITTING, {"receipt": None}),
        (Phase.COMMITTING, {"receipt": {}}),
        (Phase.COMMITTED, {"receipt": None}),
        (Phase.COMMITTED, {"receipt": "yes"}),
        (Phase.REPLACING, {"receipt": None}),
    ],
    ids=str,
)
def test_what_is_no_journal_is_refused_with_the_way_out(phase: Phase, changes: dict[str, Any]) -> None:
    """An entry that cannot be gone on from says so, and how to forget it."""
    written = {key: value for key, value in {**entry_of(phase).to_json(), **changes}.items() if value is not ...}
    with pytest.raises(InvalidInput, match=r"the journal of this task instance cannot be read .*Storage"):
        Journal.from_json(written)


@pytest.mark.parametrize("written", [[], "planned", 5], ids=repr)
def test_what_is_no_json_object_is_no_journal(written: Any) -> None:
    """Whatever else an administrator left there is refused like any other nonsense."""
    with pytest.raises(InvalidInput, match="cannot be read"):
        Journal.from_json(written)


def test_counts_are_never_negative() -> None:
    """More records than offsets cannot have come out of a range."""
    with pytest.raises(InvalidInput, match=re.escape("counts cannot be negative")):
        Counts(rows=5, rejects=0, gaps=-1)


@pytest.mark.parametrize("changes", [{"version": 2}, {"blocks": ...}, {"partitions": 5}, {"window": {}}], ids=str)
def test_what_is_no_receipt_is_refused(changes: dict[str, Any]) -> None:
    """An edit that makes nonsense of a receipt is refused, and what was read is shown."""
    written = {key: value for key, value in {**receipt_of().to_json(), **changes}.items() if value is not ...}
    with pytest.raises(InvalidInput, match="this is no receipt"):
        Receipt.from_json(written)


@pytest.mark.parametrize("phase", Phase)
def test_a_window_that_may_be_loaded_is_not_to_be_forgotten_unseen(phase: Phase) -> None:
    """Who forgets a commit in doubt has its rows twice, and rows that are being replaced not at all."""
    entry = entry_of(phase)
    changed = {**entry.to_json(), "window": "edited"}
    said = []
    with pytest.raises(JournalMismatch) as mismatch:
        entry.check_target(target_of(table="shop.other"))
    with pytest.raises(InvalidInput) as unreadable:
        Journal.from_json(changed)
    said = [str(mismatch.value), str(unreadable.value)]
    for each in said:
        assert "Clear All Task State Store" in each
        careful = "Do not forget the recorded window before" in each
        assert careful == (phase in {Phase.COMMITTING, Phase.MERGING, Phase.REPLACING})


def test_while_rows_are_away_their_window_is_not_to_be_forgotten() -> None:
    """A replacement that begins anew, after the rows were removed, has phase uploading."""
    entry = entry_of(Phase.REPLACING).again(1).uploading("u3")
    with pytest.raises(JournalMismatch, match="Do not forget the recorded window before"):
        entry.check_target(target_of(table="shop.other"))


def test_a_phase_of_a_later_release_is_left_to_it() -> None:
    """A release that was rolled back cannot tell what the phase means."""
    written = {**entry_of(Phase.COMMITTING).to_json(), "phase": "verifying"}
    with pytest.raises(InvalidInput, match=r"Do not forget the recorded window.*phase 'verifying'.*of a later release"):
        Journal.from_json(written)


SPEED = Speed(lanes=8, elapsed=10.0, cpu=6.5, cores=4, refused=2, pace=10, lane_pace=1)


def test_a_receipt_says_how_fast_the_load_was() -> None:
    """Lanes, an average block, pace, and what was the limit; they are read back as they were written."""
    receipt = replace(receipt_of(), blocks=3, speed=SPEED, limit="nothing stood out")
    written = receipt.to_json()
    told = {
        "block_bytes": 33,
        "lanes": 8,
        "pace": 10,
        "lane_pace": 1,
        "elapsed": 10.0,
        "cpu": 6.5,
        "cores": 4,
        "refused": 2,
        "limit": "nothing stood out",
    }
    assert written.items() >= told.items()
    assert Receipt.from_json(written) == receipt
    assert speed_line(receipt).startswith("0.0 MB in 3 blocks, up to 8 at a time, took 10.0 s: ")


def test_a_receipt_of_an_earlier_release_says_nothing_of_speed() -> None:
    """It is read without it, and written again without it."""
    written = receipt_of().to_json()
    assert not {"lanes", "pace", "limit", "block_bytes"} & written.keys()
    assert (Receipt.from_json(written).speed, Receipt.from_json(written).limit) == (None, None)


@pytest.mark.parametrize("wrong", ["eight", None, [8]])
def test_a_receipt_whose_speed_was_spoilt_is_refused(wrong: object) -> None:
    """Somebody has edited it: it is told which value cannot be read."""
    written = {**replace(receipt_of(), speed=SPEED).to_json(), "lanes": wrong}
    with pytest.raises(InvalidInput, match="this is no receipt"):
        Receipt.from_json(written)
