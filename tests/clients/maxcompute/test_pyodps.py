"""PyODPS is imported in less time than it takes by itself, and is what it is without that."""

import gc
import inspect
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from airflow_provider_kafka_odps.clients.maxcompute.pyodps import quickly

_COUNTED = """
import inspect, sys
asked = []
getmodule = inspect.getmodule
inspect.getmodule = lambda *args: (asked.append(args), getmodule(*args))[1]
import {module}
print("odps.models" in sys.modules, len(asked) > 100)
"""


@pytest.mark.parametrize(
    ("module", "slow"), [("odps", True), ("airflow_provider_kafka_odps.clients.maxcompute.pyodps", False)]
)
def test_no_module_is_searched_for_the_sources_of_a_stack(module: str, slow: bool) -> None:
    """By itself, PyODPS has Python look through all modules a hundred times: when it does not, the trick may go."""
    assert _told(_COUNTED.format(module=module)) == f"True {slow}"


_USED = """
import gc, inspect, sys
before = (list(sys.meta_path), list(sys.path_hooks), inspect.stack, gc.isenabled(), gc.get_threshold())
from airflow_provider_kafka_odps.clients.maxcompute import pyodps, sql, tables, upload
from airflow_provider_kafka_odps.clients.maxcompute.connection import rest
assert before == (sys.meta_path, sys.path_hooks, inspect.stack, gc.isenabled(), gc.get_threshold())
assert inspect.stack()[0].filename == "<string>"

import numpy as np, pandas as pd, pyarrow as pa, sqlalchemy
assert pa.array(np.arange(3)).to_pandas().tolist() == [0, 1, 2]
assert pa.array(pd.Series([1, None])).null_count == 1
assert pa.table({"n": [1]}).to_pandas().equals(pd.DataFrame({"n": [1]}))

import odps
from odps.df.backends.selecter import has_pandas, has_sqlalchemy
from odps.models import TableSchema
from odps.models.record import Record
from odps.models.tableio import pd as in_tables
from odps.tunnel.io.reader import pd as in_readers
assert has_pandas and has_sqlalchemy and in_tables is in_readers is pd
assert odps.DataFrame(pd.DataFrame({"n": [1, 2]})).n.sum().execute() == 3
assert Record(schema=TableSchema.from_lists(["n"], ["bigint"]), values=[pd.NA])["n"] is None
print("used")
"""


def test_a_process_may_use_pandas_and_sqlalchemy_afterwards() -> None:
    """Nothing stays behind: a task's process is Airflow's, and runs callbacks, or other tasks under `dag.test`."""
    assert _told(_USED) == "used"


def test_only_the_thread_that_imports_sees_short_stacks() -> None:
    """Another one that asks meanwhile gets what it asks for, sources too."""
    found = []
    with quickly():
        other = threading.Thread(target=lambda: found.append(inspect.stack()[0]))
        other.start()
        other.join()
        short = inspect.stack()
    assert found[0].code_context is not None
    assert short[0].code_context is None
    assert [each.frame for each in short] == [each.frame for each in inspect.stack(0)]


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_as_it_was(collects: bool) -> None:
    """Whoever has turned it off finds it off, also after an error."""
    before = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        with suppress(ImportError), quickly():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()


def _told(program: str) -> str:
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()
