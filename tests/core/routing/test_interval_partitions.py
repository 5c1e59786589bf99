"""Partitions that belong to one interval: proved before anything is read, or refused with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.routing.interval_partitions import IntervalPartitions, interval_partitions
from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Earliest, Latest, Previous
from airflow_provider_kafka_odps.exceptions import InvalidInput

HOURLY = {
    "ds": "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')",
    "hh": "t | epoch_ms | format('HH', 'Asia/Shanghai')",
}


def at(text: str) -> At:
    """Return a bound."""
    return At(int(datetime.fromisoformat(text).timestamp() * 1000))


def own(
    by: Mapping[str, str],
    start: str = "2026-11-22T10:00Z",
    end: str = "2026-11-22T12:00Z",
    *,
    given: str = "",
    types: Mapping[str, str] | None = None,
    most: int = 64,
    bounds: tuple[AskedBound, AskedBound] | None = None,
    timezone: str | None = None,
) -> IntervalPartitions:
    """Return what is known of the partitions of an interval."""
    spec = PartitionSpec.parse(given) if given else None
    names = [name for name, _ in spec.levels] if spec else []
    levels = columns_of({**dict.fromkeys([*names, *by], "string"), **(types or {})})
    schema = TableSchema(columns_of({"v": "string"}), levels)
    json = RecordFormat(value=Format.JSON, timezone=timezone)
    return interval_partitions(Routes(spec, by), schema, bounds or (at(start), at(end)), json, most)


def test_all_partitions_of_an_interval_are_known() -> None:
    """In the order of time, with the levels that are given; records of other times are kept out of each level."""
    found = own(HOURLY, given="region=cn")
    assert [str(place) for place in found.places] == ["region=cn,ds=20261122,hh=18", "region=cn,ds=20261122,hh=19"]
    assert found.routes.by == {
        "ds": "t | epoch_ms | within('2026-11-22T10:00:00Z', '2026-11-22T12:00:00Z') "
        "| format('yyyyMMdd', 'Asia/Shanghai')",
        "hh": "t | epoch_ms | within('2026-11-22T10:00:00Z', '2026-11-22T12:00:00Z') | format('HH', 'Asia/Shanghai')",
    }


@pytest.mark.parametrize(
    ("by", "start", "end", "first", "last", "number"),
    [
        (
            {"ds": "__timestamp__ | date('UTC')"},
            "2026-02-27T00:00Z",
            "2026-03-02T00:00Z",
            "2026-02-27",
            "2026-03-01",
            3,
        ),
        (
            {"m": "__timestamp__ | format('yyyy-MM', 'UTC')"},
            "2026-01-01T00:00Z",
            "2027-01-01T00:00Z",
            "2026-01",
            "2026-12",
            12,
        ),
        ({"y": "__timestamp__ | format('yyyy', 'UTC')"}, "2020-01-01T00:00Z", "2022-01-01T00:00Z", "2020", "2021", 2),
        (
            {"n": "t | epoch_us | format('yyyyMMddHHmm', 'UTC')"},
            "2026-11-22T10:00Z",
            "2026-11-22T10:30Z",
            "202611221000",
            "202611221029",
            30,
        ),
        (
            {"s": "t | epoch_s | format('yyyyMMddHHmmss', 'UTC')"},
            "2026-11-22T10:00Z",
            "2026-11-22T10:00:09Z",
            "20261122100000",
            "20261122100008",
            9,
        ),
        # Summer time ends and begins: the day has 25 hours, of which two have one name, and 23.
        (
            {"h": "__timestamp__ | format('yyyyMMddHH', 'Europe/Berlin')"},
            "2026-10-24T22:00Z",
            "2026-10-25T23:00Z",
            "2026102500",
            "2026102523",
            24,
        ),
        (
            {"h": "__timestamp__ | format('yyyyMMddHH', 'Europe/Berlin')"},
            "2026-03-28T23:00Z",
            "2026-03-29T22:00Z",
            "2026032900",
            "2026032923",
            23,
        ),
        (
            {"h": "__timestamp__ | format('yyyyMMddHH', 'Australia/Lord_Howe')"},
            "2026-04-04T13:00Z",
            "2026-04-05T13:30Z",
            "2026040500",
            "2026040523",
            24,
        ),
    ],
)
def test_each_unit_of_time(by: Mapping[str, str], start: str, end: str, first: str, last: str, number: int) -> None:
    """From years to seconds, over days that are not as long as others."""
    places = own(by, start, end).places
    (name,) = by
    assert (str(places[0]), str(places[-1]), len(places)) == (f"{name}={first}", f"{name}={last}", number)


def test_a_level_that_is_a_number_is_named_as_one() -> None:
    """As rows name it."""
    found = own(HOURLY, "2026-11-21T17:00Z", "2026-11-21T18:00Z", types={"hh": "int"})
    assert [str(place) for place in found.places] == ["ds=20261122,hh=1"]


@pytest.mark.parametrize(
    ("by", "start", "end", "number"),
    [
        # The two hours that come twice are both of the interval.
        ({"h": "t | epoch_ms | format('yyyyMMddHH', 'Antarctica/Troll')"}, "2026-10-24T23:00Z", "2026-10-25T03:00Z", 2),
        ({"d": "t | epoch_ms | date('Antarctica/Troll')"}, "2026-10-24T22:00Z", "2026-10-26T00:00Z", 1),
        # The whole of both days; and a day that there never was.
        ({"d": "t | epoch_ms | date('America/St_Johns')"}, "2010-11-06T02:30Z", "2010-11-08T03:30Z", 2),
        ({"d": "t | epoch_ms | date('Pacific/Apia')"}, "2011-12-29T10:00Z", "2011-12-31T10:00Z", 2),
        ({"h": "t | epoch_ms | format('yyyyMMddHH', 'Asia/Kathmandu')"}, "2026-10-24T18:15Z", "2026-10-24T20:15Z", 2),
    ],
)
def test_a_clock_may_go_back_inside_of_the_interval(by: Mapping[str, str], start: str, end: str, number: int) -> None:
    """What it shows twice is of this interval both times."""
    assert len(own(by, start, end).places) == number


def test_an_empty_interval_has_none() -> None:
    """A run that was triggered by hand has one; no range is without an instant, so its records are not compared."""
    assert own(HOURLY, end="2026-11-22T10:00Z") == IntervalPartitions(Routes(None, HOURLY), ())


def test_the_operator_s_zone_is_meant_where_there_is_none() -> None:
    """As in columns."""
    assert [
        str(place) for place in own({"h": "t | epoch_ms | format('yyyyMMddHH')"}, timezone="Asia/Shanghai").places
    ] == [
        "h=2026112218",
        "h=2026112219",
    ]


@given(st.integers(0, 4_000_000_000), st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Havana", "UTC"]))
def test_no_moment_outside_has_a_partition_of_the_interval(seconds: int, zone: str) -> None:
    """Where an interval is taken, its partitions are of no moment before or behind it."""
    quarter = seconds // 900 * 900_000
    by = {"h": f"__timestamp__ | format('yyyyMMddHH', '{zone}')"}

    def named(start: int, hours: int) -> set[str] | None:
        try:
            return {str(each) for each in own(by, bounds=(At(start), At(start + hours * 3_600_000)), most=200).places}
        except InvalidInput:
            return None

    inside, before, behind = named(quarter, 3), named(quarter - 86_400_000, 24), named(quarter + 3 * 3_600_000, 24)
    if inside is not None and before is not None and behind is not None:
        assert not inside & (before | behind)
        assert 2 <= len(inside) <= 4


REFUSED = [
    (HOURLY, {"bounds": (Earliest(), Latest())}, r"window is from earliest to latest, and only one between two times"),
    (HOURLY, {"bounds": (Previous(), at("2026-11-22T12:00Z"))}, r"only one between two times"),
    ({**HOURLY, "c": "country"}, {}, r"level c is 'country', and only what ends with \| format"),
    ({"ds": "t | epoch_ms | format('yyyyMMddHH', 'UTC') | default('none')"}, {}, r"only what ends with"),
    ({"ds": "t | local_time('yyyyMMdd') | format('yyyyMMdd')"}, {}, r"level ds is made of local time"),
    ({**HOURLY, "hh": "t | epoch_s | format('HH', 'Asia/Shanghai')"}, {}, r"levels ds and hh are made of different"),
    ({**HOURLY, "hh": "u | epoch_ms | format('HH', 'Asia/Shanghai')"}, {}, r"are made of different times"),
    ({**HOURLY, "hh": "t | epoch_ms | format('HH', 'UTC')"}, {}, r"are made of different times"),
    ({"hh": "t | epoch_ms | format('HH', 'UTC')"}, {}, r"the levels name HH of a time, .* without gaps"),
    ({"ds": "t | epoch_ms | format('yyyyHH', 'UTC')"}, {}, r"the levels name HH, yyyy of a time"),
    ({"ds": "t | epoch_ms | format('yyyyMMddXXX', 'UTC')"}, {}, r"without gaps"),
    ({"ds": "t | epoch_ms | format('yyyyMMddHHmmssSSS', 'UTC')"}, {}, r"without gaps"),
    (HOURLY, {"start": "2026-11-22T10:30Z"}, r"begins at 2026-11-22T10:30:00Z, inside of partition ds=20261122,hh=18:"),
    (HOURLY, {"end": "2026-11-22T12:00:00.001Z"}, r"ends at .*, inside of partition ds=20261122,hh=20"),
    (
        {"ds": "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')"},
        {"start": "2026-11-22T16:00Z", "end": "2026-11-22T17:00Z"},
        r"ends at 2026-11-22T17:00:00Z, inside of partition ds=20261123: the rows of its other part would be lost",
    ),
    (HOURLY, {"most": 1}, r"there are 2 partitions, and max_partitions=1 allows 1"),
    (HOURLY, {"end": "2036-11-22T12:00Z"}, r"there are more than 128 partitions"),
    (
        {"n": "t | epoch_ms | format('yyyyMMddHHmm', 'Europe/Berlin')"},
        {"start": "2026-10-25T00:30Z", "end": "2026-10-25T00:31Z"},
        r"the clock of Europe/Berlin shows 02:30 twice on 2026-10-25",
    ),
    (
        {"h": "t | epoch_ms | format('yyyyMMddHH', 'Europe/Berlin')"},
        {"start": "2026-10-25T00:00Z", "end": "2026-10-25T01:00Z"},
        r"ends at 2026-10-25T01:00:00Z, inside of partition h=2026102502",
    ),
    (
        HOURLY,
        {"given": "region=01", "types": {"region": "int"}},
        r"region=01 is given, and the service names a partition of int as a number: write region=1",
    ),
    (HOURLY, {"given": "region=cn", "types": {"region": "int"}}, r"region=cn is given, and .* write a whole number"),
    # This clock goes back by two hours, so 01 is between 23:00Z and midnight, and again two hours later.
    *(
        (
            {"h": "t | epoch_ms | format('yyyyMMddHH', 'Antarctica/Troll')"},
            {"start": f"2026-10-{start}Z", "end": f"2026-10-{end}Z"},
            rf"from 2026-10-{start}:00Z to .* shows h=20261025{hour} .* outside of the interval, too",
        )
        for start, end, hour in (
            ("24T23:00", "25T00:00", "01"),
            ("25T00:00", "25T01:00", "02"),
            ("25T01:00", "25T02:00", "01"),
            ("24T22:00", "25T00:00", "01"),
            ("25T01:00", "25T06:00", "01"),
        )
    ),
    # This one went from a minute past midnight back into the day before.
    *(
        (
            {"d": "t | epoch_ms | date('America/St_Johns')"},
            {"start": start, "end": end},
            rf"shows d=2010-11-0{day} .* outside of the interval, too",
        )
        for start, end, day in (
            ("2010-11-06T02:30Z", "2010-11-07T02:30Z", "6"),
            ("2010-11-07T02:30Z", "2010-11-08T03:30Z", "6"),
            ("2010-11-06T02:30Z", "2010-11-07T03:30Z", "7"),
            ("2010-11-07T03:30Z", "2010-11-10T03:30Z", "7"),
        )
    ),
]


@pytest.mark.parametrize(("by", "more", "complaint"), REFUSED)
def test_what_may_have_rows_of_another_time_is_refused(
    by: Mapping[str, str], more: Mapping[str, object], complaint: str
) -> None:
    """With what was seen, and what would have to be otherwise."""
    with pytest.raises(InvalidInput, match=complaint):
        own(by, **more)  # type: ignore[arg-type]
