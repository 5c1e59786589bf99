"""Names of datasets: the same for the same thing, whoever names it, and without anything secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.lineage.names import DatasetName, asset_name, table_name, topic_names

HANGZHOU = "maxcompute://service.cn-hangzhou.maxcompute.aliyun.com"


@pytest.mark.parametrize(
    ("endpoint", "namespace"),
    [
        ("https://service.cn-hangzhou.maxcompute.aliyun.com/api", HANGZHOU),
        ("http://service.cn-hangzhou.maxcompute.aliyun.com:80/api", HANGZHOU),
        ("http://service.cn-hangzhou-vpc.maxcompute.aliyun-inc.com/api", HANGZHOU),
        ("http://service.cn-hangzhou-intranet.maxcompute.aliyun-inc.com/api", HANGZHOU),
        ("http://service.cn-hangzhou.maxcompute.aliyun-inc.com/api", HANGZHOU),
        ("https://SERVICE.CN-HANGZHOU.maxcompute.aliyun.com/api", HANGZHOU),
        (
            "https://service.ap-southeast-1.maxcompute.aliyun.com/api",
            "maxcompute://service.ap-southeast-1.maxcompute.aliyun.com",
        ),
        ("http://service.cn.maxcompute.aliyun.com/api", "maxcompute://service.cn.maxcompute.aliyun.com"),
        ("http://127.0.0.1:8080/api", "maxcompute://127.0.0.1:8080"),
        ("https://user:secret@odps.example.com/api", "maxcompute://odps.example.com"),
        ("https://odps-vpc.example.com:444", "maxcompute://odps-vpc.example.com:444"),
    ],
)
def test_endpoints_of_one_region_are_one_namespace(endpoint: str, namespace: str) -> None:
    """Public, VPC and classic addresses lead to the same tables; of another host nothing is guessed."""
    assert table_name(endpoint, TableName("t", "p")).namespace == namespace


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (TableName("Orders", "Shop"), "shop.orders"),
        (TableName("orders", "shop", "Sales"), "shop.sales.orders"),
        # Whoever names no schema means this one.
        (TableName("orders", "shop", "default"), "shop.orders"),
        (TableName("default", "default", "default"), "default.default"),
    ],
)
def test_a_table_is_named_in_lower_case(table: TableName, name: str) -> None:
    """MaxCompute's names ignore case, and so do its datasets."""
    assert table_name("https://host/api", table).name == name


@given(st.permutations(["b:9092", "c:9092", "A:9093"]))
def test_servers_in_any_order_are_one_topic(servers: list[str]) -> None:
    """The first by the alphabet names it, and the others are told to mean the same."""
    assert topic_names(servers, "orders") == (
        DatasetName("kafka://a:9093", "orders"),
        DatasetName("kafka://b:9092", "orders"),
        DatasetName("kafka://c:9092", "orders"),
    )


@pytest.mark.parametrize("server", ["u:s3cret@b:9092", "SASL_SSL://u:s3cret@b:9092", "SASL_SSL://b:9092", "B:9092"])
def test_a_server_says_no_secret(server: str) -> None:
    """A login is not a part of the address, and the listener's protocol is none either."""
    assert topic_names([server, "b:9092"], "orders") == (DatasetName("kafka://b:9092", "orders"),)


@pytest.mark.parametrize("topic", ["", "a b", "a/b", "x" * 250, "a\nb", "{{ params.topic }}", "orders?password=x"])
def test_what_no_topic_can_be_called_is_no_dataset(topic: str) -> None:
    """A wrong parameter does not become something that people see in their lineage for ever."""
    assert topic_names(["b:9092"], topic) == ()


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("maxcompute://shop/orders", "shop.orders"),
        ("maxcompute://Shop/Sales/Orders/", "shop.sales.orders"),
        ("MaxCompute://shop/default/orders", "shop.orders"),
        ("maxcompute://maxcompute_default/orders", "maxcompute_default.orders"),
        ("maxcompute://user:secret@shop/orders", "shop.orders"),
        ("maxcompute://shop", None),
        ("maxcompute://shop/a/b/c", None),
        ("maxcompute:///orders", None),
        ("maxcompute://shop//orders", None),
        ("maxcompute://[", None),
        ("kafka://b:9092/orders", None),
        ("orders", None),
        ("", None),
    ],
)
def test_assets_that_name_a_table_have_a_name(uri: str, name: str | None) -> None:
    """Others have none, and nothing is raised."""
    assert asset_name(uri) == (None if name is None else DatasetName("maxcompute", name))


@given(st.text())
def test_no_uri_is_too_odd(uri: str) -> None:
    """Whatever somebody has written: a name or none."""
    found = asset_name(uri)
    assert found is None or found.namespace == "maxcompute"
