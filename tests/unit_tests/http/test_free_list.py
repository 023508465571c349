"""Which connection serves next, and which are closed."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import Any

import pytest

from langchain_aimlapi._http import free_list
from langchain_aimlapi._http.free_list import Connected, FreeList, Route, Slots, most_open
from langchain_aimlapi._http.network import Clock

HERE, THERE = (Route(b"https", host, 443, None) for host in (b"here", b"there"))


@dataclass(eq=False)
class Connection:
    idle: bool = True
    closed: bool = False
    expired: bool = False

    def is_idle(self) -> bool:
        return self.idle

    def is_closed(self) -> bool:
        return self.closed

    def has_expired(self) -> bool:
        return self.expired


def filled(*connections: Connection, route: Route = HERE) -> FreeList[Any]:
    free: FreeList[Any] = FreeList()
    for connection in connections:
        assert free.give(route, Connected(connection, Clock(0))) == []
    return free


def test_the_last_that_came_back_serves_next_and_only_on_its_route():
    first, last = Connection(), Connection()
    free = filled(first, last)
    assert free.take(THERE) == (None, [])
    assert [free.take(HERE)[0].connection for _ in range(2)] == [last, first]
    assert (free.take(HERE), len(free)) == ((None, []), 0)


@pytest.mark.parametrize(
    "unfit", [{"idle": False}, {"closed": True}, {"idle": False, "closed": True}]
)
def test_what_cannot_serve_again_is_to_be_closed(unfit):
    free, connection = filled(), Connection(**unfit)
    assert free.give(HERE, Connected(connection, Clock(0))) == [connection]
    assert len(free) == 0


def test_dead_ones_are_found_on_the_way_but_few_for_one_call():
    kept = [Connection() for _ in range(6)]
    free = filled(*kept)
    for connection in kept[1:]:
        connection.expired = True
    assert free.take(HERE) == (None, [kept[5], kept[4]])
    assert free.take(HERE) == (None, [kept[3], kept[2]])
    used, dead = free.take(HERE)
    assert (used.connection, dead) == (kept[0], [kept[1]])


def test_a_call_closes_four_dead_ones_at_most():
    kept = [Connection() for _ in range(300)]
    free: FreeList[Any] = FreeList()
    for connection in kept:
        free.give(HERE, Connected(connection, Clock(0)))
    assert len(free) == 100
    for connection in kept:
        connection.expired = True
    used, dead = free.take(HERE)
    dead += free.give(HERE, Connected(Connection(), Clock(0)))
    assert (used, len(dead), len(free)) == (None, 4, 97)


def test_one_that_comes_back_has_the_oldest_dead_ones_closed():
    kept = [Connection() for _ in range(6)]
    free = filled(*kept)
    for connection in kept[:5]:
        connection.expired = True
    assert free.give(HERE, Connected(Connection(), Clock(0))) == kept[:2]
    assert len(free) == 5


def test_what_has_expired_is_forgotten_with_its_route():
    here, there = Connection(), Connection()
    free = filled(here)
    free.give(THERE, Connected(there, Clock(0)))
    here.expired = True
    assert free.expired() == [here]
    assert free._idle.keys() == {THERE}
    assert free.expired() == []
    assert free.drain() == [there]
    assert len(free) == 0


def test_of_too_many_the_oldest_of_the_fullest_route_goes(monkeypatch):
    monkeypatch.setattr(free_list, "_MAX_IDLE", 3)
    oldest = Connection()
    free = filled(oldest, Connection())
    assert free.give(THERE, Connected(Connection(), Clock(0))) == []
    assert free.give(THERE, Connected(Connection(), Clock(0))) == [oldest]
    assert len(free) == 3


@pytest.mark.parametrize(
    ("files", "most"), [(1024, 512), (64, 32), (2, 1), (1, 1), (10_000, 1000), (None, 1000)]
)
def test_half_of_the_files_may_be_connections(monkeypatch, files, most):
    soft = resource.RLIM_INFINITY if files is None else files
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert most_open() == most


def test_a_system_that_does_not_tell_has_files_enough(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resource", None)
    assert most_open() == 1000


async def test_slots_go_to_whoever_waited_longest():
    slots, served = Slots(1), []

    async def serve(name: str) -> None:
        assert await slots.acquire(None)
        served.append(name)
        await asyncio.sleep(0)
        slots.release()

    await asyncio.gather(*map(serve, "abc"))
    assert served == ["a", "b", "c"]
    assert await slots.acquire(0)
    assert not await slots.acquire(0.001)
    slots.release()
    assert await slots.acquire(0)


async def test_a_cancelled_wait_takes_no_slot():
    slots = Slots(1)
    assert await slots.acquire(None)
    waiting = [asyncio.create_task(slots.acquire(None)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.release()
    assert await waiting[1]
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    slots.release()
    assert await slots.acquire(0)


async def test_a_slot_that_came_with_the_cancellation_goes_on():
    slots = Slots(1)
    assert await slots.acquire(None)
    waiting = asyncio.create_task(slots.acquire(None))
    await asyncio.sleep(0)
    slots.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await slots.acquire(0)
