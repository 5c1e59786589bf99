"""A page as a person sees it: its text, whether anything in it went wrong, and its picture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kit.browser import Page

DESK, PHONE = (1180, 900), (390, 844)

_WATCH = """
window.wrong = [];
addEventListener("error", (event) => window.wrong.push(String(event.message)));
addEventListener("unhandledrejection", (event) => window.wrong.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => window.wrong.push(`policy: ${event.violatedDirective}`));
"""
DRAWN = "document.querySelector('#root')?.getAttribute('aria-busy') === 'false'"


@dataclass(frozen=True)
class Seen:
    """One page, drawn."""

    page: Page
    width: int

    @property
    def text(self) -> str:
        """What can be read."""
        return str(self.page.value("document.body.innerText"))

    def find(self, expression: str) -> Any:
        """Return what a JavaScript expression gives."""
        return self.page.value(expression)

    def until(self, shown: str) -> None:
        """Wait until a text can be read."""
        self.page.until(f"document.body.innerText.includes({json.dumps(shown)})", 30)

    def is_sound(self) -> None:
        """Hold that nothing failed, nothing was refused by the policy, and no name has become markup."""
        assert self.page.value("window.wrong") == []
        assert self.page.value("window.broken") is None
        assert self.page.value("document.querySelectorAll('#root img, #root script, #root style').length") == 0
        assert self.page.value("document.querySelectorAll('#root [style]:not(canvas, .axis)').length") == 0
        assert self.page.value("document.documentElement.scrollWidth") <= self.width, "wider than the screen"

    def picture(self, name: str, folder: Path, height: int = 2400) -> None:
        """Keep a picture of the page, or of its upper part; for the docs, where SCREENSHOTS names a folder."""
        # Less high first: a page is at least as high as the screen.
        self._resize(200)
        self._resize(min(height, int(self.page.value("document.documentElement.scrollHeight"))))
        self.page.drawn()
        into = Path(os.environ["SCREENSHOTS"]) if "SCREENSHOTS" in os.environ else folder
        into.mkdir(parents=True, exist_ok=True)
        self.page.picture(into / f"{name}.png")

    def _resize(self, height: int) -> None:
        size = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.page.ask("Emulation.setDeviceMetricsOverride", **size)


class Looking(Protocol):
    """Opens a page in a new tab, and waits until it is drawn."""

    def __call__(
        self, url: str, size: tuple[int, int] = DESK, scheme: str = "light", *, drawn: str = DRAWN
    ) -> AbstractContextManager[Seen]: ...


def looking_with(page: Page) -> Looking:
    """Return what looks at pages with a browser."""

    @contextmanager
    def looking(url: str, size: tuple[int, int] = DESK, scheme: str = "light", *, drawn: str = DRAWN) -> Iterator[Seen]:
        page.open(url, *size, mobile=size == PHONE, before=_WATCH)
        page.colours(scheme)
        page.until(drawn, 30)
        yield Seen(page, size[0])
        page.close()

    return looking
