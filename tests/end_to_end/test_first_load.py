"""The page "Your Airflow, your broker, your first load": what it says to type is typed, and what it shows is seen."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_parser import get_parser
from demo.airflow_runs import example, run_queued
from demo.broker import Broker
from kit.airflow_home import ROOT
from kit.task_run import Send

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

if TYPE_CHECKING:
    from conftest import MakeTopic

PAGE = (ROOT / "docs" / "first-load.md").read_text(encoding="utf-8")
DAG_ID = "backfill_kafka_to_maxcompute"
RUN_ID = "first_load"
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


class Shell:
    """Types the page's commands: Airflow's in this process, those of the package in one of their own."""

    def __init__(self, instead: Mapping[str, str]) -> None:
        self._instead = instead

    def here(self, text: str) -> str:
        """Return a text of the page with the addresses and names of this test."""
        for there, here in self._instead.items():
            text = text.replace(there, here)
        return text

    def type(self, line: str) -> None:
        """Run one command of the page, which fails the test if it fails."""
        match shlex.split(self.here(line)):
            case ["airflow", *words]:
                asked = get_parser().parse_args(words)
                asked.func(asked)
            case ["python", "-m", package, *words]:
                command = [sys.executable, "-m", package, *words]
                ended = subprocess.run(command, check=False, capture_output=True, text=True)
                assert ended.returncode == 0, f"{line}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
            case ["pip", "install", *_]:
                pass
            case words:
                pytest.fail(f"the page has a command that this test does not know: {words}")


def _blocks(kind: str, text: str = PAGE) -> list[str]:
    return [line for found in _BLOCK.finditer(text) if found["kind"] == kind for line in found["body"].splitlines()]


@pytest.fixture
def shell(
    broker: Broker,
    endpoint: RunningEndpoint,
    make_topic: MakeTopic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    airflow_db: Path,
    odps: OdpsHook,
) -> Iterator[Shell]:
    """Yield a shell beside an Airflow that has no connections yet, and remove those that were added."""
    del airflow_db
    # The test's own hook keeps the connection that it has.
    assert odps.settings.project == endpoint.project
    for name in ("AIRFLOW_CONN_KAFKA_DEFAULT", "AIRFLOW_CONN_MAXCOMPUTE_DEFAULT"):
        monkeypatch.delenv(name)
    shell = Shell(
        {
            "broker-1:9092": broker.bootstrap_servers,
            "https://service.cn-hangzhou.maxcompute.aliyun.com/api": endpoint.endpoint,
            "my_project": endpoint.project,
            "my-id": endpoint.access_id,
            "my-secret": endpoint.access_key,
            '"orders"': f'"{(topic := make_topic())}"',
            "--topic orders": f"--topic {topic}",
            "orders earliest": f"{topic} earliest",
            "orders[0]": f"{topic}[0]",
            "$AIRFLOW_HOME/dags": str(tmp_path),
        }
    )
    yield shell
    for conn_id in ("kafka_default", "maxcompute_default"):
        shell.type(f"airflow connections delete {conn_id}")


@pytest.mark.filterwarnings("ignore:Could not import graphviz")
def test_the_first_load(shell: Shell, send: Send, odps: OdpsHook, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed from top to bottom, the page gives the log, the receipt and the rows that it shows; and again, no more."""
    topic = shell.here('"orders"').strip('"')
    for value in (b"a", b"b", b"c"):
        send(topic, value)
    # A parsed DAG of its own: what a run has rendered stays in its tasks.
    dag = example.__wrapped__(DAG_ID)
    (count,) = _blocks("sql")

    before, _, after = PAGE.partition("## 6.")
    for line in _blocks("sh", before):
        shell.type(line)
    first = run_queued(dag, RUN_ID)
    assert first.state == "success"
    load = first.get_task_instance("load")
    assert load is not None
    receipt = load.xcom_pull(task_ids="load")
    seen = f"{capsys.readouterr().out}\n{receipt['summary']}"
    assert [line for line in map(shell.here, _blocks("text", before)) if line not in seen] == []
    assert odps.run_sql(count)["n"].to_pylist() == [3]

    send(topic, b"came later")
    for line in _blocks("sh", after):
        shell.type(line)
    assert run_queued(dag, RUN_ID).state == "success"
    seen = capsys.readouterr().out
    assert [line for line in _blocks("text", after) if line not in seen] == []
    assert odps.run_sql(count)["n"].to_pylist() == [3]


def test_the_page_is_short() -> None:
    """Ten lines to type, and not more."""
    assert len(_blocks("sh")) <= 10
