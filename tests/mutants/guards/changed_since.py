"""Guards of what has changed since: the log that a window was planned on, the table that an overwrite is to replace."""

from __future__ import annotations

from mutants.guard import Guard

_TRANSFER, _SETTLING, _COMMITTING = (
    "core/delivery/transfer.py",
    "core/delivery/settling.py",
    "core/delivery/committing.py",
)
_FEWER, _LOSSES = "core/delivery/replacing/fewer_rows.py", "core/window/losses.py"
_IDENTITY = "core/delivery/log_identity.py"
_OVER, _LOGS = "core/delivery/test_overwriting.py::", "core/delivery/test_truncation.py::"
_BLOCKS, _KEEPS = "core/delivery/test_blocks_lost.py::", "core/delivery/test_fewer_rows.py::"

GUARDS = (
    Guard(
        "the table",
        "an overwrite does not look at it before the fence",
        _COMMITTING,
        "    entry = before_the_fence(attempt, entry, receipt)\n",
        "",
        f"{_OVER}test_newer_rows_are_not_covered_by_a_commit_in_doubt",
    ),
    Guard(
        "the table",
        "a commit in doubt covers newer rows",
        _TRANSFER,
        "        case UploadStatus.NORMAL | UploadStatus.CLOSING if newer is not None:\n",
        "        case UploadStatus.NORMAL | UploadStatus.CLOSING if False:\n",
        f"{_OVER}test_newer_rows_are_not_covered_by_a_commit_in_doubt",
    ),
    Guard(
        "the table",
        "a commit that is asked for again covers newer rows",
        _SETTLING,
        "                if objects is not None and settle(",
        "                if False and settle(",
        f"{_OVER}test_within_an_attempt_too",
    ),
    Guard(
        "the table",
        "rows whose rejects were published cover newer rows",
        _TRANSFER,
        "    if newer is not None:\n        return _over(attempt, entry, newer)\n    attempt",
        "    attempt",
        f"{_OVER}test_before_the_rows_of_published_rejects",
    ),
    Guard(
        "the table",
        "a change of an upload that is committed counts as another's",
        _SETTLING,
        "settle(upload, clock, deadline) is UploadStatus.NORMAL:\n",
        "settle(upload, clock, deadline):\n",
        f"{_OVER}test_within_an_attempt_its_own_commit_is_no_newer_one",
    ),
    Guard(
        "the table",
        "an overwrite whose session is gone is loaded over what somebody has written",
        _SETTLING,
        "    if attempt.run.clear_number > entry.clear_number:\n        return False\n    raise CommitUnknown(\n",
        "    if True:\n        return False\n    raise CommitUnknown(\n",
        f"{_OVER}test_a_session_that_is_gone_proves_nothing",
    ),
    Guard(
        "the table",
        "a retry loads over newer rows, as if a person had cleared the task",
        _TRANSFER,
        "    if attempt.run.clear_number > entry.clear_number:\n        return _load(attempt, entry)\n"
        "    raise newer\n",
        "    return _load(attempt, entry)\n",
        f"{_OVER}test_newer_rows_are_not_covered_by_a_commit_in_doubt",
    ),
    Guard(
        "the table",
        "an overwrite is compared by its offsets alone",
        "core/delivery/reconciling.py",
        "        if not overwritten:\n            return None if found is None else Reconciled.OFFSETS\n",
        "        if found is not None or not overwritten:\n"
        "            return None if found is None else Reconciled.OFFSETS\n",
        "core/delivery/test_reconciling.py::test_what_was_not_overwritten_is_a_difference",
    ),
    Guard(
        "the session",
        "blocks that it has lost are asked for again and again",
        _COMMITTING,
        "        attempt.ports.journal.save(entry.uploading(upload.id).to_json())\n        raise BlocksDiffer(",
        "        raise BlocksDiffer(",
        f"{_BLOCKS}test_a_block_that_the_service_has_lost",
    ),
    Guard(
        "the session",
        "the window is loaded again where an earlier commit may be under way",
        _SETTLING,
        "    asked = asked_before\n",
        "    asked = False\n",
        f"{_BLOCKS}test_where_a_commit_may_be_under_way",
    ),
    Guard(
        "the session",
        "the window is loaded again where this attempt has asked before",
        _SETTLING,
        "            asked = asked or not isinstance(error, BlocksDiffer)\n",
        "",
        f"{_BLOCKS}test_a_commit_that_was_sent_once_in_this_attempt",
    ),
    Guard(
        "the session",
        "one that was opened in another mode is written to",
        "clients/maxcompute/tunnel.py",
        "        if overwrites is not overwrite:\n",
        "        if False:\n",
        "clients/maxcompute/test_faults.py::test_a_session_that_would_append_is_not_written",
    ),
    Guard(
        "the log",
        "the plan does not note in which epochs its records were written",
        _TRANSFER,
        "    window = replace(window, epochs=ports.epochs(window)) if window.span else window\n",
        "",
        f"{_LOGS}test_the_window_has_the_epochs_of_its_ends",
    ),
    Guard(
        "the log",
        "records in place of those that were planned are loaded",
        _LOSSES,
        "        elif found.end < planned.end:\n",
        "        elif False:\n",
        f"{_LOGS}test_other_records_in_place_of_those_that_were_planned",
    ),
    Guard(
        "the log",
        "one that knows nothing of the epoch is taken for the same",
        _LOSSES,
        '        elif found.epoch < epoch and "compact" not in (cleanup_policy() or ""):\n',
        "        elif False:\n",
        f"{_LOGS}test_a_log_that_has_nothing_of_an_epoch",
    ),
    Guard(
        "the log",
        "one that is truncated while it is read is not read again",
        _IDENTITY,
        "    if read:\n        raise ReadAgain(",
        "    if False:\n        raise ReadAgain(",
        f"{_LOGS}test_a_second_election_under_skip",
    ),
    Guard(
        "the log",
        '`on_data_loss="skip"` alone lets rows go whose records were truncated',
        _IDENTITY,
        "    if load.request.on_data_loss is OnDataLoss.FAIL or not accepted:\n",
        "    if load.request.on_data_loss is OnDataLoss.FAIL:\n",
        f"{_LOGS}test_rows_of_records_that_are_gone_stay",
    ),
    Guard(
        "the rows",
        "others may make up, in number, for those whose records have expired",
        _FEWER,
        "        if fewer or (there and not _reaches(receipt, before)):\n",
        "        if fewer:\n",
        f"{_KEEPS}test_rows_whose_records_others_make_up_for_stay",
    ),
    Guard(
        "the rows",
        "rows of nothing but NULL take the place of others",
        "core/journal/receipt.py",
        " or (self.empty_rows or 0) >= self.rows else self.rows\n",
        " else self.rows\n",
        f"{_KEEPS}test_rows_of_nothing_but_null_replace_nothing",
    ),
)
