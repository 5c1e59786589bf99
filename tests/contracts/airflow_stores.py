"""Airflow's own state stores: its accessors, its API and its database, without a scheduler."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import structlog
from airflow.api_fastapi.execution_api.datamodels.token import TIClaims, TIToken
from airflow.api_fastapi.execution_api.security import _jwt_bearer
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.sdk._shared.state import TaskScope
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.context import AssetStateStoreAccessor, TaskStateStoreAccessor
from airflow.sdk.execution_time.supervisor import (
    InProcessSupervisorComms,
    InProcessTestSupervisor,
    in_process_api_server,
    set_supervisor_comms,
)
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from contracts.store_backends import AttemptStores
from kit.dags import register
from sqlalchemy import select

from airflow_provider_kafka_odps.transfers.runtime.stores import AssetStore, StateStoreJournal


class AirflowStores:
    """A task instance in Airflow's database, which nobody runs; each attempt asks the API as a task does."""

    def __init__(self) -> None:
        """Create the task and its run."""
        asset = Asset(name=f"asset-{uuid.uuid4().hex}", uri=f"x-test://{uuid.uuid4().hex}")
        with DAG(f"contract_{uuid.uuid4().hex[:12]}", schedule=None) as dag:
            BaseOperator(task_id="load", outlets=[asset])
        register(dag)
        scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        with create_session() as session:
            run: DagRun = scheduled.create_dagrun(
                run_id=uuid.uuid4().hex,
                run_after=datetime.now(UTC),
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
                session=session,
            )
            self._run_id = run.run_id
        self._dag_id, self._asset = dag.dag_id, asset

    def attempt(self) -> AttemptStores:
        """Do what the scheduler does before it queues a try: the task instance gets another id."""
        with create_session() as session:
            this = TaskInstance.dag_id == self._dag_id, TaskInstance.run_id == self._run_id
            found = session.scalars(select(TaskInstance).where(*this)).one()
            found.try_number += 1
            found.prepare_db_for_next_try(session)
            ti_id = found.id
        scope = TaskScope(self._dag_id, self._run_id, "load")
        comms = _comms(ti_id)
        asked = _Asked(TaskStateStoreAccessor(ti_id, scope), comms)
        return AttemptStores(
            StateStoreJournal({"task_state_store": asked}),
            AssetStore(_Asked(AssetStateStoreAccessor(name=self._asset.name), comms)),
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Airflow's accessor of a store, in the process of its task."""

    accessor: Any
    comms: Any

    def get(self, key: str) -> Any:
        with set_supervisor_comms(self.comms):
            return self.accessor.get(key)

    def set(self, key: str, value: Any, **how: Any) -> None:
        with set_supervisor_comms(self.comms):
            self.accessor.set(key, value, **how)

    def delete(self, key: str) -> None:
        with set_supervisor_comms(self.comms):
            self.accessor.delete(key)


class _Comms(InProcessSupervisorComms):
    """What a task says to its supervisor, which asks the API; its refusals come back as a task gets them."""

    def send(self, msg: Any) -> Any:
        try:
            with _token_of(self.supervisor.id):
                return super().send(msg)
        except ServerResponseError as error:
            detail = {"status_code": error.response.status_code, "message": str(error)}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail)) from error


@contextmanager
def _token_of(ti_id: uuid.UUID) -> Iterator[None]:
    """Let the API know who asks: in one process it lets everybody in, and takes a writer to an asset for nobody."""
    overrides = in_process_api_server().app.dependency_overrides
    before = overrides[_jwt_bearer]
    overrides[_jwt_bearer] = lambda: TIToken(id=ti_id, claims=TIClaims(scope="execution"))
    try:
        yield
    finally:
        overrides[_jwt_bearer] = before


def _comms(ti_id: uuid.UUID) -> _Comms:
    """Return how the process of a task instance reaches the API, with a token of its own."""
    client = InProcessTestSupervisor._api_client()
    this: Any = psutil.Process()
    supervisor = InProcessTestSupervisor(
        id=ti_id, pid=os.getpid(), process=this, process_log=structlog.get_logger(), client=client
    )
    supervisor.comms = _Comms(supervisor=supervisor)
    return supervisor.comms
