"""What the ODPS side makes of an endpoint that refuses, throttles, stumbles, drops or is not there."""

import socket
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from kit.scripted_hook import PATIENCE, TABLE, MakeHook
from kit.scripted_service import COMMITTED, DROP, SESSION, Reply, ScriptedService
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    Cancelled,
    CommitRejected,
    InvalidConnection,
    InvalidInput,
    StatementFailed,
    TableRefused,
    Unreachable,
    UploadFailed,
)

BATCH = pa.record_batch({"a": pa.array([1, 2, 3], pa.int64())})


def no(status: int, code: str) -> Reply:
    """Return a refusal as the tunnel words it."""
    return Reply(status, {"Code": code, "Message": f"the words for {code}"}, {"x-odps-request-id": "r-1"})


def test_nobody_there_is_unreachable(make_hook: MakeHook, clock: HandClock) -> None:
    """An endpoint that nobody listens on costs the deadline, and the error names it and the time."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"MaxCompute at {url} did not answer: tried .* times in .* s"):
            make_hook(url).describe(TABLE)
    assert clock.seconds <= PATIENCE.total


@pytest.mark.parametrize(
    "reply", [no(429, "FlowExceeded"), no(503, "ServiceUnavailable"), no(500, "InternalServerError")]
)
def test_throttling_without_end_ends(
    service: ScriptedService, make_hook: MakeHook, clock: HandClock, reply: Reply
) -> None:
    """Answers that PyODPS alone would repeat for minutes, or for ever, end at the deadline with the last one named."""
    service.replies = [reply]
    with pytest.raises(Unreachable, match=reply.body["Code"]):
        make_hook(service.url).open_upload(TABLE)
    assert 0 < clock.seconds <= PATIENCE.total


def test_a_throttled_service_that_recovers_is_no_error(service: ScriptedService, make_hook: MakeHook) -> None:
    """429 and 503 in passing are waited out."""
    service.replies = [
        Reply(200, {"Tenant": {}}),
        no(429, "FlowExceeded"),
        no(503, "ServiceUnavailable"),
        DROP,
        Reply(200, SESSION),
    ]
    assert make_hook(service.url).open_upload(TABLE).id == "u1"


def test_a_wrong_key_names_the_connection(service: ScriptedService, make_hook: MakeHook) -> None:
    """A key that the service does not take is a problem of the connection, told without the key."""
    service.replies = [Reply(200, {"Tenant": {}}), no(401, "Unauthorized")]
    with pytest.raises(
        InvalidConnection, match=r"connection 'scripted'.*\n.*does not accept the access key"
    ) as refused:
        make_hook(service.url).open_upload(TABLE)
    assert "planted" not in str(refused.value)


def test_a_server_that_is_not_maxcompute_is_told_apart(service: ScriptedService, make_hook: MakeHook) -> None:
    """A 404 that MaxCompute did not word does not mean that the table is missing."""
    service.replies = [Reply(404)]
    with pytest.raises(
        InvalidConnection, match=r"is not a MaxCompute endpoint: 404 while describing p\.t; most endpoints"
    ):
        make_hook(service.url).describe(TABLE)


def test_the_tunnel_address_is_asked_for(service: ScriptedService, make_hook: MakeHook) -> None:
    """Without a tunnel endpoint in the connection, the endpoint is asked for one; its refusal has the words."""
    service.replies = [no(404, "NoSuchProject")]
    with pytest.raises(TableRefused, match=r"asking for the tunnel's address: .* NoSuchProject: the words"):
        make_hook(service.url, tunnel_endpoint="").open_upload(TABLE)
    assert (service.seen[-1].path, next(iter(service.seen[-1].query))) == ("/projects/p/tunnel", "service")


def test_a_refused_upload_has_the_services_words(service: ScriptedService, make_hook: MakeHook) -> None:
    """A missing partition is the table's refusal, with the service's words and the request's id."""
    service.replies = [Reply(200, {"Tenant": {}}), no(404, "NoSuchPartition")]
    with pytest.raises(TableRefused, match=r"opening an upload to p\.t/ds=1: .*NoSuchPartition: .*\(request r-1\)"):
        make_hook(service.url).open_upload(TABLE, PartitionSpec.parse("ds=1"))


