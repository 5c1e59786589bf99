"""A real Airflow of its own, scheduler and all, until the block is left; and a client of its REST API."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

import requests
from demo.airflow_home import isolate, migrate, migrate_database

T = TypeVar("T")
Task: TypeAlias = tuple[str, str, str]
"""DAG id, run id, task id."""

START_SECONDS = 180.0
"""How long it may take until all four components answer; 25 s where nothing else runs."""
PATIENCE_SECONDS = 240.0
"""How long a condition may take to come about, unless the caller says otherwise."""

_ANSWER_SECONDS = 180.0
"""How long the API server may take to answer where the machine has much else to do."""

_ROOT = Path(__file__).parents[2]
_TEMPLATES = _ROOT / "build" / "airflow"
_COMPONENTS = {
    "api-server": ["api-server", "--host", "127.0.0.1", "--workers", "1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}

_LOCAL_SETTINGS = """
import sys

if "scheduler" in sys.argv:
    # Tasks are forked from the scheduler: what it has imported, they need not import again, for seconds each.
    import airflow_provider_kafka_odps.core.delivery.transfer
    import airflow_provider_kafka_odps.clients.kafka.seam
    import airflow_provider_kafka_odps.clients.kafka.reader
    import airflow_provider_kafka_odps.clients.maxcompute.upload
    import airflow_provider_kafka_odps.transfers.build
    import airflow_provider_kafka_odps.transfers.kafka_to_maxcompute
    import kafka
    import odps
