"""What is committed works on other machines: no registry of one's own, no path of one's own."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.airflow_home import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Written in two pieces, so that this file is no finding itself.
_HOSTS = [
    ("pypi", "org"),
    ("files.pythonhosted", "org"),
    ("repo.maven.apache", "org"),
    ("repo1.maven", "org"),
    ("registry.npmjs", "org"),
    ("deb.debian", "org"),
]
_FOREIGN = re.compile(
    "|".join(re.escape(".".join(host)) for host in _HOSTS)
    + r"|--(?:extra-)?index-url|--find-links"
    + r"|(?<![\w.])/(?:home|Users|root|work)/\w"
)
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?P<marker> ; [^#]+)?")


def _committed_texts() -> Iterator[tuple[Path, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            yield path, path.read_text(errors="replace")


def test_no_committed_file_names_a_registry_or_a_place_of_one_machine() -> None:
    """Where packages come from is the reader's own setting, and so is where the checkout lies."""
    findings = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path, text in _committed_texts()
        for found in _FOREIGN.finditer(text)
        if path != Path(__file__).resolve()
    ]
    assert findings == []


def _asked_for() -> list[Requirement]:
    """Return every requirement of the package, its extras and its groups."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [
        pyproject["project"]["dependencies"],
        *pyproject["project"]["optional-dependencies"].values(),
        *pyproject["dependency-groups"].values(),
    ]
    asked = {text for texts in lists for text in texts if isinstance(text, str)}
    return [Requirement(text) for text in sorted(asked)]


def _pins() -> list[re.Match[str]]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [pin for pin in map(_PIN.fullmatch, lines) if pin]


@pytest.mark.parametrize("asked", _asked_for(), ids=lambda asked: asked.name)
def test_every_dependency_is_pinned_as_asked_for(asked: Requirement) -> None:
    """A dependency that is added or bounded anew is pinned anew: `make constraints`."""
    versions = [pin["version"] for pin in _pins() if pin["name"] == canonicalize_name(asked.name)]
    assert versions, f"{asked.name} is not in constraints.txt: run `make constraints`"
    assert [version for version in versions if not asked.specifier.contains(version, prereleases=True)] == []


def test_the_constraints_are_names_and_versions_only() -> None:
    """A pin has a name, a version and perhaps the Pythons that it is for; no host, no hash, no path."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not _PIN.fullmatch(line)] == []
