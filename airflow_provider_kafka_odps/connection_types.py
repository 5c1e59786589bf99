"""The connection types `kafka` and `maxcompute` of Airflow's form, where no official provider brings them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

_OPTIONAL = {"type": ["string", "null"]}
_SECRET = {**_OPTIONAL, "format": "password"}
# As in the official forms: all that they store is in the extra, where the official hooks look, too.
_EXTRA_ONLY: dict[str, Any] = {
    "hidden-fields": ["host", "schema", "login", "password", "port"],
    "relabeling": {},
}


def _field(label: str, description: str, schema: Mapping[str, Any] = _OPTIONAL) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": dict(schema)}


def _choice(*values: str) -> dict[str, Any]:
    # An empty choice among them: what was chosen by mistake can be taken back.
    return {**_OPTIONAL, "enum": [*values, None]}


_KAFKA: dict[str, Any] = {
    "connection-type": "kafka",
    "hook-name": "Apache Kafka",
    "hook-class-name": "airflow_provider_kafka_odps.hooks.kafka.KafkaHook",
    "ui-field-behaviour": _EXTRA_ONLY,
    "conn-fields": {
        "bootstrap.servers": _field("bootstrap.servers", "Required, such as broker-1:9092,broker-2:9092"),
        "security.protocol": _field(
            "security.protocol",
            "PLAINTEXT where it is empty: no login and no encryption",
            _choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        ),
        "sasl.mechanism": _field(
            "sasl.mechanism",
            "How to log in, with SASL_SSL or SASL_PLAINTEXT",
            _choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"),
        ),
        "sasl.username": _field("sasl.username", "For PLAIN and SCRAM"),
        "sasl.password": _field("sasl.password", "For PLAIN and SCRAM", _SECRET),
        "ssl.ca.location": _field(
            "ssl.ca.location", "File on the worker: certificates to trust; empty: those of its operating system"
        ),
        "ssl.certificate.location": _field("ssl.certificate.location", "File on the worker: a client's certificate"),
        "ssl.key.location": _field("ssl.key.location", "File on the worker: the private key of that certificate"),
        "ssl.key.password": _field("ssl.key.password", "The password of that key, if it has one", _SECRET),
        "group.id": _field("group.id", 'The consumer group that start="committed" asks about'),
    },
}
_MAXCOMPUTE: dict[str, Any] = {
    "connection-type": "maxcompute",
    "hook-name": "MaxCompute",
    "hook-class-name": "airflow_provider_kafka_odps.hooks.odps.OdpsHook",
    "ui-field-behaviour": _EXTRA_ONLY,
    "conn-fields": {
        "access_key_id": _field("Access Key ID", "access_key_id", _SECRET),
        "access_key_secret": _field("Access Key Secret", "access_key_secret", _SECRET),
        "project": _field("Project", "project"),
        "endpoint": _field("Endpoint", "endpoint, such as https://service.cn-hangzhou.maxcompute.aliyun.com/api"),
        "tunnel_endpoint": _field("Tunnel endpoint", "tunnel_endpoint; empty: the endpoint is asked for it"),
        "schema": _field("Schema", "schema: that of tables whose name has none"),
        "quota_name": _field("Tunnel quota", "quota_name: the quota to upload with"),
        "security_token": _field("Security token (STS)", "security_token: belongs to a temporary key pair", _SECRET),
        "proxy": _field("Proxy", "proxy, such as http://proxy:3128; empty: as the worker's environment says"),
    },
}
_OFFICIAL_HOOKS = (
    ("airflow.providers.apache.kafka.hooks.base", _KAFKA),
    ("airflow.providers.alibaba.cloud.hooks.maxcompute", _MAXCOMPUTE),
)
"""The modules of the official hooks, and the type that each stands for; older Alibaba providers have no such hook."""


def connection_types() -> list[dict[str, Any]]:
    """Return those types that no official provider of this installation has.

    Airflow goes through providers by the names of their packages, and the first that names a type has its hook: where
    an official provider is there, nothing of ours may be named. Both forms store the same keys, so a connection that
    was made in one is edited in the other: it may be that only some components of a deployment have the official one.
    """
    return [described for module, described in _OFFICIAL_HOOKS if not _is_there(module)]


def _is_there(module: str) -> bool:
    """Tell whether a module is installed; it is not imported, only its packages, which check Airflow's version."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
    except Exception:  # noqa: BLE001 - whatever an official package has against this Airflow, the type is its own
        return True
