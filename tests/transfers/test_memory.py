"""How a process that loads takes its memory."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from airflow_provider_kafka_odps.transfers.runtime.memory import lean

_LOOK = """
from pathlib import Path
from airflow_provider_kafka_odps.transfers.runtime.memory import refuse_huge_pages

refuse_huge_pages()
print([line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "THP_enabled" in line])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other pages")
def test_a_load_takes_small_pages() -> None:
    """Linux gives a process that loads no huge pages, of which it would use a part and count the whole."""
    told = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "['0']"


def test_what_was_there_before_is_left_alone_until_the_end() -> None:
    """The collector does not look at older objects while a load runs, and does afterwards, whatever happened."""
    frozen = []

    def fail() -> None:
        with lean():
            frozen.append(gc.get_freeze_count())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert frozen[0]
    assert not gc.get_freeze_count()


def test_what_somebody_froze_stays_frozen() -> None:
    """Airflow freezes what its workers share; a load does not undo that."""
    gc.freeze()
    try:
        with lean():
            pass
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()
