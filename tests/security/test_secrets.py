"""Secrets that are planted in connections, and everything that loads with them leave behind."""

from __future__ import annotations

import base64
import json
import logging
import socket
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk._shared.secrets_masker import redact
from kafka import KafkaAdminClient
from kafka.admin import ACLOperation, NewTopic, ResourceType
from kit.clusters import no_secret
from kit.kafka_topics import producer, send
from kit.leaks import leaks
from kit.secure_broker import SECRET, SecureBroker, allow
from kit.supervised import supervised
from kit.trace_collector import Collector, trace_collector

from airflow_provider_kafka_odps.clients.kafka.connection.settings import parse_kafka_settings
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import parse_odps_settings
from airflow_provider_kafka_odps.hooks.masking import forms_of, mask, secrets_of
from airflow_provider_kafka_odps.local.testing import Operation, Refuse, RunningEndpoint, running_endpoint

pytestmark = pytest.mark.timeout(900)
HERE = Path(__file__).parent
FILE = HERE / "dags" / "planted_loads.py"
ACCESS_KEY, STS_TOKEN, BEARER, PROXY = (
    "planted/access+key'1",
    "planted==sts/token",
    'planted&bearer"token',
    "proxy p@ss",
)
WRONG_KAFKA, WRONG_KEY, WRONG_OIDC = "wrong'password/1", "wrong+access/key", "wrong&oidc'secret"
# It stands backwards in what the run is given, so that finding it means that the run has told it.
CANARY = "canary's-own/secret+"
EVENTS = "events.jsonl"
UNSIGNED_HEAD = base64.b64encode(b'{"alg": "none"}').decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Remains:
    """What the loads have left: a folder with Airflow's home, its output, and the temporary folder."""

    folder: Path
    states: dict[str, str]
    secrets: dict[str, str]

    def log(self, load: str) -> str:
        """Return the log of one load."""
        (path,) = self.folder.glob(f"home/logs/dag_id={load}/**/*.log")
        return path.read_text()


