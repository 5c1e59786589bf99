"""A paced sink is as slow as it says, by its own clock, and knows what it saw."""

import socket
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from benchmarks.pace import Brake, Pace
from benchmarks.sink import Seen, running_sink


def _brake(speed: float) -> tuple[Brake, SimpleNamespace]:
    time = SimpleNamespace(now=100.0)

    def sleep(seconds: float) -> None:
        time.now += seconds

    return Brake(speed, lambda: time.now, sleep), time


def test_a_block_takes_its_bytes_divided_by_the_pace() -> None:
    """However small the pieces are, the end of the block is due when all of them are."""
    for piece in (100, 10_000, 1_000_000):
        brake, time = _brake(10e6)
        for _ in range(20_000_000 // piece):
            brake.read(piece)
        brake.end()
        assert time.now == pytest.approx(102.0)


def test_a_sender_that_waited_may_not_catch_up() -> None:
    """After ten seconds without a byte, a block is ahead by a quarter of a second, and not by ten."""
    brake, time = _brake(10e6)
    time.now += 10
    brake.read(20_000_000)
    assert time.now == pytest.approx(110 + 2 - 0.25)


@pytest.mark.parametrize(
    ("pace", "latency", "read", "told"),
    [
        ("10MB", "50ms", Pace(10e6, 0.05), "10 MB/s per block, 50 ms per answer"),
        ("2.5MB", "", Pace(2.5e6), "2.5 MB/s per block"),
        ("", "1s", Pace(None, 1.0), "null sink, 1000 ms per answer"),
        ("", "", Pace(), "null sink"),
    ],
)
def test_a_pace_is_read_and_told(pace: str, latency: str, read: Pace, told: str) -> None:
    """What stands on the command line stands in the table."""
    assert Pace.parsed(pace, latency) == read
    assert str(read) == told


@pytest.mark.parametrize("text", ["fast", "10 apples", "ms"])
def test_what_is_no_pace_is_refused(text: str) -> None:
    """The error names it."""
    with pytest.raises(ValueError, match=text):
        Pace.parsed(text, "")


def test_a_sink_counts_whole_blocks_and_forgets_them_when_asked() -> None:
    """Bodies in one piece and in chunks are counted by their bytes; one that is broken off is none."""
    nowhere: Any = SimpleNamespace(endpoint="http://127.0.0.1:1/api")
    with running_sink(nowhere, Pace(1e9, 0.001)) as sink:
        block = f"{sink.address}/x?uploadid=u&blockid="
        requests.put(f"{block}0", data=b"12345", timeout=30).raise_for_status()
        requests.put(f"{block}1", data=iter([b"123", b"4567"]), timeout=30).raise_for_status()
        with socket.create_connection(("127.0.0.1", urlsplit(sink.address).port or 0), timeout=30) as broken:
            broken.sendall(b"PUT /api/x?uploadid=u&blockid=2 HTTP/1.1\r\nContent-Length: 9\r\n\r\n12345")
            broken.shutdown(socket.SHUT_WR)
            assert broken.recv(99) == b""
        assert sink.seen() == Seen(blocks=2, bytes=12, at_once=1)
        assert sink.seen() == Seen()
