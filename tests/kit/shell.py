"""Commands of this package, as a shell starts them."""

from __future__ import annotations

import os
import subprocess
import sys


def program(*words: str, module: str = "airflow_provider_kafka_odps") -> list[str]:
    """Return the words by which a shell starts a command."""
    return [sys.executable, "-m", module, *words]


def into_a_closed_pipe(*words: str, module: str = "airflow_provider_kafka_odps") -> subprocess.CompletedProcess[str]:
    """Run a command whose reader has gone before the first line, as `head` goes after the last that it wants."""
    read, write = os.pipe()
    os.close(read)
    try:
        return subprocess.run(
            program(*words, module=module), check=False, stdout=write, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(write)
