"""Guards of blocks and shares, and of what a load's processes put together."""

from __future__ import annotations

from mutants.guard import MODEL, Guard

_LAYOUT, _SHARE, _HOOKS = "core/load/layout.py", "core/load/shares.py", "core/load/lanes/load_hooks.py"
_LAID, _SHARES, _SHARED = (
    "core/load/test_layout.py::",
    "core/load/test_shares.py::",
    "core/delivery/test_shared_load.py::",
)

GUARDS = (
    Guard(
        "blocks",
        "two of them overlap by an offset",
        _LAYOUT,
        "replace(offsets, start=start, end=cut)",
        "replace(offsets, start=start, end=min(cut + 1, offsets.end))",
        f"{_LAID}test_blocks_tile_the_window",
    ),
    Guard(
        "blocks",
        "one ends an offset early",
        _LAYOUT,
        "replace(offsets, start=start, end=cut)",
        "replace(offsets, start=start, end=max(start, cut - 1))",
        f"{_LAID}test_blocks_tile_the_window",
    ),
    Guard(
        "blocks",
        "all of them have the same number",
        _LAYOUT,
        "Block(number, tuple(ranges)) for",
        "Block(0, tuple(ranges)) for",
        f"{_LAID}test_a_window_is_laid_out",
    ),
    Guard(
        "blocks",
        "holes in the numbers are left",
        _LAYOUT,
        "enumerate(filter(None, laid)))",
        "enumerate(laid) if ranges)",
        f"{_LAID}test_a_window_is_laid_out",
    ),
    Guard(
        "blocks",
        "there are more of them than an upload takes",
        _LAYOUT,
        "min(blocks, MOST_BLOCKS, window.span)",
        "min(blocks, window.span)",
        f"{_LAID}test_there_are_no_more_blocks_than_an_upload_takes",
    ),
    Guard(
        "shares",
        "two of them have the same block",
        _SHARE,
        "tuple(blocks[start:end])",
        "tuple(blocks[start : end + 1])",
        f"{_SHARES}test_shares_tile_the_blocks",
    ),
    Guard(
        "shares",
        "the last block is in none",
        _SHARE,
        "    edges = [len(blocks) * number // count for",
        "    edges = [(len(blocks) - 1) * number // count for",
        f"{_SHARES}test_shares_tile_the_blocks",
    ),
    Guard(
        "shares",
        "the last one is not handed out",
        "core/delivery/writing.py",
        "self._start_workers(upload, shares[1:], facts)",
        "self._start_workers(upload, shares[1:-1], facts)",
        f"{_SHARED}test_two_processes_write_the_blocks_that_one_would",
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
        "shares",
        "one is loaded by whoever has another mapping or release",
        "core/load/lanes/share_load.py",
        "        self._share.check(stages.projection.origin)\n",
        "",
        "core/load/test_share_load.py::test_a_share_of_other_rows_is_not_begun",
    ),
    Guard(
        "shares",
        "which block has which offsets is not in their fingerprint",
        "core/load/fingerprint.py",
        "            [(block.number, _ranges(block.ranges)) for block in blocks],\n",
        "",
        "core/load/test_fingerprint.py::test_each_change_is_another_fingerprint",
    ),
    Guard(
        "the commit",
        "it does not wait for the workers",
        _HOOKS,
        "        return self._running.results() is not None\n",
        "        return True\n",
        f"{_SHARED}test_a_worker_that_has_failed_is_not_waited_for",
    ),
    Guard(
        "the commit",
        "nobody looks whether a worker has failed",
        _HOOKS,
        "        self._check()\n        self._running.check()\n",
        "        self._check()\n",
        f"{_SHARED}test_a_worker_that_has_failed_is_not_waited_for",
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
        "counts",
        "those of blocks are put together in the order in which they were written",
        "core/load/lanes/share_load.py",
        "in sorted(self._done.items()):",
        "in self._done.items():",
        "core/load/test_share_load.py::test_the_account_is_in_the_order_of_offsets",
    ),
)
