"""What the official Go SDK sends, byte for byte as it was seen on the wire, without the SDK itself."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pyarrow as pa
import pytest
from local.raw import Raw
from local.record_bodies import body_of, number

from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.local.wire import varint
from airflow_provider_kafka_odps.local.wire.frames import FrameDecoder, encode_frames

# Version 5, and header names in Go's form.
TUNNEL = {
    "Odps-Tunnel-Date-Transform": "v1",
    "Odps-Tunnel-Sdk-Support-Schema-Evolution": "true",
    "X-Odps-Tunnel-Version": "5",
}
CREATE = (
    "create table  {project}.`{table}` (\n    `k` BIGINT  ,\n    `v` STRING  \n)\n"
    "partitioned by (`ds` STRING, `hh` BIGINT);"
)
ADD = "alter table {project}.`{table}` add if not exists\npartition (ds='a',hh='1')\npartition (ds='b',hh='2')\n;"
DROP_PARTITION = "alter table {project}.`{table}` drop partition (ds='b',hh='2');"
DROP = "drop table if exists {project}.`{table}`;"
JOB = (
    "<Instance><Job><Priority>1</Priority><Tasks><SQL><Name>{task}</Name><Config><Property><Name>settings</Name>"
    "<Value>{{&#34;odps.sql.submit.mode&#34;:&#34;&#34;}}</Value></Property></Config><Query>{query}</Query></SQL></Tasks>"
    "</Job></Instance>"
)
RECORDS = [(b"\x08\x02\x12\x01a", number(1, struct.pack("<q", 1)) + number(2, b"a")), (b"\x12\x00", number(2, b""))]
SPEC = "&partition=ds=a,hh=1"


class Go(Raw):
    """The requests of the Go SDK, signed as any others."""

    table = ""

    def tables(self) -> str:
        return f"/projects/{self.endpoint.project}/tables/{self.table}"

    def run(self, statement: str, task: str) -> str:
        """Send a statement as Go does, wait as Go does, and return the text of its result."""
        query = statement.format(project=self.endpoint.project, table=self.table)
        quoted = query.replace("'", "&#39;").replace("\n", "&#xA;")
        path = f"/projects/{self.endpoint.project}/instances"
        head = {"content-type": "application/xml"}
        status, answer = self.ask("POST", path, JOB.format(task=task, query=quoted).encode(), head)
        assert (status, answer) == (201, b""), answer
        listed = ET.fromstring(self.ask("GET", path)[1])
        instance = f"{path}/{listed.findtext('Instance/Name')}"
        ended = ET.fromstring(self.ask("GET", f"{instance}?taskstatus")[1])
        assert ended.findtext("Tasks/Task/Status") == "Success"
        return self.ask("GET", f"{instance}?result")[1].decode()

    def upload(self, arrow: str, body: bytes, pieces: int, more: dict[str, str]) -> None:
        """Create a session, write block 0 in HTTP chunks of so many bytes, reload, and commit."""
        status, answer = self.ask("POST", f"{self.tables()}?{SPEC[1:]}&uploads=", b"", TUNNEL)
        session = json.loads(answer)
        assert status in {200, 201}
        for key, kind in {
            "MaxFieldSize": int,
            "IsOverwrite": bool,
            "Initiated": str,
            "Owner": str,
            "QuotaName": str,
        }.items():
            assert type(session[key]) is kind
        assert all(type(column["nullable"]) is bool for column in session["Schema"]["columns"])
        assert b": null" not in answer
        block = f"{self.tables()}?{arrow}blockid=0{SPEC}&uploadid={session['UploadID']}"
        chunks = iter([body[at : at + pieces] for at in range(0, len(body), pieces)])
        assert self.ask("PUT", block, chunks, {**TUNNEL, **more, "transfer-encoding": "chunked"})[0] == 200
        path = f"{self.tables()}?{SPEC[1:]}&uploadid={session['UploadID']}"
        reloaded = json.loads(self.ask("GET", path, b"", {"X-Odps-Tunnel-Version": "5"})[1])
        assert [block["BlockID"] for block in reloaded["UploadedBlockList"]] == [0]
        assert self.ask("POST", path, b"", TUNNEL)[0] == 200
        # Go sends a commit three times on any error, also on one whose answer was lost.
        status, answer = self.ask("POST", path, b"", TUNNEL)
        assert (status, json.loads(answer)["Code"]) == (409, "StatusConflict")

    def download(self, arrow: str) -> bytes:
        """Read all rows in all columns, as Go names them always."""
        version = {"X-Odps-Tunnel-Version": "5"}
        session = json.loads(self.ask("POST", f"{self.tables()}?downloads={SPEC}", b"", version)[1])
        rows = f"(0,{session['RecordCount']})"
        path = f"{self.tables()}?{arrow}columns=k,v&data=&downloadid={session['DownloadID']}{SPEC}&rowrange={rows}"
        status, body = self.ask("GET", path, b"", version)
        assert status == 200
        return body


@pytest.fixture(scope="module")
def endpoint() -> Iterator[RunningEndpoint]:
    """Return an endpoint without schemas: Go writes names of two parts."""
    with running_endpoint(arguments=("--no-schemas",)) as endpoint:
        yield endpoint


@pytest.fixture
def go(endpoint: RunningEndpoint, name: str) -> Iterator[Go]:
    """Return the client with a table of its own, made and dropped by Go's statements."""
    client = Go(endpoint)
    client.table = name
    client.run(CREATE, "SQLCreateTableTask")
    client.run(ADD, "SQLAddPartitionTask")
    yield client
    client.run(DROP, "SQLDropTableTask")
    assert client.ask("GET", client.tables())[0] == 404


