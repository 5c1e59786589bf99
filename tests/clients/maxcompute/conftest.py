"""Hooks and uploads whose service answers by script."""

import json
from collections.abc import Callable, Iterator

import pytest
from kit.scripted_hook import PATIENCE, TABLE, MakeHook
from kit.scripted_service import SESSION, Reply, ScriptedService, scripted_service
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.hooks.odps import OdpsHook


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    """Return a server that answers by script."""
    with scripted_service() as service:
        yield service


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that only moves by sleeping."""
    return HandClock()


@pytest.fixture
def make_hook(monkeypatch: pytest.MonkeyPatch, clock: HandClock) -> MakeHook:
    """Return a function that makes hooks whose connection leads to a URL."""

    def make(url: str, clock: Clock = clock, on_refused: Callable[[str], None] | None = None, **extra: str) -> OdpsHook:
        keys = {"access_key_id": "planted-id", "access_key_secret": "planted-secret", "project": "p", "endpoint": url}
        keys |= {"tunnel_endpoint": url} | extra
        monkeypatch.setenv("AIRFLOW_CONN_SCRIPTED", json.dumps({"conn_type": "maxcompute", "extra": keys}))
        return OdpsHook("scripted", patience=PATIENCE, block_patience=PATIENCE, clock=clock, on_refused=on_refused)

    return make


@pytest.fixture
def upload(service: ScriptedService, make_hook: MakeHook) -> OdpsUpload:
    """Return an upload that was opened, with the script and the record of requests empty."""
    service.replies = [Reply(200, {"Tenant": {}}), Reply(200, SESSION)]
    upload = make_hook(service.url).open_upload(TABLE, PartitionSpec.parse("ds=1"))
    assert service.seen[-1].query["uploads"] == ["1"]
    service.seen.clear()
    return upload
