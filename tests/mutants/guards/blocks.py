"""Guards of blocks, of the threads of a load, and of its processes."""

from __future__ import annotations

from mutants.guard import MODEL, Guard

_WRITING, _PIPELINE = "core/delivery/writing.py", "core/load/pipeline.py"
_SHARES, _THREADS = "core/load/test_shares.py::", "core/load/test_pipeline.py::"

GUARDS = (
    Guard(
        "shares",
        "two of them overlap by an offset",
        "core/load/shares.py",
        "        first = offsets.start + max(0, start - before)\n",
        "        first = offsets.start + max(0, start - before - 1)\n",
        f"{_SHARES}test_a_window_is_shared_out",
    ),
    Guard(
        "shares",
        "one ends an offset early",
        "core/load/shares.py",
        "min(offsets.span, end - before)\n",
        "min(offsets.span, end - before - 1)\n",
        f"{_SHARES}test_a_window_is_shared_out",
    ),
    Guard(
        "shares",
        "the last one is not handed out",
        _WRITING,
        "        others = self._shares[1:]\n",
        "        others = self._shares[1:-1]\n",
        MODEL,
    ),
    Guard(
        "shares",
        "nobody looks whether all of them are loaded",
        "core/load/loaded.py",
        "    if len(results) != of:\n",
        "    if False:\n",
        f"{_SHARES}test_a_share_that_is_missing_fails_the_load",
    ),
    Guard(
        "the commit",
        "it does not wait for the workers",
        _WRITING,
        "        return self._running.results() is not None\n",
        "        return True\n",
        MODEL,
    ),
    Guard(
        "the commit",
        "nobody looks whether a worker has failed",
        _WRITING,
        "        self._cancellation.check()\n        self._running.check()\n",
        "        self._cancellation.check()\n",
        "core/delivery/test_shared_load.py::test_a_worker_that_has_failed_is_not_waited_for",
    ),
    Guard(
        "counts",
        "a worker's are not put to the others",
        "core/load/loaded.py",
        "        ledger.merge(each.ledger)\n",
        "        if each is results[0]:\n            ledger.merge(each.ledger)\n",
        MODEL,
    ),
    Guard(
        "blocks",
        "all workers write the same numbers",
        "core/load/blocks.py",
        "count(share.number, share.of)",
        "count()",
        f"{_SHARES}test_blocks_of_a_share_have_every_so_many_th_number",
    ),
    Guard(
        "blocks",
        "holes in the numbers are left",
        _WRITING,
        "            empty.write(upload, number, [])\n",
        "            pass\n",
        "core/delivery/test_shared_load.py::test_holes_in_the_numbers_of_blocks_are_filled",
    ),
    Guard(
        "blocks",
        "the last one, which is not full, is not written",
        "core/load/blocks.py",
        "    if block:\n        yield block\n",
        "",
        "core/accounting/test_ledger.py::test_blocks_keep_rows_and_order",
    ),
    Guard(
        "threads",
        "nobody waits for blocks that are still being written",
        _PIPELINE,
        "                self._wait(lambda: not self._busy)\n",
        "                pass\n",
        f"{_THREADS}test_a_call_that_takes_its_time_is_waited_for",
    ),
    Guard(
        "threads",
        "the error of another thread does not fail the load",
        _PIPELINE,
        "        if self._failure is not None and (error is None or isinstance(error, _Stopped)):\n",
        "        if False:\n",
        f"{_THREADS}test_a_load_with_threads_commits_nothing_after_an_error",
    ),
    Guard(
        "threads",
        "who waits for another thread does not look whether the task is to stop",
        _PIPELINE,
        "                    return\n            self._check()\n",
        "                    return\n",
        f"{_THREADS}test_a_flag_ends_a_wait_that_nobody_wakes",
    ),
    Guard(
        "threads",
        "after an error, nobody tells who waits for the outside",
        _PIPELINE,
        "        if failed:\n            self._stop()\n",
        "",
        f"{_THREADS}test_an_error_wakes_whoever_waits_for_the_outside",
    ),
    Guard(
        "threads",
        "a generator is left open when the load ends",
        _PIPELINE,
        "        for items in reversed(self._open):\n            items.close()\n",
        "",
        f"{_THREADS}test_a_generator_is_closed_by_the_thread_that_ran_it",
    ),
)
