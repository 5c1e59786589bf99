"""Instances as PyODPS asks about them: running, ended, stopped, their progress, summary and cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.conftest import connect
from odps import ODPS, errors, models

from airflow_provider_kafka_odps.local.testing import Operation, RunningEndpoint, running_endpoint


@pytest.fixture(scope="module")
def slow() -> Iterator[RunningEndpoint]:
    """Return an endpoint whose statements are shown as running to three questions."""
    with running_endpoint(arguments=("--running-polls", "3")) as endpoint:
        yield endpoint


@pytest.fixture
def client(slow: RunningEndpoint) -> ODPS:
    """Return a client of that endpoint."""
    slow.control.pace_statements(polls=3)
    return connect(slow)


def polls(endpoint: RunningEndpoint, instance: Any) -> int:
    """How often the status of an instance was asked."""
    asked = endpoint.control.requests(Operation.READ_INSTANCE)
    return sum(
        request.path.endswith(instance.id)
        and not request.query.keys() - {"instancestatus", "taskstatus", "curr_project"}
        for request in asked
    )


def test_a_statement_is_running_until_it_was_asked_often_enough(slow: RunningEndpoint, client: ODPS) -> None:
    """wait_for_success polls as long as the endpoint shows the statement as running, and then reads its rows."""
    instance = client.run_sql("SELECT 7 AS k")
    assert instance.status == instance.Status.RUNNING
    instance.wait_for_success(interval=0.01)
    assert polls(slow, instance) > 3
    with instance.open_reader() as reader:
        assert [record[0] for record in reader] == [7]


def test_tasks_run_as_long_as_their_instance(client: ODPS) -> None:
    """While the instance is running so is its task, without a result; a failure shows at the end only."""
    instance = client.run_sql("SELECT * FROM nowhere")
    (task,) = instance.get_task_statuses().values()
    assert task.status == task.TaskStatus.RUNNING
    assert instance.get_task_progress().stages[0].finished_percentage == 0
    assert instance.get_task_summary() is None
    with pytest.raises(errors.NoSuchTable):
        instance.wait_for_success(interval=0.01)
    (task,) = instance.get_task_statuses().values()
    assert task.status == task.TaskStatus.FAILED


def test_the_pace_is_changed_while_the_endpoint_runs(slow: RunningEndpoint, client: ODPS) -> None:
    """The control route gives new statements another pace, and refuses one that makes no sense."""
    slow.control.pace_statements()
    assert client.run_sql("SELECT 1").is_terminated()
    slow.control.pace_statements(seconds=3600)
    instance = client.run_sql("SELECT 1")
    assert not instance.is_terminated()
    with pytest.raises(ValueError, match="polls -1: a statement runs for 0 to"):
        slow.control.pace_statements(polls=-1)


def test_a_statement_that_is_shown_as_running_can_be_stopped(slow: RunningEndpoint, client: ODPS) -> None:
    """Stopping ends the waiting; stopping what has ended is refused."""
    slow.control.pace_statements(seconds=3600)
    instance = client.run_sql("SELECT 1")
    instance.stop()
    instance.wait_for_completion(interval=0.01)
    with pytest.raises(errors.ODPSError) as caught:
        instance.stop()
    assert caught.value.code == "InvalidStateSetting"


def test_everything_else_about_an_instance_can_be_asked(odps: ODPS) -> None:
    """Progress, summary, detail, cost, queueing and quota of a task are answered in the form that PyODPS reads."""
    instance = odps.execute_sql("SELECT 1 UNION ALL SELECT 2")
    (stage,) = instance.get_task_progress().stages
    assert (stage.finished_percentage, stage.output_records, stage.running_workers) == (100, 2, 0)
    assert "100%" in instance.get_task_progress().get_stage_progress_formatted_string()
    assert instance.get_task_summary().summary_text == "output records: 2"
    assert instance.get_task_summary(with_finalized=True).finalized is True
    assert instance.get_task_cost().input_size == 0
    assert instance.get_task_detail()["Instance"]["Id"] == instance.id
    assert instance.get_task_detail2()["Instance"]["Status"] == "Terminated"
    assert instance.get_queueing_info().instance_id == instance.id
    assert instance.get_task_quota("AnonymousSQLTask")["status"] == "Terminated"
    assert instance.get_task_info("AnonymousSQLTask", "key") == ""
    assert instance.id in [found.id for found in odps.list_instances(status=instance.Status.TERMINATED)]
    assert instance.id not in [found.id for found in odps.list_instances(status=instance.Status.RUNNING)]


def test_costs_are_estimated_without_running(odps: ODPS, name: str) -> None:
    """execute_sql_cost tells the bytes that a query would read, and fails as the query would."""
    odps.create_table(name, "k bigint")
    odps.write_table(name, [[1], [2]])
    table = odps.get_table(name)
    table.reload()
    cost = odps.execute_sql_cost(f"SELECT COUNT(*) FROM {name}")
    assert (cost.udf_num, cost.complexity, cost.input_size) == (0, 1.0, table.size)
    assert table.size > 0
    odps.execute_sql_cost(f"INSERT INTO {name} SELECT k FROM {name}")
    with odps.get_table(name).open_reader() as reader:
        assert reader.count == 2
    with pytest.raises(errors.NoSuchTable):
        odps.execute_sql_cost("SELECT * FROM nowhere")


def test_tasks_of_another_kind_are_refused(odps: ODPS) -> None:
    """A job that is not SQL is NotImplemented, at once."""
    task = models.MergeTask("merge", table="t")
    with pytest.raises(errors.ODPSError) as caught:
        odps.get_project().instances.create(task=task)
    assert caught.value.code == "NotImplemented"


def test_an_insert_that_is_cancelled_ends_as_cancelled(slow: RunningEndpoint, client: ODPS) -> None:
    """Its instance is Terminated, its task Cancelled, and its rows are not there."""
    client.execute_sql("CREATE TABLE doomed (a BIGINT)")
    slow.control.fail_insert("ODPS-0130252:Cancelled - by somebody else", cancelled=True)
    instance = client.run_sql("INSERT INTO doomed VALUES (1)")
    with pytest.raises(errors.ODPSError):
        instance.wait_for_success(interval=0.01)
    (task,) = instance.get_task_statuses().values()
    assert (instance.status, task.status) == (instance.Status.TERMINATED, task.TaskStatus.CANCELLED)
    client.execute_sql("INSERT INTO doomed VALUES (2)")
    with client.execute_sql("SELECT a FROM doomed").open_reader() as reader:
        assert [record[0] for record in reader] == [2]


def test_an_instance_is_forgotten_with_its_name(slow: RunningEndpoint, client: ODPS) -> None:
    """Nobody knows it any more, and another one may have the name."""
    first = client.run_sql("SELECT 1", unique_identifier_id="a name")
    first.wait_for_success(interval=0.01)
    slow.control.forget_instance(first.id)
    with pytest.raises(errors.NoSuchObject):
        client.get_instance(first.id).reload()
    assert client.run_sql("SELECT 1", unique_identifier_id="a name").id != first.id
    with pytest.raises(ValueError, match="NoSuchObject"):
        slow.control.forget_instance("nowhere")
