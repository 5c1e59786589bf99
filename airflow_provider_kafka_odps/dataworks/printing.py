"""The operator call that a job stands for, as Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MODULE = "airflow_provider_kafka_odps.transfers.kafka_to_maxcompute"


def operator_call(task_id: str, arguments: Mapping[str, Any]) -> str:
    """Return an import and a call that can be pasted into a DAG; arguments that are None are left out."""
    lines = [f"    task_id={_literal(task_id)},"]
    lines += [_argument(name, value) for name, value in arguments.items() if value is not None]
    body = "\n".join(lines)
    return (
        f"from {_MODULE} import KafkaToMaxComputeOperator\n\n"
        f"{_identifier(task_id)} = KafkaToMaxComputeOperator(\n{body}\n)\n"
    )


def _argument(name: str, value: Any) -> str:
    match value:
        case Mapping():
            inner = "".join(f"        {_literal(key)}: {_literal(each)},\n" for key, each in value.items())
            return f"    {name}={{\n{inner}    }},"
        case list() if all(isinstance(each, str) for each in value):
            inner = "".join(f"        {_literal(each)},\n" for each in value)
            return f"    {name}=[\n{inner}    ],"
        case _:
            return f"    {name}={_literal(value)},"


def _literal(value: Any) -> str:
    """Return Python for a value; texts stand in double quotes where nothing in them needs escaping."""
    if isinstance(value, str) and not re.search(r'["\\\x00-\x1f\x7f]', value):
        return f'"{value}"'
    return repr(value)


def _identifier(task_id: str) -> str:
    name = re.sub(r"\W", "_", task_id)
    return name if name.isidentifier() else f"load_{name}"