def connections(secure: SecureBroker, endpoint: RunningEndpoint, failing: RunningEndpoint) -> dict[str, dict[str, Any]]:
    """Return each connection, with secrets where they can stand."""
    own = {"socket.connection.setup.timeout.ms": 8_000, "ssl.ca.location": str(secure.ca)}
    sasl = {**own, "bootstrap.servers": secure.sasl, "security.protocol": "SASL_SSL"}
    oidc = {
        **sasl,
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "loader",
        "sasl.oauthbearer.client.secret": SECRET,
        "sasl.oauthbearer.token.endpoint.url": secure.tokens,
    }
    inline = {
        **own,
        "bootstrap.servers": secure.mtls,
        "security.protocol": "SSL",
        "ssl.certificate.pem": secure.client.certificate,
        "ssl.key.pem": secure.client.key,
        "ssl.key.password": SECRET,
    }
    scram = {**sasl, "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "loader", "sasl.password": SECRET}
    kafka: dict[str, dict[str, Any]] = {
        "plain": {"login": "loader", "password": SECRET, "extra": {**sasl, "sasl.mechanism": "PLAIN"}},
        "plain_wrong": {"login": "loader", "password": WRONG_KAFKA, "extra": {**sasl, "sasl.mechanism": "PLAIN"}},
        "scram": {"extra": scram},
        "oidc": {"extra": oidc},
        "oidc_wrong": {"extra": {**oidc, "sasl.oauthbearer.client.secret": WRONG_OIDC}},
        "inline": {"extra": inline},
        "inline_wrong": {"extra": {**inline, "ssl.key.password": WRONG_KAFKA}},
    }
    pair = {
        "access_key_id": "planted_id",
        "access_key_secret": ACCESS_KEY,
        "project": endpoint.project,
        "endpoint": endpoint.endpoint,
    }
    bearer = {"bearer_token": BEARER, "project": endpoint.project, "endpoint": endpoint.endpoint}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://loader:{quote(PROXY)}@127.0.0.1:{closed.getsockname()[1]}"
    maxcompute = {
        "sts": {**pair, "security_token": STS_TOKEN},
        "sts_wrong": {**pair, "security_token": STS_TOKEN, "access_key_secret": WRONG_KEY},
        "bearer": bearer,
        "proxy": {**pair, "security_token": STS_TOKEN, "proxy": nowhere},
        "failing": {**pair, "endpoint": failing.endpoint},
    }
    return {
        **{f"kafka_{name}": {"conn_type": "kafka", **connection} for name, connection in kafka.items()},
        **{f"odps_{name}": {"conn_type": "maxcompute", "extra": extra} for name, extra in maxcompute.items()},
    }


def loads(topic: str) -> dict[str, dict[str, Any]]:
    """Return each load's parameters, by what befalls it."""

    def load(kafka: str, odps: str, table: str, **more: Any) -> dict[str, Any]:
        ids = {"kafka_config_id": f"kafka_{kafka}", "maxcompute_conn_id": f"odps_{odps}"}
        whole = {"start": "earliest", "end": "latest", "create_table": True, "poll_timeout": 15}
        return {"topic": topic, "table": table, **ids, **whole, **more}

    number = {"columns": {"n": "n", "p": "__partition__", "o": "__offset__"}, "column_types": {"n": "BIGINT"}}
    return {
        "plain": load("plain", "sts", "t_plain"),
        "workers": load("scram", "sts", "t_workers", workers=2),
        "oidc": load("oidc", "sts", "t_oidc"),
        "inline": load("inline", "sts", "t_inline"),
        "wrong_password": load("plain_wrong", "sts", "t_none"),
        "wrong_client": load("oidc_wrong", "sts", "t_none"),
        "wrong_key_password": load("inline_wrong", "sts", "t_none"),
        "wrong_access_key": load("scram", "sts_wrong", "t_none"),
        "wrong_bearer": load("scram", "bearer", "t_none"),
        "no_endpoint": load("scram", "proxy", "t_none", load_timeout=4),
        "bad_records": load("scram", "sts", "t_bad", **number),
        "no_commit": load("scram", "failing", "t_fails", commit_timeout=2),
    }


SUCCEED = {"planted_plain", "planted_workers", "planted_oidc", "planted_inline"}


@pytest.fixture(scope="module")
def topic(secure: SecureBroker, root: KafkaAdminClient) -> str:
    """Return a topic that the loader may read, with records that are no numbers."""
    name = f"planted-{uuid.uuid4().hex[:12]}"
    root.create_topics([NewTopic(name, 2, 1)])
    allow(root, [(ACLOperation.READ, ResourceType.TOPIC, name)])
    for partition in (0, 1):
        send(producer(secure.plain), name, [b'{"n": "one"}', b'{"n": 2}', b'{"n": 3}'], partition)
    return name


@pytest.fixture(scope="module")
def remains(secure: SecureBroker, topic: str, tmp_path_factory: pytest.TempPathFactory) -> Remains:
    """Run every load at level DEBUG, and return what is there afterwards."""
    folder = tmp_path_factory.mktemp("remains")
    folder.joinpath("tmp").mkdir()
    token = ("--sts-token", STS_TOKEN)
    with (
        running_endpoint(access_id="planted_id", access_key=ACCESS_KEY, arguments=token) as endpoint,
        running_endpoint(access_id="planted_id", access_key=ACCESS_KEY) as failing,
        trace_collector() as traces,
    ):
        failing.control.inject(Operation.COMMIT_UPLOAD, Refuse(503), times=1000)
        planted = connections(secure, endpoint, failing)
        states = run(folder, planted, loads(topic), traces)
    folder.joinpath("spans").write_text("\n".join(map(repr, traces.spans)))
    secrets = {
        "password": SECRET,
        "private key": secure.client.key,
        "access key": ACCESS_KEY,
        "STS token": STS_TOKEN,
        "bearer token": BEARER,
        "proxy's password": PROXY,
        "wrong password": WRONG_KAFKA,
        "wrong access key": WRONG_KEY,
        "wrong client secret": WRONG_OIDC,
        "token for the broker": UNSIGNED_HEAD,
    }
    return Remains(folder, states, secrets)


def run(folder: Path, planted: dict[str, Any], parameters: dict[str, Any], traces: Collector) -> dict[str, str]:
    """Run the loads in an Airflow of their own, as verbose as it can be, and return their states."""
    environment = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in planted.items()}
    events = {"type": "file", "log_file_path": str(folder / EVENTS), "append": True}
    environment |= {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(events),
        "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": "120",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "PLANTED_LOADS": json.dumps(parameters),
        "CANARY": CANARY[::-1],
        "TMPDIR": str(folder / "tmp"),
        **traces.environment,
    }
    return supervised(folder, FILE, environment)


