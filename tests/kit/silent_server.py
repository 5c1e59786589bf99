"""A server that takes every call and never says a word."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread


@contextmanager
def mute_server() -> Iterator[str]:
    """Listen until the block is left; yield ``host:port``."""
    with ExitStack() as calls, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def take() -> None:
            while True:
                try:
                    call, _ = listening.accept()
                except OSError:
                    return
                calls.enter_context(call)

        thread = Thread(target=take)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            # Closing alone would not wake the thread up.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
