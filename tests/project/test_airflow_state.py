"""What the journal rests on: what Airflow keeps of one attempt for the next."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from airflow.sdk import DAG, task
from kit.dags import rerun_dag, run_dag


class Seen(NamedTuple):
    """What an attempt found when it began."""

    clear_number: int
    stored: int | None
    own_xcom: int | None


@pytest.fixture(scope="module")
def attempts(airflow_db: Path) -> list[Seen]:
    """Return what three attempts found: the first, which failed, its retry, and one after clearing the task."""
    assert airflow_db.exists()
    seen: list[Seen] = []

    with DAG("remembers", schedule=None) as dag:

        @task(retries=1, retry_delay=0)
        def count(**context: Any) -> None:
            store, ti = context["task_state_store"], context["ti"]
            stored = store.get("attempts")
            seen.append(Seen(context["dag_run"].clear_number, stored, ti.xcom_pull(task_ids="count", key="attempts")))
            store.set("attempts", len(seen))
            ti.xcom_push("attempts", len(seen))
            if stored is None:
                raise RuntimeError("the first attempt fails")

        count()

    rerun_dag(dag, run_dag(dag))
    return seen


def test_the_state_store_survives_a_retry_and_a_clear(attempts: list[Seen]) -> None:
    """What an attempt stored is there for the retry, and for the attempt after a clear."""
    assert [attempt.stored for attempt in attempts] == [None, 1, 2]


def test_a_tasks_own_xcom_does_not_survive(attempts: list[Seen]) -> None:
    """Every attempt begins without the XComs of the ones before, so XCom cannot be the journal."""
    assert [attempt.own_xcom for attempt in attempts] == [None, None, None]


def test_the_clear_number_tells_a_clear_from_a_retry(attempts: list[Seen]) -> None:
    """A retry has the clear number of the attempt before, an attempt after a clear a higher one."""
    assert [attempt.clear_number for attempt in attempts] == [0, 0, 1]
