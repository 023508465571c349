"""Which connection serves next, and how many may be open: no I/O, no HTTP library."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from langchain_aimlapi._http.network import Clock
    from langchain_aimlapi._http.proxies import Proxy

_MAX_OPEN = 1000  # calls at once, for each loop and for the threads of a process
_MAX_IDLE = 100  # connections kept for the next call, as httpx does
_MAX_CLEANED = 2  # dead connections closed when one is taken, and as many when it comes back


class Route(NamedTuple):
    """What two requests must have in common to share a connection."""

    scheme: bytes
    host: bytes
    port: int
    proxy: Proxy | None


class _Connection(Protocol):
    """What the free list asks of a connection of httpcore, sync or async."""

    def is_idle(self) -> bool: ...
    def is_closed(self) -> bool: ...
    def has_expired(self) -> bool: ...


_C = TypeVar("_C", bound=_Connection)


@dataclass(frozen=True)
class Connected(Generic[_C]):
    """A connection, and the clock that its socket goes by."""

    connection: _C
    clock: Clock


class FreeList(Generic[_C]):
    """Idle connections by route, last in first out. Closing what it returns is the caller's.

    A call has few of them to close, however many a burst of calls has left behind.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._idle: dict[Route, deque[Connected[_C]]] = {}

    def take(self, route: Route) -> tuple[Connected[_C] | None, list[_C]]:
        """Return a connection fit for use, if there is one, and those found dead on the way."""
        dead: list[_C] = []
        with self._lock:
            idle = self._idle.get(route)
            while idle and len(dead) < _MAX_CLEANED:
                kept = idle.pop()
                if not kept.connection.has_expired():
                    return kept, dead
                dead.append(kept.connection)
        return None, dead

    def give(self, route: Route, used: Connected[_C]) -> list[_C]:
        """Keep a connection if it can serve again; return those to close: it, or old ones."""
        connection = used.connection
        if not connection.is_idle() or connection.is_closed():
            return [connection]
        with self._lock:
            surplus = self._expired(_MAX_CLEANED)
            self._idle.setdefault(route, deque()).append(used)
            if sum(map(len, self._idle.values())) > _MAX_IDLE:
                longest = max(self._idle.values(), key=len)
                surplus.append(longest.popleft().connection)
        return surplus

    def expired(self) -> list[_C]:
        """Return those that have lain too long, or were closed by the server, and forget them."""
        with self._lock:
            return self._expired(_MAX_IDLE)

    def _expired(self, most: int) -> list[_C]:
        """Look from the old end of each route."""
        found: list[_C] = []
        for idle in self._idle.values():
            while len(found) < most and idle and idle[0].connection.has_expired():
                found.append(idle.popleft().connection)
        for route in [route for route, idle in self._idle.items() if not idle]:
            del self._idle[route]
        return found

    def drain(self) -> list[_C]:
        """Return all of them, and forget them."""
        with self._lock:
            found = [kept.connection for idle in self._idle.values() for kept in idle]
            self._idle.clear()
        return found

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._idle.values()))


def most_open() -> int:
    """Return how many calls may run at once: half of the files that the process may open."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return _MAX_OPEN
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_OPEN if soft == resource.RLIM_INFINITY else max(1, min(_MAX_OPEN, soft // 2))


class Slots:
    """A first-in-first-out limit on calls at once, for one event loop."""

    def __init__(self, free: int) -> None:
        """Let `free` calls run at once."""
        self._free = free
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self, timeout: float | None) -> bool:
        """Take a slot; False if none came free in `timeout` seconds."""
        if self._free > 0:
            self._free -= 1
            return True
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await asyncio.wait({mine}, timeout=timeout)
        except BaseException:
            if not mine.cancel():
                self.release()
            raise
        return not mine.cancel()

    def release(self) -> None:
        """Hand the slot to who has waited longest, or keep it free."""
        while self._waiting:
            longest = self._waiting.popleft()
            if not longest.done():
                longest.set_result(None)
                return
        self._free += 1
