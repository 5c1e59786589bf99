"""Guards of what `verify` and `windows` answer: nobody is told that all is well where it is not."""

from __future__ import annotations

from mutants.guard import Guard

_DIFFERENCES, _EQUALITY = "core/verification/differences.py", "core/verification/equality.py"
_TILING = "core/verification/tiling.py"
_COMPARED = "core/verification/test_differences.py::test_the_comparison_is_that_of_a_plain_loop"
_TILES = "core/verification/test_tiling.py::"

GUARDS = (
    Guard(
        "verify",
        "offsets that the table lacks are not noted",
        _DIFFERENCES,
        "        _note(known.missing, np.setdiff1d(wanted.offsets, there, assume_unique=True))\n",
        "",
        _COMPARED,
    ),
    Guard(
        "verify",
        "rows of no record are not noted",
        _DIFFERENCES,
        "        _note(known.extra, np.setdiff1d(there, wanted.offsets, assume_unique=True))\n",
        "",
        _COMPARED,
    ),
    Guard(
        "verify",
        "doubled rows are counted once",
        _DIFFERENCES,
        "        known.surplus += int((times - 1).sum())\n",
        "",
        _COMPARED,
    ),
    Guard(
        "verify",
        "a NULL equals any value",
        _EQUALITY,
        "pc.and_(pc.is_null(left), pc.is_null(right))",
        "pc.or_(pc.is_null(left), pc.is_null(right))",
        _COMPARED,
    ),
    Guard(
        "windows",
        "a window within another one is no overlap",
        _TILING,
        "        if offsets.end > reached.end:\n",
        "        if True:\n",
        f"{_TILES}test_what_lies_between_windows",
    ),
    Guard(
        "windows",
        "a failed window covers a hole",
        _TILING,
        "        if run.state is WindowFate.RUNNING and offsets.start <= reached:\n",
        "        if offsets.start <= reached:\n",
        f"{_TILES}test_what_lies_between_windows",
    ),
)
