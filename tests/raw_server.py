"""Servers that are scripts over plain sockets, and ways to call them with the transport alone.

A script decides each byte, and when a connection breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import socket
import ssl
import struct
import threading
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import trustme
from pydantic import SecretStr

from langchain_aimlapi._http import pool
from langchain_aimlapi._http.pool import Lease
from langchain_aimlapi._http.transport import Timeouts, Transport
from langchain_aimlapi.errors import AIMLAPIError
from tests.turns import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

KEY = "sk-very-secret-key-0123456789"
SOON = 5.0  # seconds within which what must happen at once has happened

AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)
"""Vouches for the servers of these tests; nobody trusts it who is not told to."""


# ---------------------------------------------------------------------------------------- servers


def encryption(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return what a server encrypts with: certified for this machine and for proxied.test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("proxied.test", "localhost", "127.0.0.1").configure_cert(context)
    return context


@contextlib.contextmanager
def full_queue() -> Iterator[int]:
    """A port whose queue is full: it takes no more connections, and refuses none."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock, self.number = sock, number
        self._buffer = b""

    def request(self) -> Request | None:
        """Read one request; None when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in fields)}
        size = int(headers.get("content-length", 0))
        while len(self._buffer) < size:
            if not self._receive():
                return None
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Request(line, headers, body)

    def _receive(self) -> bool:
        received = self.sock.recv(65536)
        self._buffer += received
        return bool(received)

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.sock.sendall(part)

    def answer(self, data: Any, *, status: str = "200 OK", headers: str = "") -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def start_stream(self) -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"X-Inference-Id: inf-1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    def event(self, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.chunk(f"data: {text}\n\n".encode())

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def gone(self) -> bool:
        """Wait for the client to close."""
        self.sock.settimeout(SOON)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


@dataclass
class Server:
    """Accepts until the test ends; `script` runs in a thread for each connection."""

    script: Callable[[Peer], None]
    tls: ssl.SSLContext | None = None
    accepted: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failures: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._acceptor.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(SOON)
            assert not thread.is_alive(), "the client kept a connection open"
        assert self.failures == []

    _stopping = False

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._stopping:
                sock.close()
                return
            self.accepted += 1
            thread = threading.Thread(target=self._run, args=(sock, self.accepted))
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.script(Peer(sock, number))
        except OSError:
            pass
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failures.append(error)
        finally:
            sock.close()
            self.closed.release()

    def assert_closes(self) -> None:
        assert self.closed.acquire(timeout=SOON), "the connection is still open"


def echo(peer: Peer) -> None:
    """Answer each request with its own body, on one connection."""
    while request := peer.request():
        peer.answer({"echo": json.loads(request.body or b"null"), "connection": peer.number})


def events(peer: Peer) -> None:
    """Answer each request with two events."""
    while peer.request():
        peer.start_stream()
        peer.event({"n": 1})
        peer.event({"n": 2})
        peer.event("[DONE]")
        peer.end()


def after_request(*steps: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Take a request, then do the steps."""

    def script(peer: Peer) -> None:
        if peer.request():
            for step in steps:
                step(peer)

    return script


# ---------------------------------------------------------------------------------------- clients


LEASE = Lease()


def to(server: Server | str, **options: Any) -> Transport:
    url = server if isinstance(server, str) else server.base_url
    settings = {"headers": {}, "timeouts": Timeouts(), "lease": LEASE, "allow_http": True}
    return Transport(base_url=url, api_key=SecretStr(KEY), **{**settings, **options})


def listen(transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
    with transport.stream(call or Call(stream=True)) as stream:
        return list(stream)


async def alisten(transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
    async with transport.astream(call or Call(stream=True)) as stream:
        return [event async for event in stream]


@dataclass
class Door:
    """One way to call, each time from the top: a loop of its own, or none."""

    is_async: bool

    def post(self, transport: Transport, call: Call | None = None) -> dict[str, Any]:
        call = call or Call()
        if self.is_async:
            return asyncio.run(transport.apost(call)).body
        return transport.post(call).body

    def listen(self, transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
        if self.is_async:
            return asyncio.run(alisten(transport, call))
        return listen(transport, call)


@contextlib.contextmanager
def serving(script: Callable[[Peer], None], **options: Any) -> Iterator[Server]:
    """Serve for a block, and close the idle connections of threads at its end."""
    with Server(script, **options) as server:
        try:
            yield server
        finally:
            pool._registry.threads.close_idle()


def assert_no_secrets(error: BaseException) -> None:
    texts = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    texts += repr(error) + repr(vars(error)) + pickle.dumps(error).decode("latin-1")
    assert KEY not in texts
    for chained in (error.__cause__, error.__context__):
        assert chained is None or isinstance(chained, AIMLAPIError)
