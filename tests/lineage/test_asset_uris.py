"""URIs of assets stay what they are: by them Airflow keeps what runs have left for each other."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.providers.openlineage.utils.utils import translate_airflow_asset
from airflow.sdk import Asset
from airflow.sdk.definitions import asset as definitions
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.lineage.asset_uris import to_dataset, unchanged
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.runtime.assets import table_asset

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
TABLES = st.one_of(
    NAMES,
    st.tuples(NAMES, NAMES).map(".".join),
    st.tuples(NAMES, NAMES, NAMES).map(".".join),
    st.tuples(NAMES, NAMES).map(lambda pair: f".{pair[0]}.{pair[1]}"),
)
CONNECTIONS = st.from_regex(r"[\w.\-]{1,20}", fullmatch=True)
"""As Airflow takes them."""
URIS = st.one_of(
    st.text(max_size=30).map(lambda text: f"maxcompute://{text}"),
    st.text(max_size=30).map(lambda text: f"maxcompute:{text}"),
    st.lists(st.text(max_size=6), max_size=5).map(lambda parts: f"maxcompute://{'/'.join(parts)}"),
)


@pytest.fixture(autouse=True, scope="module")
def registered() -> None:
    """Hold that Airflow has found what we register."""
    manager = ProvidersManagerTaskRuntime()
    assert manager.asset_uri_handlers["maxcompute"] is unchanged
    assert manager.asset_to_openlineage_converters["maxcompute"] is to_dataset


@given(TABLES, st.none() | NAMES, CONNECTIONS)
def test_the_asset_of_a_table_stays_as_it_is(table: str, project: str | None, conn_id: str) -> None:
    """Its name and its URI are the same text, with us registered as without."""
    made = table_asset(table, project, conn_id)
    assert made is not None
    assert made.name == made.uri
    assert unchanged(urlsplit(made.uri)).geturl() == made.uri
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(definitions, "_get_uri_normalizer", lambda _: None)
        assert table_asset(table, project, conn_id) == made
        assert Asset(made.uri) == made


@given(URIS)
def test_every_other_uri_stays_as_it_is(uri: str) -> None:
    """Also one that names no table: refused, the DAG's file could not be imported any more."""

    def made() -> Asset | str:
        try:
            return Asset(name="a", uri=uri)
        except (TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(definitions, "_get_uri_normalizer", lambda _: None)
        before = made()
    assert made() == before
    # The provider of OpenLineage asks for the dataset of whatever is an inlet.
    assume(isinstance(before, Asset))
    assert isinstance(before, Asset)
    translate_airflow_asset(before, None)


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("maxcompute://Shop/Orders", "maxcompute://Shop/Orders"),
        ("maxcompute://shop/orders/", "maxcompute://shop/orders"),
        ("MAXCOMPUTE://shop/orders", "maxcompute://shop/orders"),
        ("maxcompute://shop", "maxcompute://shop/"),
        ("maxcompute://maxcompute-prod.eu/orders", "maxcompute://maxcompute-prod.eu/orders"),
    ],
)
def test_what_users_have_written_is_what_it_was(uri: str, kept: str) -> None:
    """What Airflow itself does to a URI, and nothing more: these are what it has kept states under so far."""
    assert Asset(uri).uri == kept
    task = KafkaToMaxComputeOperator(task_id="load", topic="t", table="orders", asset=Asset(uri))
    assert [each.uri for each in task.outlets] == [kept]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("maxcompute://shop/Orders", "shop.orders"),
        ("maxcompute://shop/s/orders", "shop.s.orders"),
        ("maxcompute://a", ""),
    ],
)
def test_an_inlet_becomes_a_dataset(uri: str, name: str) -> None:
    """By the provider's own way from assets to datasets; what names no table is none."""
    found: Any = translate_airflow_asset(Asset(uri), None)
    assert (found and (found.namespace, found.name)) == (("maxcompute", name) if name else None)


def test_the_handler_is_imported_quickly() -> None:
    """Airflow imports it wherever an asset of any scheme is made."""
    program = (
        "import sys, airflow_provider_kafka_odps.lineage.asset_uris, airflow_provider_kafka_odps.lineage.names\n"
        "print(*{'airflow', 'numpy', 'odps', 'openlineage', 'pyarrow', 'sqlglot'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == []
