"""A template that asks for what the run does not have fails the task once, in words."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from kit.fake_context import context_of
from kit.task_run import MemoryStore
from kit.unbroken import unbroken

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


def attempt(context: dict[str, Any], **parameters: Any) -> None:
    """Render and execute the operator as Airflow does, with what the run has."""
    with DAG("stand_in", schedule=None):
        task = KafkaToMaxComputeOperator(task_id="load", topic="orders", table="t", **parameters)
    there: Any = {**context_of(MemoryStore(), lambda *_: None, 0), **context}
    task.render_template_fields(there)
    KafkaToMaxComputeOperator.execute.__wrapped__(task, there)  # type: ignore[attr-defined]


HOUR = "{{ data_interval_start.strftime('%H') }}"


@pytest.mark.parametrize(
    "parameters",
    [
        {"partition": f"ds={{{{ ds_nodash }}}},hh={HOUR}"},
        {"partition": {"ds": "{{ data_interval_start | ds_nodash }}", "hh": HOUR}},
        {"start": "{{ data_interval_start }}"},
        {"columns": {"hour": f"'{HOUR}'"}},
    ],
    ids=repr,
)
def test_a_run_without_a_logical_date_is_told_so(parameters: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """It is no error of Jinja's, which Airflow would try again; it names the run, and what needs no template."""
    with pytest.raises(AirflowFailException, match=r"^NoInterval: the template ") as raised:
        attempt({}, **parameters)
    text = unbroken(str(raised.value))
    assert "is undefined. This run has no logical date" in text
    assert "partition='ds=%Y%m%d,hh=%H'" in text
    # Airflow logs each template that fails, with a traceback.
    assert "Exception rendering" not in caplog.text


def test_a_name_that_is_nowhere_is_the_dags(caplog: pytest.LogCaptureFixture) -> None:
    """With a logical date, the template is what is wrong."""
    with pytest.raises(AirflowFailException, match=r"^InvalidInput: the template '\{\{ dss \}\}' ") as raised:
        attempt({"logical_date": "2026-11-22"}, rejects_path="{{ dss }}")
    assert "'dss' is undefined. Correct the template in the DAG's file" in unbroken(str(raised.value))
    assert not caplog.text


def test_what_can_be_rendered_is_rendered() -> None:
    """The other fields of the same task have their values."""
    task = KafkaToMaxComputeOperator(task_id="load", topic="{{ topic }}", table="t", partition="ds=%Y{{ day }}")
    context: Any = {"topic": "orders", "day": "01"}
    task.render_template_fields(context)
    task.check_templates()
    assert (task.parameters.what.topic, task.parameters.to_where.partition) == ("orders", "ds=%Y01")
