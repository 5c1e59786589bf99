"""A hook whose default connection leads to the local endpoint, and the official client beside it."""

import json

import pytest
from odps import ODPS

from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint


@pytest.fixture
def odps_hook(endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> OdpsHook:
    """Return a hook on `maxcompute_default`, in the official format."""
    extra = {
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
        "project": endpoint.project,
        "endpoint": endpoint.endpoint,
    }
    connection = json.dumps({"conn_type": "maxcompute", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", connection)
    return OdpsHook()


@pytest.fixture
def odps_settings(odps_hook: OdpsHook) -> OdpsSettings:
    """Return that connection as a value."""
    return odps_hook.settings


@pytest.fixture
def plain_odps(endpoint: RunningEndpoint) -> ODPS:
    """Return the official client as anybody would make it."""
    return ODPS(
        endpoint.access_id,
        endpoint.access_key,
        endpoint.project,
        endpoint.endpoint,
        logview_host=endpoint.endpoint,
        overwrite_global=False,
    )
