"""The operator's documentation and its signature are the same list."""

import inspect
import re

from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

_PARAMETER = re.compile(r":param (\w+):(.*?)(?=:param |\Z)", re.DOTALL)


def _documented() -> dict[str, str]:
    return dict(_PARAMETER.findall(inspect.getdoc(KafkaToMaxComputeOperator) or ""))


def _parameters() -> list[inspect.Parameter]:
    signature = inspect.signature(KafkaToMaxComputeOperator)
    return [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]


def test_every_parameter_is_documented_in_order() -> None:
    """The docstring has each parameter once, in the order of the signature."""
    assert list(_documented()) == [parameter.name for parameter in _parameters()]


def test_every_parameter_is_keyword_only() -> None:
    """A call names what it sets, so a new parameter never changes an old call."""
    assert [parameter.name for parameter in _parameters() if parameter.kind is not parameter.KEYWORD_ONLY] == []


def test_templated_is_said_of_the_templated_parameters_only() -> None:
    """The docstring says *(templated)* exactly where Airflow renders."""
    said = {name for name, text in _documented().items() if "*(templated)*" in text}
    assert said == set(KafkaToMaxComputeOperator.template_fields)
