"""The `maxcompute` connection, read into one value or refused with everything that is wrong."""

from typing import Any

import pytest

from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings, parse_odps_settings
from airflow_provider_kafka_odps.exceptions import InvalidConnection

GOOD = {
    "access_key_id": "planted-id",
    "access_key_secret": "planted-secret",
    "project": "shop",
    "endpoint": "https://service.cn-hangzhou.maxcompute.aliyun.com/api/",
}


def problems_of(extra: dict[str, Any], **fields: str) -> str:
    """Return the message of the refusal."""
    with pytest.raises(InvalidConnection) as refused:
        parse_odps_settings("maxcompute_default", extra, **fields)
    return str(refused.value)


def test_the_official_format_is_enough() -> None:
    """The four keys of the official connection type make a complete connection."""
    settings = parse_odps_settings("maxcompute_default", GOOD)
    assert settings == OdpsSettings(
        conn_id="maxcompute_default",
        endpoint="https://service.cn-hangzhou.maxcompute.aliyun.com/api",
        project="shop",
        access_key_id="planted-id",
        access_key_secret="planted-secret",
    )


def test_every_optional_key_arrives() -> None:
    """Tunnel endpoint, token, schema and quota are read from the extra."""
    more = {"tunnel_endpoint": "http://dt:80/", "security_token": "planted", "schema": "s1", "quota_name": "q"}
    settings = parse_odps_settings("c", GOOD | more)
    assert (settings.tunnel_endpoint, settings.security_token) == ("http://dt:80", "planted")
    assert (settings.schema, settings.quota_name) == ("s1", "q")


def test_arguments_go_before_the_connection() -> None:
    """A project, endpoint or quota that the caller names replaces the connection's."""
    settings = parse_odps_settings("c", GOOD, project="other", endpoint="http://127.0.0.1:80/api", quota_name="q")
    assert (settings.project, settings.endpoint, settings.quota_name) == ("other", "http://127.0.0.1:80/api", "q")


def test_login_password_and_host_are_natural_places() -> None:
    """A connection without an extra for them takes the key from login and password, and the endpoint from host."""
    settings = parse_odps_settings("c", {"project": "shop"}, "id", "secret", "https://host/api")
    assert (settings.access_key_id, settings.access_key_secret, settings.endpoint) == (
        "id",
        "secret",
        "https://host/api",
    )


def test_secrets_do_not_show() -> None:
    """Neither the repr nor the refusal of a connection shows a key, a secret or a token."""
    more = {"security_token": "planted-token"}
    assert "planted" not in repr(parse_odps_settings("c", GOOD | more))
    assert "planted" not in problems_of(GOOD | more | {"project": None}, login="planted-other")


def test_all_problems_come_at_once_with_where_to_fix_them() -> None:
    """One refusal names every missing key and the two places where a connection is kept."""
    message = problems_of({"security_token": "t", "schema": "1st", "tunnel_endpoint": "https://"})
    for key in ("access_key_id", "access_key_secret", "project", "endpoint"):
        assert f"lacks {key!r}" in message
    assert "'security_token' needs the access_key_id" in message
    assert "schema '1st'" in message
    assert "tunnel_endpoint 'https://' is not an address" in message
    assert "Admin → Connections → maxcompute_default" in message
    assert "AIRFLOW_CONN_MAXCOMPUTE_DEFAULT" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"endpoint": "service.example:x/api"}, "endpoint 'https://service.example:x/api' is not an address"),
        ({"credential_type": "magic"}, "credential_type 'magic' is not supported: use one of ram_role_arn"),
        ({"credential_type": "oidc_role_arn", "role_arn": "acs:ram::1:role/r"}, "lacks 'oidc_token_file_path'"),
        ({"credential_type": "ecs_ram_role", "security_token": "t"}, "gets its own tokens"),
        ({"role_arn": "acs:ram::1:role/r"}, "'role_arn' have no effect without 'credential_type'"),
        ({"endpoint": "ftp://service"}, "has the scheme 'ftp': only http and https"),
        ({"endpoint": "https://"}, "is not an address such as"),
        ({"endpoint": "https://service:port"}, "is not an address such as"),
        ({"endpoint": "https://me:planted@service"}, "contains a user name or password"),
        ({"project": "my-shop"}, "project 'my-shop' is no MaxCompute name"),
        ({"project": 7}, "'project' is int, not text"),
        ({"access_key_secret": ""}, "lacks 'access_key_secret'"),
        ({"acess_key_id": "x"}, "'acess_key_id', which is not known; did you mean 'access_key_id'?"),
        ({"sts_token": "x"}, "'sts_token', which is not known; did you mean 'security_token'?"),
        ({"tunel_endpoint": "x"}, "did you mean 'tunnel_endpoint'?"),
    ],
)
def test_what_cannot_be_meant_is_named(change: dict[str, Any], expected: str) -> None:
    """Each way to get one key wrong has its own sentence."""
    message = problems_of(GOOD | change)
    assert expected in message
    assert "planted" not in message


@pytest.mark.parametrize(
    ("fields", "key"),
    [({"login": "other"}, "access_key_id"), ({"password": "other"}, "access_key_secret"), ({"host": "h"}, "endpoint")],
)
def test_contradictions_are_named(fields: dict[str, str], key: str) -> None:
    """The same thing said twice, differently, is refused."""
    assert f"{key!r} and the connection's {next(iter(fields))} contradict" in problems_of(GOOD, **fields)


def test_an_address_without_a_scheme_is_meant_encrypted() -> None:
    """Plain http is spoken only where it is written."""
    settings = parse_odps_settings("c", GOOD | {"endpoint": "service.example/api", "tunnel_endpoint": "dt.example:80"})
    assert (settings.endpoint, settings.tunnel_endpoint) == ("https://service.example/api", "https://dt.example:80")


def test_a_role_needs_no_key_pair() -> None:
    """What a type of credentials needs goes to the credentials client, and nothing else does."""
    extra = {"project": "shop", "endpoint": "e", "credential_type": "ecs_ram_role", "role_name": "loader"}
    assert parse_odps_settings("c", extra).provider == (("type", "ecs_ram_role"), ("role_name", "loader"))


def test_keys_of_others_are_left_alone() -> None:
    """What an administrator keeps in the extra for other readers is no problem."""
    assert parse_odps_settings("c", GOOD | {"team": "payments", "auth_type": "ak"}).project == "shop"
