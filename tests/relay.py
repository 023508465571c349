"""Proxies and TLS in front of a server: sockets that agree on something, then carry bytes."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from typing_extensions import Self

SOON = 5.0  # seconds within which what must happen at once has happened


@dataclass
class Relay:
    """Accepts connections, does `greet` with each, and joins it to `port` of this machine.

    Attributes:
        port: Where everything goes, whatever address the client names.
        greet: Talks to the client first; False ends the connection.
        tls: Encrypts what the client and this relay say.
        carried: What clients sent once they were joined.
    """

    port: int
    greet: Callable[[socket.socket], bool] = lambda _: True
    tls: ssl.SSLContext | None = None
    carried: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.at = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(SOON)
            assert not thread.is_alive()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(client)
            if self.tls:
                client = stack.enter_context(self.tls.wrap_socket(client, server_side=True))
            if self.greet(client):
                server = socket.create_connection(("127.0.0.1", self.port))
                self._open.append(stack.enter_context(server))
                self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            waiting = [client] if getattr(client, "pending", int)() else []
            for source in waiting or select.select([client, server], [], [])[0]:
                data = source.recv(65_536)
                if not data:
                    return
                if source is client:
                    self.carried += data
                (server if source is client else client).sendall(data)


def exactly(sock: socket.socket, size: int) -> bytes:
    """Read so many bytes."""
    data = b""
    while len(data) < size:
        received = sock.recv(size - len(data))
        if not received:
            raise ConnectionResetError
        data += received
    return data


@dataclass
class Proxy:
    """An HTTP proxy's greeting, which asks for a password if it has one.

    Attributes:
        password: `user:password`, or None.
        asked: The addresses that were asked for.
    """

    password: str | None = None
    asked: list[str] = field(default_factory=list)

    def greet(self, sock: socket.socket) -> bool:
        """Answer a CONNECT."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = sock.recv(1)  # what follows is not for the proxy
            if not received:
                return False
            head += received
        line, *fields = head.decode().splitlines()
        self.asked.append(line.split(" ")[1])
        if self.password is not None:
            credentials = base64.b64encode(self.password.encode()).decode()
            if f"Proxy-Authorization: Basic {credentials}" not in fields:
                told = next((each for each in fields if each.startswith("Proxy-Auth")), "nothing")
                sock.sendall(f"HTTP/1.1 407 Not with {told}\r\nContent-Length: 0\r\n\r\n".encode())
                return False
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True
