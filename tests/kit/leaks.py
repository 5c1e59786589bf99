"""Everything that a folder holds, searched for texts that should not be there."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus


def leaks(folder: Path, secrets: Mapping[str, str]) -> list[str]:
    """Return ``secret (form) in file`` for each place where one is; of a PEM, each line of the key is looked for.

    Databases of SQLite are searched as bytes, with what was deleted, and value by value.
    """
    wanted = [
        (f"{name} ({form})", octets)
        for name, secret in secrets.items()
        for line in _lines(secret)
        for form, octets in _forms(line).items()
    ]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            contents = [path.read_bytes(), *_values(path)]
            found += [
                f"{what} in {path.relative_to(folder)}"
                for what, octets in wanted
                if any(octets in content for content in contents)
            ]
    return found


def _lines(secret: str) -> list[str]:
    return [line for line in secret.splitlines() if not line.startswith("-----")]


def _forms(text: str) -> dict[str, bytes]:
    octets = text.encode()
    forms = {
        "plain": text,
        "JSON": json.dumps(text)[1:-1],
        "repr": repr(text)[1:-1],
        "repr of bytes": repr(octets)[2:-1],
        "repr with both quotes": text.replace("\\", "\\\\").replace("'", "\\'"),
        "URL": quote(text, safe=""),
        "form": quote_plus(text),
        "path": quote(text),
    }
    for before in range(3):
        whole = base64.b64encode(b" " * before + octets + b"   ").decode()
        forms[f"base64 at {before}"] = whole[4 if before else 0 : (before + len(octets)) // 3 * 4]
    return {name: form.encode() for name, form in forms.items()}


def _values(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            return
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if value is not None:
                        yield value if isinstance(value, bytes) else str(value).encode()
