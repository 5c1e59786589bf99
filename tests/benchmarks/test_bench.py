"""`make bench` runs, and says what it measured; how fast anything is, is nothing for a test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard
from benchmarks.surroundings import python_path
from benchmarks.workloads import WORKLOADS
from demo.broker import Broker


def _run(broker: Broker, *command: str, ends: int = 0) -> str:
    """Run a command of the benchmarks, and return what it printed, or why it did not run."""
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "PYTHONPATH": python_path(), "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ends, ended.stderr
    return ended.stderr if ends else ended.stdout


def test_a_short_benchmark_prints_and_writes_what_it_measured(broker: Broker, tmp_path: Path) -> None:
    """Ours and another way load the same records, and list, table and page have the figures and the sink's pace."""
    out = tmp_path / "bench.json"
    asked = ["--rows", "2000", "--rounds", "1", "--workloads", "W1", "--ways", "ours;(b)", "--out", str(out)]
    printed = _run(broker, "benchmarks", *asked, "--pace", "50MB", "--latency", "1ms")
    ours, other = json.loads(out.read_text())
    assert ours.keys() == {
        "workload",
        "candidate",
        "pace_mb_per_s",
        "latency_ms",
        "rows",
        "rows_per_s",
        "mb_per_s",
        "cpu_s_per_million_rows",
        "peak_rss_mb",
        "ratio_ours",
        "blocks",
        "blocks_at_once",
        "body_mb_per_s",
    }
    assert (ours["candidate"], ours["rows"], ours["ratio_ours"]) == ("ours", 2000, 1.0)
    assert other["rows"] == 2000
    assert all((one["pace_mb_per_s"], one["latency_ms"]) == (50, 1) and one["blocks"] >= 1 for one in (ours, other))
    assert "(b) confluent-kafka + record writer" in printed
    page = _run(broker, "benchmarks.page", str(out))
    assert all("50 MB/s per block, 1 ms per answer" in text for text in (printed, page))
    assert "2,000 records" in page


def test_what_is_partitioned_by_record_is_loaded_into_the_endpoint(broker: Broker, tmp_path: Path) -> None:
    """A sink keeps nothing that could be moved into partitions."""
    out = tmp_path / "bench.json"
    asked = ["benchmarks", "--rows", "2000", "--rounds", "1", "--workloads", "W9,W9S", "--out", str(out)]
    assert "--into-endpoint" in _run(broker, *asked, ends=2)
    _run(broker, *asked, "--into-endpoint")
    assert [(one["candidate"], one["rows"]) for one in json.loads(out.read_text()) if one["candidate"] == "ours"] == [
        ("ours", 500),
        ("ours", 500),
    ]


def test_a_load_that_is_stopped_has_grown_until_then(broker: Broker, tmp_path: Path) -> None:
    """Into a slow sink, the growth of a load that would take longer stands beside what it may take."""
    out = tmp_path / "memory.json"
    asked = ["--rows", "100000", "--workloads", "W1", "--sinks", "slow", "--lanes", "1", "--seconds", "2"]
    printed = _run(broker, "benchmarks.memory", *asked, "--max-memory", "300MB", "--out", str(out))
    (one,) = json.loads(out.read_text())
    assert (one["sink"], one["lanes"], one["max_memory_mb"]) == ("2 MB/s per block, 50 ms per answer", 1, 300)
    assert not one["whole"]
    assert one["grown_mb"] > 0
    assert "stopped" in printed


def test_a_skewed_topic_is_skewed_and_whole() -> None:
    """Half of the records of W5 and more go to a few partitions, and no record goes nowhere."""
    skewed = WORKLOADS["W5"]
    counts = [0] * skewed.partitions
    for number in range(10_000):
        counts[skewed.partition_of(number)] += 1
    assert sum(counts) == 10_000
    assert max(counts) > 10 * sorted(counts)[32] > 0


def test_the_same_seed_makes_the_same_records() -> None:
    """Two rounds on two days load the same bytes."""
    workload = WORKLOADS["W2"]
    assert list(workload.values(50, 1)) == list(workload.values(50, 1)) != list(workload.values(50, 2))
    assert list(workload.values(70, 1))[:50] == list(workload.values(50, 1))


@pytest.mark.parametrize("name", ["W1", "W3", "W6", "W7", "W10", "MB"])
def test_records_are_events_of_the_size_that_is_told(name: str) -> None:
    """Every value is JSON with an id of its own and what the mappings ask for, and the sizes are about what is said."""
    workload = WORKLOADS[name]
    values = list(workload.values(7, 1))
    documents = [json.loads(value) for value in values]
    assert 0.9 < sum(map(len, values)) / 7 / workload.value_bytes < 1.1
    if name == "W7":
        assert all(document.keys() == {f"f{number}" for number in range(20)} for document in documents)
        return
    assert len({document["event_id"] for document in documents}) == 7
    assert all(document["tag"]["desc"] and document["amount"] for document in documents)
    assert all(("at" in document) == ("phone" in document) == (name == "W10") for document in documents)


@pytest.mark.parametrize(("name", "rows"), [("W1", 5_000), ("W3", 1_000), ("W6", 100), ("MB", 1)])
def test_values_compress_like_events_and_not_like_padding(name: str, rows: int) -> None:
    """A megabyte, a producer's largest batch, shrinks to what event JSON shrinks to."""
    batch = b"".join(WORKLOADS[name].values(rows, 1))
    assert 1.5 < len(batch) / len(lz4.frame.compress(batch)) < 2.5
    assert 2.3 < len(batch) / len(zstandard.compress(batch)) < 4
