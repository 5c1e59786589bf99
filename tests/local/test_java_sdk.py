"""The official Java SDK: what it writes PyODPS reads, what PyODPS writes it reads, and what it is refused."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from local.conftest import connect
from local.java_sdk import run_scenarios
from odps import ODPS

from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, Refuse, RunningEndpoint, running_endpoint

COLUMNS = (
    "c_bigint bigint, c_int int, c_smallint smallint, c_tinyint tinyint, c_float float, c_double double, "
    "c_boolean boolean, c_string string, c_binary binary, c_varchar varchar(10), c_char char(4), "
    "c_decimal decimal(38,10), c_date date, c_datetime datetime, c_timestamp timestamp, c_ntz timestamp_ntz, "
    "c_json json, c_array array<string>, c_map map<string,bigint>, c_struct struct<a:bigint,b:string>"
)
AS_PYTHON_HAS_IT = [
    *(-(2**63) + 1, -(2**31), -(2**15), -(2**7), 0.5, -1e300, True),
    *("grün 😀", b"\x00\xff", "varchar", "char", Decimal("-1234567890123456789012345678.0123456789")),
    dt.date(1582, 10, 4),
    dt.datetime(1969, 7, 20, 20, 17, 40, 123000),  # noqa: DTZ001 - PyODPS gives UTC without saying so
    pd.Timestamp("1969-12-31 23:59:59.123456789"),
    pd.Timestamp("2026-11-22 10:00:00.987654321"),
    *({"a": [1, None]}, ["x", None, ""], {"one": 1}, (5, None)),
]
AS_JAVA_HAS_IT = [
    *(-(2**63) + 1, -(2**31), -(2**15), -(2**7), 0.5, -1e300, True),
    *("grün 😀", "00ff", "varchar", "char", "-1234567890123456789012345678.0123456789"),
    *("1582-10-04", "1969-07-20T20:17:40.123Z", "1969-12-31T23:59:59.123456789Z", "2026-11-22T10:00:00.987654321"),
    *('{"a": [1, null]}', ["x", None, ""], {"one": 1}, [5, None]),
]
AS_ARROW_OF_JAVA_HAS_IT = [
    *AS_JAVA_HAS_IT[:12],
    # Days, instants without a zone and structs without nulls: vectors of Java's Arrow show no more.
    (dt.date(1582, 10, 4) - dt.date(1970, 1, 1)).days,
    *("1969-07-20T20:17:40.123", "1969-12-31T23:59:59.123456789", "2026-11-22T10:00:00.987654321"),
    *('{"a": [1, null]}', ["x", None, ""], [{"key": "one", "value": 1}], {"a": 5}),
]
RECORD_CODECS = ["ODPS_RAW", "ODPS_ZLIB", "ODPS_SNAPPY", "ODPS_ZSTD", "ODPS_LZ4_FRAME"]
ARROW_CODECS = ["ODPS_RAW", "ODPS_ZLIB", "ODPS_SNAPPY", "ODPS_ARROW_LZ4_FRAME"]


@dataclass(frozen=True, slots=True)
class Java:
    """What one run of Java saw, by scenario, and a PyODPS client to look at what it left."""

    lines: dict[str, dict[str, Any]]
    odps: ODPS
    prefix: str

    def saw(self, scenario: str) -> Any:
        """Give what a scenario saw; it fails here if it failed there."""
        line = self.lines[scenario]
        assert "failed" not in line, f"{scenario} in Java: {line['failed']}"
        return line["seen"]

    def rows(self, table: str, **arguments: Any) -> list[list[Any]]:
        """Read one of Java's tables by PyODPS."""
        return [plain(record.values) for record in self.odps.read_table(self.prefix + table, **arguments)]


def plain(values: list[Any]) -> list[Any]:
    """Give the values of a record with its named tuples as tuples of no name."""
    return [tuple(value) if isinstance(value, tuple) else value for value in values]


@pytest.fixture(scope="session")
def endpoint() -> Iterator[RunningEndpoint]:
    """Return an endpoint without schemas: Java writes names of two parts, unless it is told a schema."""
    with running_endpoint(arguments=("--no-schemas",)) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def java(endpoint: RunningEndpoint) -> Java:
    """Return what Java saw; the tables that it reads from PyODPS are there before it starts."""
    odps = connect(endpoint, tunnel_endpoint=endpoint.endpoint)
    prefix = f"java_{uuid.uuid4().hex[:12]}_"
    for table in ("python", "python_copy"):
        odps.create_table(prefix + table, COLUMNS, hints={"odps.sql.type.system.odps2": "true"})
    odps.create_table(prefix + "flaky", "k bigint, v string")
    endpoint.control.inject(Operation.CREATE_UPLOAD, Refuse(503), table=prefix + "flaky")
    endpoint.control.inject(Operation.COMMIT_UPLOAD, Drop(Moment.AFTER), table=prefix + "flaky")
    odps.write_table(prefix + "python", [AS_PYTHON_HAS_IT, [None] * len(AS_PYTHON_HAS_IT)])
    return Java(run_scenarios(endpoint, prefix), odps, prefix)


