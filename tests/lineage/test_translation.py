"""Described loads in OpenLineage's own classes, through its own serializer and its provider's redaction."""

from __future__ import annotations

import copy
import json
import pickle
import re
from dataclasses import fields, replace
from typing import Any

import attr
import jsonschema
from airflow.providers.openlineage.utils.utils import OpenLineageRedactor
from airflow.sdk._shared.secrets_masker import _secrets_masker, mask_secret
from core.examples import receipts, window_of
from hypothesis import given
from hypothesis import strategies as st
from kit.airflow_home import ROOT
from lineage.loads import WINDOW, known, receipt
from openlineage.client.serde import Serde

from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.lineage.columns import MASKING, Field
from airflow_provider_kafka_odps.lineage.description import MOST_PARTS, describe
from airflow_provider_kafka_odps.lineage.translation import lineage, nothing
from airflow_provider_kafka_odps.lineage.window_told import FACET, SCHEMA, WindowTold

_FILE = ROOT / "docs" / "extra" / "facets" / "1-0-0" / "KafkaOdpsWindowRunFacet.json"


def written(operator_lineage: Any) -> dict[str, Any]:
    """Return what is sent, as somebody reads it."""
    redacted = OpenLineageRedactor.from_masker(_secrets_masker()).redact(operator_lineage, max_depth=20)
    event: dict[str, Any] = json.loads(Serde.to_json(redacted))
    assert "non-serializable" not in json.dumps(event)
    return event