"""


@dataclass(frozen=True, slots=True)
class AirflowService:
    """A running Airflow whose users are all administrators."""

    url: str
    home: Path
    """Its folder: the configuration's ``AIRFLOW_HOME``, the task logs, and what each component wrote."""
    session: requests.Session
    environment: Mapping[str, str]
    pause: float = 0.1
    """Seconds between two looks at what is waited for; each costs the API server some hundredths of a second."""

    def command(self, *words: str) -> str:
        """Run ``airflow`` with these words, as a person does in a shell, and return what it prints.

        Raises AssertionError, with all of it, if it fails.
        """
        command = [sys.executable, "-m", "airflow", *words]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, env=dict(self.environment))
        assert ended.returncode == 0, f"{words}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        return ended.stdout

    def call(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Ask the REST API under ``/api/v2``, and return what it answers as JSON.

        Raises AssertionError, with the answer, if the status is not one of success.
        """
        url = f"{self.url}/api/v2/{path.lstrip('/')}"
        answer = self.session.request(method, url, json=body, params=query or None, timeout=_ANSWER_SECONDS)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, **body: Any) -> str:
        """Start a run of a DAG and return its id; ``body`` has further fields, such as ``logical_date``."""
        body = {"logical_date": None, "conf": dict(conf or {}), **body}
        answer: dict[str, Any] = self.call("POST", f"dags/{dag_id}/dagRuns", body)
        return str(answer["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return a DAG run as the API describes it."""
        answer: dict[str, Any] = self.call("GET", f"dags/{dag_id}/dagRuns/{quote(run_id)}")
        return answer

    def task(self, task: Task) -> dict[str, Any]:
        """Return a task instance as the API describes it: ``state``, ``try_number``, ``pid``, ``id`` and more."""
        answer: dict[str, Any] = self.call("GET", _path(task))
        return answer

    def await_task(
        self, task: Task, condition: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait until a task instance is as ``condition`` wants it, and return it; it may have to be created, too."""

        def look() -> dict[str, Any] | None:
            with suppress(AssertionError):
                seen = self.task(task)
                return seen if condition(seen) else None
            return None

        return self.until(look, seconds, complaint=lambda: f"{task} is not as awaited: {self._describe(task)}")

    def await_run(self, dag_id: str, run_id: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until a DAG run has ended, and return its state: ``success`` or ``failed``."""

        def look() -> str | None:
            state = str(self.run(dag_id, run_id)["state"])
            return state if state in {"success", "failed"} else None

        return self.until(
            look, seconds, complaint=lambda: f"{dag_id} {run_id} does not end: {self.run(dag_id, run_id)}"
        )

    def clear_task(self, task: Task, **body: Any) -> None:
        """Do what "Clear task instance" does."""
        dag_id, run_id, task_id = task
        wanted = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "only_failed": False, **body}
        self.call("POST", f"dags/{dag_id}/clearTaskInstances", wanted)

    def clear_run(self, dag_id: str, run_id: str, **body: Any) -> None:
        """Do what "Clear run" does: all of its tasks run again."""
        wanted = {"dry_run": False, "only_failed": False, **body}
        self.call("POST", f"dags/{dag_id}/dagRuns/{quote(run_id)}/clear", wanted)

    def mark(self, task: Task, state: str) -> None:
        """Do what "Mark as failed" and "Mark as success" do."""
        self.call("PATCH", _path(task), {"new_state": state})

    def state_store(self, task: Task) -> dict[str, Any]:
        """Return what is in a task's state store."""
        listed = self.call("GET", f"{_path(task)}/state-store")["task_state_store"]
        return {each["key"]: each["value"] for each in listed}

    def xcom(self, task: Task, key: str = "return_value") -> Any:
        """Return a value that a task pushed."""
        return self.call("GET", f"{_path(task)}/xcomEntries/{key}", deserialize=True)["value"]

    def log(self, task: Task, attempt: int) -> str:
        """Return what an attempt of a task (the first is number 1) logged, one event per line."""
        events = self.call("GET", f"{_path(task)}/logs/{attempt}", full_content=True)["content"]
        return "\n".join(f"{each['event']} {each.get('error_detail', '')}" for each in events)

    def until(
        self, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS, *, complaint: Callable[[], str]
    ) -> T:
        """Look again and again until there is something to return, at most for a time; then fail with a complaint."""
        ends = time.monotonic() + seconds
        while not (seen := look()):
            assert time.monotonic() < ends, complaint()
            time.sleep(self.pause)
        return seen

    def _describe(self, task: Task) -> object:
        with suppress(AssertionError):
            return self.task(task)
        return "there is none"


@contextmanager
def running_airflow(
    bundles: Mapping[str, Path],
    environment: Mapping[str, str] | None = None,
    keep: Path | None = None,
    *,
    postgres: bool = False,
    path: str = "",
) -> Iterator[AirflowService]:
    """Run an Airflow with LocalExecutor on SQLite, with the DAGs in the folders ``bundles``, by their names.

    ``postgres`` gives it a PostgreSQL instead: on SQLite, Airflow refuses to create a backfill beside a
    scheduler. ``path`` is where it is on its host, such as ``/data/airflow``.

    Every DAG of the folders has been read when the block begins, and none is paused. ``environment`` is added to that
    of components and tasks: connections (``AIRFLOW_CONN_…``), settings (``AIRFLOW__…``), ``PYTHONPATH``.
    All of it is stopped on every way out. If that is an error, its folder with all logs is kept in ``keep``, by
    default ``build/airflow-service``, and the error says so.
    Raises AssertionError with the end of each log if a component does not start or a DAG cannot be imported.
    """
    home = Path(tempfile.mkdtemp(prefix="airflow-service-"))
    try:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{bound.getsockname()[1]}{path}"
        settings = _settings(home, url, bundles) | dict(environment or {})
        (home / "config").mkdir()
        (home / "config" / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS)
        try:
            with ExitStack() as stack:
                settings |= stack.enter_context(_on_postgres(settings)) if postgres else {}
                if not postgres:
                    migrate(home, _TEMPLATES, settings)
                stack.enter_context(_components(home, url, settings))
                session = stack.enter_context(requests.Session())
                yield _ready(AirflowService(url, home, session, settings), bundles)
        except BaseException as error:
            kept = keep or _ROOT / "build" / "airflow-service"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(home, kept, ignore_dangling_symlinks=True)
            error.add_note(f"the logs of Airflow are in {kept}")
            raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _on_postgres(settings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a PostgreSQL with the tables of Airflow, and yield the settings that lead there."""
    from kit.postgres import running_postgres

    def there(address: str) -> dict[str, str]:
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address}

    with running_postgres(lambda address: migrate_database({**settings, **there(address)}), _TEMPLATES) as address:
        yield there(address)


def _settings(home: Path, url: str, bundles: Mapping[str, Path]) -> dict[str, str]:
    settings = dict(os.environ)
    isolate(settings, home)
    kind = "airflow.dag_processing.bundles.local.LocalDagBundle"
    folders = [
        {"name": name, "classpath": kind, "kwargs": {"path": str(path), "refresh_interval": 5}}
        for name, path in bundles.items()
    ]
    return settings | {
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__PORT": str(urlsplit(url).port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(folders),
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # Two cores: a component that is slow to write must not fail the others.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        # An attempt that was cleared or marked hears of it at its next heartbeat.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


@contextmanager
def _components(home: Path, url: str, settings: Mapping[str, str]) -> Iterator[None]:
    folder = home / "components"
    folder.mkdir()
    programs = []
    for name, arguments in _COMPONENTS.items():
        port = ["--port", str(urlsplit(url).port)] if name == "api-server" else []
        programs.append(folder / f"{name}.json")
        programs[-1].write_text(json.dumps(["-m", "airflow", *arguments, *port]))
    command = [sys.executable, str(Path(__file__).with_name("process_guard.py")), *map(str, programs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=dict(settings), cwd=home):
        # The end of its input makes the warden end what it started, and itself.
        yield


def _ready(airflow: AirflowService, bundles: Mapping[str, Path]) -> AirflowService:
    def healthy() -> bool:
        with suppress(requests.ConnectionError):
            if "Authorization" not in airflow.session.headers:
                token = airflow.session.get(f"{airflow.url}/auth/token", timeout=60).json()["access_token"]
                airflow.session.headers["Authorization"] = f"Bearer {token}"
            parts = airflow.call("GET", "monitor/health").values()
            return all(part["status"] == "healthy" for part in parts)
        return False

    def parsed() -> bool:
        errors = airflow.call("GET", "importErrors")["import_errors"]
        assert not errors, f"these DAGs cannot be imported: {errors}"
        read = {(each["bundle_name"], each["relative_fileloc"]) for each in airflow.call("GET", "dags")["dags"]}
        return read >= {(name, path.name) for name, folder in bundles.items() for path in folder.glob("*.py")}

    airflow.until(healthy, START_SECONDS, complaint=lambda: f"Airflow does not start:\n{_tails(airflow.home)}")
    airflow.until(parsed, START_SECONDS, complaint=lambda: f"the DAGs are not read:\n{_tails(airflow.home)}")
    return airflow


def _tails(home: Path) -> str:
    logs = sorted(home.glob("components/*.log"))
    return "\n".join(f"{log.stem} ends with:\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


def _path(task: Task) -> str:
    dag_id, run_id, task_id = map(quote, task)
    return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
