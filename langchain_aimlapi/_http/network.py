"""Sockets under httpcore: how long a step may take, and how far a request got.

Nothing here knows of HTTP messages; `connections` puts these streams under its own.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpcore

from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.deadline import Deadline

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

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
        self.begin(Attempt(), None)

    def begin(self, attempt: Attempt, connect: float | None) -> None:
        """Begin a request.

        Args:
            attempt: Has the deadline, and is told how far the request gets.
            connect: Seconds that each step of connecting may take.
        """
        self._attempt = attempt
        self._deadline = attempt.deadline
        self._connect = connect
        self._is_broken = False
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

    def broke(self, error: BaseException) -> None:
        """Note that the network did not take all: httpcore goes on to read what was answered.

        Args:
            error: What stopped the writing. Of one from outside nobody knows how far it had come.
        """
        self._is_broken = True
        if not isinstance(error, Exception):
            self._attempt.is_written = not self.is_connecting

    def has_read(self, data: bytes) -> bytes:
        """Note what a read has brought, and return it."""
        if data and not self.is_connecting:
            self._attempt.is_answered = True
        return data

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
        self._attempt.is_written = not (self._is_broken or self.is_connecting)
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
        self._send(self._outbox.rest(), timeout)
        try:
            return self.clock.has_read(self._stream.read(max_bytes, self.clock.allow_read(timeout)))
        except httpcore.TimeoutException:
            if self.clock.is_connecting:
                raise httpcore.ConnectTimeout from None
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write `buffer`, at the end of a message at the latest; `timeout` is for each part."""
        self.clock.restart()
        self._send(self._outbox.add(buffer), timeout)

    def _send(self, parts: Iterable[bytes], timeout: float | None) -> None:
        try:
            for part in parts:
                self._stream.write(part, self.clock.allow(timeout))
        except BaseException as error:
            self.clock.broke(error)
            raise

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
        await self._send(self._outbox.rest(), timeout)
        try:
            return self.clock.has_read(
                await self._stream.read(max_bytes, self.clock.allow_read(timeout))
            )
        except httpcore.TimeoutException:
            if self.clock.is_connecting:
                raise httpcore.ConnectTimeout from None
            raise

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write `buffer`, at the end of a message at the latest; `timeout` is for each part."""
        self.clock.restart()
        await self._send(self._outbox.add(buffer), timeout)

    async def _send(self, parts: Iterable[bytes], timeout: float | None) -> None:
        try:
            for part in parts:
                await self._stream.write(part, self.clock.allow(timeout))
        except BaseException as error:
            self.clock.broke(error)
            raise

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