def test_java_reads_the_records_it_wrote(java: Java) -> None:
    """Values of every type come back as they went, through every compression both ways."""
    assert java.saw("everyType") == {codec: [AS_JAVA_HAS_IT] * len(RECORD_CODECS) for codec in RECORD_CODECS}


def test_python_reads_the_records_of_java(java: Java) -> None:
    """PyODPS finds the values of every type that Java wrote, one block for each compression."""
    java.saw("everyType")
    assert java.rows("every") == [AS_PYTHON_HAS_IT] * len(RECORD_CODECS)


def test_java_reads_what_python_wrote(java: Java) -> None:
    """Java finds the values of PyODPS, and nulls, as records and as Arrow."""
    nothing = [None] * len(AS_JAVA_HAS_IT)
    seen = java.saw("fromPython")
    assert seen["records"] == [AS_JAVA_HAS_IT, nothing]
    assert seen["arrow"] == [AS_ARROW_OF_JAVA_HAS_IT, nothing]


def test_python_reads_what_java_copied(java: Java) -> None:
    """Values of every type survive the way PyODPS, Java, PyODPS: four times as Arrow and once as records."""
    java.saw("fromPython")
    rows = [AS_PYTHON_HAS_IT, [None] * len(AS_PYTHON_HAS_IT)]
    assert java.rows("python_copy") == rows * (len(ARROW_CODECS) + 1)


def test_blocks_may_be_empty(java: Java) -> None:
    """A row of nulls, a block of no record and an Arrow block of no batch are one row."""
    row = [None] * len(AS_JAVA_HAS_IT)
    assert java.saw("nothing") == {"records": [row], "arrow": [row]}
    assert java.rows("nothing") == [row]


def test_arrow_built_by_java_arrives(java: Java) -> None:
    """Batches of Java's own vectors are read as Arrow by Java, and as records by PyODPS, through each compression."""
    seen = java.saw("arrow")
    assert list(seen) == ARROW_CODECS
    rows = seen["ODPS_RAW"]
    assert [row[1] for row in rows[::2]] == [codec for codec in ARROW_CODECS for _ in range(2)]
    assert rows[1::2] == [[None, None]] * 2 * len(ARROW_CODECS)
    assert all(seen[codec] == rows for codec in ARROW_CODECS)
    assert java.rows("arrow") == rows


def test_java_chooses_columns_and_ranges(java: Java) -> None:
    """Record columns come in the order asked for, ranges begin where told, and a download can be attached to."""
    assert java.saw("columnsAndRanges") == {
        "count": 1000,
        "attached": 1000,
        "columns": [[498.5, 997], [499.0, 998], [499.5, 999]],
        "range": [[500, "row 500", 250.0], [501, "row 501", 250.5]],
        "arrow": [[998, 499.0], [999, 499.5]],
    }


def test_a_block_is_replaced_and_an_upload_attached_to(java: Java) -> None:
    """A block sent again replaces the first, and another object of the same session adds one and commits both."""
    rows = [[2, "kept"], [3, "last"]]
    assert java.saw("blocks") == {"blocks": [3, 19999], "before": "NORMAL", "after": "CLOSED", "rows": rows}
    assert java.rows("blocks") == rows


def test_the_buffered_writer_of_java_works(java: Java) -> None:
    """Rows of a writer that cuts blocks by itself are all there."""
    assert java.saw("buffered") == 20_000
    assert java.rows("buffered") == [[row, "x" * (row % 100)] for row in range(20_000)]


def test_java_makes_fills_and_drops_partitions(java: Java) -> None:
    """Partitions are listed both ways, a value may have spaces, and a dropped one is gone for PyODPS too."""
    names = ["ds='a',hh='1'", "ds='grün b',hh='2'"]
    rows = [[1, "grün b"]]
    assert java.saw("partitions") == {
        "names": names,
        "partitions": names,
        "exists": True,
        "rows": rows,
        "deleted": True,
    }
    table = java.odps.get_table(java.prefix + "parts")
    assert [partition.name for partition in table.partitions] == names[1:]
    assert [row[:3] for row in java.rows("parts", partition=names[1])] == [[1, "grün b", "grün b"]]


def test_java_overwrites(java: Java) -> None:
    """Two uploads add up, and one that overwrites leaves its own rows only."""
    assert java.saw("overwrite") == {"rows 0": 1, "rows 1": 2, "rows 2": 1}
    assert java.rows("over") == [[1, "overwrite true"]]


def test_java_sees_the_whole_of_a_table(java: Java) -> None:
    """Types, comments, lifecycle and owner are as Java sent them, and a dropped table is gone."""
    seen = java.saw("metadata")
    *types, struct = [column.split()[1].upper() for column in COLUMNS.split(", ")]
    assert seen.pop("types") == [*types, struct.replace("A:", "a:").replace("B:", "b:")]
    assert seen == {
        "partition column": "ds",
        "comment": 'made "in" Java\'s way',
        "lifecycle": 7,
        "owner": f"ALIYUN${java.odps.account.access_id}",
        "created": True,
        "columns": 20,
        "listed": True,
        "project": True,
        "dropped": True,
    }


