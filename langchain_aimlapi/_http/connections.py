"""Connections: taken for one request, given back with its answer, kept for reuse, closed in time.

A connection belongs to one call at a time and lies in the free list only while it is idle, so
closing what is idle never touches a call that runs. The list is ours because httpcore's own pool
looks through all open connections for each request. To httpx both classes here are such pools.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpcore

from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.free_list import Connected, FreeList, Route, Slots, most_open
from langchain_aimlapi._http.network import AsyncBackend, Backend, Clock

if TYPE_CHECKING:
    import ssl
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
    )

KEEP_ALIVE = 30.0  # seconds; below the idle limit of common load balancers


class Owner(Protocol):
    """Whose connections these are: what all of a process share."""

    def are_wanted(self) -> bool:
        """Tell whether anybody would use a kept connection."""

    def ssl_context(self) -> ssl.SSLContext:
        """Return the one TLS context."""

    def left(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget the connections of a loop that ends."""


# ------------------------------------------------------------------- what sync and async share


def _route(request: httpcore.Request, attempt: Attempt) -> Route:
    url = request.url
    return Route(
        url.scheme, url.host, url.port or (443 if url.scheme == b"https" else 80), attempt.proxy
    )


def _wait(request: httpcore.Request, step: str) -> float | None:
    seconds: float | None = request.extensions.get("timeout", {}).get(step)
    return seconds


def _pool_options(route: Route, owner: Owner) -> dict[str, Any]:
    """Return the arguments of httpcore's pool, which serves as a maker of connections."""
    options: dict[str, Any] = {
        "ssl_context": owner.ssl_context() if route.scheme == b"https" else None,
        "keepalive_expiry": KEEP_ALIVE,
    }
    proxy = route.proxy
    if proxy:
        options["proxy_url"] = httpcore.URL(
            scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/"
        )
        options["proxy_auth"] = proxy.auth and tuple(part.encode() for part in proxy.auth)
        if proxy.scheme == "https":
            options["proxy_ssl_context"] = owner.ssl_context()
    return options


def _clock(route: Route) -> Clock:
    proxy = route.proxy
    return Clock((route.scheme == b"https") + (proxy is not None and proxy.scheme == "https"))


# ----------------------------------------------------------------------------------------- sync


class _Body:
    """A reply's body; closing it gives the connection back."""

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], None]) -> None:
        self._stream = cast("Iterable[bytes]", answer.stream)
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Connections:
    """The connections of a process for calls from threads."""

    def __init__(self, owner: Owner) -> None:
        """Start without any."""
        self._owner = owner
        self._free: FreeList[httpcore.ConnectionInterface] = FreeList()
        self._slots = threading.Semaphore(most_open())
        self.inherited = False

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send `request` and return the reply as soon as its headers are there.

        Args:
            request: With the extension "timeout": seconds for connect, read, write and pool; and
                its `Attempt`.

        Raises:
            Exception: What httpcore raises.
        """
        attempt = Attempt.riding_in(request.extensions)
        route = _route(request, attempt)
        attempt.is_reused = False
        if not self._slots.acquire(timeout=attempt.deadline.bound(_wait(request, "pool"))):
            raise httpcore.PoolTimeout
        used = None
        try:
            if not attempt.wants_fresh:
                used, dead = self._free.take(route)
                for old in dead:
                    old.close()
            attempt.is_reused = used is not None
            used = used or self._connect(route)
            used.clock.begin(attempt, _wait(request, "connect"))
            answer = used.connection.handle_request(request)
        except BaseException:
            self._put_away(route, used)
            raise
        body = answer.stream

        def give_back() -> None:
            if self.inherited:
                return
            try:
                cast("Any", body).close()
            finally:
                self._put_away(route, used)

        answer.stream = _Body(answer, give_back)
        return answer

    def close_idle(self) -> None:
        """Close the connections that no call uses."""
        for connection in self._free.drain():
            connection.close()

    def _put_away(self, route: Route, used: Connected[httpcore.ConnectionInterface] | None) -> None:
        try:
            if used is not None:
                for old in self._free.give(route, used):
                    old.close()
            if not self._owner.are_wanted():
                self.close_idle()
        finally:
            self._slots.release()

    def _connect(self, route: Route) -> Connected[httpcore.ConnectionInterface]:
        options = _pool_options(route, self._owner)
        kind: Any = httpcore.HTTPProxy if route.proxy else httpcore.ConnectionPool
        clock = _clock(route)
        pool: httpcore.ConnectionPool = kind(network_backend=Backend(clock), **options)
        origin = httpcore.Origin(route.scheme, route.host, route.port)
        return Connected(pool.create_connection(origin), clock)


# ---------------------------------------------------------------------------------------- async


class _AsyncBody:
    """A reply's body; closing it gives the connection back."""

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._stream = cast("AsyncIterable[bytes]", answer.stream)
        self._give_back: Callable[[], Awaitable[None]] | None = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            await give_back()