def test_a_block_is_written_again_whole(service: ScriptedService, upload: OdpsUpload) -> None:
    """Dropped, throttled and damaged tries are repeated under the same number with the same bytes."""
    service.replies = [DROP, no(429, "FlowExceeded"), no(400, "CorruptedDataStream"), Reply(200)]
    written = upload.write_block(7, [BATCH])
    assert [(seen.method, seen.query["blockid"], seen.query["uploadid"]) for seen in service.seen] == [
        ("PUT", ["7"], ["u1"])
    ] * 4
    assert len({seen.body for seen in service.seen}) == 1
    assert len(service.seen[0].body) == written


def test_a_block_that_cannot_be_written_fails_the_upload(
    service: ScriptedService, upload: OdpsUpload, clock: HandClock
) -> None:
    """At the deadline the error names block, upload, table and the last answer."""
    service.replies = [no(503, "ServiceUnavailable")]
    with pytest.raises(UploadFailed, match=r"block 0 of upload u1 to p\.t/ds=1: .*ServiceUnavailable"):
        upload.write_block(0, [BATCH])
    assert 0 < clock.seconds <= PATIENCE.total


def test_a_refused_block_is_not_repeated(service: ScriptedService, upload: OdpsUpload) -> None:
    """A session that is gone fails the upload at once."""
    service.replies = [no(404, "NoSuchUpload")]
    with pytest.raises(UploadFailed, match="was refused: NoSuchUpload: the words"):
        upload.write_block(0, [BATCH])
    assert len(service.seen) == 1


def test_a_block_that_trickles_ends_at_its_deadline(service: ScriptedService, make_hook: MakeHook, mocker: Any) -> None:
    """Sending is bounded as a whole, not only per write: the block fails between two pieces."""
    service.replies = [Reply(200, {"Tenant": {}}), Reply(200, SESSION)]
    slow = HandClock()
    mocker.patch.object(slow, "monotonic", side_effect=lambda: slow.seconds)
    upload = make_hook(service.url, clock=slow).open_upload(TABLE)

    def pieces(_: Any) -> Iterator[bytes]:
        for _piece in range(10):
            slow.seconds += 10
            yield b"x"

    mocker.patch("airflow_provider_kafka_odps.clients.maxcompute.blocks.body.framed", pieces)
    with pytest.raises(UploadFailed, match="3 bytes were sent before the deadline"):
        upload.write_block(0, [BATCH])


def test_stopping_reaches_a_block_under_way(service: ScriptedService, upload: OdpsUpload, mocker: Any) -> None:
    """What the clock raises, such as a cancellation, ends the write and is not taken for a failed try."""
    mocker.patch.object(HandClock, "monotonic", side_effect=[0.0, 0.0, 0.0, Cancelled("stop")])
    with pytest.raises(Cancelled):
        upload.write_block(0, [BATCH])
    assert not [seen for seen in service.seen if seen.body]


def test_columns_that_are_not_the_tables_are_refused(service: ScriptedService, upload: OdpsUpload) -> None:
    """A batch of other names or types is refused before a byte of it is sent, with both sides shown."""
    with pytest.raises(TableRefused, match=r"the table has a int64, the columns are a string"):
        upload.write_block(0, [pa.record_batch({"a": ["1"]})])
    # The request may have begun: its rows come while it is sent.
    assert not any(seen.body for seen in service.seen)


@pytest.mark.parametrize("number", [-1, 20_000])
def test_a_block_number_has_its_limits(upload: OdpsUpload, number: int) -> None:
    """The service numbers blocks 0 to 19999."""
    with pytest.raises(InvalidInput, match=f"block {number}: one upload takes at most 20000 blocks"):
        upload.write_block(number, [BATCH])


