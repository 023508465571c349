"""Which connections serve, and when those that lie idle are closed; without sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import httpcore
import pytest

from langchain_aimlapi._http import connections
from langchain_aimlapi._http.connections import AsyncConnections, Connections
from langchain_aimlapi._http.free_list import Connected
from langchain_aimlapi._http.network import Clock


class Owner:
    wanted = True

    def are_wanted(self) -> bool:
        return self.wanted

    def left(self, _: asyncio.AbstractEventLoop) -> None:
        pass


class Body:
    """What a connection answers, and how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self):
        yield b"hi"

    async def __aiter__(self):
        yield b"hi"

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.close()


class Connection:
    """Answers each request, and lies idle until it has expired."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.expired = self.closed = False

    def handle_request(self, _: httpcore.Request) -> httpcore.Response:
        self.bodies.append(Body())
        return httpcore.Response(200, content=self.bodies[-1])

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        return self.handle_request(request)

    def is_idle(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self.closed

    def has_expired(self) -> bool:
        return self.expired

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.close()


class Calls:
    """Calls over connections that are made here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_async: bool) -> None:
        self.is_async = is_async
        self.made: list[Connection] = []
        self.owner: Any = Owner()
        kind: Any = AsyncConnections if is_async else Connections
        monkeypatch.setattr(kind, "_connect", lambda *_: self.connected())
        self.connections = kind(self.owner)

    def connected(self) -> Connected[Any]:
        self.made.append(Connection())
        return Connected(self.made[-1], Clock(0))

    async def call(self) -> bytes:
        request = httpcore.Request("POST", "https://api.example/v1")
        if not self.is_async:
            response = self.connections.handle_request(request)
            content = b"".join(response.stream)
            response.stream.close()
            response.stream.close()
            return content
        response = await self.connections.handle_async_request(request)
        content = b"".join([chunk async for chunk in response.stream])
        await response.stream.aclose()
        await response.stream.aclose()
        return content


@pytest.fixture(params=["sync", "async"])
async def calls(request, monkeypatch):
    return Calls(monkeypatch, is_async=request.param == "async")


async def test_an_idle_connection_serves_again_until_it_has_expired(calls):
    assert [await calls.call() for _ in range(3)] == [b"hi"] * 3
    calls.made[0].expired = True
    await calls.call()
    assert [[body.closed for body in each.bodies] for each in calls.made] == [[1, 1, 1], [1]]
    assert [each.closed for each in calls.made] == [True, False]


async def test_nothing_is_kept_that_nobody_wants(calls):
    await calls.call()
    calls.owner.wanted = False
    await calls.call()
    assert [each.closed for each in calls.made] == [True]


async def test_what_lies_in_a_loop_is_closed_when_it_has_expired_again_and_again(monkeypatch):
    monkeypatch.setattr(connections, "KEEP_ALIVE", 0.0)
    calls = Calls(monkeypatch, is_async=True)
    for number in range(3):
        await calls.call()
        kept = calls.made[number]
        kept.expired = True
        for _ in range(100):
            await asyncio.sleep(0)
            if kept.closed:
                break
        assert kept.closed
    assert len(calls.connections._free) == 0