def test_planted_secrets_are_nowhere(remains: Remains) -> None:
    """Logs at level DEBUG, database, output, spans, temporary files: no load, good or failed, has left a secret there.

    In spans there is nothing of a record, either.
    """
    expected = {f"planted_{name}" for name in loads("t")}
    assert {name for name, state in remains.states.items() if state == "success"} == {*SUCCEED, "leaking"}
    assert {name for name, state in remains.states.items() if state == "failed"} == expected - SUCCEED
    assert leaks(remains.folder, remains.secrets) == []
    spans = remains.folder.joinpath("spans").read_text()
    assert "kafka_odps.commit" in spans
    assert '"one"' not in spans


def test_what_is_told_is_found(remains: Remains) -> None:
    """A secret that Airflow does not know, which a task logs, prints and returns, is found in log, database, output."""
    found = leaks(remains.folder, {"canary": CANARY})
    for place in ("home/logs/", "home/airflow.db", "output"):
        assert any(place in leak for leak in found), found


def test_there_was_something_to_mask(remains: Remains) -> None:
    """The libraries do tell secrets at this level: their lines are there, and the secrets in them are not."""
    log = remains.log("planted_plain")
    logins = [line for line in log.splitlines() if "SaslAuthenticateRequest" in line and "auth_bytes" in line]
    assert logins
    assert all("***" in line for line in logins)
    assert "headers after signing" in log
    assert "'x-odps-bearer-token': '***'" in remains.log("planted_wrong_bearer")


def test_each_failure_is_told(remains: Remains) -> None:
    """Masking leaves what a person needs: which connection, and why."""
    for load, words in {
        "wrong_password": "PLAIN as 'loader'",
        # Airflow itself masks every value of sasl.oauthbearer.…, the client's name too.
        "wrong_client": "step authenticate: the login by OAUTHBEARER",
        "wrong_key_password": "ssl.key.password",
        "wrong_access_key": "does not accept the access key",
        "wrong_bearer": "does not accept the access key or token",
        "bad_records": "max_rejects",
        "no_commit": "commit",
    }.items():
        assert words in remains.log(f"planted_{load}"), load