def test_the_sessions_limits_are_known(upload: OdpsUpload) -> None:
    """The longest field and the columns come from the session's opening, without asking again."""
    assert upload.max_field_bytes == 1234
    assert upload.schema.arrow == BATCH.schema


@pytest.mark.parametrize(
    ("blocks", "said"), [(1, "but also holds 1;"), (3, "but lacks 2;"), (0, "but also holds 0, 1;")]
)
def test_stray_and_missing_blocks_are_never_committed(
    service: ScriptedService, upload: OdpsUpload, blocks: int, said: str
) -> None:
    """The service would commit whatever it holds, so a difference is refused before asking."""
    service.replies = [Reply(200, SESSION)]
    with pytest.raises(CommitRejected, match=said):
        upload.commit(blocks)
    assert [seen.method for seen in service.seen] == ["GET"]


def test_a_commit_is_asked_for_once(service: ScriptedService, upload: OdpsUpload) -> None:
    """A good answer is the end of it."""
    service.replies = [Reply(200, SESSION), Reply(200, COMMITTED)]
    upload.commit(2)
    assert [(seen.method, "partition" in seen.query) for seen in service.seen] == [("GET", True), ("POST", True)]


@pytest.mark.parametrize("reply", [DROP, no(500, "InternalServerError"), no(429, "FlowExceeded")])
def test_a_commit_without_an_answer_is_not_repeated(service: ScriptedService, upload: OdpsUpload, reply: Reply) -> None:
    """A lost answer and a server error say neither yes nor no: the caller settles, the hook asks no second time."""
    service.replies = [Reply(200, SESSION), reply]
    with pytest.raises(Unreachable, match="tried once"):
        upload.commit(2)
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


def test_a_refused_commit_is_a_no(service: ScriptedService, upload: OdpsUpload) -> None:
    """A conflict is the service's no, with its words."""
    service.replies = [Reply(200, SESSION), no(409, "StatusConflict")]
    with pytest.raises(
        CommitRejected, match=r"commit of upload u1 to p\.t/ds=1 was refused: StatusConflict: the words"
    ):
        upload.commit(2)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("normal", UploadStatus.NORMAL),
        ("NORMAL", UploadStatus.NORMAL),
        ("closing", UploadStatus.CLOSING),
        ("COMMITTING", UploadStatus.CLOSING),
        ("closed", UploadStatus.CLOSED),
        ("expired", UploadStatus.GONE),
        ("critical", UploadStatus.GONE),
        ("canceled", UploadStatus.GONE),
        ("something new", UploadStatus.CLOSING),
    ],
)
def test_every_status_has_its_meaning(
    service: ScriptedService, upload: OdpsUpload, said: str, meaning: UploadStatus
) -> None:
    """Each word of the service, in any case, means one of four; an unknown one is not final."""
    service.replies = [Reply(200, SESSION | {"Status": said})]
    assert upload.status() is meaning


@pytest.mark.parametrize("code", ["NoSuchUpload", "StatusConflict", "NoSuchTable", "NoSuchPartition"])
def test_a_session_nobody_knows_is_gone(service: ScriptedService, upload: OdpsUpload, code: str) -> None:
    """Refusals that deny the session are a status."""
    service.replies = [no(404, code)]
    assert upload.status() is UploadStatus.GONE


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (DROP, Unreachable),
        (no(503, "ServiceUnavailable"), Unreachable),
        (no(403, "NoPermission"), TableRefused),
        (no(401, "Unauthorized"), InvalidConnection),
        (Reply(404), InvalidConnection),
    ],
)
def test_other_answers_about_a_session_say_nothing_of_it(
    service: ScriptedService, upload: OdpsUpload, reply: Reply, error: type[Exception]
) -> None:
    """Trouble on the way, or with permissions, never counts as a session that is gone; it is asked for once."""
    service.replies = [reply]
    with pytest.raises(error):
        upload.status()
    assert len(service.seen) == 1


