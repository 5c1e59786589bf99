"""Made-up events that look, and compress, like those of a shop: ids, times, addresses, browsers, words, amounts.

What differs from event to event is written for each one; the rest comes from a pool with more bytes than a producer's
batch, so that no codec finds a text twice that a real topic would not have twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

START_MS = 1_795_000_000_000
"""The first event's time; the others follow, one each millisecond."""

_POOL_BYTES, _POOL_EVENTS = 16 << 20, 1 << 16
_SPREAD = 0x9E3779B97F4A7C15
"""Odd, so numbers times it are different modulo 2**64, too: ids that look random at the price of a multiplication."""
_HEAD, _TIMES = 50, 51
"""Bytes of what is written for each event; the second of times and telephones."""
_LARGE = 1_000
"""From so many bytes on that are left, an event has a list of items."""
_KINDS = ("view", "view", "view", "search", "add to cart", "checkout", "order", "payment", "refund", "login", "review")
_CITIES = (
    "Hangzhou",
    "Shanghai",
    "Beijing",
    "Shenzhen",
    "Chengdu",
    "Wuhan",
    "Xi'an",
    "Nanjing",
    "Singapore",
    "Jakarta",
)
_SYSTEMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "Linux; Android 15; Pixel 9",
    "Linux; Android 14; SM-S918B",
)
_SYLLABLES = [first + last for first in "bcdfghjklmnpqrstvwxyz" for last in ("a", "e", "i", "o", "u", "an", "or")]


def events(rows: int, seed: int, value_bytes: int, *, timed: bool = False) -> Iterator[bytes]:
    """Yield events of about ``value_bytes``; ``timed`` ones have a time as text and a telephone, too."""
    shop = _Shop(seed)
    left = value_bytes - _HEAD - (_TIMES if timed else 0)
    for number, rest in _numbered(rows, value_bytes, lambda: shop.event(left)):
        mixed = number * _SPREAD & 0xFFFFFFFFFFFFFFFF
        times = _times(number, mixed) if timed else ""
        yield f'{{"event_id":"{mixed:016x}","ms":{START_MS + number},{times}{rest}'.encode()


def readings(rows: int, seed: int, value_bytes: int) -> Iterator[bytes]:
    """Yield objects of twenty fields, ``f0`` to ``f19``: whole numbers, numbers, words and booleans in turn."""
    shop = _Shop(seed)
    for number, rest in _numbered(rows, value_bytes, shop.reading):
        yield f'{{"f0":{number},{rest}'.encode()


def _numbered(rows: int, value_bytes: int, make: Callable[[], str]) -> Iterator[tuple[int, str]]:
    pool = [make() for _ in range(max(1, min(rows, _POOL_EVENTS, _POOL_BYTES // value_bytes)))]
    return zip(range(rows), cycle(pool), strict=False)


def _times(number: int, mixed: int) -> str:
    day, clock = number // 86400 % 28 + 1, (number // 3600 % 24, number // 60 % 60, number % 60)
    return f'"at":"2026-11-{day:02d} {clock[0]:02d}:{clock[1]:02d}:{clock[2]:02d}","phone":"138{mixed % 10**8:08d}",'


class _Shop:
    """Where parts of events come from, all of it from a seed."""

    def __init__(self, seed: int) -> None:
        self._chosen = random.Random(seed)
        self._words = ["".join(self._chosen.choices(_SYLLABLES, k=1 + number % 3)) for number in range(900)]
        self._agents = [
            f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{version}.0.0.0 Safari/537.36"
            for system in _SYSTEMS
            for version in range(128, 143)
        ]

    def event(self, left: int) -> str:
        """Return an event from its third field on, in so many bytes: what fits, and words in the rest."""
        parts = []
        for part in self._fields():
            if len(part) + 1 > left:
                break
            parts.append(part)
            left -= len(part) + 1
        if left > _LARGE:
            parts.append(f'"items":[{self._items(left - _LARGE // 2)}]')
            left -= len(parts[-1]) + 1
        if (room := left - len('"text":""') - 1) > 0:
            parts.append(f'"text":"{self._text(room)}"')
        return ",".join(parts) + "}"

    def reading(self) -> str:
        """Return a reading from its second field on."""
        return ",".join(f'"f{number}":{self._measured(number % 4)}' for number in range(1, 20)) + "}"

    def _fields(self) -> Iterator[str]:
        chosen = self._chosen
        yield f'"tag":{{"desc":"{chosen.choice(_KINDS)}","n":{chosen.randrange(5)}}}'
        yield f'"amount":{chosen.randrange(9_973)}.{chosen.randrange(10, 100)}'
        yield f'"user":{chosen.randrange(10**8)}'
        yield f'"url":"/{self._word()}/{self._word()}/{chosen.randrange(10**5)}?from={self._word()}"'
        yield f'"city":"{self._frequent(_CITIES)}"'
        yield f'"agent":"{self._frequent(self._agents)}"'
        yield f'"session":"{chosen.getrandbits(128):032x}"'

    def _items(self, room: int) -> str:
        """Return so many bytes of an order's items, or a little less."""
        chosen, parts = self._chosen, []
        while room > 0:
            parts.append(
                f'{{"sku":"{chosen.getrandbits(32):08x}","title":"{self._word()} {self._word()} {self._word()}",'
                f'"count":{chosen.randrange(1, 9)},"price":{chosen.randrange(10**5) / 100}}}'
            )
            room -= len(parts[-1]) + 1
        return ",".join(parts)

    def _measured(self, kind: int) -> str:
        chosen = self._chosen
        match kind:
            case 0:
                return str(chosen.randrange(10**5))
            case 1:
                return str(chosen.randrange(10**5) / 100)
            case 2:
                return f'"{self._word()}"'
            case _:
                return "true" if chosen.random() < 0.7 else "false"

    def _text(self, room: int) -> str:
        return " ".join(self._word() for _ in range(room // 2 + 1))[:room]

    def _word(self) -> str:
        return self._frequent(self._words)

    def _frequent(self, known: Sequence[str]) -> str:
        """Return one of those that are known, the first of them most often."""
        return known[int(len(known) * self._chosen.random() ** 2)]