class AsyncConnections:
    """The connections of one event loop."""

    def __init__(self, owner: Owner) -> None:
        """Start without any, for the running loop."""
        self.loop = asyncio.get_running_loop()
        self._owner = owner
        self._free: FreeList[httpcore.AsyncConnectionInterface] = FreeList()
        self._slots = Slots(most_open())
        self._doomed: set[httpcore.AsyncConnectionInterface] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._until_loop_ends: AsyncGenerator[None, None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.inherited = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send `request`; see `Connections.handle_request`."""
        attempt = Attempt.riding_in(request.extensions)
        route = _route(request, attempt)
        attempt.is_reused = False
        if not await self._slots.acquire(attempt.deadline.bound(_wait(request, "pool"))):
            raise httpcore.PoolTimeout
        used = None
        try:
            if not attempt.wants_fresh:
                used, dead = self._free.take(route)
                if dead:
                    await self._close(dead)
            attempt.is_reused = used is not None
            used = used or self._connect(route)
            used.clock.begin(attempt, _wait(request, "connect"))
            answer = await used.connection.handle_async_request(request)
        except BaseException:
            await self._put_away(route, used)
            raise
        body = answer.stream

        async def give_back() -> None:
            if self.inherited:
                return
            try:
                await cast("Any", body).aclose()
            finally:
                await self._put_away(route, used)

        answer.stream = _AsyncBody(answer, give_back)
        return answer

    async def close_with_loop(self) -> None:
        """Arrange for the end of the loop, at which asyncio finishes asynchronous generators."""
        self._until_loop_ends = self._guard()
        await self._until_loop_ends.__anext__()

    async def close_idle(self) -> None:
        """Close the connections that no call uses."""
        await self._close(self._free.drain())

    def close_idle_soon(self) -> None:
        """Have the loop close the connections that no call uses; callable from any thread."""

        def start() -> None:
            self._start_closing(self._free.drain())

        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            self.loop.call_soon_threadsafe(start)

    async def _guard(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._owner.left(self.loop)
            if self._timer is not None:
                self._timer.cancel()
            await self._close_each([*self._doomed, *self._free.drain()])

    async def _put_away(
        self, route: Route, used: Connected[httpcore.AsyncConnectionInterface] | None
    ) -> None:
        try:
            surplus = [] if used is None else self._free.give(route, used)
            if not self._owner.are_wanted():
                surplus += self._free.drain()
        finally:
            self._slots.release()
        self._close_expired_later()
        if surplus:
            await self._close(surplus)

    def _close_expired_later(self) -> None:
        """Look after the idle connections once in a while, as long as there are any."""
        if self._timer is None and len(self._free):
            self._timer = self.loop.call_later(KEEP_ALIVE, self._close_expired)

    def _close_expired(self) -> None:
        self._timer = None
        if expired := self._free.expired():
            self._start_closing(expired)
        self._close_expired_later()

    async def _close(self, surplus: list[httpcore.AsyncConnectionInterface]) -> None:
        """Close connections; a cancellation of the caller does not stop it."""
        if surplus:
            await asyncio.shield(self._start_closing(surplus))

    def _start_closing(
        self, surplus: list[httpcore.AsyncConnectionInterface]
    ) -> asyncio.Task[None]:
        self._doomed.update(surplus)
        task = self.loop.create_task(self._close_each(surplus))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _close_each(self, doomed: list[httpcore.AsyncConnectionInterface]) -> None:
        """Close connections; what a cancellation leaves over, the loop's end closes."""
        for connection in doomed:
            with contextlib.suppress(Exception):
                await connection.aclose()
            self._doomed.discard(connection)

    def _connect(self, route: Route) -> Connected[httpcore.AsyncConnectionInterface]:
        options = _pool_options(route, self._owner)
        kind: Any = httpcore.AsyncHTTPProxy if route.proxy else httpcore.AsyncConnectionPool
        clock = _clock(route)
        pool: httpcore.AsyncConnectionPool = kind(network_backend=AsyncBackend(clock), **options)
        origin = httpcore.Origin(route.scheme, route.host, route.port)
        return Connected(pool.create_connection(origin), clock)
