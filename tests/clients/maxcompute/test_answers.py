"""Answers that look like success and are none of the service's: redirects, other statuses, somebody else's page."""

import pyarrow as pa
import pytest
from kit.scripted_hook import TABLE, MakeHook
from kit.scripted_service import COMMITTED, SESSION, Reply, ScriptedService
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
from airflow_provider_kafka_odps.core.delivery.settling import commit
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof
from airflow_provider_kafka_odps.exceptions import CommitRejected, Unreachable, UploadFailed

BATCH = pa.record_batch({"a": pa.array([1, 2, 3], pa.int64())})
PAGE = Reply(200, page=b"<html>Please log in</html>")
ELSEWHERE = {"Location": "http://user:planted@127.0.0.1:9/projects/p?token=planted"}
TENANT = Reply(200, {"Tenant": {}})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(201, COMMITTED), "answered 201"),
        (Reply(202, COMMITTED), "answered 202"),
        (Reply(204), "answered 204"),
        (Reply(304), "answered 304"),
        (Reply(302), "answered 302"),
        (Reply(301, headers=ELSEWHERE), r"answered 301, a redirect to 127\.0\.0\.1:9"),
        (Reply(307, headers=ELSEWHERE), r"answered 307, a redirect to 127\.0\.0\.1:9"),
        (PAGE, "is no JSON object of the service: '<html>Please log in"),
        (Reply(200), "is no JSON object of the service: ''"),
        (Reply(200, ["committed"]), "is no JSON object of the service"),
        (Reply(200, {"ok": True}), "is no JSON object of the service"),
        (Reply(200, {"Code": "InternalServerError", "Message": "…"}), "is no JSON object of the service"),
    ],
)
def test_only_the_services_own_word_is_a_commit(
    service: ScriptedService, upload: OdpsUpload, reply: Reply, said: str
) -> None:
    """Whatever is not a 200 with the session's JSON leaves the commit in doubt, and is said."""
    service.replies = [Reply(200, SESSION), reply]
    with pytest.raises(Unreachable, match=said) as doubt:
        upload.commit(2)
    assert "planted" not in str(doubt.value)
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_commit_is_not_sent_on(service: ScriptedService, upload: OdpsUpload, status: int) -> None:
    """A redirect never turns the commit into a request that asks for something else and is answered by 200."""
    service.replies = [Reply(200, SESSION), Reply(status, headers={"Location": service.url}), Reply(200, COMMITTED)]
    with pytest.raises(Unreachable, match="Set the connection's endpoint, or its tunnel_endpoint, to the address"):
        upload.commit(2)
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


@pytest.mark.parametrize("reply", [PAGE, Reply(202), Reply(304)])
def test_a_commit_with_a_strange_answer_is_settled(service: ScriptedService, upload: OdpsUpload, reply: Reply) -> None:
    """The session itself tells what became of the commit: still open after each try, so nothing is visible."""
    asked = Reply(200, SESSION)
    service.replies = [asked, reply, asked, asked, reply, Reply(200, SESSION | {"Status": "closed"})]
    assert commit(upload, 2, HandClock(), deadline=60) is CommitProof.SETTLED
    service.replies = [asked, *[reply, asked, asked] * 20]
    service.seen.clear()
    with pytest.raises(CommitRejected, match="is still open, none of its rows are visible"):
        commit(upload, 2, HandClock(), deadline=60)


@pytest.mark.parametrize("reply", [PAGE, Reply(204), Reply(302), Reply(304)])
def test_a_block_that_something_else_answered_is_written_again(
    service: ScriptedService, upload: OdpsUpload, reply: Reply
) -> None:
    """A block counts as written only if the tunnel says so; before, it was missing at the commit, for good."""
    service.replies = [reply, Reply(200)]
    upload.write_block(0, [BATCH])
    assert [seen.method for seen in service.seen] == ["PUT", "PUT"]


def test_a_block_is_not_sent_on(service: ScriptedService, upload: OdpsUpload) -> None:
    """A redirect of a block fails at once, and names where it would have led."""
    service.replies = [Reply(301, headers=ELSEWHERE), Reply(200, {})]
    with pytest.raises(UploadFailed, match=r"block 0 of upload u1 .* a redirect to 127\.0\.0\.1:9"):
        upload.write_block(0, [BATCH])
    assert [seen.method for seen in service.seen] == ["PUT"]


def test_a_moved_tunnel_without_an_address_is_asked_again(service: ScriptedService, upload: OdpsUpload) -> None:
    """308 without a Location is how the tunnel says that it is busy: no redirect, and no success."""
    service.replies = [Reply(308), Reply(200)]
    upload.write_block(0, [BATCH])
    assert [seen.method for seen in service.seen] == ["PUT", "PUT"]


@pytest.mark.parametrize("reply", [PAGE, Reply(200, {}), Reply(200, {"UploadID": ""}), Reply(200, ["u1"])])
def test_an_opening_without_a_session_is_no_opening(
    service: ScriptedService, make_hook: MakeHook, reply: Reply
) -> None:
    """Without an id there is no session: the error names the address that answered."""
    service.replies = [TENANT, reply]
    with pytest.raises(Unreachable, match=f"{service.url} is not a MaxCompute tunnel"):
        make_hook(service.url).open_upload(TABLE)


def test_an_opening_is_not_sent_on(service: ScriptedService, make_hook: MakeHook) -> None:
    """A redirect of the opening is refused with the way out, and the secrets of its address are not shown."""
    service.replies = [TENANT, Reply(301, headers=ELSEWHERE)]
    with pytest.raises(Unreachable, match=r"a redirect to 127\.0\.0\.1:9") as refused:
        make_hook(service.url).open_upload(TABLE)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("status", [301, 307])
def test_a_statement_is_not_sent_on(service: ScriptedService, make_hook: MakeHook, status: int) -> None:
    """A statement runs where the connection says, or nowhere."""
    service.replies = [TENANT, Reply(status, headers=ELSEWHERE)]
    with pytest.raises(Unreachable, match=r"a redirect to 127\.0\.0\.1:9"):
        make_hook(service.url).run_sql("INSERT INTO t SELECT 1")
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


@pytest.mark.parametrize("reply", [PAGE, Reply(200, {}), Reply(202)])
def test_rows_that_something_else_answered_are_none(
    service: ScriptedService, make_hook: MakeHook, reply: Reply
) -> None:
    """A page in place of a result is an address that is wrong, not a result without rows."""
    ended = Reply(
        200,
        page=b"<Instance><Status>Terminated</Status><Tasks><Task Type='SQL'><Name>AnonymousSQLTask</Name>"
        b"<Status>Success</Status></Task></Tasks></Instance>",
    )
    started = Reply(201, headers={"Location": f"{service.url}/projects/p/instances/i1"})
    service.replies = [TENANT, started, *[ended] * 4, reply]
    with pytest.raises(Unreachable, match=r"its answer .* is no JSON object|answered 202"):
        make_hook(service.url).run_sql("SELECT 1")
    assert "downloads" in service.seen[-1].query
