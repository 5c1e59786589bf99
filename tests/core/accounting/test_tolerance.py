"""How many rejects a load may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.tolerance import Rejections, Tolerance
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.exceptions import InvalidInput, RecordsRejected


def rejects(count: int) -> list[Reject]:
    """Return rejects at the offsets from 0."""
    return [Reject("orders", 1, offset, "amount", "no number: 'x'") for offset in range(count)]


@pytest.mark.parametrize(
    ("asked", "count", "records", "refused"),
    [
        (0, 0, 100, False),
        (0, 1, 100, True),
        (2, 2, 100, False),
        ("2", 3, 100, True),
        ("2%", 2, 100, False),
        ("2%", 3, 100, True),
        ("0.5 %", 1, 200, False),
        ("0.5%", 2, 200, True),
        ("0%", 1, 10**9, True),
        ("100%", 5, 5, False),
        ("3, 50%", 4, 100, True),
        ("30,50%", 6, 10, True),
        ("unlimited", 10**6, 10**6, False),
        ("1%", 0, 0, False),
    ],
)
def test_the_limit_is_kept(asked: int | str, count: int, records: int, refused: bool) -> None:
    """A load has as many rejects as are tolerated, and not one more."""
    kept = Rejections(Tolerance.parse(asked))

    def load() -> None:
        for _ in range(count // 1000 + 1):
            kept.add(rejects(min(1000, count - kept.count)), records)
        kept.prove(records)

    if refused:
        with pytest.raises(RecordsRejected, match="nothing was committed"):
            load()
    else:
        load()
        assert kept.count == count


def test_a_count_stops_the_load_at_once() -> None:
    """What cannot become good any more is not read to its end, and what was counted does not pass for all of it."""
    kept = Rejections(Tolerance.parse(1))
    kept.add(rejects(1), 500)
    with pytest.raises(
        RecordsRejected, match=r"^3 of the first 1000 records .*do not fit the table, more than max_rejects=1"
    ):
        kept.add(rejects(2), 500)


@pytest.mark.parametrize("limit", [0, "0%"])
def test_what_to_set_is_said(limit: int | str) -> None:
    """Who wants the others all the same reads how, behind the list."""
    kept = Rejections(Tolerance.parse(limit))
    with pytest.raises(RecordsRejected) as refused:  # noqa: PT012 - one of the two is refused
        kept.add(rejects(1), 2)
        kept.prove(2)
    last = str(refused.value).splitlines()[-1]
    assert [name for name in ("max_rejects=", "rejects_table=", "rejects_path=") if name not in last] == []


@given(order=st.permutations(range(7)), at_once=st.integers(1, 3))
def test_those_that_are_shown_do_not_depend_on_who_came_first(order: list[int], at_once: int) -> None:
    """Lanes bring what they find when they find it; the first by partition and offset are shown, of what was seen."""
    batches = [
        [Reject("orders", number // 4, 10 * number + at, "amount", "no") for at in range(at_once + number % 3)]
        for number in range(7)
    ]
    kept = Rejections(Tolerance.parse("unlimited"))
    for number in order:
        kept.add(batches[number], 20)
    whole = [each for batch in batches for each in batch]
    more = f"\n  … and {len(whole) - 10} more" if len(whole) > 10 else ""
    assert kept.shown == "".join(f"\n  {each}" for each in whole[:10]) + more


def test_the_first_ten_are_shown() -> None:
    """Coordinates, column and reason of ten, and how many there are beside."""
    kept = Rejections(Tolerance.parse("unlimited"))
    kept.add(rejects(8), 8)
    kept.add(rejects(7), 7)
    assert kept.shown.count("\n") == 11
    assert kept.shown.startswith("\n  orders[1] offset 0, column amount: no number: 'x'")
    assert kept.shown.endswith("… and 5 more")


@pytest.mark.parametrize("asked", [-1, True, None, 1.5, "", "many", "+1", "101%", "1%, 2", "1%%", "1,2", "nan%"])
def test_what_is_no_limit_is_refused(asked: object) -> None:
    """A typing error does not become a limit of its own kind."""
    with pytest.raises(InvalidInput, match="is no limit; write a number such as 10"):
        Tolerance.parse(asked)  # type: ignore[arg-type]