def test_openlineage_was_told_of_each_load(remains: Remains) -> None:
    """So its events are among what was searched: of loads that have succeeded, and of those that have failed."""
    events = [json.loads(line) for line in remains.folder.joinpath(EVENTS).read_text().splitlines()]
    ends = {each["job"]["name"]: each["eventType"] for each in events if each["job"]["name"].endswith(".load")}
    expected = {f"planted_{name}" for name in loads("t")}
    assert {name.partition(".")[0] for name, end in ends.items() if end == "COMPLETE"} == {*SUCCEED, "leaking"}
    assert {name.partition(".")[0] for name, end in ends.items() if end == "FAIL"} == expected - SUCCEED
    (plain,) = (
        each for each in events if each["job"]["name"] == "planted_plain.load" and each["eventType"] == "COMPLETE"
    )
    assert plain["inputs"][0]["facets"]["schema"]
    assert plain["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 6


def test_temporary_files_are_gone(remains: Remains) -> None:
    """No key file is left, whether its password was right or wrong."""
    assert not list(remains.folder.joinpath("tmp").rglob("*.pem"))


@pytest.mark.parametrize("form", ["plain", "JSON", "repr", "URL", "base64", "deleted row"])
def test_the_search_finds_every_form(form: str, tmp_path: Path) -> None:
    """What the search is to find, it finds: in a file as in a database."""
    secret = 'it\'s "a" sécret/+'
    told = {
        "plain": secret,
        "JSON": json.dumps({"k": secret}),
        "repr": repr({"k": secret.encode()}),
        "URL": quote(secret),
        "base64": base64.b64encode(f"Basic user:{secret}!".encode()).decode(),
    }
    if form == "deleted row":
        with closing(sqlite3.connect(tmp_path / "db")) as database:
            database.executescript("PRAGMA secure_delete = OFF; CREATE TABLE t (x)")
            database.execute("INSERT INTO t VALUES (?)", (secret,))
            database.commit()
            database.execute("DELETE FROM t")
            database.commit()
    else:
        (tmp_path / "log").write_text(f"before {told[form]} after")
    assert leaks(tmp_path, {"it": secret})
    assert not leaks(tmp_path, {"it": "another-secret"})


@pytest.mark.parametrize("secret", [SECRET, ACCESS_KEY, BEARER, "ünï\"cö'de\\", "a" * 40])
def test_every_form_is_masked(secret: str) -> None:
    """As it is, quoted by Python or JSON, in a URL, in base64 at any place: Airflow's masker replaces it."""
    mask([secret])
    texts = [
        secret,
        json.dumps({"k": secret}),
        repr([secret]),
        repr(f"\0loader\0{secret}".encode()),
        repr(f"\"'{secret}"),
        f"http://user:{quote(secret, safe='')}@proxy",
        *(base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("a", "ab", "abc")),
    ]
    for text in texts:
        assert "***" in redact(text), text
    # No name of a connection: whatever test was before this one may have had those masked.
    harmless = uuid.uuid4().hex
    assert redact(harmless) == harmless


def test_each_line_of_a_key_is_masked() -> None:
    """Also where its line ends are literal; the first and the last line, which every key has, are not."""
    key = "-----BEGIN PRIVATE KEY-----\nplantedline1234567890\nplantedline0987654321\n-----END PRIVATE KEY-----\n"
    for given in (key, key.replace("\n", "\\n")):
        assert {"plantedline1234567890", "plantedline0987654321"} <= set(forms_of(given))
        assert "-----BEGIN PRIVATE KEY-----" not in forms_of(given)


def test_what_is_secret_is_known_by_its_name() -> None:
    """Whatever holds a secret, misspelt or refused keys too; not what says where or who."""
    secret = {
        "sasl.password": "1",
        "ssl.key.pem": "2",
        "ssl.key.password": "3",
        "sasl.oauthbearer.client.secret": "4",
        "sasl.oauthbearer.config": "5",
        "access_key_secret": "6",
        "secret_access_key": "7",
        "security_token": "8",
        "bearer_token": "9",
        "ssl.keystore.password": "a",
        "proxy": "http://user:b%21@proxy:3128",
    }
    plain = {
        "access_key_id": "x",
        "sasl.oauthbearer.token.endpoint.url": "x",
        "oidc_token_file_path": "x",
        "ssl.ca.pem": "x",
        "ssl.certificate.pem": "x",
        "ssl.key.location": "x",
        "proxy ": "http://proxy",
        "bootstrap.servers": "x",
        "socket.timeout.ms": 1,
    }
    assert set(secrets_of(secret | plain, "c")) == {*"123456789a", "b%21", "b!", "c"}
    assert list(secrets_of({"proxy": "http://[broken"})) == ["http://[broken"]
    assert not list(secrets_of({"proxy": "http://proxy:3128"}))


def test_settings_do_not_show_secrets(secure: SecureBroker, endpoint: RunningEndpoint) -> None:
    """Printing what a connection was parsed to shows where and who, never a secret."""
    planted = connections(secure, endpoint, endpoint)
    shown = []
    for name, connection in planted.items():
        login, password = connection.get("login"), connection.get("password")
        if name.startswith("kafka"):
            found = parse_kafka_settings(name, connection["extra"], login=login, password=password, callbacks=())
            shown.append(repr(found))
        else:
            shown.append(repr(parse_odps_settings(name, connection["extra"])))
    everything = "\n".join(shown)
    for secret in (SECRET, ACCESS_KEY, STS_TOKEN, BEARER, quote(PROXY), WRONG_KAFKA, WRONG_KEY, WRONG_OIDC):
        assert not [form for form in forms_of(secret) if form in everything]
    assert secure.client.key.splitlines()[1] not in everything


def test_clients_are_not_told_to_write_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """An STS token is never taken from PyODPS's own environment variables, which it would log."""
    from airflow_provider_kafka_odps.clients.maxcompute.connection.account import account_of

    extra = {"access_key_id": "a", "access_key_secret": ACCESS_KEY, "security_token": STS_TOKEN}
    settings = parse_odps_settings("c", extra | {"project": "p", "endpoint": "http://127.0.0.1:1/api"})
    with caplog.at_level(logging.DEBUG):
        account = account_of(settings, no_secret)
        assert not account._need_update()
        assert account._expire_time is None
    assert STS_TOKEN not in caplog.text
