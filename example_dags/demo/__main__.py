"""The demo: real Kafka, a local MaxCompute, real Airflow; load, rerun, and see that the table is the same."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from demo import records
from demo.airflow_home import isolate, migrate
from demo.broker import Broker, available_broker

if TYPE_CHECKING:
    import pyarrow as pa

    from demo.airflow_runs import Finished

TEMPLATES = Path(__file__).parents[2] / "build" / "airflow"
_STARTED = time.monotonic()
_ASKED_TO_END = threading.Event()


def main() -> int:
    """Tell the whole story; return the exit code."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)
    try:
        with ExitStack() as stack:
            _tell(stack)
    except BaseException:
        # Whatever a library made of the interruption: the story is over, and what was started is stopped.
        if not _ASKED_TO_END.is_set():
            raise
        print("interrupted; everything that was started is stopped", flush=True)
        return 130
    return 0


def say(line: str) -> None:
    """Print a line of progress with the seconds since the start; end here if a library has swallowed the wish to."""
    if _ASKED_TO_END.is_set():
        raise Interrupted
    print(f"[{time.monotonic() - _STARTED:5.1f} s] {line}", flush=True)


def show(title: str, text: str) -> None:
    """Print something to look at."""
    print(f"\n--- {title}\n{text}\n", flush=True)


def _tell(stack: ExitStack) -> None:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
    environment_broker = dict(os.environ)
    isolate(os.environ, home)
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    # Whole hours, so that the hourly run's interval holds what is sent second, and only that.
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with ThreadPoolExecutor() as pool:
        migrated = pool.submit(_migrate, home)
        # Airflow and PyODPS take seconds to import, the broker seconds to start: one waits, the other works.
        imported = pool.submit(_import_clients)
        broker = stack.enter_context(available_broker(environment_broker, report=say))
        stack.enter_context(_maxcompute(broker))
        migrated.result()
        imported.result()
    stack.enter_context(_topic(broker))
    _query(records.TABLE)
    say("created the table testkafka, all of its columns STRING")
    sent = records.send(broker.bootstrap_servers, records.tutorial_messages(this_hour - timedelta(hours=2)))
    say(f"sent {sent} records to {records.TOPIC}: `123`, `abc`, and events as JSON")
    before = _load_tutorial(this_hour)
    sent = records.send(broker.bootstrap_servers, records.more_messages(this_hour - timedelta(hours=1)))
    say(f"sent {sent} more records, some within offsets 0 to 3")
    _rerun_tutorial(*before)
    _load_hour(this_hour)
    say("done: broker and endpoint are stopped now")


def _load_tutorial(logical_date: datetime) -> tuple[Finished, str]:
    from demo.airflow_runs import run
    from demo.printing import receipt_text, rows_table, window_table

    say("running the DAG tutorial_kafka_to_maxcompute …")
    first = _checked(run("tutorial_kafka_to_maxcompute", logical_date))
    assert first.window is not None
    assert first.receipt is not None
    show("the window, from XCom", window_table(first.window))
    show("the receipt, the task's return value", receipt_text(first.receipt))
    table = rows_table(_query("SELECT * FROM testkafka"))
    show("SELECT * FROM testkafka", table)
    return first, table


def _rerun_tutorial(first: Finished, before: str) -> None:
    from demo.airflow_runs import run_again
    from demo.printing import rows_table

    say("clearing that DAG run, and running it again …")
    again = _checked(run_again(first))
    table = rows_table(_query("SELECT * FROM testkafka"))
    show("SELECT * FROM testkafka, after the rerun", table)
    if again.window != first.window or sorted(table.splitlines()) != sorted(before.splitlines()):
        raise SystemExit("the rerun changed the window or the table: this is a bug, please report it")
    say("same window, same rows: the records that were sent in between are not in it")


def _load_hour(logical_date: datetime) -> None:
    from demo.airflow_runs import run
    from demo.printing import rows_table, window_table

    say("running the DAG hourly_kafka_to_maxcompute for the hour of the later records …")
    hourly = _checked(run("hourly_kafka_to_maxcompute", logical_date))
    assert hourly.window is not None
    show("the window of that hour", window_table(hourly.window))
    columns = "ds, hh, event_id, tag, kafka_partition, kafka_offset"
    rows = _query(f"SELECT {columns} FROM testkafka_hourly ORDER BY event_id")  # noqa: S608 - columns of our own
    show("SELECT … FROM testkafka_hourly", rows_table(rows))


def _checked(run: Finished) -> Finished:
    if run.state != "success":
        raise SystemExit(f"the run {run.run_id} of {run.dag_id} ended as {run.state}; Airflow's log above says why")
    return run


def _query(statement: str) -> pa.Table:
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook

    return OdpsHook().run_sql(statement)


def _migrate(home: Path) -> None:
    say("preparing Airflow (SQLite); the very first time this takes about 15 s …")
    migrate(home, TEMPLATES)


def _import_clients() -> None:
    for module in ("demo.airflow_runs", "airflow_provider_kafka_odps.transfers.build", "odps"):
        importlib.import_module(module)


@contextmanager
def _maxcompute(broker: Broker) -> Iterator[None]:
    """Run a local MaxCompute endpoint, and let Airflow know it and the broker as the default connections."""
    from airflow_provider_kafka_odps.local.testing import running_endpoint

    with running_endpoint() as endpoint:
        say(f"a local MaxCompute answers at {endpoint.endpoint}")
        extra = {
            "endpoint": endpoint.endpoint,
            "project": endpoint.project,
            "access_key_id": endpoint.access_id,
            "access_key_secret": endpoint.access_key,
        }
        os.environ["AIRFLOW_CONN_MAXCOMPUTE_DEFAULT"] = json.dumps({"conn_type": "maxcompute", "extra": extra})
        servers = {"bootstrap.servers": broker.bootstrap_servers}
        os.environ["AIRFLOW_CONN_KAFKA_DEFAULT"] = json.dumps({"conn_type": "kafka", "extra": servers})
        yield


@contextmanager
def _topic(broker: Broker) -> Iterator[None]:
    """Create the tutorial's topic, and delete it afterwards from a broker that is not ours."""
    from kafka.admin import KafkaAdminClient
    from kafka.errors import TopicAlreadyExistsError

    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        admin.create_topics({records.TOPIC: {"num_partitions": records.PARTITIONS, "replication_factor": 1}})
    except TopicAlreadyExistsError:
        admin.close()
        raise SystemExit(
            f"the broker at {broker.bootstrap_servers} has a topic {records.TOPIC} already; the demo needs to create "
            "it, and deletes it afterwards. Rename or delete yours, or run without KAFKA_BOOTSTRAP_SERVERS"
        ) from None
    say(f"created the topic {records.TOPIC} with {records.PARTITIONS} partitions")
    try:
        yield
    finally:
        if not broker.nodes:
            admin.delete_topics([records.TOPIC])
        admin.close()


class Interrupted(BaseException):
    """Somebody asks the demo to end.

    Not KeyboardInterrupt: Python ends itself by the signal, and not with our exit code, if that was raised while a
    library was executing text as code, as dataclasses do.
    """


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Once: a second Ctrl-C would break off the stopping of broker and endpoint.
    if not _ASKED_TO_END.is_set():
        _ASKED_TO_END.set()
        raise Interrupted


if __name__ == "__main__":
    sys.exit(main())
