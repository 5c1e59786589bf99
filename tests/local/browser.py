"""A real browser, if the machine has one: opens a page at the width of a phone and tells what it sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)


def find_browser() -> str | None:
    """Return the browser that CHROMIUM names, or one on the path."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab, driven through the browser's own protocol."""

    def __init__(self, write: IO[bytes], read: IO[bytes]) -> None:
        self._write = write
        self._read = read
        self._number = 0
        self._session = ""

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._read.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        return dict(json.loads(text))

    def open(self, url: str, width: int) -> None:
        """Open an address and wait until it is loaded."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=True)
        self.ask("Page.enable")
        self.ask("Page.navigate", url=url)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; None when that is nothing."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")


@contextmanager
def browsing(program: str) -> Iterator[Page]:
    """Start the browser with an empty profile, and end it by its id."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (command, write), (read, answer) = os.pipe(), os.pipe()
        # The protocol's pipes are the descriptors 3 and 4 of the browser.
        start = f'exec "$0" "$@" 3<&{command} 4>&{answer}'
        process = subprocess.Popen(
            ["bash", "-c", start, program, *ARGUMENTS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(command, answer),
        )
        os.close(command)
        os.close(answer)
        # A browser that hangs must fail its test and not stop all of them.
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            with os.fdopen(write, "wb", buffering=0) as writer, os.fdopen(read, "rb") as reader:
                yield Page(writer, reader)
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
