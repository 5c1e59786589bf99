"""Faults on demand: each does what it says, to the request that was meant, and can be asked about afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.faults import FaultPlan, Rule, dump, load_rule
from airflow_provider_kafka_odps.local.testing import (
    Corrupt,
    Delay,
    Drop,
    EndpointControl,
    Expire,
    ForceStatus,
    Moment,
    Operation,
    Refuse,
    RunningEndpoint,
    Slow,
    Truncate,
)

MakeTable = Callable[..., Any]


@pytest.fixture
def control(endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
    """Return the endpoint's control, without faults before and after the test."""
    before = options.retry_times
    options.retry_times = 0
    yield endpoint.control
    options.retry_times = before
    endpoint.control.clear()


@pytest.fixture
def session(odps: ODPS, make_table: MakeTable, name: str) -> Any:
    """Return an upload session of a table with one column, with one block of one row."""
    make_table("k bigint")
    session = TableTunnel(odps).create_upload_session(name)
    write(session, 0, 1)
    return session


def write(session: Any, block_id: int, value: int) -> None:
    """Write a block of one row."""
    with session.open_record_writer(block_id) as writer:
        writer.write(session.new_record([value]))


def rows(odps: ODPS, name: str) -> list[int]:
    """Return the values of a table's only column."""
    with odps.get_table(name).open_reader(reopen=True) as reader:
        return [record[0] for record in reader]


def test_a_refusal_is_answered_and_nothing_applied(
    control: EndpointControl, session: Any, odps: ODPS, name: str
) -> None:
    """The commit that was meant gets the status and code that were asked for; the next one works."""
    control.inject(Operation.COMMIT_UPLOAD, Refuse(403, "NoPermission", "not today"), table=name)
    with pytest.raises(errors.NoPermission, match="not today"):
        session.commit([0])
    assert rows(odps, name) == []
    session.commit([0])
    assert rows(odps, name) == [1]


@pytest.mark.parametrize(("moment", "status"), [(Moment.BEFORE, "Normal"), (Moment.AFTER, "Closed")])
def test_a_lost_answer_leaves_the_truth_in_the_session(
    control: EndpointControl, session: Any, name: str, moment: Moment, status: str
) -> None:
    """A commit whose connection breaks has happened, or not, and the session's status says which."""
    control.inject(Operation.COMMIT_UPLOAD, Drop(moment), table=name)
    with pytest.raises((requests.ConnectionError, errors.ODPSError)):
        session.commit([0])
    session.reload()
    assert session.status.name == status


def test_the_kth_request_is_meant_and_the_log_tells(control: EndpointControl, session: Any, name: str) -> None:
    """A rule counts the requests that match it, fires at those it names, and both it and the log tell."""
    rule = control.inject(Operation.WRITE_BLOCK, Refuse(400, "NoSuchVolume"), nth=2, table=name)
    write(session, 1, 1)
    with pytest.raises(errors.ODPSError, match="NoSuchVolume"):
        write(session, 2, 2)
    write(session, 2, 2)
    (state,) = [state for state in control.faults() if state.rule == rule]
    assert (state.seen, len(state.fired)) == (3, 1)
    seen = [r for r in control.requests(Operation.WRITE_BLOCK) if r.path.endswith(name)]
    assert [(r.status, r.faults) for r in seen[-3:]] == [(200, ()), (400, (rule.number,)), (200, ())]
    assert seen[-2].number == state.fired[0]


def test_a_block_is_meant_by_its_number(control: EndpointControl, session: Any, name: str) -> None:
    """A rule for one block leaves the others alone."""
    control.inject(Operation.WRITE_BLOCK, Refuse(400, "Meant"), table=name, block_id=7)
    write(session, 6, 1)
    with pytest.raises(errors.ODPSError, match="Meant"):
        write(session, 7, 1)


def test_a_changed_byte_is_found_by_the_checksums(
    control: EndpointControl, session: Any, odps: ODPS, name: str
) -> None:
    """A corrupted block is refused and not kept; corrupted rows are refused by the client."""
    control.inject(Operation.WRITE_BLOCK, Corrupt(1), table=name)
    with pytest.raises(errors.ODPSError) as caught:
        write(session, 1, 5)
    assert caught.value.code in ("CorruptedDataStream", "MalformedDataStream")
    session.commit([0])
    control.inject(Operation.READ_ROWS, Corrupt(1), table=name)
    with pytest.raises(Exception, match=r"(?i)checksum|crc|crushed"):
        rows(odps, name)


def test_a_session_expires_on_demand(control: EndpointControl, session: Any, odps: ODPS, name: str) -> None:
    """A session that expires before the commit refuses it, and says so when asked."""
    control.inject(Operation.COMMIT_UPLOAD, Expire(), table=name)
    with pytest.raises(errors.ODPSError) as caught:
        session.commit([0])
    assert caught.value.code == "StatusConflict"
    session.reload()
    assert session.status == session.Status.Expired
    assert rows(odps, name) == []


def test_a_status_is_forced_for_one_answer_or_until_changed(control: EndpointControl, session: Any, name: str) -> None:
    """A rule changes one answer only; the control call changes the session itself."""
    control.inject(Operation.RELOAD_UPLOAD, ForceStatus("closing"), table=name)
    session.reload()
    assert session.status == session.Status.Closing
    session.reload()
    assert session.status == session.Status.Normal
    control.force_status(session.id, "critical")
    session.reload()
    assert session.status == session.Status.Critical
    with pytest.raises(ValueError, match="not one of unknown, normal"):
        control.force_status(session.id, "sleepy")


