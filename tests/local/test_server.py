"""The process: how it starts, says so, refuses, and stops."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from odps import ODPS, errors
from odps.accounts import AliyunAccount, StsAccount

from airflow_provider_kafka_odps.local.testing import EndpointStartError, RunningEndpoint, running_endpoint

MODULE = "airflow_provider_kafka_odps.local"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number: signal.Signals) -> None:
    """It prints one line when it is ready, and SIGTERM or SIGINT end it with exit code 0 and nothing more to say."""
    command = [sys.executable, "-m", MODULE, "--port", "0", "--data", ":memory:"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("MaxCompute endpoint ready: http://127.0.0.1:")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        process.kill()
        process.wait()


def test_tables_survive_a_restart(tmp_path: Path, name: str) -> None:
    """What was committed is there when another process opens the same directory."""
    for first in (True, False):
        with running_endpoint(tmp_path) as endpoint:
            odps = _connect(endpoint)
            if first:
                odps.create_table(name, "k bigint")
                odps.write_table(name, [[1], [2]])
            with odps.get_table(name).open_reader() as reader:
                assert reader.count == 2


def test_one_directory_has_one_process(tmp_path: Path) -> None:
    """A second endpoint on a directory says that it is in use."""
    with running_endpoint(tmp_path), pytest.raises(EndpointStartError, match=r"another endpoint has .* open"):  # noqa: SIM117
        with running_endpoint(tmp_path):
            pass


def test_a_directory_keeps_its_project(tmp_path: Path) -> None:
    """Another project's directory is refused with both names."""
    with running_endpoint(tmp_path, project="one") as endpoint:
        _connect(endpoint).create_table("t", "k bigint")
    with (
        pytest.raises(EndpointStartError, match="holds project one, not two"),
        running_endpoint(tmp_path, project="two"),
    ):
        pass


def test_a_port_in_use_is_said() -> None:
    """An address that is taken is the reason given."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EndpointStartError, match=r"cannot start.*in use"), running_endpoint(port=port):
            pass


def test_a_port_that_none_can_be_is_said() -> None:
    """The reason is given, and no traceback."""
    with pytest.raises(EndpointStartError, match=r"cannot start.*port must be 0-65535"), running_endpoint(port=99_999):
        pass


def test_the_process_is_gone_after_the_block() -> None:
    """The endpoint's process ends with the block, also when the block raises."""
    with pytest.raises(RuntimeError), running_endpoint() as endpoint:
        raise RuntimeError
    with pytest.raises(ProcessLookupError):
        os.kill(endpoint.pid, 0)


def test_a_wrong_key_is_refused(endpoint: RunningEndpoint) -> None:
    """A request signed with another key gets 401 and the service's code."""
    odps = ODPS(endpoint.access_id, "wrong", endpoint.project, endpoint.endpoint, overwrite_global=False)
    with pytest.raises(errors.ODPSError) as caught:
        odps.exist_table("t")
    assert (caught.value.status_code, caught.value.code) == (401, "ODPS-0410042")


def test_both_signature_schemes_are_accepted(endpoint: RunningEndpoint, name: str) -> None:
    """A client with a region signs with the fourth scheme, and is understood."""
    odps = ODPS(
        endpoint.access_id,
        endpoint.access_key,
        endpoint.project,
        endpoint.endpoint,
        region_name="cn-hangzhou",
        overwrite_global=False,
    )
    assert not odps.exist_table(name)


def test_a_temporary_token_is_asked_for_when_it_was_declared() -> None:
    """Requests without the token, or with another, get 401, also with a right signature."""
    with running_endpoint(arguments=("--sts-token", "token")) as endpoint:
        for token, good in (("token", True), ("another", False), ("", False)):
            key, secret = endpoint.access_id, endpoint.access_key
            account = StsAccount(key, secret, token) if token else AliyunAccount(key, secret)
            odps = ODPS(account=account, project=endpoint.project, endpoint=endpoint.endpoint, overwrite_global=False)
            if good:
                odps.create_table("t", "k bigint")
                odps.write_table("t", [[1]])
            else:
                with pytest.raises(errors.ODPSError) as caught:
                    odps.exist_table("t")
                assert (caught.value.status_code, caught.value.code) == (401, "ODPS-0410051")


def test_another_project_does_not_exist(endpoint: RunningEndpoint) -> None:
    """Only the endpoint's own project is there."""
    odps = _connect(endpoint)
    assert odps.exist_project(endpoint.project)
    assert not odps.exist_project("another")


def _connect(endpoint: RunningEndpoint) -> ODPS:
    return ODPS(endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, overwrite_global=False)


_PARENT = """
import sys, time
from airflow_provider_kafka_odps.local.testing import running_endpoint
with running_endpoint(sys.argv[1]) as endpoint:
    print(endpoint.pid, flush=True)
    time.sleep(600)
"""


def test_an_endpoint_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL, after which no parent can clean up, ends the endpoint too: its directory can be opened again."""
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watched = os.pidfd_open(pid)
    finally:
        parent.kill()
        parent.communicate()
    try:
        assert select.select([watched], [], [], 30)[0]
    finally:
        os.close(watched)
    with running_endpoint(tmp_path):
        pass
