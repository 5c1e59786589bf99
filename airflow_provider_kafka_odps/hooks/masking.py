"""Secrets of connections, and every form of them that Airflow's masker has to know."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

if TYPE_CHECKING:
    from airflow.sdk import Connection

_WORDS = ("access_key", "key.pem", "oauthbearer.config", "passphrase", "password", "secret", "token")
"""A key of a connection that contains one of these holds a secret,"""
_PLACES_AND_NAMES = ("_id", ".id", "_path", "path", ".url", ".location", "_endpoint")
"""unless it ends so: it then says where something is, or what it is called."""
_UNMISTAKABLE = 8
"""Bytes from which on a secret is looked for inside of base64: of a shorter one too few characters are left."""


def mask(secrets: Iterable[str | None]) -> None:
    """Have each of these replaced by ``***`` in logs, in every form in which a library may write it.

    Airflow's masker leaves texts of fewer than five characters alone.
    """
    # Not at the top: parsing a DAG must stay cheap.
    from airflow.sdk.log import mask_secret

    # One call: each is a message to the task's supervisor, which writes the log.
    mask_secret(list(dict.fromkeys(form for secret in secrets if secret for form in forms_of(secret))))


def masked(text: str) -> str:
    """Return a text as Airflow's log will have it, before it is broken into lines: a secret in two is not found."""
    from airflow.sdk._shared.secrets_masker import redact

    return str(redact(text))


def mask_connection(connection: Connection) -> None:
    """Have the secrets of a connection masked, before anything of it is looked at.

    Airflow itself masks what its list of sensitive names has: not a private key, nor what is escaped or encoded.
    """
    mask(secrets_of(connection.extra_dejson, connection.password))


def secrets_of(extra: Mapping[str, Any], password: str | None = None) -> Iterator[str]:
    """Yield the secrets of a connection of either kind, also where its keys are misspelt or refused.

    Certificates and names are none; of a proxy's address the password is one.
    """
    if password:
        yield password
    for key, value in extra.items():
        name = key.lower()
        if not isinstance(value, str):
            continue
        if name == "proxy":
            yield from _password_in(value)
        elif any(word in name for word in _WORDS) and not name.endswith(_PLACES_AND_NAMES):
            yield value


def forms_of(secret: str) -> Iterator[str]:
    r"""Yield what a secret looks like in logs: as it is, escaped by JSON or ``repr``, in a URL, in base64.

    Of a text with several lines, such as a PEM, each line is one secret, but for those that begin with ``-----``: what
    is logged of it may stand on lines of its own.

    >>> sorted(set(forms_of('a"b/cé')))
    ['a"b/c\\xc3\\xa9', 'a"b/cé', 'a%22b%2Fc%C3%A9', 'a%22b/c%C3%A9', 'a\\"b/c\\u00e9', 'a\\"b/cé']
    """
    for line in secret.replace("\\n", "\n").splitlines():
        if (text := line.strip()) and not text.startswith("-----"):
            yield from _forms_of_line(text)
    if "\n" not in secret:
        yield from _forms_of_line(secret)


def _forms_of_line(text: str) -> Iterator[str]:
    octets = text.encode()
    escaped = (repr(text)[1:-1], repr(octets)[2:-1])
    yield from (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], *escaped)
    if "'" in text:
        # Python escapes it where the rest of the text has the other kind, too.
        yield from (form.replace("'", "\\'") for form in escaped)
    yield from (quote(text), quote(text, safe=""), quote_plus(text))
    if len(octets) >= _UNMISTAKABLE:
        for encode in (b64encode, urlsafe_b64encode):
            yield from (_inside(encode, octets, before) for before in range(3))


def _inside(encode: Any, octets: bytes, before: int) -> str:
    """Return the characters that base64 of a longer text has for these bytes, whatever stands around them."""
    encoded: str = encode(bytes(before) + octets).decode().rstrip("=")
    # The characters at the edges are made of bits of the neighbours, too.
    return encoded[-(-8 * before // 6) : (before + len(octets)) * 8 // 6]


def _password_in(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        # No address, so nobody can tell what of it is secret.
        yield address
        return
    if password:
        yield from (password, unquote(password))
