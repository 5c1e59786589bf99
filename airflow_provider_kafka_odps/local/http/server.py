"""Runs the application on a real web server until a signal stops it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airflow_provider_kafka_odps.local.api.control import Control
from airflow_provider_kafka_odps.local.api.services import Services, open_services
from airflow_provider_kafka_odps.local.http.app import Application
from airflow_provider_kafka_odps.local.http.asgi import CONNECTION, AsgiEntry
from airflow_provider_kafka_odps.local.settings import IN_MEMORY, Settings

_BACKLOG = 2048
"""Java opens a connection for each request; a short queue would refuse some of them."""


_LEAVE_SECONDS = 3.0
"""How long statements and requests are waited for at the end."""


_LONGEST_HEAD = 1 << 20
"""Bytes of a request line and its headers; far more than any client sends, and what a connection may hold of them."""


class _Protocol(HttpToolsProtocol):
    _head: int | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > _LONGEST_HEAD and not self.transport.is_closing():
                self.send_400_response(f"The head of the request has more than {_LONGEST_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()
        # A fault may close the connection, for which ASGI has no message.
        self.scope["extensions"] = {CONNECTION: {"transport": self.transport}}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._ready, flush=True)  # noqa: T201 - the line that programs wait for


def serve(settings: Settings, host: str, port: int, *, until_stdin_closes: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or the end of standard input; prints one line with the address when it is ready.

    Raises OSError when the address cannot be bound and ValueError when the directory cannot be opened.
    """
    listener = _listen(host, port)
    try:
        services = open_services(settings, lambda: time.time_ns() // 1_000_000)
        _run(settings, services, listener, until_stdin_closes=until_stdin_closes)
    finally:
        listener.close()


def _run(settings: Settings, services: Services, listener: socket.socket, *, until_stdin_closes: bool) -> None:
    address, port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    where = settings.folder.resolve() if settings.folder else IN_MEMORY
    ready = f"MaxCompute endpoint ready: http://{shown}:{port} project={settings.project} data={where}"
    config = uvicorn.Config(
        AsgiEntry(Application(services), Control(services.uploads, services.instances)),
        http=_Protocol,
        # An upgrade is answered as the plain request that it also is.
        ws="none",
        loop="auto",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    # uvicorn raises a signal again after its own clean stop; without handlers that would be the end of the process.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    server = _Server(config, ready)
    if until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_stdin, args=(server,), daemon=True).start()
    try:
        server.run([listener])
    finally:
        _leave(services)


def _leave(services: Services) -> None:
    """End the statements; the process too, if one of them, or a request, does not notice that it should end.

    Then nothing more is acknowledged, and what was is on the disk: as after a kill, but with a good exit code.
    """
    ends = time.monotonic() + _LEAVE_SECONDS
    ended = services.close(_LEAVE_SECONDS)
    others = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    for thread in others if ended else ():
        # Those of the pool for statements end with the interpreter; it waits for all others, too.
        if not thread.name.startswith("sql"):
            thread.join(max(0.0, ends - time.monotonic()))
            ended = ended and not thread.is_alive()
    if not ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _stop_at_end_of_stdin(server: uvicorn.Server) -> None:
    # Read without Python's own buffer: its lock would stop the interpreter from ending while this thread waits.
    while os.read(0, 4096):
        pass
    server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
