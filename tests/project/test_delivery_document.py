"""What docs/delivery.md says of crash points and tests is so."""

from __future__ import annotations

import re

from kit.airflow_home import ROOT

DOCUMENT = (ROOT / "docs" / "delivery.md").read_text()
CRASHES = (ROOT / "tests" / "delivery" / "test_crashes.py").read_text()


def test_tests_that_the_document_names_exist() -> None:
    """Whoever looks a promise up finds the test that holds it."""
    named = set(re.findall(r"`(test_\w+)(?:\[.*?\])?`", DOCUMENT))
    sources = [path.read_text() for path in ROOT.glob("tests/**/test_*.py")]
    defined = {name for source in sources for name in re.findall(r"^def (\w+)", source, re.MULTILINE)}
    assert len(named) > 10
    assert named <= defined


def test_every_crash_point_has_a_heading() -> None:
    """Where an attempt may be killed, the document says what happens then."""
    block = re.search(r"^LOADING = \[(.*?)^POINTS = \[(.*?)\]", CRASHES, re.MULTILINE | re.DOTALL)
    assert block is not None
    points = {point for part in block.groups() for point in re.findall(r'"([^"]+)"', part)}
    headings = " ".join(line for line in DOCUMENT.splitlines() if line.startswith("### "))
    # The second block, and what is read for it, is as the first.
    second = {"block 1", "read #2", "batch #2", "batch #3", "read to the end #2"}
    missing = {point for point in points if f"`{point}`" not in headings} - second
    assert len(points) > 15
    assert not missing
