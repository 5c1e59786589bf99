"""What an attempt does first, by what earlier attempts have left in the journal."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.options import Mode, OnRerun


class NextStep(StrEnum):
    """What an attempt starts with."""

    PLAN = "plan a window"
    LOAD = "load the recorded window through a fresh upload"
    PUBLISH = "make the rejects of the recorded upload visible, then commit it"
    SETTLE = "find out whether the recorded upload is committed"
    MERGE = "go on moving the staged rows into their partitions"
    KEEP = "keep the rows that are there"
    REPLACE = "load the recorded window again, then remove the rows that are there and commit"
    REFUSE = "fail because the rows are there"


AFTER_FAIL = {
    Mode.APPEND: (
        "To leave the rows as they are and have the task succeed, set on_rerun='keep' and clear it; to load the window "
        "again in their place, set on_rerun='replace'"
    ),
    Mode.OVERWRITE: "To load the window again, over what is there, set on_rerun='replace' and clear the task",
}
"""What a person may do about a task that refuses to load again, by ``on_rerun="fail"``."""


def next_step(journal: Journal | None, clear_number: int, on_rerun: OnRerun = OnRerun.KEEP) -> NextStep:
    """Return what an attempt starts with.

    | journal | cleared by a user since | on_rerun | append | overwrite |
    |---|---|---|---|---|
    | nothing | | | plan | plan |
    | planned | | | load | load |
    | uploading | | | load | load |
    | uploading, an earlier load is visible | | keep | keep | load |
    | uploading, an earlier load is visible | | replace | replace | load |
    | uploading, an earlier load is visible | | fail | refuse | load |
    | uploading, an earlier load is being removed | | | replace | load |
    | publishing | | | publish | publish |
    | committing | | | settle | settle |
    | merging | | | merge | merge |
    | committed | no | | keep | keep |
    | committed | yes | keep | keep | load |
    | committed | yes | replace | replace | load |
    | committed | yes | fail | refuse | refuse |
    | replacing | | | replace | load |
    | replacing, the removal has failed | | keep | keep | load |
    | replacing, the removal has failed | | replace | replace | load |
    | replacing, the removal has failed | | fail | refuse | load |
    """
    if journal is None:
        return NextStep.PLAN
    overwrite = journal.target.mode is Mode.OVERWRITE
    match journal.phase:
        case Phase.PLANNED:
            return NextStep.LOAD
        case Phase.UPLOADING | Phase.REPLACING:
            # Blocks of an upload that was never committed are never visible: nothing to ask, nothing to undo.
            if overwrite or (journal.replaces is None and journal.phase is Phase.UPLOADING):
                return NextStep.LOAD
            # Once rows may be gone, the replacement is completed, whatever the parameter says by now.
            return NextStep.REPLACE if journal.visible is None else _step_when_cleared(on_rerun, overwrite=False)
        case Phase.PUBLISHING:
            return NextStep.PUBLISH
        case Phase.COMMITTING:
            return NextStep.SETTLE
        case Phase.MERGING:
            return NextStep.MERGE
        case Phase.COMMITTED:
            cleared = clear_number > journal.clear_number
            return _step_when_cleared(on_rerun, overwrite=overwrite) if cleared else NextStep.KEEP
        case _:
            assert_never(journal.phase)


def _step_when_cleared(on_rerun: OnRerun, *, overwrite: bool) -> NextStep:
    match on_rerun:
        case OnRerun.FAIL:
            return NextStep.REFUSE
        case OnRerun.KEEP | OnRerun.REPLACE if overwrite:
            # The same window replaces the same rows: nothing is lost by loading it again.
            return NextStep.LOAD
        case OnRerun.KEEP:
            return NextStep.KEEP
        case OnRerun.REPLACE:
            return NextStep.REPLACE
        case _:
            assert_never(on_rerun)
