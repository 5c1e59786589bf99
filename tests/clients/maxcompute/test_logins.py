"""Every documented way to log in to MaxCompute."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kit.clusters import no_secret
from kit.documented import documented

from airflow_provider_kafka_odps.clients.maxcompute.connection.account import RenewedAccount, account_of
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings, parse_odps_settings
from airflow_provider_kafka_odps.exceptions import InvalidConnection
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint

WAYS = documented("MaxCompute")
LOGGED_IN = {"Access key", "Security token (STS)"}
TRANSLATED = {
    "RAM role": {"type", "access_key_id", "access_key_secret", "role_arn", "role_session_name"},
    "Role of the machine (ECS)": {"type", "role_name"},
    "Role by OIDC (a service account of Kubernetes)": {
        "type",
        "role_arn",
        "oidc_provider_arn",
        "oidc_token_file_path",
        "role_session_name",
    },
    "Bearer token": set(),
}
TOKEN = "planted-token"
Connect = Callable[..., OdpsHook]


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningEndpoint]:
    """Return an endpoint that wants an STS token with every request."""
    with running_endpoint(arguments=("--sts-token", TOKEN)) as endpoint:
        yield endpoint


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return a function that makes a hook on a documented way, with the addresses and secrets of an endpoint."""

    def hook(way: str, endpoint: RunningEndpoint, /, **extra: Any) -> OdpsHook:
        ours = {
            "access_key_id": endpoint.access_id,
            "access_key_secret": endpoint.access_key,
            "security_token": TOKEN,
            "project": endpoint.project,
            "endpoint": endpoint.endpoint,
        }
        own = {key: ours[key] for key in WAYS[way]["extra"]} | extra
        monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps(WAYS[way] | {"extra": own}))
        return OdpsHook()

    return hook


def test_the_documented_ways_are_the_tested_ways() -> None:
    """No way is documented that is not tested, and none is tested that is not documented."""
    assert set(WAYS) == LOGGED_IN | set(TRANSLATED)


@pytest.mark.parametrize("way", sorted(LOGGED_IN))
def test_each_way_runs_a_statement(
    way: str, connect: Connect, endpoint: RunningEndpoint, strict: RunningEndpoint
) -> None:
    """The endpoint verifies the signature, and the token where it wants one; the test of the connection agrees."""
    hook = connect(way, strict if "STS" in way else endpoint)
    assert hook.run_sql("SELECT 1 AS one").to_pydict() == {"one": [1]}
    works, answer = hook.test_connection()
    assert works, answer
    assert f"has project '{hook.settings.project}'" in answer


@pytest.mark.parametrize("way", sorted(TRANSLATED))
def test_each_other_way_is_translated(way: str) -> None:
    """The credentials client gets the keys of its type, and a bearer token is one."""
    settings = parse_odps_settings("c", WAYS[way]["extra"])
    assert {name for name, _ in settings.provider} == TRANSLATED[way]
    assert (settings.bearer_token is not None) == (way == "Bearer token")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"access_key_secret": "wrong-secret"}, "does not accept the access key"),
        ({"security_token": "wrong-secret"}, "security token"),
        ({"project": "no_such_project"}, "step authorise: looking for project 'no_such_project'"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, str], words: str, connect: Connect, strict: RunningEndpoint) -> None:
    """A wrong key, token or project is told with the endpoint, and without the secret."""
    works, answer = connect("Security token (STS)", strict, **wrong).test_connection()
    assert not works
    assert words in answer
    assert strict.endpoint in answer
    assert "wrong-secret" not in answer


def test_an_endpoint_that_is_away_is_named(connect: Connect, endpoint: RunningEndpoint, closed_port: int) -> None:
    """The answer has the address and the step."""
    away = f"http://127.0.0.1:{closed_port}/api"
    works, answer = connect("Access key", endpoint, endpoint=away).test_connection()
    assert not works
    assert f"{away} did not answer" in answer
    assert "step connect" in answer


class _Credential:
    def __init__(self, endpoint: RunningEndpoint, token: str) -> None:
        self._endpoint, self._token = endpoint, token

    def get_access_key_id(self) -> str:
        return self._endpoint.access_id

    def get_access_key_secret(self) -> str:
        return self._endpoint.access_key

    def get_security_token(self) -> str:
        return self._token


class _Provider:
    """Gives credentials as Alibaba Cloud's client does."""

    def __init__(self, endpoint: RunningEndpoint, token: str) -> None:
        self.endpoint, self.token = endpoint, token

    def get_credential(self) -> _Credential:
        return _Credential(self.endpoint, self.token)


def test_what_expires_is_renewed_between_two_requests(
    connect: Connect, strict: RunningEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is signed with what is valid then, also where only the token has changed."""
    hook, provider = connect("Security token (STS)", strict), _Provider(strict, "expired-token")
    monkeypatch.setattr(
        "airflow_provider_kafka_odps.clients.maxcompute.connection.rest.account_of",
        lambda _, on_secret: RenewedAccount(provider, on_secret),
    )
    with pytest.raises(InvalidConnection):
        hook.run_sql("SELECT 1 AS one")
    provider.token = TOKEN
    assert hook.run_sql("SELECT 1 AS one").to_pydict() == {"one": [1]}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a role without Alibaba Cloud's client is told what to install."""
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials.client", None)
    settings = OdpsSettings("c", "https://e", "shop", "", "", provider=(("type", "ecs_ram_role"),))
    with pytest.raises(InvalidConnection, match="pip install alibabacloud-credentials"):
        account_of(settings, no_secret)
