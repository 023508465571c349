"""Connections: taken for one call, given back, kept for reuse, closed in time.

There is one free list for the threads of a process and one for each event loop, shared by all
models. A connection belongs to one call at a time and lies in the free list only while it is
idle, so closing what is idle never touches a call that runs. The list is ours because httpcore's
own pool looks through all open connections for each request. Together with `transport` this is
the only module that imports httpx; it knows nothing of keys, turns or errors of this package.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, cast

import httpcore
import httpx

from langchain_aimlapi._http.free_list import FreeList, Line, Route, Slots, most_open
from langchain_aimlapi._http.network import (
    AsyncBackend,
    AsyncTimedStream,
    Backend,
    Clock,
    Proxy,
    TimedStream,
)

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

    from langchain_aimlapi._http.deadline import Deadline

_KEEP_ALIVE = 30.0  # seconds; below the idle limit of common load balancers

FOREIGN = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What sending and reading raise, here and in a user's own client."""


class Lease:
    """One model's interest in kept connections; copies and pickles into a fresh one.

    A lease counts from the first call made with it until it is released or garbage. While any
    lease counts, idle connections are kept for the next call.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Lease:
        """Return a new lease: a copied model closes for itself."""
        return Lease()

    def __reduce__(self) -> tuple[type[Lease], tuple[()]]:
        """Pickle and copy to a new lease."""
        return Lease, ()


class _Registry:
    """All connections of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self.threads = Connections(self)
        self.loops: dict[asyncio.AbstractEventLoop, AsyncConnections] = {}
        self._ssl_context: ssl.SSLContext | None = None

    def hold(self, lease: Lease) -> None:
        with self.lock:
            self.leases.add(lease)

    def drop(self, lease: Lease) -> list[AsyncConnections]:
        """Give `lease` up. After the last one close what is idle; what is in loops is returned."""
        with self.lock:
            self.leases.discard(lease)
            if self.leases:
                return []
            loops = list(self.loops.values())
        self.threads.close_idle()
        return loops

    def ssl_context(self) -> ssl.SSLContext:
        """Return the process's one TLS context, made as httpx makes its own.

        It trusts certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR. Making one
        takes tens of milliseconds, hence only one, and only when it is needed.
        """
        with self.lock:
            if self._ssl_context is None:
                self._ssl_context = httpx.create_ssl_context()
            return self._ssl_context


def connections(lease: Lease) -> Connections:
    """Return the connections for calls from threads, and hold them by `lease`."""
    registry = _registry
    registry.hold(lease)
    return registry.threads


async def async_connections(lease: Lease) -> AsyncConnections:
    """Return the connections of the running loop, and hold them by `lease`."""
    registry = _registry
    registry.hold(lease)
    loop = asyncio.get_running_loop()
    found = registry.loops.get(loop)
    if found is None:
        found = AsyncConnections(registry)
        with registry.lock:
            for closed in [other for other in registry.loops if other.is_closed()]:
                del registry.loops[closed]
            registry.loops[loop] = found
        await found.close_with_loop()
    return found


def release(lease: Lease) -> None:
    """Give `lease` up. The last one closes what is idle; loops do so when they run next."""
    for others in _registry.drop(lease):
        others.close_idle_soon()


async def arelease(lease: Lease) -> None:
    """Give `lease` up like `release`, but wait for the running loop's connections to close."""
    loop = asyncio.get_running_loop()
    for others in _registry.drop(lease):
        if others.loop is loop:
            await others.close_idle()
        else:
            others.close_idle_soon()


def limit_reads(response: httpx.Response, seconds: float | None) -> None:
    """Let each further read of `response` wait up to `seconds`; only on our own connections."""
    stream = response.extensions.get("network_stream")
    if isinstance(stream, (TimedStream, AsyncTimedStream)):
        stream.clock.each_read(seconds)


# ------------------------------------------------------------------- what sync and async share


