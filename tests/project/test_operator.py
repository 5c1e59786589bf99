"""The operator's documentation and its signature are the same list."""

import inspect
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.parameters import NAMES

_PARAMETER = re.compile(r":param (\w+):(.*?)(?=:param |\Z)", re.DOTALL)


def _documented() -> dict[str, str]:
    return dict(_PARAMETER.findall(inspect.getdoc(KafkaToMaxComputeOperator) or ""))


def _parameters() -> list[inspect.Parameter]:
    signature = inspect.signature(KafkaToMaxComputeOperator)
    return [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]


def test_every_parameter_is_documented_in_order() -> None:
    """The docstring has each parameter once, in the order of the signature."""
    assert list(_documented()) == [parameter.name for parameter in _parameters()]


def test_every_parameter_has_a_place_in_a_group() -> None:
    """What the operator takes is what a load is built from, grouped in the same order."""
    assert [parameter.name for parameter in _parameters()] == list(NAMES)


def test_parameters_are_frozen_as_they_are_rendered() -> None:
    """What Airflow has rendered by the time of `execute` is what the load goes by; choices are checked before."""
    task = KafkaToMaxComputeOperator(task_id="load", topic="{{ params.topic }}", table="t", mode="overwrite")
    task.render_template_fields({"params": {"topic": "orders"}})
    assert (task.parameters.what.topic, task.parameters.to_where.mode) == ("orders", Mode.OVERWRITE)
    with pytest.raises(FrozenInstanceError):
        task.parameters.what.topic = "others"  # type: ignore[misc]
    with pytest.raises(InvalidInput, match="mode='replace' is not one of 'append', 'overwrite'"):
        KafkaToMaxComputeOperator(task_id="load", topic="orders", table="t", mode="replace")


def test_default_args_and_partial_know_every_parameter() -> None:
    """Airflow finds the parameters by the signature: for the defaults of a DAG, and for tasks that are mapped."""
    operator: Any = KafkaToMaxComputeOperator
    with DAG("d", schedule=None, default_args={"table": "t", "on_rerun": "fail"}) as dag:
        operator(task_id="plain", topic="orders")
        operator.partial(task_id="mapped", table="t", workers=2).expand(topic=["a", "b"])
    plain: Any = dag.get_task("plain")
    assert plain.parameters.how_sure.on_rerun is OnRerun.FAIL
    with pytest.raises(TypeError, match="unexpected keyword argument 'tabel'"):
        operator.partial(task_id="mapped", tabel="t")


def test_every_parameter_is_keyword_only() -> None:
    """A call names what it sets, so a new parameter never changes an old call."""
    assert [parameter.name for parameter in _parameters() if parameter.kind is not parameter.KEYWORD_ONLY] == []


def test_templated_is_said_of_the_templated_parameters_only() -> None:
    """The docstring says *(templated)* exactly where Airflow renders."""
    said = {name for name, text in _documented().items() if "*(templated)*" in text}
    assert said == set(KafkaToMaxComputeOperator.template_fields)
