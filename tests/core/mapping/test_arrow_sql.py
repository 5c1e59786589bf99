"""SQL over columns: whoever computes at once has a connection of its own, and no more of them are kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.core.mapping import arrow_sql
from airflow_provider_kafka_odps.core.mapping.arrow_sql import to_json

SOON = 20.0


@pytest.fixture
def _none_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_sql, "_IDLE", [])


def numbers(start: int) -> pa.Array:
    """Return some lists."""
    return pa.array([[start, start + 1]], pa.list_(pa.int64()))


@pytest.mark.usefixtures("_none_idle")
def test_threads_one_after_the_other_share_a_connection() -> None:
    """Of many lanes few compute at once, and each connection keeps megabytes."""
    for start in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(to_json, numbers(start)).result(SOON).to_pylist() == [f"[{start},{start + 1}]"]
    assert len(arrow_sql._IDLE) == 1


@pytest.mark.usefixtures("_none_idle")
def test_threads_at_once_do_not_meet() -> None:
    """Each finds its own rows."""
    at_once = threading.Barrier(4)

    def ask(start: int) -> list[str]:
        at_once.wait(SOON)
        return [to_json(numbers(start)).to_pylist()[0] for _ in range(50)]

    with ThreadPoolExecutor(4) as threads:
        for start, found in zip(range(4), threads.map(ask, range(4)), strict=True):
            assert set(found) == {f"[{start},{start + 1}]"}
    assert 1 <= len(arrow_sql._IDLE) <= 4


@pytest.mark.usefixtures("_none_idle")
def test_a_connection_is_there_again_after_an_error() -> None:
    """The next one uses it."""
    with pytest.raises(Exception, match="no_such_function"):
        arrow_sql.query("SELECT no_such_function(item) FROM batch", numbers(1))
    assert to_json(numbers(1)).to_pylist() == ["[1,2]"]
    assert len(arrow_sql._IDLE) == 1
