"""The other end of the socket: what a call meets there, and who counts what arrives.

Most faults are the emulator's. What happens below HTTP is here: addresses where nobody listens,
that do not exist, that cannot be reached in time, or that cannot prove who they are.
"""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator import Emulator
from tests import raw_server
from tests.raw_server import Peer, Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pytest

    from langchain_aimlapi.emulator import EmulatorServer, Fault, RecordedRequest, Reply

KEY = "sk-matrix-7f3a9c51e2d846b0"
SOON = 10.0  # seconds within which what must happen at once has happened


def no_connections(_: int) -> bool:
    """Nothing was connected that could be left open."""
    return True


@dataclass
class Place:
    """Where one call goes.

    Attributes:
        settings: Keyword arguments that lead a model there.
        arrived: How many requests of each call arrived; None where nobody can count.
        wait_for_connections: Tells whether so many connections are open there, or come to be.
    """

    settings: dict[str, Any]
    arrived: Callable[[], list[int]] | None = None
    wait_for_connections: Callable[[int], bool] = no_connections


class Scripted:
    """A served emulator that gives each call the same script, however the calls overlap."""

    def __init__(self, server: EmulatorServer) -> None:
        """Take a running server, whose emulator knows `KEY`."""
        self._server = server

    def place(self, steps: tuple[Fault | Reply, ...]) -> Place:
        """Begin the script anew."""
        self._server.emulator.reset()
        taken: Counter[str | None] = Counter()

        def step(request: RecordedRequest) -> Fault | Reply:
            call = request.client_request_id
            taken[call] += 1
            return steps[min(taken[call], len(steps)) - 1]

        self._server.emulator.respond_with(step)
        return Place(
            self._server.connection(),
            lambda: list(taken.values()),
            lambda count: self._server.wait_for_connections(count, SOON),
        )


@contextlib.contextmanager
def scripted() -> Iterator[Scripted]:
    """An emulator that serves for a block."""
    with Emulator(api_key=KEY).serve() as server:
        yield Scripted(server)


def to(port: int, scheme: str = "http") -> dict[str, Any]:
    """Settings that lead to a port of this machine."""
    return {"api_key": KEY, "base_url": f"{scheme}://127.0.0.1:{port}/v1"}


@contextlib.contextmanager
def nobody_listens(_: pytest.MonkeyPatch) -> Iterator[Place]:
    """A port that refuses connections: it is taken, but not listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Place(to(bound.getsockname()[1]))


@contextlib.contextmanager
def no_such_host(patch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A host that no name server knows; none is asked."""
    host, lookups, real = "gateway.invalid", [0], socket.getaddrinfo

    def look_up(name: Any, *args: Any, **kwargs: Any) -> Any:
        if name not in {host, host.encode()}:
            return real(name, *args, **kwargs)
        lookups[0] += 1
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    patch.setattr(socket, "getaddrinfo", look_up)
    for name in ("http_proxy", "all_proxy"):
        patch.delenv(name, raising=False)
        patch.delenv(name.upper(), raising=False)
    settings = {"api_key": KEY, "base_url": f"http://{host}/v1", "allow_http": True}
    yield Place(settings, lambda: lookups)


@contextlib.contextmanager
def full_queue(_: pytest.MonkeyPatch) -> Iterator[Place]:
    """A listener whose queue is full: it takes no more connections, and refuses none."""
    with raw_server.full_queue() as port:
        yield Place(to(port))


@contextlib.contextmanager
def _serving(script: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> Iterator[Place]:
    """An address to encrypt to; its end checks that the client has closed all connections."""
    with Server(script, tls) as server:
        yield Place(to(server.port, "https"), lambda: [server.accepted])


def bad_certificate(_: pytest.MonkeyPatch) -> AbstractContextManager[Place]:
    """A certificate that nobody vouches for."""
    return _serving(Peer.gone, raw_server.encryption())


def no_encryption(_: pytest.MonkeyPatch) -> AbstractContextManager[Place]:
    """A plain HTTP server where an encrypted one was expected."""

    def script(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.gone()

    return _serving(script)


def silent_handshake(_: pytest.MonkeyPatch) -> AbstractContextManager[Place]:
    """A server that never answers the client's wish to encrypt."""

    def script(peer: Peer) -> None:
        while peer.sock.recv(65536):
            pass

    return _serving(script)
