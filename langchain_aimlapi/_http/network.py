"""Sockets under httpcore: how long a step may take, which proxy leads out of the house.

Nothing here knows of HTTP messages or calls; `pool` puts these streams under its connections.
"""

from __future__ import annotations

import base64
import functools
import itertools
import os
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpcore

from langchain_aimlapi._http.deadline import NO_DEADLINE, Deadline
from langchain_aimlapi._http.request import is_loopback

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_VARIABLES = tuple(
    form(f"{name}_proxy")
    for name in ("http", "https", "all", "no")
    for form in (str.lower, str.upper)
)
_SLICE = 256 * 1024  # bytes handed to the socket at once


class Clock:
    """How long the next step of a connection may take: never longer than its call.

    After a write, all reads together may take the timeout that httpcore passes: the time to
    the first byte is one span, however slowly header bytes drip in. After `each_read` every
    read has its own span. What is read to agree with a proxy belongs to the connecting.
    """

    def __init__(self, handshakes: int) -> None:
        """Start before there is a connection.

        Args:
            handshakes: How often encryption is agreed on before the first request.
        """
        self._handshakes = handshakes
        self.begin(NO_DEADLINE, None)

    def begin(self, deadline: Deadline, connect: float | None) -> None:
        """Begin the request of a call.

        Args:
            deadline: When the call must be over.
            connect: Seconds that each step of connecting may take.
        """
        self._deadline = deadline
        self._connect = connect
        self.restart()

    def restart(self) -> None:
        """Let the span of the reads begin with the next."""
        self._span: Deadline | None = None
        self._each_read: float | None = None
        self._is_span = True

    def each_read(self, seconds: float | None) -> None:
        """From now on let each read wait up to `seconds` (None: no limit)."""
        self._each_read = seconds
        self._is_span = False

    def shake_hands(self) -> None:
        """Note that encryption has been agreed on."""
        self._handshakes -= 1

    @property
    def is_connecting(self) -> bool:
        """Whether what is read now comes from a proxy that is to make way for encryption."""
        return self._handshakes > 0

    def allow(self, timeout: float | None) -> float | None:
        """Return the seconds that the next step, which is no read, may take.

        Raises:
            httpcore.TimeoutException: No time is left.
        """
        allowed = self._deadline.bound(timeout)
        if allowed is not None and allowed <= 0:
            raise httpcore.TimeoutException
        return allowed

    def allow_read(self, timeout: float | None) -> float | None:
        """Return the seconds that the next read may take.

        Args:
            timeout: Seconds from the first read after the write; None: no limit.

        Raises:
            httpcore.TimeoutException: Nothing is left of the span, or of the call.
        """
        if not self._is_span:
            return self.allow(self._each_read)
        if self._span is None:
            self._span = Deadline(self._connect if self.is_connecting else timeout)
        return self.allow(self._span.bound(None))


class Outbox:
    """What is to be written: head and body of a small request leave in one piece.

    httpcore writes the head, the body, and nothing at all to end a message. Two pieces would cost
    a second system call here and a second wake-up over there. A large body is cut, so that the
    write timeout is about progress and no copy is large.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._waiting = b""

    def add(self, buffer: bytes) -> Iterator[bytes]:
        """Take what httpcore writes; return what has to leave now, if anything."""
        if buffer and len(self._waiting) + len(buffer) <= _SLICE:
            self._waiting += buffer
            return iter(())
        return itertools.chain(self.rest(), _slices(buffer))

    def rest(self) -> tuple[bytes, ...]:
        """Return what has not left yet; a read has to send it first."""
        waiting, self._waiting = self._waiting, b""
        return (waiting,) if waiting else ()


def _slices(buffer: bytes) -> Iterator[bytes]:
    return (buffer[start : start + _SLICE] for start in range(0, len(buffer), _SLICE))


class TimedStream(httpcore.NetworkStream):
    """A network stream that goes by a `Clock`."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        """Wrap `stream`."""
        self._stream = stream
        self._outbox = Outbox()
        self.clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come, waiting as long as the clock allows."""
        for part in self._outbox.rest():
            self._stream.write(part, self.clock.allow(timeout))
        try:
            return self._stream.read(max_bytes, self.clock.allow_read(timeout))
        except httpcore.TimeoutException:
            if self.clock.is_connecting:
                raise httpcore.ConnectTimeout from None
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write `buffer`, at the end of a message at the latest; `timeout` is for each part."""
        self.clock.restart()
        for part in self._outbox.add(buffer):
            self._stream.write(part, self.clock.allow(timeout))

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the encrypted stream; close the socket on any failure."""
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, self.clock.allow(timeout))
        except BaseException:
            self._stream.close()
            raise
        self.clock.shake_hands()
        return TimedStream(stream, self.clock)

    def get_extra_info(self, info: str) -> Any:
        """Return what the wrapped stream knows."""
        return self._stream.get_extra_info(info)


