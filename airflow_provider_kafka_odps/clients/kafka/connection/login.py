"""How to log in to Kafka: certificates, and where tokens come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust and what to show; the PEM texts may hold a private key and are never printed."""

    ca_location: str | None = None
    ca_pem: str | None = field(default=None, repr=False)
    certificate_location: str | None = None
    certificate_pem: str | None = field(default=None, repr=False)
    key_location: str | None = None
    key_pem: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    crl_location: str | None = None
    ciphers: str | None = None
    check_hostname: bool = True

    def problems(self) -> list[str]:
        """Return a sentence for each contradiction."""
        pairs = (
            ("ssl.ca", self.ca_location, self.ca_pem),
            ("ssl.certificate", self.certificate_location, self.certificate_pem),
            ("ssl.key", self.key_location, self.key_pem),
        )
        found = [
            f"{name}.location and {name}.pem are both given: keep one" for name, path, pem in pairs if path and pem
        ]
        shown, key = self.certificate_location or self.certificate_pem, self.key_location or self.key_pem
        if bool(shown) != bool(key):
            found.append("ssl.certificate.… and ssl.key.… belong together; one of them is missing")
        if self.key_password and not key:
            found.append("ssl.key.password is given without ssl.key.location or ssl.key.pem")
        return found


@dataclass(frozen=True, slots=True)
class OidcTokens:
    """Tokens by OAuth's client credentials grant."""

    client_id: str
    client_secret: str = field(repr=False)
    url: str
    scope: str | None = None
    extensions: tuple[tuple[str, str], ...] = ()
    """What is sent to the broker together with the token."""
    ca_location: str | None = None
    """Whom to trust as the token endpoint; None: the public authorities."""


@dataclass(frozen=True, slots=True)
class CallbackTokens:
    """Tokens from a function of the deployment, as the official connection's ``oauth_cb``."""

    path: str
    """Dotted."""
    argument: str = field(default="", repr=False)
    """The text of ``sasl.oauthbearer.config``, which the function is called with."""


def tokens_of(
    given: Mapping[str, Any], callbacks: Collection[str], problems: list[str]
) -> OidcTokens | CallbackTokens | None:
    """Return where OAUTHBEARER's tokens come from; what contradicts itself is added to ``problems``.

    ``given`` has the part of librdkafka's names behind ``sasl.oauthbearer.``, and ``oauth_cb``; ``callbacks`` are the
    functions that it may name.
    """
    oidc = [key for key in ("client.id", "client.secret", "token.endpoint.url") if given.get(key)]
    if path := given.get("oauth_cb"):
        if oidc or given.get("method") == "oidc":
            problems.append("oauth_cb and sasl.oauthbearer.method=oidc contradict each other: keep one")
        if path not in callbacks:
            problems.append(
                f"oauth_cb={path!r} is not in [apache_kafka] callback_allowlist of this Airflow: who may edit "
                "connections could otherwise run any code"
            )
        return CallbackTokens(path, given.get("config") or "")
    if given.get("method") != "oidc":
        problems.append(
            "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.method=oidc with its client and token endpoint, "
            "or oauth_cb"
        )
        return None
    missing = [key for key in ("client.id", "client.secret", "token.endpoint.url") if key not in oidc]
    problems += [f"sasl.oauthbearer.method=oidc needs sasl.oauthbearer.{key}" for key in missing]
    if missing or not _is_private(str(given["token.endpoint.url"]), problems):
        return None
    return OidcTokens(
        given["client.id"],
        given["client.secret"],
        given["token.endpoint.url"],
        given.get("scope"),
        given.get("extensions") or (),
        given.get("ca"),
    )


def _is_private(url: str, problems: list[str]) -> bool:
    """Tell whether a client's secret may be sent there."""
    try:
        parts = urlsplit(url)
        private = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        usable = bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        private = usable = False
    if not (private and usable):
        problems.append(
            "sasl.oauthbearer.token.endpoint.url is not an https://… address: the client's secret is sent there"
        )
    return private and usable
