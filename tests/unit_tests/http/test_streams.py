"""The end of a stream: what is read after its last event, so that the connection serves again."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from langchain_aimlapi._http.exchange import Exchange
from langchain_aimlapi._http.network import AsyncTimedStream, Clock, TimedStream
from langchain_aimlapi._http.streams import AsyncEventStream, EventStream


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, which counts those that were read."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = iter(pieces)
        self.read = 0
        self.is_closed = False

    def __iter__(self):
        for piece in self.pieces:
            self.read += 1
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def heard(body: Chunks, *, is_async: bool, own: bool = True) -> list[object]:
    kind = AsyncTimedStream if is_async else TimedStream
    extensions = {"network_stream": kind(None, Clock(0))} if own else {}
    response = httpx.Response(200, stream=body, extensions=extensions)
    exchange = Exchange(httpx.Request("POST", "https://api.example/v1/responses"))

    async def listen() -> list[object]:
        stream = AsyncEventStream(exchange, response, 9.0, 9.0)
        events = [event async for event in stream]
        await stream.aclose()
        return events

    if is_async:
        return asyncio.run(listen())
    stream = EventStream(exchange, response, 9.0, 9.0)
    events = list(stream)
    stream.close()
    return events


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("last", "own", "tail", "read"),
    [
        (b"data: [DONE]\n\n", True, 3, 5),
        (b"data: [DONE]\n\n", True, 10_000, 18),
        (b"data: [DONE]\n\n", False, 3, 2),
        (b"", True, 3, 5),
    ],
    ids=["whole", "endless", "client of a user", "no end"],
)
def test_the_rest_of_a_body_is_read_if_it_is_short_and_the_connection_ours(
    is_async, last, own, tail, read
):
    body = Chunks(b'data: {"n": 1}\n\n', last, *[b": bye\n\n"] * tail)
    assert heard(body, is_async=is_async, own=own) == [{"n": 1}]
    assert (body.read, body.is_closed) == (read, True)
