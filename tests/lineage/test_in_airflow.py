"""What the real provider of OpenLineage writes of real loads, from the tasks of a real scheduler."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
import pytest
from kit.airflow_home import ROOT
from lineage.conftest import Told

pytestmark = pytest.mark.timeout(900)
_SCHEMA = ROOT / "docs" / "extra" / "facets" / "1-0-0" / "KafkaOdpsWindowRunFacet.json"


def names(datasets: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return namespace and name of each dataset."""
    return [(each["namespace"], each["name"]) for each in datasets]


def topic_of(told: Told) -> tuple[str, str]:
    """Return the name of the topic's dataset."""
    return f"kafka://{told.servers}", told.topic


def table_of(told: Told, name: str) -> tuple[str, str]:
    """Return the name of a table's dataset."""
    address = told.endpoint.endpoint.removeprefix("http://").removesuffix("/api")
    return f"maxcompute://{address}", f"{told.endpoint.project}.{told.topic}_{name}".lower()


def parts(dataset: Mapping[str, Any], kind: str) -> list[str]:
    """Return which parts of a dataset are told to be read or written."""
    (condition,) = (each for name, each in dataset[f"{kind}Facets"]["subset"].items() if name == f"{kind}Condition")
    assert condition["type"] == "partition"
    return [each["identifier"] for each in condition["partitions"]]


def window_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run facet, which is what its published schema says."""
    facet: dict[str, Any] = event["run"]["facets"]["kafkaOdps_window"]
    jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text())["$defs"]["KafkaOdpsWindowRunFacet"]).validate(facet)
    return facet


def test_a_load_and_a_rerun_that_keeps_its_rows(told: Told) -> None:
    """At the start no dataset has a name; at the end topic, table and rejects have; a rerun has not read them again."""
    run_id = told.run("plain")
    start, complete = told.event("plain.load", "START"), told.event("plain.load", "COMPLETE")
    assert (start["inputs"], start["outputs"]) == ([], [])
    asked = window_of(start)
    assert (asked["topic"], asked["table"], "rows" in asked) == (told.topic, f"{told.topic}_plain", False)
    assert "unknownSourceAttribute" not in start["run"]["facets"]

    assert names(complete["inputs"]) == [topic_of(told)]
    assert names(complete["outputs"]) == [table_of(told, "plain"), table_of(told, "rejects")]
    (topic,), (table, rejects) = complete["inputs"], complete["outputs"]
    assert parts(topic, "input") == [f"{told.topic}[0]@[0, 3)", f"{told.topic}[1]@[0, 2)"]
    assert topic["inputFacets"]["inputStatistics"]["rowCount"] == 5
    fields = {each["name"]: each for each in topic["facets"]["schema"]["fields"]}
    assert [*fields] == ["key", "value", "partition", "offset", "timestamp", "headers"]
    assert [each["name"] for each in fields["value"]["fields"]] == ["address", "amount", "id", "phone", "type"]

    assert parts(table, "output") == ["ds=20261122"]
    statistics = table["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"], statistics["size"] > 0) == (3, 1, True)
    assert table["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    columns = {each["name"]: each["type"] for each in table["facets"]["schema"]["fields"]}
    assert columns == {
        "id": "bigint",
        "city": "string",
        "phone": "string",
        "k": "string",
        "o": "bigint",
        "p": "bigint",
        "trace": "string",
        "source": "string",
        "ds": "string",
    }
    lineage = table["facets"]["columnLineage"]
    how = {
        column: (field["field"], field["transformations"][0]["subtype"], field["transformations"][0]["masking"])
        for column, each in lineage["fields"].items()
        for field in each["inputFields"]
    }
    assert how == {
        "id": ("value.id", "IDENTITY", False),
        "city": ("value.address.city", "TRANSFORMATION", False),
        "phone": ("value.phone", "TRANSFORMATION", True),
        "k": ("key", "IDENTITY", False),
        "o": ("offset", "IDENTITY", False),
        "p": ("partition", "IDENTITY", False),
        "trace": ("headers.trace", "IDENTITY", False),
    }
    assert [each["field"] for each in lineage["dataset"]] == ["value.type", "value.amount"]
    assert rejects["outputFacets"]["outputStatistics"]["rowCount"] == 1
    (load_id,) = parts(rejects, "output")
    assert load_id.startswith("load_id=plain.load.")
    facet = window_of(complete)
    assert (facet["rows"], facet["rejects"], facet["filtered"], facet["loaded"]) == (3, 1, 1, True)

    told.airflow.clear_task(("plain", run_id, "load"))
    assert told.airflow.await_run("plain", run_id) == "success"
    kept = told.events("plain.load", "COMPLETE", 2)[-1]
    assert names(kept["inputs"]) == [topic_of(told)]
    assert names(kept["outputs"]) == [table_of(told, "plain")]
    assert "inputStatistics" not in kept["inputs"][0]["inputFacets"]
    assert "outputStatistics" not in kept["outputs"][0]["outputFacets"]
    assert not {"columnLineage", "lifecycleStateChange"} & set(kept["outputs"][0]["facets"])
    facet = window_of(kept)
    assert (facet["rows"], facet["loaded"]) == (3, False)


def test_whoever_reads_the_table_is_joined_to_it(told: Told) -> None:
    """An inlet says no endpoint: its dataset is what the load, by a subclass, has told to be its table's other name."""
    told.run("consumed")
    told.run("consuming")
    (other,) = told.event("consumed.load", "COMPLETE")["outputs"][0]["facets"]["symlinks"]["identifiers"]
    for kind in ("START", "COMPLETE"):
        assert names(told.event("consuming.read", kind)["inputs"]) == [(other["namespace"], other["name"])]
    uris = {each["uri"] for each in told.airflow.call("GET", "assets", limit=100)["assets"]}
    assert f"maxcompute://maxcompute_default/{told.topic}_consumed" in uris


