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
    KEEP = "keep the rows that are there"
    REPLACE = "remove the rows that are there, then load the recorded window"
    REFUSE = "fail because the rows are there"


def next_step(journal: Journal | None, clear_number: int, on_rerun: OnRerun = OnRerun.KEEP) -> NextStep:
    """Return what an attempt starts with.

    | journal | cleared by a user since | on_rerun | append | overwrite |
    |---|---|---|---|---|
    | nothing | | | plan | plan |
    | planned | | | load | load |
    | uploading | | | load | load |
    | publishing | | | publish | publish |
    | committing | | | settle | settle |
    | committed | no | | keep | keep |
    | committed | yes | keep | keep | load |
    | committed | yes | replace | replace | load |
    | committed | yes | fail | refuse | refuse |
    | replacing | | | replace | load |
    """
    if journal is None:
        return NextStep.PLAN
    overwrite = journal.target.mode is Mode.OVERWRITE
    match journal.phase:
        case Phase.PLANNED | Phase.UPLOADING:
            # Blocks of an upload that was never committed are never visible: nothing to ask, nothing to undo.
            return NextStep.LOAD
        case Phase.PUBLISHING:
            return NextStep.PUBLISH
        case Phase.COMMITTING:
            return NextStep.SETTLE
        case Phase.COMMITTED:
            cleared = clear_number > journal.clear_number
            return _step_when_cleared(on_rerun, overwrite=overwrite) if cleared else NextStep.KEEP
        case Phase.REPLACING:
            # Some rows may be gone already: whatever the parameter says by now, the replacement is completed.
            return NextStep.LOAD if overwrite else NextStep.REPLACE
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
