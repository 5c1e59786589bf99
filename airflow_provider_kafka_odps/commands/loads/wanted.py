"""The load that a command is about: found, rendered, and held against the table; nothing is written."""

from __future__ import annotations

import argparse
import difflib
import io
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.commands.loads.dag_file import dag_of, latest_interval, task_of
from airflow_provider_kafka_odps.commands.loads.stand_in import context_of
from airflow_provider_kafka_odps.core.window.parsing import Interval
from airflow_provider_kafka_odps.exceptions import InvalidInput, NoInterval
from airflow_provider_kafka_odps.transfers.build import Hooks, load_of, request_of, source_of
from airflow_provider_kafka_odps.transfers.destination import destination_of
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.parameters import NAMES, LoadParameters, checked
from airflow_provider_kafka_odps.transfers.runtime.run import AirflowRun

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_kafka_odps.core.delivery.attempt import Load
    from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource
    from airflow_provider_kafka_odps.transfers.destination import Destination

_ALONE = "load"
"""The task's id where there is no DAG."""
_ALSO = frozenset({"asset"})
"""Parameters that are objects of Python, which no JSON can give."""
_NEEDED = ("topic", "table")


@dataclass(frozen=True, slots=True)
class WantedLoad:
    """One load, as its task would have it."""

    task: KafkaToMaxComputeOperator
    interval: Interval
    run: AirflowRun
    notes: list[str] = field(default_factory=list)
    """What the task would warn of, and what a reader has to know."""

    @property
    def parameters(self) -> LoadParameters:
        """The rendered parameters."""
        return self.task.parameters

    @property
    def asset(self) -> Asset | None:
        """The asset in whose state store other runs have left what this one goes by."""
        return self.task.asset

    def held(self) -> HeldLoad:
        """Hold the parameters against the table, as the task does when it begins.

        Raises what the task raises.
        """
        hooks = Hooks(self.task.kafka_hook, self.task.odps_hook)
        try:
            request = request_of(self.parameters, self.run)
        except NoInterval as error:
            raise NoInterval(f"{error}\n{_GIVE_INTERVAL}") from None
        destination = destination_of(self.parameters, self.run, hooks.odps, (request.start, request.end))
        load = load_of(self.parameters, hooks, request, destination)
        return HeldLoad(self, hooks, load, destination, source_of(self.parameters, self.run, hooks, load))


@dataclass(frozen=True, slots=True)
class HeldLoad:
    """The same, with the table as it is now, and the topic as it is read."""

    wanted: WantedLoad
    hooks: Hooks
    load: Load
    destination: Destination
    source: TopicSource


_GIVE_INTERVAL = "Here: give --interval-start and --interval-end, the data interval of the run that is meant"


def wanted_load(asked: argparse.Namespace) -> WantedLoad:
    """Return the load that the options describe (commands/loads/options.py), rendered.

    Raises InvalidInput for what is described wrongly.
    """
    given = dict(asked.given)
    if asked.dag_file is None:
        _refuse_options_of_dags(asked)
        task = _alone({**_from_file(asked.parameters), **given})
    else:
        if asked.parameters is not None:
            raise InvalidInput(
                "--parameters and --dag-file: one of them says which load is meant; --set changes either"
            )
        task = task_of(asked.dag_file, asked.dag_id, asked.task_id)
        _refuse_unknown(given)
        for name, value in checked({**vars(task), **given}).items():
            setattr(task, name, value)
    _refuse_xcom(task)
    interval = _interval(asked, task)
    notes: list[str] = []
    context: Any = context_of(task, interval, dict(asked.params))
    _render(task, context)
    run = AirflowRun(context, lambda _: None, notes.append, task.clock, task.cancellation, task.refusals)
    return WantedLoad(task, interval, run, notes)


def _render(task: KafkaToMaxComputeOperator, context: Any) -> None:
    """Render the parameters as Airflow does; what cannot be rendered is told as ours, without Airflow's traceback."""
    environment = task.get_template_env(dag_of(task))
    for name in task.template_fields:
        value = getattr(task, name)
        try:
            # Of a backend that does not know a variable, Airflow prints a traceback; the next one may know it.
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                rendered = task.render_template(value, context, environment, set())
        except Exception as problem:  # noqa: BLE001 - a template may do anything, such as ask for a variable
            raise InvalidInput(
                f"{name}={value!r} cannot be rendered here: {problem}. Correct the template, or say what it gives, by "
                f"--set {name}=…"
            ) from None
        setattr(task, name, rendered)
    try:
        task.check_templates()
    except NoInterval as error:
        raise NoInterval(f"{error}\n{_GIVE_INTERVAL}") from None


def _alone(parameters: Mapping[str, Any]) -> KafkaToMaxComputeOperator:
    if not parameters:
        raise InvalidInput(
            "which load? Give the operator's parameters by --parameters FILE and --set NAME=VALUE, or a task by "
            "--dag-file FILE"
        )
    _refuse_unknown(parameters)
    if missing := [name for name in _NEEDED if name not in parameters]:
        raise InvalidInput(f"{' and '.join(missing)} is missing: add --set {missing[0]}=…")
    return KafkaToMaxComputeOperator(task_id=_ALONE, **parameters)


def _refuse_unknown(parameters: Mapping[str, Any]) -> None:
    known = sorted({*NAMES} - _ALSO)
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            instead = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            raise InvalidInput(f"the operator has no parameter {name!r} that JSON can give; {instead}")


def _refuse_options_of_dags(asked: argparse.Namespace) -> None:
    of_dags = {"--dag-id": asked.dag_id, "--task-id": asked.task_id, "--param": asked.params}
    if alone := [option for option, value in of_dags.items() if value]:
        raise InvalidInput(f"{alone[0]} is about a DAG, and --dag-file is missing")


def _refuse_xcom(task: KafkaToMaxComputeOperator) -> None:
    """Raise InvalidInput for parameters that another task gives when it has run."""
    from airflow.sdk.definitions.xcom_arg import XComArg

    for name in task.template_fields:
        value = getattr(task, name)
        if any(XComArg.iter_xcom_references(value)) or re.search(r"\bxcom_pull\b", str(value)):
            raise InvalidInput(
                f"{name} of task {task.task_id!r} comes from another task, which has not run here: say what it gives, "
                f"by --set {name}=…"
            )


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InvalidInput(f"--parameters {path} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise InvalidInput(f"--parameters {path} is no JSON: {problem}") from None
    if not isinstance(read, dict):
        raise InvalidInput(f"--parameters {path}: an object is wanted, with the operator's parameters by their names")
    return read


def _interval(asked: argparse.Namespace, task: KafkaToMaxComputeOperator) -> Interval:
    start, end = asked.interval_start, asked.interval_end
    if (start is None) != (end is None):
        raise InvalidInput("--interval-start and --interval-end are given together, or neither is")
    dag = dag_of(task)
    if start is not None or dag is None:
        return Interval(start, end)
    return latest_interval(dag, datetime.now(UTC))