def test_java_queries(java: Java) -> None:
    """Statements run, results come as CSV, by the instance tunnel and as a result set."""
    seen = java.saw("sql")
    text = 'it\'s, "quoted" <&>'
    assert seen["status"] == ["SUCCESS"]
    assert seen["csv"] == [["1", text, "1.50"], ["2", "\\N", "\\N"]]
    assert seen["tunnel"] == seen["set"] == [[1, text, "1.5"], [2, None, None]]
    assert java.rows("sql") == [[1, text, Decimal("1.5")], [2, None, None]]


@pytest.mark.parametrize(
    ("statement", "code"),
    [("missing table", "ODPS-0130131"), ("second create", "ODPS-0110061"), ("syntax", "ODPS-0130161")],
)
def test_java_throws_what_a_job_failed_of(java: Java, statement: str, code: str) -> None:
    """The exception of a failed statement begins with the service's code."""
    refusal = java.saw("sql")[statement]
    assert refusal["class"] == "OdpsException"
    assert refusal["message"].startswith(f"{code}:")


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        ("block 20000", "InvalidBlockID"),
        ("second commit", "StatusConflict"),
        ("write after commit", "StatusConflict"),
        ("table", "NoSuchTable"),
        ("preview", "NoSuchTable"),
        ("partition", "NoSuchPartition"),
        ("no partition", "MissingPartitionSpec"),
        ("partition of a plain table", "InvalidPartitionSpec"),
        ("upload", "NoSuchUpload"),
        ("download", "NoSuchDownload"),
    ],
)
def test_java_knows_why_the_tunnel_refused(java: Java, attempt: str, code: str) -> None:
    """Each refusal of the tunnel becomes Java's TunnelException with the service's code."""
    refusal = java.saw("tunnelErrors")[attempt]
    assert (refusal["class"], refusal["code"]) == ("TunnelException", code)


@pytest.mark.parametrize("kind", ["stream", "upsert"])
def test_java_reads_what_is_not_built(java: Java, kind: str) -> None:
    """Stream and upsert sessions are refused at once, with a code that Java understands."""
    refusal = java.saw("notBuilt")[kind]
    assert (refusal["class"], refusal["code"]) == ("TunnelException", "NotImplemented")


def test_java_repeats_a_refused_creation_and_learns_of_a_lost_commit(java: Java) -> None:
    """A 503 is repeated by Java; a commit whose answer is lost is sent again, refused, and applied once."""
    seen = java.saw("flaky")
    assert seen["commit"]["code"] == "StatusConflict"
    assert (seen["status"], seen["rows"]) == ("CLOSED", [[1, "once"]])
    assert java.rows("flaky") == [[1, "once"]]


def test_java_previews(java: Java) -> None:
    """The preview is an Arrow stream with the first rows."""
    assert java.saw("preview") == [[1, "first"]]


def test_java_notices_missing_blocks_and_projects_itself(java: Java) -> None:
    """Java compares the endpoint's block list with its own before a commit, and asks for the project's tunnel."""
    seen = java.saw("tunnelErrors")
    assert "Blocks not match, server: 1" in seen["blocks that were not sent"]["message"]
    assert "project does not exist: no_project" in seen["project"]["message"]
    assert seen["rows"] == [[1, "once"]]
    assert java.rows("plain") == [[1, "once"]]


def test_java_takes_what_is_missing_for_missing(java: Java) -> None:
    """Missing tables, projects and instances are Java's NoSuchObjectException, and `exists` is false."""
    seen = java.saw("restErrors")
    assert seen.pop("exists") is False
    assert {name: (refusal["class"], refusal["code"]) for name, refusal in seen.items()} == {
        "table": ("NoSuchObjectException", "NoSuchTable"),
        "project": ("NoSuchObjectException", "NoSuchProject"),
        "instance": ("NoSuchObjectException", "NoSuchObject"),
    }


@pytest.mark.parametrize("account", ["V4", "STS", "STS V4"])
def test_java_signs_by_every_scheme(java: Java, account: str) -> None:
    """Tables are made, filled, read and dropped with V4 signatures, with a token, and with both."""
    assert java.saw("accounts")[account] == [[1, "signed"]]


@pytest.mark.parametrize("scheme", ["V2", "V4"])
def test_java_is_refused_with_a_wrong_key(java: Java, scheme: str) -> None:
    """A wrong key and an unknown access id are told apart, in both schemes."""
    seen = java.saw("accounts")
    assert seen[f"{scheme} wrong key"]["code"] == "ODPS-0410042"
    assert seen[f"{scheme} unknown id"]["code"] == "ODPS-0410051"
