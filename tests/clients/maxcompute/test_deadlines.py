"""The deadline of a connection's test, by a clock that is moved by hand."""

from __future__ import annotations

import pytest
from kit.clusters import no_secret
from kit.silent_server import mute_server
from twins.clock import HurriedClock

from airflow_provider_kafka_odps.clients.maxcompute import check
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings


@pytest.mark.timeout(20)
def test_the_test_of_a_connection_ends_at_its_deadline() -> None:
    """However long the single requests would still wait, after half a minute in all there is an answer."""
    with mute_server() as silent:
        settings = OdpsSettings("maxcompute_test", f"http://{silent}/api", "shop", "id", "secret")
        works, answer = check.answer(settings, HurriedClock(step=12.0), no_secret)
    assert not works
    assert f"connection 'maxcompute_test', step connect: MaxCompute at http://{silent}/api" in answer
    assert "no answer within 30 s" in answer