def of(facets: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a facet without what all of them have."""
    return {key: value for key, value in facets[name].items() if not key.startswith("_")}


def test_a_whole_load() -> None:
    """Every facet has the shape that OpenLineage's pages describe."""
    event = written(lineage(describe(known(), WINDOW, receipt(), loaded=True)))
    (topic,), (table,) = event["inputs"], event["outputs"]
    assert (topic["namespace"], topic["name"]) == ("kafka://a:9092", "orders")
    assert of(topic["facets"], "symlinks")["identifiers"] == [
        {"namespace": "kafka://b:9092", "name": "orders", "type": "TOPIC"}
    ]
    value = of(topic["facets"], "schema")["fields"][1]
    assert value == {"name": "value", "type": "json", "fields": [{"name": "id"}, {"name": "type"}]}
    assert of(topic["inputFacets"], "inputStatistics") == {"rowCount": 5}
    assert of(topic["inputFacets"], "subset")["inputCondition"] == {
        "type": "partition",
        "partitions": [
            {"identifier": "orders[0]@[0, 3)", "dimensions": {"partition": 0, "start": 0, "end": 3}},
            {"identifier": "orders[2]@[7, 9)", "dimensions": {"partition": 2, "start": 7, "end": 9}},
        ],
    }
    source = {"namespace": "kafka://a:9092", "name": "orders"}
    assert of(table["facets"], "columnLineage") == {
        "fields": {
            "Id": {
                "inputFields": [
                    {
                        **source,
                        "field": "value.id",
                        "transformations": [
                            {
                                "type": "DIRECT",
                                "subtype": "TRANSFORMATION",
                                "description": "id | number",
                                "masking": False,
                            }
                        ],
                    }
                ]
            },
            "o": {
                "inputFields": [
                    {
                        **source,
                        "field": "offset",
                        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}],
                    }
                ]
            },
        },
        "dataset": [{**source, "field": "value.type", "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}]}],
    }
    assert of(table["outputFacets"], "outputStatistics") == {"rowCount": 3, "size": 900, "fileCount": 2}
    assert of(table["outputFacets"], "subset")["outputCondition"]["partitions"] == [
        {"identifier": "ds=20261122,hh=10", "dimensions": {"ds": "20261122", "hh": "10"}}
    ]
    assert [each["name"] for each in of(table["facets"], "schema")["fields"]] == ["Id", "o", "c", "ds"]


def test_what_became_of_the_table_is_told_in_openlineages_word() -> None:
    """The serializer takes the enum apart."""
    event = written(lineage(describe(known(created=True), WINDOW, receipt(), loaded=True)))
    assert of(event["outputs"][0]["facets"], "lifecycleStateChange") == {"lifecycleStateChange": "CREATE"}


def test_nothing_is_an_answer() -> None:
    """The provider takes inlets and outlets where it gets no dataset: the table would be an input of itself."""
    told = nothing(WindowTold(topic="orders", table="t"))
    assert (list(told.inputs), list(told.outputs)) == ([], [])
    assert told.inputs
    assert told.outputs
    assert written(told)["inputs"] == []


def test_the_run_facet_is_what_its_schema_says() -> None:
    """Whoever validates events finds the fields that the published file has, and no others."""
    schema = json.loads(_FILE.read_text())
    facet = schema["$defs"]["KafkaOdpsWindowRunFacet"]
    assert {each.name for each in fields(WindowTold)} == {each for each in facet["properties"] if each[0] != "_"}
    assert f"{schema['$id']}#/$defs/KafkaOdpsWindowRunFacet" == SCHEMA
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(facet)
    for told in (
        nothing(WindowTold(topic="orders", table="t")),
        lineage(describe(known(), WINDOW, None, loaded=False)),
        lineage(describe(known(), WINDOW, receipt(), loaded=True)),
    ):
        run = written(told)["run_facets"][FACET]
        validator.validate(run)
        assert run["_schemaURL"] == SCHEMA
    assert not validator.is_valid({**run, "password": "x"})


@given(receipts, st.booleans(), st.sampled_from(Mode))
def test_whatever_came_of_a_load_can_be_told(receipt: Receipt, loaded: bool, mode: Mode) -> None:
    """Of any receipt, also of one that an earlier release has written, the run facet is what its schema says."""
    load = known(mode=mode, partition=None, staged=receipt.per_partition is not None)
    told = lineage(describe(load, receipt.window, receipt, loaded=loaded))
    event = json.loads(Serde.to_json(told))
    facet = json.loads(_FILE.read_text())["$defs"]["KafkaOdpsWindowRunFacet"]
    jsonschema.Draft202012Validator(facet).validate(event["run_facets"][FACET])
    statistics = event["outputs"][0]["outputFacets"].get("outputStatistics", {})
    assert statistics.get("rowCount") == (receipt.rows if loaded else None)


def test_the_page_has_every_field_and_every_function_that_masks() -> None:
    """Whoever reads events finds each of them in docs/lineage.md."""
    page = (ROOT / "docs" / "lineage.md").read_text(encoding="utf-8")
    _, _, window = page.partition("### The window")
    assert [each.name for each in fields(WindowTold) if f"`{each.name}`" not in window] == []
    columns, _, _ = page.partition("### The window")
    assert [each for each in MASKING if not re.search(rf"`(phone \\\| )?{each}`", columns)] == []
    assert str(MOST_PARTS) in page


def test_events_of_three_hundred_partitions_are_small() -> None:
    """Less than a tenth of what brokers and servers take of one message by default, which is a megabyte."""
    window = window_of(*[(10**12, 10**12 + 10**6)] * 300)
    event = written(lineage(describe(known(), window, receipt(window=window), loaded=True)))
    assert len(event["inputs"][0]["inputFacets"]["subset"]["inputCondition"]["partitions"]) == 300
    assert len(json.dumps(event)) < 100_000


def test_columns_that_are_called_like_secrets_stay() -> None:
    """Their names are no secrets, and an event without them would not be what the specification says."""
    load = known(
        fields=(Field("password", "string"), Field("token", "string")),
        columns={"password": "password | sha256", "token": "__headers__.token"},
        partition="token=x",
    )
    event = written(lineage(describe(load, WINDOW, receipt(), loaded=True)))
    found = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert {name: each["inputFields"][0]["field"] for name, each in found.items()} == {
        "password": "value.password",
        "token": "headers.token",
    }
    assert found["password"]["inputFields"][0]["transformations"][0]["masking"] is True


def test_a_secret_in_an_expression_is_masked() -> None:
    """One that Airflow knows, such as a variable's value in a template, is no more told than it is logged."""
    mask_secret("s4lt-of-the-earth")
    load = known(columns={"o": "a | replace('s4lt-of-the-earth', '')"}, where="a = 's4lt-of-the-earth'")
    text = json.dumps(written(lineage(describe(load, WINDOW, receipt(), loaded=True))))
    assert "a | replace('***', '')" in text
    assert "s4lt" not in text


def test_a_long_expression_is_cut() -> None:
    """It is there for people, and they find the whole of it in the task's rendered template."""
    load = known(columns={"o": f"a | replace('{'x' * 10_000}', '')"})
    assert len(json.dumps(written(lineage(describe(load, WINDOW, receipt(), loaded=True))))) < 10_000


def test_facets_are_copied_like_others() -> None:
    """Transports may copy events, and hand them to other processes."""
    told = lineage(describe(known(), WINDOW, receipt(), loaded=True))
    assert copy.deepcopy(told) == told
    assert attr.asdict(told)
    assert pickle.loads(pickle.dumps(told)) == told


def test_many_partitions_of_the_table() -> None:
    """A load may touch hundreds of days."""
    days = {PartitionSpec((("ds", f"{day:03}"),)): 1 for day in range(400)}
    done = replace(receipt(), per_partition=days)
    event = written(lineage(describe(known(partition="ds=*", staged=True), WINDOW, done, loaded=True)))
    assert len(event["outputs"][0]["outputFacets"]["subset"]["outputCondition"]["partitions"]) == 400
