"""What is committed works on other machines: no registry of one's own, no path of one's own."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kit.airflow_home import ROOT

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
_PIN = re.compile(r"[a-z0-9-]+==[\w.]+( ; [^#]+)?")


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


def test_the_constraints_are_names_and_versions_only() -> None:
    """A pin has a name, a version and perhaps the Pythons that it is for; no host, no hash, no path."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not _PIN.fullmatch(line)] == []