def port_of(url: httpx.URL) -> int:
    """Return the port that `url` names or means."""
    return url.port or (443 if url.scheme == "https" else 80)


def _route(request: httpx.Request, proxy: Proxy | None) -> Route:
    url = request.url
    return Route(url.raw_scheme, url.raw_host, port_of(url), proxy)


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _pool_options(route: Route, registry: _Registry) -> dict[str, Any]:
    """Return the arguments of httpcore's pool, which serves as a maker of connections."""
    options: dict[str, Any] = {
        "ssl_context": registry.ssl_context() if route.scheme == b"https" else None,
        "keepalive_expiry": _KEEP_ALIVE,
    }
    proxy = route.proxy
    if proxy:
        options["proxy_url"] = httpcore.URL(
            scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/"
        )
        options["proxy_auth"] = proxy.auth and tuple(part.encode() for part in proxy.auth)
        if proxy.scheme == "https":
            options["proxy_ssl_context"] = registry.ssl_context()
    return options


def _clock(route: Route) -> Clock:
    proxy = route.proxy
    return Clock((route.scheme == b"https") + (proxy is not None and proxy.scheme == "https"))


# ----------------------------------------------------------------------------------------- sync


class _Body(httpx.SyncByteStream):
    """A reply's body; closing it gives the connection back."""

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], None]) -> None:
        self._answer = answer
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return iter(cast("Iterable[bytes]", self._answer.stream))

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Connections:
    """The connections of a process for calls from threads."""

    def __init__(self, registry: _Registry) -> None:
        """Start without any."""
        self._registry = registry
        self._free: FreeList[httpcore.ConnectionInterface] = FreeList()
        self._slots = threading.Semaphore(most_open())
        self.inherited = False

    def send(
        self, request: httpx.Request, proxy: Proxy | None, deadline: Deadline
    ) -> httpx.Response:
        """Send `request` and return the reply as soon as its headers are there.

        Args:
            request: With the extension "timeout": seconds for connect, read, write and pool.
            proxy: The proxy to go through.
            deadline: When the call must be over, its body read.

        Raises:
            Exception: What httpcore raises.
        """
        route = _route(request, proxy)
        waits = request.extensions["timeout"]
        if not self._slots.acquire(timeout=deadline.bound(waits["pool"])):
            raise httpcore.PoolTimeout
        line = None
        try:
            line, dead = self._free.take(route)
            for old in dead:
                old.close()
            line = line or self._connect(route)
            line.clock.begin(deadline, waits["connect"])
            answer = line.connection.handle_request(_to_httpcore(request))
        except BaseException:
            self._put_away(route, line)
            raise

        def give_back() -> None:
            if self.inherited:
                return
            try:
                answer.close()
            finally:
                self._put_away(route, line)

        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, give_back),
            extensions=answer.extensions,
        )

    def close_idle(self) -> None:
        """Close the connections that no call uses."""
        for connection in self._free.drain():
            connection.close()

    def _put_away(self, route: Route, line: Line[httpcore.ConnectionInterface] | None) -> None:
        try:
            if line is not None:
                for old in self._free.give(route, line):
                    old.close()
            if not self._registry.leases:
                self.close_idle()
        finally:
            self._slots.release()

    def _connect(self, route: Route) -> Line[httpcore.ConnectionInterface]:
        options = _pool_options(route, self._registry)
        kind: Any = httpcore.HTTPProxy if route.proxy else httpcore.ConnectionPool
        clock = _clock(route)
        pool: httpcore.ConnectionPool = kind(network_backend=Backend(clock), **options)
        origin = httpcore.Origin(route.scheme, route.host, route.port)
        return Line(pool.create_connection(origin), clock)


# ---------------------------------------------------------------------------------------- async


class _AsyncBody(httpx.AsyncByteStream):
    """A reply's body; closing it gives the connection back."""

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._give_back: Callable[[], Awaitable[None]] | None = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(cast("AsyncIterable[bytes]", self._answer.stream))

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            await give_back()


