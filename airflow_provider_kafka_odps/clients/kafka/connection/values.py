"""How the values of a Kafka connection are read; each function raises ValueError with what is expected."""

from __future__ import annotations

from typing import Any

PASSWORD_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MECHANISMS = (*PASSWORD_MECHANISMS, "OAUTHBEARER", "GSSAPI")


def read_text(value: Any) -> str:
    """Take any text."""
    return str(value)


def read_positive(value: Any) -> int:
    """Take a whole number above 0."""
    if isinstance(value, bool) or int(str(value)) <= 0:
        raise ValueError(value)
    return int(str(value))


def read_boolean(value: Any) -> bool:
    """Take true, false, 1 or 0."""
    match str(value).strip().lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise ValueError(value)


def read_mechanism(value: Any) -> str:
    """Take a SASL mechanism that the client speaks."""
    if (name := str(value).upper()) not in _MECHANISMS:
        raise ValueError(f"accepted: {', '.join(_MECHANISMS)}")
    return name


def read_protocol(value: Any) -> str:
    """Take a security protocol."""
    known = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
    if (name := str(value).upper()) not in known:
        raise ValueError(f"accepted: {', '.join(known)}")
    return name


def read_checks_host(value: Any) -> bool:
    """Tell whether the host name is to be that of the certificate."""
    match str(value).lower():
        case "https":
            return True
        case "none" | "":
            return False
    raise ValueError("accepted: https, none")


def read_must_verify(value: Any) -> None:
    """Refuse to leave certificates unverified."""
    if not read_boolean(value):
        raise ValueError("certificates are always verified; give the authority's certificate as ssl.ca.location")


def read_method(value: Any) -> str:
    """Take librdkafka's method of getting tokens."""
    if (name := str(value).lower()) not in {"default", "oidc"}:
        raise ValueError("accepted: default, oidc")
    return name


def read_grant(value: Any) -> None:
    """Refuse other grants than the client credentials."""
    if str(value) != "client_credentials":
        raise ValueError("accepted: client_credentials")


def read_lookup(value: Any) -> str:
    """Take a way to look up bootstrap servers."""
    if (name := str(value)) not in {"use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"}:
        raise ValueError("accepted: use_all_dns_ips, resolve_canonical_bootstrap_servers_only")
    return name


def read_pem(value: Any) -> str:
    """Take PEM text, not a path."""
    # Airflow's form and environment variables make the line ends literal now and then.
    text = str(value).replace("\\n", "\n").strip()
    if "-----BEGIN " not in text:
        raise ValueError('not PEM text, which starts with "-----BEGIN "; give a path as ….location')
    return text + "\n"


def read_extensions(value: Any) -> tuple[tuple[str, str], ...]:
    """Read librdkafka's ``key=value,key=value``."""
    pairs = [pair.partition("=") for pair in str(value).split(",") if pair.strip()]
    if any(not (key.strip() and equals) for key, equals, _ in pairs):
        raise ValueError("expected key=value,key=value")
    return tuple((key.strip(), text.strip()) for key, _, text in pairs)
