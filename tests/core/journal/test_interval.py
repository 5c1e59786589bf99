"""The journal of an interval that several runs share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kit.task_run import MemoryStore

from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, IntervalKeys, interval_keys
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Latest, SurveyBound
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import IntervalTaken, InvalidInput

TEN, ELEVEN = (At(int(datetime(2026, 11, 22, hour, tzinfo=UTC).timestamp()) * 1000) for hour in (10, 11))
KEY = "journal:orders"
KEYS = IntervalKeys(KEY, ("journal:before",), "p.orders")


class OwnJournal:
    """The journal of one run."""

    def __init__(self) -> None:
        self.entry: dict[str, Any] | None = None

    def load(self) -> dict[str, Any] | None:
        """Return what was saved last."""
        return self.entry

    def begin(self) -> None:
        """Let the attempt plan."""

    def save(self, entry: Any) -> None:
        """Replace it."""
        self.entry = dict(entry)


class Runs:
    """Runs for the same interval: what each has saved, what all share, and who is active."""

    def __init__(self) -> None:
        self.own = {run_id: OwnJournal() for run_id in "ab"}
        self.store = MemoryStore()
        self.active: set[str] = set()

    def attempt(self, run_id: str, clear_number: int = 0, try_number: int = 2) -> IntervalJournal:
        """Return the journal of another attempt of a run."""
        store: Any = self.store

        def active(run_id: str, _: int | None) -> bool:
            return run_id in self.active

        return IntervalJournal(self.own[run_id], store, KEYS, run_id, clear_number, try_number, active)


@pytest.fixture
def runs() -> Runs:
    """Return two runs that have not begun."""
    return Runs()


def entry(phase: str) -> dict[str, Any]:
    """Return what matters here of a journal."""
    return {"phase": phase, "clear_number": 0}


def test_a_run_goes_on_from_its_own_journal(runs: Runs) -> None:
    """What the run itself has saved counts, and a forgotten journal is forgotten."""
    journal = runs.attempt("a")
    assert journal.load() is None
    journal.save(entry("planned"))
    assert runs.attempt("a").load() == entry("planned")
    runs.own["a"].entry = None
    assert runs.attempt("a", clear_number=1).load() is None


@pytest.mark.parametrize("phase", ["planned", "uploading", "committing", "committed"])
def test_another_run_goes_on_from_what_the_first_has_left(runs: Runs, phase: str) -> None:
    """It finds the first one's journal as if its user had cleared it, and the first one finds what it has done."""
    first, second = runs.attempt("a"), runs.attempt("b")
    first.load()
    first.save(entry(phase))
    assert second.load() == {"phase": phase, "clear_number": -1}
    second.save(entry("uploading"))
    assert runs.attempt("b").load() == entry("uploading")
    assert runs.attempt("a").load() == {"phase": "uploading", "clear_number": -1}


@pytest.mark.parametrize("loaded_by", [0, 2])
def test_a_deleted_run_that_is_created_again_is_another_run(runs: Runs, loaded_by: int) -> None:
    """Its id is the same and its journal is gone, but the rows are not; whichever of its attempts looks first."""
    first = runs.attempt("a", loaded_by)
    first.load()
    first.save(entry("committed"))
    runs.own["a"].entry = None
    assert runs.attempt("a").load() == {"phase": "committed", "clear_number": -1}


def test_rejects_of_another_run_are_not_published(runs: Runs) -> None:
    """Their place is that run's own, and its rows were not asked for: the window is loaded afresh."""
    first = runs.attempt("a")
    first.load()
    first.save(entry("publishing"))
    assert runs.attempt("b").load() == {"phase": "uploading", "clear_number": -1}
    # Who has it by now may have done anything.
    assert runs.attempt("a").load() == {"phase": "uploading", "clear_number": -1}


def test_a_run_that_was_created_again_and_is_cleared_then(runs: Runs) -> None:
    """Its rows are there, also for whoever clears it after it has found them: that is no journal to be forgotten."""
    first = runs.attempt("a")
    first.load()
    first.save(entry("committed"))
    runs.own["a"].entry = None
    runs.attempt("a").load()
    assert runs.attempt("a", clear_number=1).load() == {"phase": "committed", "clear_number": -1}


def test_two_runs_at_once(runs: Runs) -> None:
    """The second one waits for the first; if it was taken for dead, it cannot pass the fence."""
    first, second = runs.attempt("a"), runs.attempt("b")
    first.load()
    first.save(entry("uploading"))
    runs.active.add("a")
    with pytest.raises(IntervalTaken, match="run a is for the same interval as this one, and has not ended yet"):
        second.load()
    runs.active.clear()
    second.load()
    second.save(entry("uploading"))
    with pytest.raises(IntervalTaken, match=r"run b is .* has taken the interval over"):
        first.save(entry("committing"))
    assert runs.own["a"].entry == entry("uploading")
    second.save(entry("committing"))


def test_a_zombie_that_commits_while_it_is_taken_over(runs: Runs) -> None:
    """Taking over is the first thing that is written: what the first run wanted to do is refused from then on."""
    first, zombie, second = (runs.attempt(run_id) for run_id in "aab")
    first.load()
    first.save(entry("uploading"))
    zombie.load()
    second.load()
    with pytest.raises(IntervalTaken, match="run b"):
        zombie.save(entry("committing"))
    second.save(entry("uploading"))


