"""Guards of the planning lock: one planner at a time, its note, and what the next one makes of it."""

from __future__ import annotations

from mutants.guard import Guard

_TURN, _PLANNER, _LINK = "core/history/turn.py", "core/history/planner.py", "core/history/task_chain.py"
_TURNS = "core/history/test_turn.py::"
_MEMBER, _LOCKS = "clients/kafka/groups/membership.py", "contracts/test_planning_lock.py::"

GUARDS = (
    Guard(
        "the lock",
        "nobody holds it",
        _PLANNER,
        "    with holding(planning.history) as (lock, last):\n        return _planned(planning, lock, last)\n",
        "    return _planned(planning, None, None)\n",
        f"{_TURNS}test_a_planner_that_has_lost_the_lock_writes_nothing",
    ),
    Guard(
        "the lock",
        "it is not released",
        _TURN,
        "        lock.release()\n",
        "        pass\n",
        f"{_TURNS}test_a_topic_that_was_created_again_has_no_use_for_the_note",
    ),
    Guard(
        "the lock",
        "a member that does not lead its group holds it",
        _MEMBER,
        "            return leads\n",
        "            return True\n",
        f"{_LOCKS}test_of_many_each_has_its_turn",
    ),
    Guard(
        "the lock",
        "a note is committed by nobody's membership",
        _MEMBER,
        "            generation_id_or_member_epoch=self._generation,\n            member_id=self._member,\n",
        '            generation_id_or_member_epoch=-1,\n            member_id="",\n',
        f"{_LOCKS}test_a_holder_that_was_silent_for_too_long_can_note_nothing",
    ),
    Guard(
        "the note",
        "the plan is written before it",
        _TURN,
        "        if self.lock is not None and self._noted(self.lock, note):\n            self._write(note)\n",
        "        if self.lock is not None:\n            self._write(note)\n            self._noted(self.lock, note)\n",
        f"{_TURNS}test_a_planner_that_has_lost_the_lock_writes_nothing",
    ),
    Guard(
        "the note",
        "the next planner does not write what it has",
        _PLANNER,
        "    planner.turn.settle()\n",
        "",
        f"{_TURNS}test_a_plan_that_was_noted_is_written_by_the_next_planner",
    ),
    Guard(
        "the note",
        "the next planner leaves out its interval",
        _TURN,
        "        if note.interval is not None:\n",
        "        if False:\n",
        f"{_TURNS}test_the_interval_of_a_planner_that_died_is_known",
    ),
    Guard(
        "the note",
        "that of a topic which is gone is used",
        _PLANNER,
        "        same = last if last is not None and last.topic_id == facts.topic_id else None\n",
        "        same = last\n",
        f"{_TURNS}test_a_topic_that_was_created_again_has_no_use_for_the_note",
    ),
    Guard(
        "the note",
        "a cut that the next planner's survey does not know yet is called gone",
        _PLANNER,
        "    except UnknownPartition:\n        outdated = True\n",
        "    except ZeroDivisionError:\n        outdated = True\n",
        f"{_TURNS}test_a_partition_that_was_added_while_another_run_was_planned",
    ),
    Guard(
        "written late",
        "an index of instants hides later ones",
        _TURN,
        "*noted, *self._indexed(self._index_key())})",
        "*self._indexed(self._index_key())})",
        f"{_TURNS}test_instants_of_a_planner_that_was_late_do_not_hide_later_ones",
    ),
    Guard(
        "written late",
        "the instants of the task's own intervals are not known",
        _TURN,
        "sorted({*self.intervals().instants(), *noted,",
        "sorted({*noted,",
        "core/history/test_intervals.py::test_a_gap_of_long_ago_is_cut_before_what_came_later",
    ),
    Guard(
        "written late",
        "the index of a note has only the instants of its own plan",
        _TURN,
        "*self._indexed(self._index_key(note.number - 1)), *self._indexed(self._index_key())}\n",
        "*()}\n",
        f"{_TURNS}test_instants_of_a_planner_that_was_late_do_not_hide_later_ones",
    ),
    Guard(
        "written late",
        "a chain's entry counts, whatever has been noted since",
        _TURN,
        '        return noted if written.get("note", noted["note"]) < noted["note"] else written\n',
        "        return written\n",
        f"{_TURNS}test_a_chain_that_is_written_over_by_an_old_entry_goes_on",
    ),
    Guard(
        "written late",
        "a chain that a person has edited does not count",
        _TURN,
        '        return noted if written.get("note", noted["note"]) < noted["note"] else written\n',
        "        return noted\n",
        f"{_TURNS}test_a_chain_that_a_person_has_edited_counts",
    ),
    Guard(
        "written late",
        "a commit is noted with a number that was used before",
        _LINK,
        "        number = max(number, (before.note or 0) + 1)\n",
        "",
        f"{_TURNS}test_a_chain_whose_group_was_deleted_goes_on",
    ),
    Guard(
        "written late",
        "a note that was written is written again, over what came since",
        _TURN,
        "        if store.get(key) is not None:\n            return\n",
        "",
        f"{_TURNS}test_a_chain_that_a_person_has_edited_counts",
    ),
    Guard(
        "written late",
        "the chains of other tasks are written again",
        _TURN,
        ' if value["note"] == note.number}\n',
        "}\n",
        f"{_TURNS}test_a_chain_that_a_person_has_edited_is_not_written_for_another_task",
    ),
)
