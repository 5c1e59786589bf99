"""What a load asks of the operating system."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOOK = """
from pathlib import Path
from airflow_provider_kafka_odps.hooks.memory import refuse_huge_pages

refuse_huge_pages()
print([line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "THP_enabled" in line])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other pages")
def test_a_load_takes_small_pages() -> None:
    """Linux gives a process that loads no huge pages, of which it would use a part and count the whole."""
    told = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "['0']"