class AsyncConnections:
    """The connections of one event loop."""

    def __init__(self, registry: _Registry) -> None:
        """Start without any, for the running loop."""
        self.loop = asyncio.get_running_loop()
        self._registry = registry
        self._free: FreeList[httpcore.AsyncConnectionInterface] = FreeList()
        self._slots = Slots(most_open())
        self._doomed: list[httpcore.AsyncConnectionInterface] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._until_loop_ends: AsyncGenerator[None, None] | None = None
        self.inherited = False

    async def send(
        self, request: httpx.Request, proxy: Proxy | None, deadline: Deadline
    ) -> httpx.Response:
        """Send `request` and return the reply as soon as its headers are there.

        Args:
            request: With the extension "timeout": seconds for connect, read, write and pool.
            proxy: The proxy to go through.
            deadline: When the call must be over, its body read.

        Raises:
            Exception: What httpcore raises.
        """
        route = _route(request, proxy)
        waits = request.extensions["timeout"]
        if not await self._slots.acquire(deadline.bound(waits["pool"])):
            raise httpcore.PoolTimeout
        line = None
        try:
            line, dead = self._free.take(route)
            if dead:
                await self._close(dead)
            line = line or self._connect(route)
            line.clock.begin(deadline, waits["connect"])
            answer = await line.connection.handle_async_request(_to_httpcore(request))
        except BaseException:
            await self._put_away(route, line)
            raise

        async def give_back() -> None:
            if self.inherited:
                return
            try:
                await answer.aclose()
            finally:
                await self._put_away(route, line)

        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_AsyncBody(answer, give_back),
            extensions=answer.extensions,
        )

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
            with self._registry.lock:
                self._registry.loops.pop(self.loop, None)
            self._doomed += self._free.drain()
            await self._close_doomed()

    async def _put_away(
        self, route: Route, line: Line[httpcore.AsyncConnectionInterface] | None
    ) -> None:
        try:
            surplus = [] if line is None else self._free.give(route, line)
            if not self._registry.leases:
                surplus += self._free.drain()
        finally:
            self._slots.release()
        await self._close(surplus)

    async def _close(self, surplus: list[httpcore.AsyncConnectionInterface]) -> None:
        """Close connections; a cancellation of the caller does not stop it."""
        if surplus:
            await asyncio.shield(self._start_closing(surplus))

    def _start_closing(
        self, surplus: list[httpcore.AsyncConnectionInterface]
    ) -> asyncio.Task[None]:
        self._doomed += surplus
        task = self.loop.create_task(self._close_doomed())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _close_doomed(self) -> None:
        """Close what is to be closed; what a cancellation leaves over, the loop's end closes."""
        for connection in list(self._doomed):
            with contextlib.suppress(Exception):
                await connection.aclose()
            with contextlib.suppress(ValueError):  # another task has closed it as well
                self._doomed.remove(connection)

    def _connect(self, route: Route) -> Line[httpcore.AsyncConnectionInterface]:
        options = _pool_options(route, self._registry)
        kind: Any = httpcore.AsyncHTTPProxy if route.proxy else httpcore.AsyncConnectionPool
        clock = _clock(route)
        pool: httpcore.AsyncConnectionPool = kind(network_backend=AsyncBackend(clock), **options)
        origin = httpcore.Origin(route.scheme, route.host, route.port)
        return Line(pool.create_connection(origin), clock)


# ---------------------------------------------------------------------------------- the process

_registry = _Registry()
_inherited: list[_Registry] = []


def _start_anew() -> None:
    """Forget all connections in a forked child: it would read the parent's answers on them.

    They are neither used nor shut down, and stay referenced so that no destructor does it.
    """
    global _registry  # noqa: PLW0603 - the child's own
    _registry.threads.inherited = True
    for connections_of_loop in _registry.loops.values():
        connections_of_loop.inherited = True
    _inherited.append(_registry)
    _registry = _Registry()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


@atexit.register
def _close_at_exit() -> None:
    _registry.threads.close_idle()
