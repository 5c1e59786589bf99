"""Names of datasets, as docs/lineage.md states them: of topics, of tables, and of the assets of tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_provider_kafka_odps.core.table.names import TableName

ASSET_NAMESPACE = "maxcompute"
"""Of a table that only its asset's URI names: that says no endpoint."""

_OF_A_REGION = re.compile(r"service\.(.+?)(?:-vpc|-intranet)?\.maxcompute\.aliyun(?:-inc)?\.com")
"""One service of one region, whichever network it is asked from."""
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_USUAL_PORTS = {"http": 80, "https": 443}
_USUAL_SCHEMA = "default"
"""The schema in which a table is that is named without one."""
_ASSET_PARTS = (2, 3)


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset as OpenLineage names it."""

    namespace: str
    name: str


def topic_names(servers: Sequence[str], topic: str) -> tuple[DatasetName, ...]:
    """Return the names of a topic, one for each server: the first is the dataset's, the others mean the same.

    There are none for what no topic can be called.
    They are sorted, so that connections with the same servers in another order mean the same dataset. A scheme in front
    of a server and a login are left out.

    >>> [each.namespace for each in topic_names(["b:9092", "SSL://u:secret@A:9093"], "orders")]
    ['kafka://a:9093', 'kafka://b:9092']
    """
    if not _TOPIC.fullmatch(topic):
        return ()
    addresses = sorted({server.rpartition("://")[2].rpartition("@")[2].lower() for server in servers})
    return tuple(DatasetName(f"kafka://{address}", topic) for address in addresses)


def table_name(endpoint: str, table: TableName) -> DatasetName:
    """Return the name of a table, whose project is given, at an endpoint.

    The addresses of one region for several networks become the public one.

    >>> endpoint = "http://service.cn-hangzhou-vpc.maxcompute.aliyun-inc.com/api"
    >>> table_name(endpoint, TableName("Orders", "Shop", "default"))
    DatasetName(namespace='maxcompute://service.cn-hangzhou.maxcompute.aliyun.com', name='shop.orders')
    """
    address = urlsplit(endpoint)
    host, port = address.hostname or "", address.port
    if found := _OF_A_REGION.fullmatch(host):
        host = f"service.{found[1]}.maxcompute.aliyun.com"
    elsewhere = "" if port in (None, _USUAL_PORTS.get(address.scheme)) else f":{port}"
    return DatasetName(f"maxcompute://{host}{elsewhere}", _dotted([table.project, table.schema, table.name]))


def asset_name(uri: str) -> DatasetName | None:
    """Return the name of the table of an asset's URI, None for one that names none.

    >>> asset_name("maxcompute://shop/orders"), asset_name("maxcompute://shop")
    (DatasetName(namespace='maxcompute', name='shop.orders'), None)
    """
    try:
        address = urlsplit(uri)
    except ValueError:
        return None
    parts = [address.netloc.rpartition("@")[2], *address.path.removeprefix("/").rstrip("/").split("/")]
    if address.scheme != "maxcompute" or len(parts) not in _ASSET_PARTS or not all(parts):
        return None
    return DatasetName(ASSET_NAMESPACE, _dotted(parts))


def _dotted(parts: Sequence[str | None]) -> str:
    """Return a table's name in lower case, as MaxCompute compares names; of its schema, the usual one is left out."""
    *outer, table = [part.lower() for part in parts if part]
    return ".".join([*outer[:1], *(schema for schema in outer[1:] if schema != _USUAL_SCHEMA), table])
