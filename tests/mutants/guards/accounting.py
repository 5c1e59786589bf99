"""Guards of the account that is kept of every offset, and of the records that do not fit."""

from __future__ import annotations

from mutants.guard import Guard

_LEDGER, _PARTITION = "core/accounting/ledger.py", "core/accounting/partition.py"
_BLOCK = "core/load/lanes/block_load.py"
_LEDGERS, _LOADS = "core/accounting/test_ledger.py::", "core/delivery/test_transfer.py::"

GUARDS = (
    Guard(
        "5",
        "offsets are not accounted for at the end of the read",
        "core/accounting/ledger.py",
        "        if unexplained:\n",
        "        if not unexplained:\n            pass\n        elif False:\n",
        f"{_LOADS}test_gaps_are_accounted_for_before_the_fence",
    ),
    Guard(
        "5",
        "whatever has no record was compacted away",
        "core/accounting/ledger.py",
        'if policy is not None and "compact" in policy:',
        "if policy is not None:",
        "core/accounting/test_ledger.py::test_an_unexplained_gap_fails",
    ),
    Guard(
        "5",
        "what is lost is skipped, whatever `on_data_loss` says",
        "core/accounting/ledger.py",
        "            if on_data_loss is OnDataLoss.FAIL:\n",
        "            if on_data_loss is None:\n",
        "core/accounting/test_ledger.py::test_an_unexplained_gap_fails",
    ),
    Guard(
        "records",
        "one that was read before is counted again",
        _PARTITION,
        "        if first < self.position or last",
        "        if last",
        f"{_LEDGERS}test_records_that_are_not_the_windows_are_refused",
    ),
    Guard(
        "records",
        "one behind the window's end is loaded",
        _PARTITION,
        " or last >= self.offsets.end or ",
        " or ",
        f"{_LEDGERS}test_records_that_are_not_the_windows_are_refused",
    ),
    Guard(
        "records",
        "an offset may come twice in a batch",
        _PARTITION,
        " or bool(np.any(np.diff(offsets) <= 0))",
        "",
        f"{_LEDGERS}test_records_that_are_not_the_windows_are_refused",
    ),
    Guard(
        "records",
        "those of a partition that is not loaded are let through",
        _LEDGER,
        "        if ledger is None:\n            raise ReadFailed(\n",
        "        if ledger is None:\n            return\n            raise ReadFailed(\n",
        f"{_LEDGERS}test_records_that_are_not_the_windows_are_refused",
    ),
    Guard(
        "records",
        "they are not counted",
        _BLOCK,
        "                self.ledger.add(part, rejects=len(found.rejects), filtered=found.filtered)\n",
        "",
        f"{_LOADS}test_nothing_is_visible_before_the_commit",
    ),
    Guard(
        "gaps",
        "what a reader passes over twice counts twice",
        "core/accounting/gaps.py",
        "        start, end = max(start, self._from), min(end, self._end)\n",
        "        start, end = max(start, 0), min(end, self._end)\n",
        f"{_LEDGERS}test_gaps_that_the_log_accounts_for_have_a_kind",
    ),
    Guard(
        "gaps",
        "what lies behind the window's end counts",
        "core/accounting/gaps.py",
        "        start, end = max(start, self._from), min(end, self._end)\n",
        "        start = max(start, self._from)\n",
        f"{_LEDGERS}test_gaps_that_the_log_accounts_for_have_a_kind",
    ),
    Guard(
        "gaps",
        "a gap between two records is not seen",
        _PARTITION,
        "        for before in np.flatnonzero(np.diff(offsets) > 1):\n",
        "        for before in ():\n",
        f"{_LEDGERS}test_an_unexplained_gap_fails",
    ),
    Guard(
        "gaps",
        "a gap between two blocks is not seen",
        _PARTITION,
        "            self._gaps.add(self.position, later.offsets.start)\n",
        "",
        "core/load/test_shares.py::test_ledgers_of_blocks_merge_to_the_ledger_of_the_whole",
    ),
    Guard(
        "gaps",
        "what was passed over behind the last record is forgotten",
        _BLOCK,
        "            self._before_read()\n            self._whole",
        "            self._whole",
        "core/load/test_block_load.py::test_what_is_passed_over_behind_the_last_record_counts",
    ),
    Guard(
        "gaps",
        "what is lost and skipped is not listed",
        _PARTITION,
        "        self.missing += list(self._gaps_left())\n",
        "",
        f"{_LEDGERS}test_what_is_lost_may_be_skipped_and_is_listed",
    ),
    Guard(
        "rejects",
        "more of them than are tolerated pass",
        "core/accounting/tolerance.py",
        "        if self.tolerance.count is not None and self.count > self.tolerance.count:\n",
        "        if False:\n",
        f"{_LOADS}test_rejects_stop_the_load",
    ),
    Guard(
        "rejects",
        "a larger share of them than is tolerated passes",
        "core/delivery/writing.py",
        "        self._rejects.prove(records)\n",
        "",
        "core/delivery/test_publishing.py::test_a_share_of_rejects_stops_the_load",
    ),
)