class AsyncTimedStream(httpcore.AsyncNetworkStream):
    """A network stream that goes by a `Clock`."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, clock: Clock) -> None:
        """Wrap `stream`."""
        self._stream = stream
        self._outbox = Outbox()
        self.clock = clock

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come, waiting as long as the clock allows."""
        for part in self._outbox.rest():
            await self._stream.write(part, self.clock.allow(timeout))
        try:
            return await self._stream.read(max_bytes, self.clock.allow_read(timeout))
        except httpcore.TimeoutException:
            if self.clock.is_connecting:
                raise httpcore.ConnectTimeout from None
            raise

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write `buffer`, at the end of a message at the latest; `timeout` is for each part."""
        self.clock.restart()
        for part in self._outbox.add(buffer):
            await self._stream.write(part, self.clock.allow(timeout))

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return the encrypted stream; close the socket on any failure or cancellation."""
        try:
            stream = await self._stream.start_tls(
                ssl_context, server_hostname, self.clock.allow(timeout)
            )
        except BaseException:
            await self._stream.aclose()
            raise
        self.clock.shake_hands()
        return AsyncTimedStream(stream, self.clock)

    def get_extra_info(self, info: str) -> Any:
        """Return what the wrapped stream knows."""
        return self._stream.get_extra_info(info)


class Backend(httpcore.SyncBackend):
    """httpcore's own sockets, with a clock."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock of the one connection that is to be made."""
        self._clock = clock

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        """Connect; arguments as httpcore has them."""
        stream = super().connect_tcp(host, port, self._clock.allow(timeout), *args, **kwargs)
        return TimedStream(stream, self._clock)


class AsyncBackend(httpcore.AnyIOBackend):
    """httpcore's own sockets, with a clock."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock of the one connection that is to be made."""
        self._clock = clock

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect; arguments as httpcore has them."""
        stream = await super().connect_tcp(host, port, self._clock.allow(timeout), *args, **kwargs)
        return AsyncTimedStream(stream, self._clock)


# ------------------------------------------------------------------------------------- proxies


class Proxy(NamedTuple):
    """A proxy's address; its password stays out of the text of this object."""

    scheme: str
    host: str
    port: int
    auth: tuple[str, str] | None = None

    @property
    def secrets(self) -> list[str]:
        """What must not show of it, in the forms in which a proxy could repeat it."""
        if self.auth is None:
            return []
        return [self.auth[1], base64.b64encode(":".join(self.auth).encode()).decode()]

    def __repr__(self) -> str:
        """Show the address only."""
        return f"Proxy({self.scheme}://{self.host}:{self.port})"


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy that the environment names for an address; this machine never has one.

    HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in either case, or the system's settings on
    macOS and Windows. httpx leaves them aside for connections that it does not make itself.

    Raises:
        ValueError: The proxy cannot be used; the text does not show its URL.
    """
    if is_loopback(host):
        return None
    return _look_up_proxy(scheme, host, port, tuple(map(os.environ.get, _VARIABLES)))


@functools.lru_cache(maxsize=64)
def _look_up_proxy(
    scheme: str,
    host: str,
    port: int,
    environment: tuple[str | None, ...],  # noqa: ARG001 - what the answer depends on
) -> Proxy | None:
    proxies = urllib.request.getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    return _parse_proxy(url if "://" in url else f"http://{url}")


def _parse_proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    if parts.scheme.startswith("socks"):
        raise ValueError("it is a SOCKS proxy; for one pass http_client=httpx.Client(proxy=...)")
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    try:
        port = default_port and (parts.port or default_port)
    except ValueError:
        port = None
    if not parts.hostname or not port:
        raise ValueError("it is no URL of an http or https proxy")
    auth = (
        (unquote(parts.username), unquote(parts.password or ""))
        if parts.username is not None
        else None
    )
    return Proxy(parts.scheme, parts.hostname, port, auth)