@pytest.mark.parametrize("shared", ["uploading", None])
def test_what_a_dead_attempt_has_not_shared_is_shared_by_the_next(runs: Runs, shared: str | None) -> None:
    """It died between its two writes: others would take a commit that is under way for a load that may begin again."""
    first = runs.attempt("a")
    first.load()
    if shared:
        first.save(entry(shared))
    runs.own["a"].entry = entry("committing")
    assert runs.attempt("a").load() == entry("committing")
    assert runs.attempt("b").load() == {"phase": "committing", "clear_number": -1}


def test_who_is_taken_over_while_it_catches_up_shares_nothing(runs: Runs) -> None:
    """What others have done since it looked counts: it looks again right before it writes."""
    first, get = runs.attempt("a"), runs.store.get
    first.load()
    first.save(entry("uploading"))
    runs.own["a"].entry = entry("committing")
    taken_over = {"version": 1, "run_id": "b", "clear_number": 0, "journal": entry("uploading")}

    def look_and_be_taken_over(key: str) -> Any:
        found = get(key)
        if key == KEY:
            runs.store.set(KEY, taken_over)
        return found

    runs.store.get = look_and_be_taken_over  # type: ignore[assignment, method-assign]
    with pytest.raises(IntervalTaken, match="run b"):
        runs.attempt("a").load()
    assert get(KEY) == taken_over


def test_a_run_that_went_on_meanwhile_is_not_covered(runs: Runs) -> None:
    """What was seen is compared whole: the same run may have written more since."""
    first, second = runs.attempt("a"), runs.attempt("b")
    first.load()
    first.save(entry("uploading"))
    taken_over = second.own.save

    def stall(entry_: Any) -> None:
        taken_over(entry_)
        first.save(entry("committing"))
        first.save(entry("committed"))

    second.own.save = stall  # type: ignore[assignment, method-assign]
    with pytest.raises(IntervalTaken, match="run a"):
        second.load()
    written = runs.store.get(KEY)
    assert written is not None
    assert written["journal"] == entry("committed")


def test_two_runs_that_start_with_nothing(runs: Runs) -> None:
    """Who was quicker is seen right before the interval's journal is written."""
    first, second = runs.attempt("a"), runs.attempt("b")
    first.load()
    second.load()
    save = first.own.save

    def stall(planned: Any) -> None:
        save(planned)
        second.save(entry("planned"))

    first.own.save = stall  # type: ignore[assignment, method-assign]
    with pytest.raises(IntervalTaken, match="run b"):
        first.save(entry("planned"))


def test_another_task_of_a_run_that_was_created_again_is_cleared(runs: Runs) -> None:
    """Airflow counts clears per run: in its first try, nobody can have wanted this task's journal to be forgotten."""
    first = runs.attempt("a")
    first.load()
    first.save(entry("committed"))
    runs.own["a"].entry = None
    assert runs.attempt("a", clear_number=1, try_number=1).load() == {"phase": "committed", "clear_number": -1}


@pytest.mark.parametrize(("table", "found"), [("p.orders", True), ("p.others", False)])
def test_an_entry_of_the_release_before_is_honoured(runs: Runs, table: str, found: bool) -> None:
    """It stands under a key without the table; that of another table of the same task is none of ours."""
    journal = {**entry("committed"), "table": table}
    runs.store.set(KEYS.before[0], {"version": 1, "run_id": "a", "clear_number": 0, "journal": journal})
    assert runs.attempt("b").load() == ({**journal, "clear_number": -1} if found else None)


def test_a_takeover_in_the_moment_of_the_fence(runs: Runs) -> None:
    """Who is taken over between looking and writing looks once more, before it commits."""
    first = runs.attempt("a")
    first.load()
    first.save(entry("uploading"))
    taken = runs.store.set

    def set_and_be_taken_over(key: str, value: Any) -> None:
        taken(key, value)
        taken(key, {**value, "run_id": "b"})

    runs.store.set = set_and_be_taken_over  # type: ignore[assignment, method-assign]
    with pytest.raises(IntervalTaken, match="run b"):
        first.save(entry("committing"))


@pytest.mark.parametrize(
    "written", [{"version": 2}, {"version": 1}, [], {"version": 1, "run_id": "a", "clear_number": 0, "journal": 7}]
)
def test_what_cannot_be_read_is_refused(runs: Runs, written: object) -> None:
    """Somebody has edited the entry: nothing is loaded before it is fixed."""
    runs.store.set(KEY, written)
    with pytest.raises(InvalidInput, match=r"'journal:orders' .* cannot be read .*: fix it or delete it there"):
        runs.attempt("a").load()


@pytest.mark.parametrize(
    ("start", "end", "mode", "partitions", "key"),
    [
        (
            TEN,
            ELEVEN,
            Mode.APPEND,
            None,
            "journal:orders:p.orders:hourly.load:2026-11-22T10:00:00Z/2026-11-22T11:00:00Z:h=10:",
        ),
        (
            TEN,
            ELEVEN,
            Mode.APPEND,
            frozenset({2, 0}),
            "journal:orders:p.orders:hourly.load:2026-11-22T10:00:00Z/2026-11-22T11:00:00Z:h=10:0,2",
        ),
        (TEN, ELEVEN, Mode.OVERWRITE, None, None),
        (TEN, Latest(), Mode.APPEND, None, None),
    ],
)
def test_which_runs_share_a_journal(
    start: AskedBound, end: SurveyBound, mode: Mode, partitions: frozenset[int] | None, key: str | None
) -> None:
    """Those that append the records between the same two instants to the same place."""
    request = WindowRequest("orders", start, end, partitions)
    target = Target("orders", "p.orders", "h=10", mode)
    keys = interval_keys(request, target, Author("hourly.load", "run"))
    assert (keys and keys.key) == key
    assert (keys and keys.before) == (key and (key.replace(":p.orders", ""),))