def test_records_of_go_come_back_byte_for_byte(go: Go) -> None:
    """Records written in a chunk per few bytes are read again as the same bytes, without a trailer of metrics."""
    body = body_of(RECORDS)
    go.upload("", body, 3, {})
    assert go.download("") == body


def test_arrow_of_go_comes_back(go: Go) -> None:
    """Record batches without a schema message are read again as batches, with a checksum of all."""
    batch = pa.record_batch({"k": pa.array([1, None], pa.int64()), "v": pa.array(["a", ""])})
    go.upload("arrow=&", b"".join(encode_frames(iter([batch.serialize().to_pybytes()]))), 65536, {})
    read = bytearray()
    decoder = FrameDecoder(read.extend)
    decoder.feed(go.download("arrow=&"))
    decoder.close()
    stream = pa.ipc.open_stream(batch.schema.serialize().to_pybytes() + bytes(read))
    assert stream.read_all().to_pydict() == batch.to_pydict()


def test_metadata_has_the_types_that_go_reads(go: Go) -> None:
    """Go's lists of partitions hold whole numbers and names, and a table's extended form is JSON in a string."""
    names = ET.fromstring(go.ask("GET", f"{go.tables()}?name=&partitions=")[1])
    assert sorted(name.text or "" for name in names.iter("Name")) == ["ds=a/hh=1", "ds=b/hh=2"]
    full = ET.fromstring(go.ask("GET", f"{go.tables()}?expectmarker=true&maxitems=10000&partitions=")[1])
    for part in ("CreationTime", "LastDDLTime", "LastModifiedTime", "PartitionSize", "PartitionRecordCount"):
        assert [int(number.text or "") >= 0 for number in full.iter(part)] == [True, True]
    extended = ET.fromstring(go.ask("GET", f"{go.tables()}?extended=")[1])
    schema = json.loads(extended.findtext("Schema") or "")
    assert json.loads(schema["Reserved"]) is not None
    assert [column["type"] for column in schema["columns"]] == ["bigint", "string"]
    go.run(DROP_PARTITION, "SQLDropPartitionTask")
    left = ET.fromstring(go.ask("GET", f"{go.tables()}?name=&partitions=")[1])
    assert [name.text for name in left.iter("Name")] == ["ds=a/hh=1"]


def test_a_checksum_is_five_bytes_at_most(go: Go) -> None:
    """Go compares checksums as unsigned numbers of 32 bits: none is written longer."""
    records = [(b"\x08" + varint.write_varint(2 * at), number(1, struct.pack("<q", at))) for at in range(40)]
    go.upload("", body_of(records), 1 << 16, {})
    assert go.download("") == body_of(records)