def test_a_truncated_answer_is_noticed(control: EndpointControl, odps: ODPS, name: str, make_table: MakeTable) -> None:
    """An answer that breaks off is an error of the connection, not a shorter answer."""
    make_table("k bigint")
    control.inject(Operation.READ_TABLE, Truncate(20), table=name, times=20)
    with pytest.raises((requests.RequestException, errors.ODPSError)):
        odps.get_table(name).reload()


def test_delays_and_slowness_lengthen_what_the_log_shows(
    control: EndpointControl, odps: ODPS, name: str, make_table: MakeTable
) -> None:
    """A delayed request takes at least as long as was asked for, and is answered as ever."""
    make_table("k bigint")
    control.inject(Operation.READ_TABLE, Delay(0.2), table=name)
    control.inject(Operation.READ_TABLE, Slow(2.0), table=name)
    odps.get_table(name).reload()
    (seen,) = [r for r in control.requests(Operation.READ_TABLE) if r.path.endswith(name) and len(r.faults) == 2]
    assert seen.seconds >= 0.4


def test_clearing_forgets_every_rule(control: EndpointControl, session: Any, odps: ODPS, name: str) -> None:
    """After clear nothing fires any more."""
    control.inject(Operation.ANY, Refuse(400), table=name, times=100)
    control.clear()
    assert control.faults() == []
    session.commit([0])
    assert rows(odps, name) == [1]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"operation": "commit_upload"}, "a rule has an 'operation' and a 'fault'"),
        ({"operation": "sing", "fault": {"kind": "expire"}}, "'sing'"),
        ({"operation": "any", "fault": {"kind": "burn"}}, "'burn' is not one of refuse, drop"),
        ({"operation": "any", "fault": {"kind": "refuse", "status": 200}}, "status 200 is not one of an error"),
        ({"operation": "any", "fault": {"kind": "drop", "moment": "soon"}}, "'soon'"),
        ({"operation": "any", "fault": {"kind": "expire"}, "nth": 0}, "count from 1"),
        ({"operation": "any", "fault": {"kind": "expire"}, "often": 1}, "wrong part"),
        ([], "a rule has"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_is_wrong(endpoint: RunningEndpoint, rule: Any, message: str) -> None:
    """The control route says which part of a rule it cannot read."""
    request = urllib.request.Request(f"{endpoint.endpoint}/_control/faults", json.dumps(rule).encode(), method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        assert answer.code == 400
        assert message in json.loads(answer.read())["Message"]


FAULTS = [
    Refuse(429, "FlowExceeded", "slow down", 3),
    Drop(Moment.AFTER),
    Truncate(5),
    Delay(1.5),
    Slow(3.0),
    Expire(),
    ForceStatus("closing"),
    Corrupt(9),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_rules_travel_as_json(fault: Any) -> None:
    """A rule is the same after it was written and read."""
    rule = Rule(Operation.WRITE_BLOCK, fault, nth=2, times=3, table="t", block_id=4, number=5)
    assert load_rule(json.loads(json.dumps(dump(rule)))) == rule


def test_a_plan_counts_only_what_matches() -> None:
    """Requests of other operations, tables and blocks don't count."""
    plan = FaultPlan()
    rule = plan.add(Rule(Operation.WRITE_BLOCK, Expire(), nth=2, table="t", block_id=1))
    assert plan.firing(Operation.COMMIT_UPLOAD, "t", 1, 1) == []
    assert plan.firing(Operation.WRITE_BLOCK, "u", 1, 2) == []
    assert plan.firing(Operation.WRITE_BLOCK, "t", 2, 3) == []
    assert plan.firing(Operation.WRITE_BLOCK, "t", 1, 4) == []
    assert plan.firing(Operation.WRITE_BLOCK, "t", 1, 5) == [rule]
    assert plan.firing(Operation.WRITE_BLOCK, "t", 1, 6) == []
    assert plan.states[0].fired == (5,)


def test_the_fixtures_come_from_testing(tmp_path: Any) -> None:
    """A test suite gets a running endpoint and its faults by importing two names into its conftest.py."""
    import subprocess
    import sys

    (tmp_path / "conftest.py").write_text(
        "from airflow_provider_kafka_odps.local.testing import maxcompute_endpoint, maxcompute_faults\n"
    )
    (tmp_path / "test_it.py").write_text(
        "def test_it(maxcompute_endpoint, maxcompute_faults):\n"
        "    assert maxcompute_endpoint.endpoint.startswith('http://127.0.0.1:')\n"
        "    assert maxcompute_faults.faults() == []\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_an_endpoint_needs_no_pytest() -> None:
    """A demo starts an endpoint where pytest is not installed: only the fixtures are missing there."""
    import subprocess
    import sys

    program = (
        "import sys\n"
        "sys.modules['pytest'] = None\n"
        "from airflow_provider_kafka_odps.local.testing import *\n"
        "with running_endpoint() as endpoint:\n"
        "    print(endpoint.control.faults(), 'maxcompute_endpoint' in globals())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "[] False\n", done.stderr
