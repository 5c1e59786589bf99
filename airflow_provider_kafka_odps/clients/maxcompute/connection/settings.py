"""The `maxcompute` connection of Airflow, read once into one value."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_kafka_odps.core.table.names import check_identifier
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput

_OFFICIAL = ("access_key_id", "access_key_secret", "project", "endpoint")
_KEY_PAIR = ("access_key_id", "access_key_secret")
_OURS = ("tunnel_endpoint", "security_token", "schema", "quota_name", "bearer_token", "credential_type", "proxy")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "ram_role_arn": (*_KEY_PAIR, "role_arn"),
    "ecs_ram_role": (),
    "oidc_role_arn": ("role_arn", "oidc_provider_arn", "oidc_token_file_path"),
    "credentials_uri": ("credentials_uri",),
}
"""Alibaba Cloud's types of credentials that are renewed → the keys that each needs."""
_OF_PROVIDERS = (
    "credentials_uri",
    "external_id",
    "oidc_provider_arn",
    "oidc_token_file_path",
    "policy",
    "role_arn",
    "role_name",
    "role_session_name",
    "sts_endpoint",
)
_KEYS = (*_OFFICIAL, *_OURS, *_OF_PROVIDERS)
# What the same thing is called elsewhere (PyODPS, odpscmd), too far away for a spelling check.
_CALLED_ELSEWHERE = {
    "access_id": "access_key_id",
    "secret_access_key": "access_key_secret",
    "access_key": "access_key_secret",
    "sts_token": "security_token",
    "default_schema": "schema",
    "default_project": "project",
}
_LIKENESS = 0.8


@dataclass(frozen=True, slots=True)
class OdpsSettings:
    """Where MaxCompute is and who asks; secrets do not show in its repr."""

    conn_id: str
    endpoint: str
    """Such as ``https://service.cn-hangzhou.maxcompute.aliyun.com/api``, without a slash at the end."""
    project: str
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    tunnel_endpoint: str | None = None
    """None: asked from the endpoint."""
    schema: str | None = None
    quota_name: str | None = None
    bearer_token: str | None = field(default=None, repr=False)
    """Goes before the access key."""
    proxy: str | None = field(default=None, repr=False)
    """Such as ``http://proxy:3128``; None: what the worker's environment says."""
    provider: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Arguments of Alibaba Cloud's credentials client, ``type`` among them; empty: the keys stand in the connection."""


def parse_odps_settings(
    conn_id: str,
    extra: Mapping[str, Any],
    login: str | None = None,
    password: str | None = None,
    host: str | None = None,
    *,
    project: str | None = None,
    endpoint: str | None = None,
    quota_name: str | None = None,
) -> OdpsSettings:
    """Read a connection in the format of the official `maxcompute` connection type.

    :param extra: the connection's extra: ``access_key_id``, ``access_key_secret``, ``project``, ``endpoint``, and
        optionally ``tunnel_endpoint``, ``security_token``, ``schema``, ``quota_name``; in place of the key pair a
        ``bearer_token``, or a ``credential_type`` with the keys of Alibaba Cloud's credentials client. Other keys are
        left alone unless they look like one of these.
    :param login: taken for ``access_key_id`` where the extra has none; ``password`` for ``access_key_secret`` and
        ``host`` for ``endpoint`` likewise.
    :param project: used in place of the connection's; so are ``endpoint`` and ``quota_name``.
    :raises InvalidConnection: with every problem that was found.
    """
    problems = _misnamed(extra)
    values = {key: _text(key, extra.get(key), problems) for key in _KEYS}
    for key, name, value in (
        ("access_key_id", "login", login),
        ("access_key_secret", "password", password),
        ("endpoint", "host", host),
    ):
        values[key] = _one_of(key, values[key], name, value, problems)
    for key, value in (("project", project), ("endpoint", endpoint), ("quota_name", quota_name)):
        values[key] = value or values[key]
    for key in ("endpoint", "tunnel_endpoint"):
        values[key] = _encrypted(values[key])
    problems += [*_missing(values), *_misshapen(values)]
    if problems:
        raise InvalidConnection(conn_id, *problems)
    return OdpsSettings(
        conn_id=conn_id,
        endpoint=(values["endpoint"] or "").rstrip("/"),
        project=values["project"] or "",
        access_key_id=values["access_key_id"] or "",
        access_key_secret=values["access_key_secret"] or "",
        security_token=values["security_token"],
        tunnel_endpoint=(values["tunnel_endpoint"] or "").rstrip("/") or None,
        schema=values["schema"],
        quota_name=values["quota_name"],
        bearer_token=values["bearer_token"],
        proxy=values["proxy"],
        provider=_provider(values),
    )


