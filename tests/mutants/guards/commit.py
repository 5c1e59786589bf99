"""Guards of the commit, and of what comes after it."""

from __future__ import annotations

from mutants.guard import Guard

_TRANSFER, _COMMITTING, _SETTLING = (
    "core/delivery/transfer.py",
    "core/delivery/committing.py",
    "core/delivery/settling.py",
)
_LOADS = "core/delivery/test_transfer.py::"
_SETTLES, _AFTER = "core/delivery/test_settling.py::", "core/delivery/test_after_commit.py::"

GUARDS = (
    Guard(
        "7",
        'a question without an answer counts as "open"',
        _SETTLING,
        "            status, seen = UploadStatus.CLOSING, str(error)\n",
        "            status, seen = UploadStatus.NORMAL, str(error)\n",
        f"{_SETTLES}test_a_commit_returns_when_the_rows_are_visible",
    ),
    Guard(
        "7",
        "settling has no deadline",
        _SETTLING,
        "        if clock.monotonic() >= deadline:\n",
        "        if clock.monotonic() >= deadline + 600:\n",
        f"{_SETTLES}test_settling_asks_at_least_once_and_ends_at_its_deadline",
    ),
    Guard(
        "7",
        "an upload that is committed is committed again",
        _SETTLING,
        "            case UploadStatus.CLOSED:\n                return CommitProof.SETTLED\n",
        "            case UploadStatus.CLOSED:\n                upload.commit(blocks)\n"
        "                return CommitProof.SETTLED\n",
        f"{_LOADS}test_a_commit_in_doubt_is_settled",
    ),
    Guard(
        "7",
        "the first refusal is final",
        _SETTLING,
        "COMMIT_TRIES = 3\n",
        "COMMIT_TRIES = 1\n",
        f"{_LOADS}test_a_commit_in_doubt_is_settled",
    ),
    Guard(
        "7",
        "refusals are repeated until the deadline",
        _SETTLING,
        "if refusals == COMMIT_TRIES or clock",
        "if clock",
        f"{_LOADS}test_a_commit_that_is_refused_again_and_again_leaves_it_to_the_next_attempt",
    ),
    Guard(
        "7",
        'a session that is gone counts as "not committed"',
        _COMMITTING,
        "    if found is None:\n        raise CommitUnknown(_gone(attempt, entry))\n",
        "    if found is None:\n        return False\n",
        f"{_LOADS}test_a_session_that_vanished_is_never_guessed_about_in_append",
    ),
    Guard(
        "7",
        "a session that is gone during the commit needs a person where the rows can tell",
        _COMMITTING,
        "        if not proved_by_rows(attempt, entry):\n",
        "        raise\n        if not proved_by_rows(attempt, entry):\n",
        f"{_LOADS}test_a_session_that_vanished_is_replaced_in_overwrite",
    ),
    Guard(
        "8",
        "`committed` is not saved",
        _COMMITTING,
        "    attempt.ports.journal.save(entry.committed(receipt).to_json())\n",
        "",
        f"{_LOADS}test_a_crash_anywhere_loads_every_row_once",
    ),
    Guard(
        "8",
        "a load for a user's clear is recorded as one before it",
        _TRANSFER,
        "    entry = entry.again(attempt.run.clear_number)\n",
        "    entry = entry.again(entry.clear_number)\n",
        f"{_LOADS}test_a_cleared_task_overwrites_with_the_same_window",
    ),
    Guard(
        "9",
        "the table is not compared with the receipt",
        _TRANSFER,
        "    if load.reconcile and receipt.upload_id is not None and not nowhere:\n",
        "    if False:\n",
        f"{_AFTER}test_it_comes_after_the_journal_knows_of_the_commit",
    ),
    Guard(
        "9",
        "the window's ends are not committed to the group",
        _TRANSFER,
        "    if load.commit_to_group:\n",
        "    if False:\n",
        f"{_AFTER}test_it_comes_after_the_journal_knows_of_the_commit",
    ),
    Guard(
        "9",
        "a retry does not commit the window's ends",
        _TRANSFER,
        "    receipt = _after_the_commit(attempt, _take(attempt, entry, step))\n",
        "    receipt = _take(attempt, entry, step)\n"
        "    receipt = receipt if step is NextStep.KEEP else _after_the_commit(attempt, receipt)\n",
        f"{_AFTER}test_it_comes_after_the_journal_knows_of_the_commit",
    ),
    Guard(
        "9",
        "a table with fewer rows than were loaded passes",
        "core/delivery/reconciling.py",
        "    return there.rows == there.offsets == counts.rows and",
        "    return there.rows == there.offsets <= counts.rows and",
        "core/delivery/test_reconciling.py::test_any_other_number_is_a_difference",
    ),
    Guard(
        "9",
        "a table without any of the rows passes",
        "core/delivery/reconciling.py",
        "        return counts.rows == 0\n",
        "        return True\n",
        "core/delivery/test_reconciling.py::test_any_other_number_is_a_difference",
    ),
    Guard(
        "9",
        "the chain of windows is not told of the commit",
        _TRANSFER,
        "    advance(attempt.ports.history, attempt.load.request, receipt.window)\n",
        "",
        "core/history/test_chain.py::test_a_crash_right_after_the_commit_does_not_hold_up_the_chain",
    ),
)