def test_an_overwrite(told: Told) -> None:
    """The first load creates the table, the next one replaces its rows."""
    changes = []
    for number in (1, 2):
        told.run("replaced")
        table = told.events("replaced.load", "COMPLETE", number)[-1]["outputs"][0]
        assert "subset" not in table["outputFacets"]
        changes.append(table["facets"]["lifecycleStateChange"]["lifecycleStateChange"])
    assert changes == ["CREATE", "OVERWRITE"]


def test_partitions_that_records_say(told: Told) -> None:
    """They are named, with the level's source, and the staging table is not."""
    told.run("routed")
    complete = told.event("routed.load", "COMPLETE")
    (table,) = complete["outputs"]
    assert names([table]) == [table_of(told, "routed")]
    assert parts(table, "output") == ["ds=19700101", "ds=19700102"]
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 5
    assert "fileCount" not in table["outputFacets"]["outputStatistics"]
    (level,) = table["facets"]["columnLineage"]["fields"]["ds"]["inputFields"]
    assert level["field"] == "value.at"
    assert "__kafka_staging" not in json.dumps([complete["inputs"], complete["outputs"]])


def test_a_load_that_fails(told: Told) -> None:
    """It says which offsets it was about, and names no table that it was to create."""
    told.run("rejected", "failed")
    fail = told.event("rejected.load", "FAIL")
    assert names(fail["inputs"]) == [topic_of(told)]
    assert parts(fail["inputs"][0], "input") == [f"{told.topic}[0]@[0, 3)", f"{told.topic}[1]@[0, 2)"]
    assert "inputStatistics" not in fail["inputs"][0]["inputFacets"]
    assert fail["outputs"] == []
    facet = window_of(fail)
    assert (facet["offsets"], "rows" in facet) == (5, False)
    # The table is there by now.
    told.run("rejected", "failed")
    (table,) = told.events("rejected.load", "FAIL", 2)[-1]["outputs"]
    assert names([table]) == [table_of(told, "rejected")]
    assert "outputStatistics" not in table["outputFacets"]


def test_a_load_that_never_begins(told: Told) -> None:
    """Without a connection nothing has a name; the table is not made an input of itself."""
    told.run("unconnected", "failed")
    for kind in ("START", "FAIL"):
        event = told.event("unconnected.load", kind)
        assert (event["inputs"], event["outputs"]) == ([], [])
        assert window_of(event)["topic"] == told.topic


def test_mapped_tasks_tell_each_their_own(told: Told) -> None:
    """One job, one run for each instance, and each names its table."""
    told.run("mapped")
    events = told.events("mapped.load", "COMPLETE", 2)
    assert len({each["run"]["runId"] for each in events}) == 2
    found = [name for each in events for name in names(each["outputs"])]
    assert sorted(found) == [table_of(told, "first"), table_of(told, "second")]


def test_no_event_has_a_secret(told: Told) -> None:
    """Of the connections, addresses are told and nothing else."""
    told.run("consumed")
    told.event("consumed.load", "COMPLETE")
    text = told.file.read_text()
    assert told.endpoint.access_key not in text
    assert told.endpoint.access_id not in text
