"""The forms of the example DAGs: what a form accepts its task accepts, and both refuse what has not the right shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from itertools import count
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError
from demo.airflow_runs import example
from hypothesis import given
from hypothesis import strategies as st
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.window.bounds import Side
from airflow_provider_kafka_odps.core.window.goal import parse_goal
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound, parse_partitions, parse_start
from airflow_provider_kafka_odps.exceptions import InvalidInput

NONE = Interval(None, None)
BACKFILL, RANGES, WAITING = (f"{name}_kafka_to_maxcompute" for name in ("backfill", "ranges", "waiting"))


def split(**params: Any) -> Any:
    """Return the loads into which the example splits ranges."""
    task: Any = example(RANGES).get_task("split")
    return task.python_callable({"ranges": {"0": [0, 5]}, "piece": 3} | params)


# What becomes of each field: the DAG, the task and its parameter, and how that is read.
READ: dict[str, tuple[str, str, Callable[[Any], object]]] = {
    "topic": (BACKFILL, "load", str),
    "table": (BACKFILL, "load", TableName.parse),
    "start": (BACKFILL, "load", lambda asked: parse_start(asked, NONE)),
    "end": (BACKFILL, "load", lambda asked: parse_bound(asked, Side.END, NONE)),
    "partitions": (BACKFILL, "load", parse_partitions),
    "new_offsets": (WAITING, "wait", lambda asked: parse_goal(new_offsets=asked)),
    "ranges": (RANGES, "", lambda asked: split(ranges=asked)),
    "piece": (RANGES, "", lambda asked: split(piece=asked)),
}
BOUNDS = [
    *("latest", " latest ", "0", "120", '{"0": 120, "12":98}', '{ "0" :120 }'),
    *("2026-11-29T10:00Z", "2026-11-29 10:00:00+08:00", "2026-11-29T10:00:00.123456+0800", "2026-11-29 10:00-03"),
    "2026-11-29T10:00[Asia/Shanghai]",
]
NO_BOUNDS = [
    *("", " ", "soon", "Latest", "earliest latest", "-1", "1.5", "1 000", "1_000", "1e3", "0x10", "٣", "9" * 20),
    *("2026-11-29 10:00", "2026-11-29", "2026-11-29T10:00", "2026-11-29T10:00:00.5", "2026-11-29Z", "10:00Z", "2026-"),
    *("2026-11-29T10:00z", "2026-11-29  10:00Z", "2026-11-29T10:00+8", "2026-1-29T10:00Z", "2026-11-29T10:00[]"),
    *("{}", "{0: 120}", "{'0': 120}", '{"0": -1}', '{"0": 1.5}', '{"zero": 1}', '{"0": 120,}', '{"0": 120', "[120]"),
    *(None, True, [120]),
]
BOTH: dict[str, list[Any]] = {
    "topic": ["testkafka", "a.b-c_D", "2024", "1.10", "1_0", "None"],
    "table": ["t", "testkafka_backfill", "project.t", "project.schema.t", "_t", "a" * 128],
    "start": ["earliest", *BOUNDS],
    "end": BOUNDS,
    "partitions": [None, "", "0", "0,2-4", "0, 2 - 4", " 7 ", "0,0"],
    "new_offsets": [1, 1000, 1000.0, 10**12],
    "ranges": [{}, {"0": [0, 0]}, {"0": [0, 5], "12": [7, 7]}, {"3": [5.0, 7.0]}],
    "piece": [1, 10, 3.0],
}
"""What a form and its task accept."""
NEITHER: dict[str, list[Any]] = {
    "table": ["", "1t", "t-1", "a..b", "a.b.c.d", "t t", "`t`", "täble", "a" * 129],
    "start": ["end", *NO_BOUNDS],
    "end": ["earliest", "start", *NO_BOUNDS],
    "partitions": [" ", "all", "0,", ",0", "0;2", "0 2", "-1", "2-", "0-2-4", "1.5", "٣", "1234567"],
    "new_offsets": [0, -1, "many", None],
}
"""What a form and its task refuse, for its shape."""
FORM_ALONE: dict[str, list[Any]] = {
    "topic": ["", "a b", "a/b", "ä", "a" * 250],
    "new_offsets": [1.5],
    "ranges": [None, [0, 5], {"0": 5}, {"0": [5]}, {"0": [0, 1.5]}, {"0": [-1, 5]}, {"00": [0, 5]}, {"zero": [0, 5]}],
    "piece": [0, -1, 1.5, None],
}
"""What a form refuses where there is nobody behind it, or the broker alone, to say so."""
TASK_ALONE: dict[str, list[Any]] = {
    "start": ["2026-13-01T00:00Z", "2026-02-30T00:00Z", "1969-12-31T23:00Z", "2026-11-29T10:00[Asia/Nowhere]"],
    "end": ["2026-11-29T10:00+24:00", '{"0": 1, "00": 2}', '{"0": 1, "0": 2}'],
    "partitions": ["4-2"],
    "ranges": [{"0": [5, 4]}],
}
"""What only the task can refuse, in a message of its own: a value, not a shape."""
MORE: dict[str, list[Any]] = {
    "start": [120, "20261129T100000Z", "2026-11-29T10Z", "20261129100000[Asia/Shanghai]", "2026-W48-7T10:00Z"],
    "end": [120, '{"0": "120"}', "9" * 19],
    "partitions": [[0, 2], 3, "[0, 2]"],
    "new_offsets": ["1000"],
}
"""What a task accepts, too, and a form does not: what is no text, and rare ways to write it."""


def form_accepts(field: str, value: object) -> bool:
    """Return what Airflow says, before there is a run."""
    try:
        copy(example(READ[field][0]).params.get_param(field)).resolve(value)
    except ParamValidationError:
        return False
    return True


def task_accepts(field: str, value: object) -> bool:
    """Return what the task says once its template is rendered; another error than its own is one of the example."""
    dag_id, task_id, read = READ[field]
    dag = example(dag_id)
    sent = {name: dag.params.get_param(name).value for name in dag.params} | {field: value}
    try:
        if task_id:
            task = dag.get_task(task_id)
            value = task.render_template(getattr(task, field), {"params": sent})
        read(value)
    except (InvalidInput, AirflowFailException):
        return False
    return True


def each(table: dict[str, list[Any]]) -> pytest.MarkDecorator:
    """Give a test field and value of each entry."""
    rows = [pytest.param(field, value, id=f"{field}-{value!r:.40}") for field in table for value in table[field]]
    return pytest.mark.parametrize(("field", "value"), rows)


@each(BOTH)
def test_both_accept(field: str, value: object) -> None:
    """What is right can be sent, and is loaded."""
    assert (form_accepts(field, value), task_accepts(field, value)) == (True, True)


@each(NEITHER)
def test_both_refuse(field: str, value: object) -> None:
    """A typing error is found before there is a run; whoever copies the task alone hears of it all the same."""
    assert (form_accepts(field, value), task_accepts(field, value)) == (False, False)


@each(FORM_ALONE)
def test_the_form_refuses(field: str, value: object) -> None:
    """What would be a traceback, or a question to the broker, ends before there is a run."""
    assert not form_accepts(field, value)


@each(TASK_ALONE)
def test_the_task_refuses(field: str, value: object) -> None:
    """No pattern knows which days a month has, or what is behind what: the task says so."""
    assert (form_accepts(field, value), task_accepts(field, value)) == (True, False)


@each(MORE)
def test_the_task_knows_more(field: str, value: object) -> None:
    """The form has the ways that its hints name, and the operator's other ways stay open to code."""
    assert (form_accepts(field, value), task_accepts(field, value)) == (False, True)


