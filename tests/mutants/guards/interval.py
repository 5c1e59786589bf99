"""Guards of the journal that all runs for the same interval share."""

from __future__ import annotations

from mutants.guard import MODEL, Guard

_INTERVAL = "core/journal/interval.py"
_RUNS = "core/journal/test_interval.py::"

GUARDS = (
    Guard(
        "another run",
        "a run that may still load the interval is not waited for",
        _INTERVAL,
        "            if self.is_active(holder):\n",
        "            if False:\n",
        f"{_RUNS}test_two_runs_at_once",
    ),
    Guard(
        "another run",
        "that it takes the interval over is not written at once",
        _INTERVAL,
        "        self.save(adopted)\n",
        "",
        f"{_RUNS}test_two_runs_at_once",
    ),
    Guard(
        "another run",
        "saving does not look who has the interval",
        _INTERVAL,
        "        self._check()\n        # First the one",
        "        # First the one",
        MODEL,
    ),
    Guard(
        "another run",
        "nobody looks again once the own journal is written",
        _INTERVAL,
        "        # That may have taken its time.\n        self._check()\n",
        "",
        MODEL,
    ),
    Guard(
        "another run",
        "only the other run's name is compared, not what it has written",
        _INTERVAL,
        "        if self._seen != seen:\n",
        '        if (self._seen or {}).get("run_id") != (seen or {}).get("run_id"):\n',
        f"{_RUNS}test_a_zombie_that_commits_while_it_is_taken_over",
    ),
    Guard(
        "another run",
        "nobody looks again behind the fence",
        _INTERVAL,
        '        if entry["phase"] == Phase.COMMITTING:\n            self._check()\n',
        "",
        f"{_RUNS}test_a_takeover_in_the_moment_of_the_fence",
    ),
    Guard(
        "another run",
        "what another run has left is not continued from",
        _INTERVAL,
        "            adopted |= fresh\n",
        "            return own\n",
        f"{_RUNS}test_another_run_goes_on_from_what_the_first_has_left",
    ),
    Guard(
        "another run",
        "a run that was deleted and created again plans anew",
        _INTERVAL,
        "        elif own is not None or (self.try_number > 1 and self.clear_number > clear_number):\n",
        "        elif True:\n",
        f"{_RUNS}test_a_deleted_run_that_is_created_again_is_another_run",
    ),
    Guard(
        "another run",
        "a run that was created again is taken for one whose journal was emptied",
        _INTERVAL,
        "(self.try_number > 1 and self.clear_number > clear_number)",
        "self.clear_number > clear_number",
        f"{_RUNS}test_another_task_of_a_run_that_was_created_again_is_cleared",
    ),
    Guard(
        "another run",
        "rejects that another run has written are published",
        _INTERVAL,
        '            fresh = {"phase": Phase.UPLOADING.value} if journal["phase"] == Phase.PUBLISHING else {}\n',
        "            fresh = {}\n",
        f"{_RUNS}test_rejects_of_another_run_are_not_published",
    ),
    Guard(
        "another run",
        "taking an interval over does not count as a clear",
        _INTERVAL,
        '        adopted = {**journal, "clear_number": _BEFORE_EVERY_CLEAR}\n',
        "        adopted = {**journal}\n",
        f"{_RUNS}test_another_run_goes_on_from_what_the_first_has_left",
    ),
    Guard(
        "its key",
        "loads into two tables share one",
        _INTERVAL,
        '    key = store_key("journal", request.topic, target.table, *which)\n',
        '    key = store_key("journal", request.topic, *which)\n',
        f"{_RUNS}test_which_runs_share_a_journal",
    ),
    Guard(
        "its key",
        "loads of some partitions and of others share one",
        _INTERVAL,
        'target.partition or "", some\n',
        'target.partition or "", ""\n',
        f"{_RUNS}test_which_runs_share_a_journal",
    ),
    Guard(
        "its key",
        "the entry of the release before is not looked up",
        _INTERVAL,
        "        return before if table in (None, self.keys.table) else None\n",
        "        return None\n",
        f"{_RUNS}test_an_entry_of_the_release_before_is_honoured",
    ),
    Guard(
        "its key",
        "such an entry of another table is taken for this one's",
        _INTERVAL,
        "        return before if table in (None, self.keys.table) else None\n",
        "        return before\n",
        f"{_RUNS}test_an_entry_of_the_release_before_is_honoured",
    ),
)
