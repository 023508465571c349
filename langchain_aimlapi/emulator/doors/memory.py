"""The in-memory door: an httpx transport that talks to an `Emulator` without a socket.

No time passes for httpx here, so no timeout of its own can fire: where a real socket would run
into the request's read timeout, this transport raises `httpx.ReadTimeout` itself, at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import anyio
import httpx

from langchain_aimlapi.emulator.exchange import Answer, RecordedRequest

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.gateway import Gateway

ChunkSize = int | Callable[[bytes], Iterable[bytes]] | None
"""Where a body is cut into reads: bytes each, a function, or `None` for one read a piece."""


class EmulatorTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Serves `httpx.Client` and `httpx.AsyncClient` alike.

    Args:
        emulator: Who answers.
        chunk_size: Byte boundaries of bodies. An integer cuts them into so many bytes; a function
            is given the bytes between two waits and returns them cut; `None` gives one event (or
            one whole body) at a time.

    Attributes:
        emulated_address: The base URL of emulators in memory. No name ends in `.invalid` (RFC
            2606), so a model that has lost its clients on the way reaches nobody under it.
        open_streams: Bodies that are neither read to their end nor closed.
    """

    emulated_address = "https://emulator.invalid/v1"

    def __init__(self, emulator: Gateway, *, chunk_size: ChunkSize = None) -> None:
        """Keep the emulator and the way of cutting."""
        self._emulator = emulator
        self._chunk_size = chunk_size
        self._lock = threading.Lock()
        self.open_streams = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        answer = self._answer(request, request.read())
        wait = _allowed(request, answer.delay)
        time.sleep(wait)
        if answer.silent:
            _break_off(answer, request, "before the status line")
        return self._response(answer, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        answer = self._answer(request, await request.aread())
        await anyio.sleep(_allowed(request, answer.delay))
        if answer.silent:
            if answer.ending == "stall" and _read_timeout(request) is None:
                await anyio.sleep_forever()
            _break_off(answer, request, "before the status line")
        return self._response(answer, request)

    def _answer(self, request: httpx.Request, body: bytes) -> Answer:
        target = request.url.raw_path.decode("ascii")
        headers = request.headers.multi_items()
        return self._emulator.handle(
            RecordedRequest.received(request.method, target, headers, body)
        )

    def _response(self, answer: Answer, request: httpx.Request) -> httpx.Response:
        steps = _steps(answer, self._chunk_size) if request.method != "HEAD" else ()
        body = _Body(answer, steps, request, self)
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=body)

    def count(self, change: int) -> None:
        """Note that bodies were opened or closed."""
        with self._lock:
            self.open_streams += change


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is sent with its waits, and that ends as the answer says."""

    def __init__(
        self,
        answer: Answer,
        steps: Iterable[tuple[float, bytes]],
        request: httpx.Request,
        transport: EmulatorTransport,
    ) -> None:
        self._answer = answer
        self._steps = steps
        self._request = request
        self._transport = transport
        self._open = True
        transport.count(1)

    def __iter__(self) -> Iterator[bytes]:
        for delay, data in self._steps:
            if delay:
                time.sleep(_allowed(self._request, delay))
            yield data
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for delay, data in self._steps:
            if delay:
                await anyio.sleep(_allowed(self._request, delay))
            yield data
        if self._answer.ending == "stall" and _read_timeout(self._request) is None:
            await anyio.sleep_forever()
        self._end()

    def _end(self) -> None:
        if self._answer.ending != "complete":
            _break_off(self._answer, self._request, "inside the body")

    def close(self) -> None:
        if self._open:
            self._open = False
            self._transport.count(-1)

    async def aclose(self) -> None:
        self.close()


def _steps(answer: Answer, chunk_size: ChunkSize) -> Iterator[tuple[float, bytes]]:
    """Waits and the bytes after each, cut as `chunk_size` says."""
    if chunk_size is None:
        yield from ((piece.delay, piece.data) for piece in answer.pieces)
        return
    runs: list[tuple[float, bytearray]] = []
    for piece in answer.pieces:
        if piece.delay or not runs:
            runs.append((piece.delay, bytearray()))
        runs[-1][1].extend(piece.data)
    for delay, run in runs:
        data = bytes(run)
        if callable(chunk_size):
            parts = list(chunk_size(data))
        else:
            parts = [data[at : at + chunk_size] for at in range(0, len(data), chunk_size)]
        for number, part in enumerate(parts):
            yield (0.0 if number else delay), part


def _read_timeout(request: httpx.Request) -> float | None:
    # Looked up at each wait: a client may change the timeout once the headers are there.
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def _allowed(request: httpx.Request, seconds: float) -> float:
    """`seconds`, unless the request's read timeout is shorter."""
    timeout = _read_timeout(request)
    if timeout is not None and seconds > timeout:
        raise httpx.ReadTimeout(f"no byte for {timeout} s (emulated)", request=request)
    return seconds


def _break_off(answer: Answer, request: httpx.Request, where: str) -> NoReturn:
    """Raise what httpx raises when a connection ends this way."""
    if answer.ending == "stall":
        timeout = _read_timeout(request)
        text = f"no byte for {timeout} s" if timeout is not None else "would wait forever"
        raise httpx.ReadTimeout(f"{text}, stalled {where} (emulated)", request=request)
    if answer.ending == "reset":
        raise httpx.ReadError(f"connection reset {where} (emulated)", request=request)
    # The words are httpx's own: clients tell an early end from a reply that is no HTTP by them.
    words = "peer closed connection" if answer.ending == "disconnect" else "malformed data"
    raise httpx.RemoteProtocolError(f"{words}, {where} (emulated)", request=request)