@given(st.data())
def test_no_shape_is_the_forms_alone(data: st.DataObject) -> None:
    """Whatever text fits a pattern, the task takes it, once its numbers are such as clocks and calendars have."""
    field = data.draw(st.sampled_from(["table", "start", "end", "partitions"]))
    pattern = example(BACKFILL).params.get_param(field).schema["pattern"]
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    # Times of the clock, each as long as it was; a list of partitions that does not go backwards, and none twice.
    numbers = "[0-9]+" if field == "partitions" else "[0-9]"
    harmless = re.sub(numbers, "1", re.sub(r"\[.+\]", "[UTC]", text)).replace("1111-", "2111-")
    names = count()
    harmless = re.sub('"1+"', lambda _: f'"{next(names)}"', harmless)
    assert form_accepts(field, text)
    assert form_accepts(field, harmless)
    assert task_accepts(field, harmless)


def test_every_field_is_tried() -> None:
    """A parameter of an example that nobody tries here would rot."""
    dags = [example(path.stem) for path in (ROOT / "example_dags").glob("*.py")]
    assert {(dag.dag_id, field) for dag in dags for field in dag.params} == {
        (dag_id, field) for field, (dag_id, *_) in READ.items()
    }
    assert BOTH.keys() == READ.keys()


def test_every_form_can_be_sent_as_it_opens() -> None:
    """What a form shows when it opens is what its task accepts, and only what may be missing is empty.

    Airflow's form cannot be sent while a field is empty, unless "null" is among the types of its parameter.
    """
    for field, (dag_id, *_) in READ.items():
        param = example(dag_id).params.get_param(field)
        assert form_accepts(field, param.value)
        assert task_accepts(field, param.value)
        assert (param.value in (None, "")) == ("null" in param.schema["type"])


def test_what_to_fill_in_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Ranges as the form opens load nothing, and a range that ends before it starts is no range; one line says so."""
    assert split(ranges={"0": [0, 0]}) == []
    assert caplog.messages == [
        'nothing is loaded: ranges names no offset; {"0": [0, 1000]} are the first 1000 of partition 0'
    ]
    with pytest.raises(AirflowFailException, match=r"^ranges: partition 2 starts at 5, behind its end 4$"):
        split(ranges={"0": [0, 9], "2": [5, 4]})


def test_the_pieces_of_ranges() -> None:
    """Each piece has its partition and at most so many offsets; together they are the ranges."""
    assert split(ranges={"0": [0, 5], "2": [7, 7], "3": [8.0, 9.0]}, piece=3) == [
        {"partitions": [0], "start": 0, "end": 3},
        {"partitions": [0], "start": 3, "end": 5},
        {"partitions": [3], "start": 8, "end": 9},
    ]