def test_an_answer_without_a_status_is_not_final(service: ScriptedService, upload: OdpsUpload) -> None:
    """An answer that is no session says nothing: it is asked again later."""
    service.replies = [Reply(200, "not a session")]
    assert upload.status() is UploadStatus.CLOSING


def test_attaching_asks_nothing(service: ScriptedService, make_hook: MakeHook) -> None:
    """An attached session is not looked up before it is used, so one that is gone can be attached and asked."""
    service.replies = [Reply(200, {"Tenant": {}}), no(404, "NoSuchUpload")]
    upload = make_hook(service.url).attach_upload(TABLE, None, "u9")
    assert all("uploadid" not in seen.query for seen in service.seen)
    assert upload.status() is UploadStatus.GONE
    assert service.seen[-1].query["uploadid"] == ["u9"]


def test_a_statement_whose_answer_is_lost_is_not_sent_twice(service: ScriptedService, make_hook: MakeHook) -> None:
    """An INSERT that may run already is not started again."""
    service.replies = [Reply(200, {"Tenant": {}}), DROP]
    with pytest.raises(Unreachable, match="tried once"):
        make_hook(service.url).run_sql("INSERT INTO t SELECT 1")
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


def test_a_refused_statement_is_shown(service: ScriptedService, make_hook: MakeHook) -> None:
    """The error has the statement and the service's words."""
    service.replies = [Reply(200, {"Tenant": {}}), no(400, "ParseError")]
    with pytest.raises(StatementFailed, match=r"ParseError: the words for ParseError.*\nSELEKT 1"):
        make_hook(service.url).run_sql("SELEKT 1")


def test_no_usage_statistics_are_sent(service: ScriptedService, make_hook: MakeHook) -> None:
    """PyODPS's report of the functions that were called never leaves."""
    service.replies = [Reply(200, {"Tenant": {}}), Reply(200, SESSION)]
    make_hook(service.url).open_upload(TABLE)
    assert not [seen for seen in service.seen if seen.path.endswith("/logs")]


@pytest.mark.parametrize("said", [False, "false"])
def test_a_session_that_would_append_is_not_written(
    service: ScriptedService, make_hook: MakeHook, said: object
) -> None:
    """Where the wish to overwrite was lost on the way, such as in a proxy, nothing is appended in its place."""
    service.replies = [Reply(body={**SESSION, "IsOverwrite": said})]
    with pytest.raises(TableRefused, match=r"p\.t.*IsOverwrite"):
        make_hook(service.url).open_upload(TABLE, overwrite=True)
    assert make_hook(service.url).open_upload(TABLE).id == "u1"
    service.replies = [Reply(body={**SESSION, "IsOverwrite": True})]
    assert make_hook(service.url).open_upload(TABLE, overwrite=True).id == "u1"
    with pytest.raises(TableRefused, match=r"p\.t.*IsOverwrite"):
        make_hook(service.url).open_upload(TABLE)


@pytest.mark.parametrize(
    ("times", "said"),
    [("", "changed never, 7 bytes"), ('"lastModifiedTime": 1795341600, ', "changed 2026-11-22T10:00:00Z, 7 bytes")],
)
def test_a_partition_that_was_never_changed(
    service: ScriptedService, make_hook: MakeHook, times: str, said: str
) -> None:
    """Its description may have no time at all; that is an answer as good as another."""
    description = f'{{{times}"partitionSize": 7}}'
    page = f"<Partition><Schema><![CDATA[{description}]]></Schema></Partition>"
    service.replies = [Reply(body={}), Reply(page=page.encode())]
    assert make_hook(service.url).last_change(TABLE, PartitionSpec((("ds", "1"),))) == said
