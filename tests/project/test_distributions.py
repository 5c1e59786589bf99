"""Sdist and wheel as they are built: what an index of packages and a packager look at."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

LICENCES = ["LICENSE", "NOTICE"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of both: that of `make wheel`, or a new one of this checkout."""
    if os.environ.get("BUILT_WHEEL"):
        return ROOT / "build" / "dist"
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(build, check=False, capture_output=True, text=True)
    assert built.returncode == 0, f"{built.stdout}{built.stderr}"
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Mapping[str, bytes]:
    """Return the files of the wheel by their names."""
    (path,) = dist.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def sdist(dist: Path) -> Mapping[str, bytes]:
    """Return the files of the sdist by their names below its own folder."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as opened:
        files = {each.name.partition("/")[2]: opened.extractfile(each) for each in opened if each.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def _metadata(wheel: Mapping[str, bytes]) -> Message:
    (text,) = (text for name, text in wheel.items() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(text)


def test_an_index_takes_both(dist: Path) -> None:
    """Twine, strictly, has nothing against the metadata, nor against how the README is shown."""
    files = sorted(map(str, dist.iterdir()))
    assert len(files) == 2
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == 2, checked.stdout


def test_the_licence_travels_with_the_package(wheel: Mapping[str, bytes], sdist: Mapping[str, bytes]) -> None:
    """The metadata name the licence and the notice, whose texts are in both, as they are in the repository."""
    assert _metadata(wheel)["License-Expression"] == "Apache-2.0"
    assert _metadata(wheel).get_all("License-File") == LICENCES
    for name in LICENCES:
        text = (ROOT / name).read_bytes()
        assert sdist[name] == text
        assert [each for path, each in wheel.items() if path.endswith(f".dist-info/licenses/{name}")] == [text]


def test_the_wheel_has_the_package_and_nothing_else(wheel: Mapping[str, bytes]) -> None:
    """No tests, no docs: what is installed is what is used."""
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"airflow_provider_kafka_odps"}


def test_the_sdist_has_all_that_is_committed(sdist: Mapping[str, bytes]) -> None:
    """Whoever packages it can test it, build its pages and read its registry entry; only what serves CI stays away."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=False, capture_output=True, text=True)
    committed = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    left_out = {name for name in committed - sdist.keys() if not name.startswith(".ci/")}
    assert left_out <= {".gitignore", ".readthedocs.yaml"}
    assert ".airflow-registry.yaml" in sdist