def _encrypted(address: str | None) -> str | None:
    """Return an address with https where no scheme is given; plain http is used only where it is written."""
    return address if not address or "://" in address else f"https://{address}"


def _provider(values: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Return the arguments of the credentials client; the key pair is part of one type only, which assumes a role."""
    kind = values["credential_type"]
    if kind is None:
        return ()
    names = (*(_KEY_PAIR if kind == "ram_role_arn" else ()), *_OF_PROVIDERS)
    return (("type", kind), *((name, text) for name in names if (text := values[name])))


def _misnamed(extra: Mapping[str, Any]) -> list[str]:
    problems = []
    for key in extra:
        if key in _KEYS:
            continue
        meant = _CALLED_ELSEWHERE.get(key) or next(iter(difflib.get_close_matches(key, _KEYS, 1, _LIKENESS)), None)
        if meant:
            problems.append(f"the extra has {key!r}, which is not known; did you mean {meant!r}?")
    return problems


def _text(key: str, value: object, problems: list[str]) -> str | None:
    """Return the text of a value; Airflow's form stores an empty field as null or as ''."""
    if value is None:
        return None
    if not isinstance(value, str):
        problems.append(f"{key!r} is {type(value).__name__}, not text")
        return None
    return value.strip() or None


def _one_of(key: str, value: str | None, other_name: str, other: str | None, problems: list[str]) -> str | None:
    if value and other and value != other.strip():
        problems.append(f"the extra's {key!r} and the connection's {other_name} contradict each other: keep one")
    return value or (other or "").strip() or None


def _missing(values: Mapping[str, str | None]) -> list[str]:
    kind, bearer = values["credential_type"], values["bearer_token"]
    if kind is not None and kind not in _NEEDED:
        return [
            f"credential_type {kind!r} is not supported: use one of {', '.join(_NEEDED)}, or none with an access key"
        ]
    needed = _NEEDED[kind] if kind else () if bearer else _KEY_PAIR
    problems = [f"the extra lacks {key!r}" for key in (*needed, "project", "endpoint") if not values[key]]
    if kind and (bearer or values["security_token"]):
        problems.append(f"credential_type {kind!r} gets its own tokens: leave out 'bearer_token' and 'security_token'")
    if not kind and (unused := [key for key in _OF_PROVIDERS if values[key]]):
        problems.append(f"{', '.join(map(repr, unused))} have no effect without 'credential_type'")
    if values["security_token"] and not (values["access_key_id"] and values["access_key_secret"]):
        problems.append("'security_token' needs the access_key_id and access_key_secret that it was issued with")
    return problems


def _misshapen(values: Mapping[str, str | None]) -> list[str]:
    problems = [_misshapen_address(key, values[key] or "") for key in ("endpoint", "tunnel_endpoint") if values[key]]
    for key in ("project", "schema"):
        try:
            check_identifier(values[key] or "none_given", key)
        except InvalidInput as error:
            problems.append(str(error))
    return [problem for problem in problems if problem]


def _misshapen_address(key: str, address: str) -> str:
    """Return what is wrong with an address, or nothing; an address that holds a password is not repeated."""
    try:
        parts = urlsplit(address)
        odd_port = parts.port == 0
    except ValueError:
        return f"{key} {address!r} is not an address such as https://service.cn-hangzhou.maxcompute.aliyun.com/api"
    if "@" in parts.netloc:
        return f"{key} contains a user name or password, which is not supported: log in by the access key"
    if parts.scheme not in {"http", "https"}:
        return f"{key} {address!r} has the scheme {parts.scheme!r}: only http and https are supported"
    if not parts.hostname or odd_port or parts.query or parts.fragment:
        return f"{key} {address!r} is not an address such as https://service.cn-hangzhou.maxcompute.aliyun.com/api"
    return ""
