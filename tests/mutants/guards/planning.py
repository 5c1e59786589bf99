"""Guards of a plan beside those of other runs: the chain, the cuts, the intervals of a task."""

from __future__ import annotations

from mutants.guard import Guard

_CHAIN, _CLAIMS, _PLANNER = "core/history/chain.py", "core/history/claims.py", "core/history/planner.py"
_CHAINS, _CUTS = "core/history/test_chain.py::", "core/history/test_cuts.py::"

GUARDS = (
    Guard(
        "chain",
        "what a superseded attempt has planned counts as loaded",
        _CHAIN,
        "        if any(_starts_at(window, start) for start in starts):\n"
        "            return Chain(self.topic_id, self.plan(window, run_id).planned)\n",
        "        if mine:\n            return Chain(self.topic_id, mine)\n",
        f"{_CHAINS}test_a_zombie_that_plans_before_the_commit_moves_nothing",
    ),
    Guard(
        "chain",
        "the same, after the commit",
        _CHAIN,
        "        return replace(self, planned=None) if mine else None\n",
        "        return Chain(self.topic_id, mine) if mine else None\n",
        f"{_CHAINS}test_a_zombie_that_plans_after_the_commit_moves_nothing",
    ),
    Guard(
        "chain",
        "a run notes its window over that of another one",
        _PLANNER,
        "        if before.planned is not None and before.planned.run_id != author.run_id:\n",
        "        if False:\n",
        f"{_CHAINS}test_who_was_slower_than_another_run_links_nothing",
    ),
    Guard(
        "chain",
        "a run does not wait for the commit of the one before",
        _CHAIN,
        "    if chain.planned is not None and chain.planned.run_id != author.run_id:\n",
        "    if False:\n",
        f"{_CHAINS}test_a_successor_waits_for_the_commit",
    ),
    Guard(
        "chain, cuts",
        "an attempt that was superseded leaves what it plans",
        _PLANNER,
        "    planning.begin()\n",
        "",
        f"{_CHAINS}test_a_zombie_leaves_nothing_to_its_neighbours",
    ),
    Guard(
        "cuts",
        "what the neighbour has cut is not looked up",
        _CLAIMS,
        "        if found is not None:\n            return found\n",
        "",
        f"{_CUTS}test_a_late_record_is_in_exactly_one_window",
    ),
    Guard(
        "cuts",
        "nobody looks again after the claim",
        _CLAIMS,
        "                self._check(asked[side], side, claim)\n",
        "                pass\n",
        f"{_CUTS}test_neighbours_that_are_planned_at_once_never_differ",
    ),
    Guard(
        "cuts",
        "an instant is cut behind a later one",
        _CLAIMS,
        "        return no_later(bound, later.offsets, self.facts)\n",
        "        return bound\n",
        f"{_CUTS}test_windows_tile_in_whatever_order_they_are_planned",
    ),
    Guard(
        "cuts",
        "a log that has grown since the survey is not surveyed again",
        _PLANNER,
        "    if _beyond(planned, planner.facts):\n",
        "    if False:\n",
        f"{_CUTS}test_a_log_that_has_grown_since_the_survey_is_surveyed_again",
    ),
    Guard(
        "another run",
        "an interval across others is planned",
        _PLANNER,
        "            self._intervals().check(*self._interval, self.history.author.task)\n",
        "            pass\n",
        "core/history/test_intervals.py::test_an_interval_across_others_is_refused",
    ),
)
