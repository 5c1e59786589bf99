"""One real broker that asks for logins of every kind, and allows only what its access list says."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from demo.broker import running_broker
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.admin import ACLResourcePatternType as Pattern
from kit.certificates import Authority, Signed

SECRET = "correct'secret+/%"
"""Every password and client secret that is right; it looks different in a URL, in JSON and where Python quotes it."""
PRINCIPALS = ("User:loader", "User:CN=loader")
LISTENERS = ("SASL", "MTLS", "EXPIRED", "ELSEWHERE", "ONEWAY")
_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class SecureBroker:
    """Where its listeners are, and what is needed to come in."""

    plain: str
    """Without login, for the superuser only."""
    sasl: str
    mtls: str
    expired: str
    """SASL, with a certificate that has expired."""
    elsewhere: str
    """SASL, with a certificate for another host."""
    oneway: str
    """TLS without a certificate of the client, for anybody."""
    ca: Path
    ca_pem: str
    client: Signed
    """Of the user CN=loader, its key locked with SECRET."""
    authority: Authority = field(repr=False)
    certificate: str = field(repr=False)
    """Of the servers that have a good one."""
    tokens: str
    """The address of a token endpoint, which knows the client "loader"."""


@contextmanager
def secure_broker(home: Path) -> Iterator[SecureBroker]:
    """Run it until the block is left."""
    authority = Authority()
    home.joinpath("ca.pem").write_text(authority.pem)
    for name, address, days in (("good", "127.0.0.1", 1), ("expired", "127.0.0.1", -1), ("elsewhere", "kafka.test", 1)):
        home.joinpath(f"{name}.pem").write_text(authority.sign(name, address=address, days=days).whole)
    ports = _free_ports(len(LISTENERS))
    with (
        running_broker(home / "broker", settings=_settings(home, ports)) as broker,
        token_endpoint() as tokens,
    ):
        _create_users(broker.bootstrap_servers)
        sasl, mtls, expired, elsewhere, oneway = (f"127.0.0.1:{port}" for port in ports)
        yield SecureBroker(
            plain=broker.bootstrap_servers,
            sasl=sasl,
            mtls=mtls,
            expired=expired,
            elsewhere=elsewhere,
            oneway=oneway,
            ca=home / "ca.pem",
            ca_pem=authority.pem,
            client=authority.sign("loader", password=SECRET),
            authority=authority,
            certificate=home.joinpath("good.pem").read_text(),
            tokens=tokens,
        )


def _settings(home: Path, ports: list[int]) -> dict[str, str]:
    addresses = ",".join(f"{name}://127.0.0.1:{port}" for name, port in zip(LISTENERS, ports, strict=True))
    settings = {
        "listeners": addresses,
        "advertised.listeners": addresses,
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL,"
        "EXPIRED:SASL_SSL,ELSEWHERE:SASL_SSL,ONEWAY:SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.keystore.type": "PEM",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(home / "ca.pem"),
        "listener.name.mtls.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    }
    stores = {"SASL": "good", "MTLS": "good", "EXPIRED": "expired", "ELSEWHERE": "elsewhere", "ONEWAY": "good"}
    for name, store in stores.items():
        settings[f"listener.name.{name.lower()}.ssl.keystore.location"] = str(home / f"{store}.pem")
        if name not in {"MTLS", "ONEWAY"}:
            settings |= _logins(f"listener.name.{name.lower()}")
    return settings


def _logins(listener: str) -> dict[str, str]:
    plain = f'{_LOGIN}.plain.PlainLoginModule required user_loader="{SECRET}";'
    scram = f"{_LOGIN}.scram.ScramLoginModule required;"
    # The tokens are not signed: what is tested is how they come to the broker, not how it checks them.
    tokens = f'{_LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    return {
        f"{listener}.plain.sasl.jaas.config": plain,
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        f"{listener}.oauthbearer.sasl.jaas.config": tokens,
    }


def _create_users(servers: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            said = admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion("loader", mechanism, SECRET, iterations=4096)]
            )
            assert not any(said.values()), said
    finally:
        admin.close()


def allow(root: KafkaAdminClient, rights: Iterable[tuple[ACLOperation, ResourceType, str]]) -> None:
    """Grant rights to the loader, by both of its names, and wait until the broker knows."""
    acls = _acls(rights)
    assert not root.create_acls(acls)["failed"]
    _await(root, acls, there=True)


def deny(root: KafkaAdminClient, rights: Iterable[tuple[ACLOperation, ResourceType, str]]) -> None:
    """Take rights away again, and wait until the broker knows."""
    acls = _acls(rights)
    root.delete_acls([_filter(acl) for acl in acls])
    _await(root, acls, there=False)


def _acls(rights: Iterable[tuple[ACLOperation, ResourceType, str]]) -> list[ACL]:
    return [
        ACL(who, "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
        for operation, kind, name in rights
        for who in PRINCIPALS
    ]


def _filter(acl: ACL) -> ACLFilter:
    place = ResourcePatternFilter(acl.resource_pattern.resource_type, acl.resource_pattern.resource_name, Pattern.ANY)
    return ACLFilter(acl.principal, None, acl.operation, ACLPermissionType.ANY, place)


def _await(root: KafkaAdminClient, acls: Iterable[ACL], *, there: bool) -> None:
    deadline = time.monotonic() + 20
    for acl in acls:
        while bool(root.describe_acls(_filter(acl))[0]) != there:
            assert time.monotonic() < deadline, f"{acl} is {'not ' if there else 'still '}there"
            time.sleep(0.02)


@contextmanager
def token_endpoint() -> Iterator[str]:
    """Run a token endpoint of OAuth's client credentials grant; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Tokens(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        wanted = "Basic " + base64.b64encode(f"loader:{SECRET}".encode()).decode()
        if self.headers["Authorization"] != wanted or "grant_type=client_credentials" not in form:
            self._say(401, {"error": "invalid_client"})
        else:
            self._say(200, {"access_token": unsigned_token("loader"), "expires_in": 300, "token_type": "Bearer"})

    def _say(self, status: int, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def unsigned_token(subject: str) -> str:
    """Return a JSON web token for ``subject`` that nobody signed."""
    now = time.time()
    parts: tuple[dict[str, object], ...] = ({"alg": "none"}, {"sub": subject, "iat": now, "exp": now + 300})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
