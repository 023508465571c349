"""What the calls of a process share: httpx's clients, and the connections under them.

Every request of ours goes through `httpx.Client.send` and `httpx.HTTPTransport.handle_request`, or
their async twins: there hook in those who record, trace or mock it. Below, in the place of
httpcore's pool, lie our connections: one list for all threads and one for each event loop, shared
by all models. Nothing here knows of keys or calls.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from langchain_aimlapi._http.connections import AsyncConnections, Connections
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable

    import httpcore


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


# ---------------------------------------------------------------------------- httpx's clients


class _NoCookies(httpx.Cookies):
    """Keeps nothing: no call shall depend on another, and a lock held at a fork never opens."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave the cookies of an answer where they are."""


class _Client(httpx.Client):
    """httpx's client without its memory."""

    cookies: Any = _NoCookies()


class _AsyncClient(httpx.AsyncClient):
    """httpx's client without its memory."""

    cookies: Any = _NoCookies()


_NO_AUTH = httpx.Auth()
"""Spares each call httpx's look for a user name in the address, which none of ours has."""


class _Transport(httpx.HTTPTransport):
    """httpx's transport over our connections; nothing of it is overridden, so hooks are met."""

    def __init__(self, connections: Connections) -> None:
        self._pool: Any = connections


class _AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over our connections; nothing of it is overridden, so hooks are met."""

    def __init__(self, registry: _Registry) -> None:
        self._pool: Any = _ConnectionsOfLoops(registry)


class _ConnectionsOfLoops:
    """What httpx takes for a pool; each loop has its own."""

    def __init__(self, registry: _Registry) -> None:
        self._registry = registry

    def handle_async_request(self, request: httpcore.Request) -> Awaitable[httpcore.Response]:
        # A known loop needs no coroutine here: each is resumed whenever its call has waited.
        known = self._registry.loops.get(asyncio.get_running_loop())
        return self._first(request) if known is None else known.handle_async_request(request)

    async def _first(self, request: httpcore.Request) -> httpcore.Response:
        connections = await self._registry.of_running_loop()
        return await connections.handle_async_request(request)


def _forget_bad_location(response: httpx.Response) -> None:
    """Take an address from a redirect that httpx would give up the whole answer for."""
    if response.has_redirect_location:
        try:
            httpx.URL(response.headers["Location"])
        except (httpx.InvalidURL, UnicodeError):
            del response.headers["Location"]


async def _aforget_bad_location(response: httpx.Response) -> None:
    _forget_bad_location(response)


# ---------------------------------------------------------------------------- the process


class _Registry:
    """All clients and connections of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self.threads = Connections(self)
        self.loops: dict[asyncio.AbstractEventLoop, AsyncConnections] = {}
        self._ssl_context: ssl.SSLContext | None = None
        # The environment's proxies ride with each request, for it may change.
        self.client = _Client(
            transport=_Transport(self.threads),
            auth=_NO_AUTH,
            event_hooks={"response": [_forget_bad_location]},
            trust_env=False,
        )
        self.async_client = _AsyncClient(
            transport=_AsyncTransport(self),
            auth=_NO_AUTH,
            event_hooks={"response": [_aforget_bad_location]},
            trust_env=False,
        )

    def hold(self, lease: Lease) -> None:
        with self.lock:
            self.leases.add(lease)

    def are_wanted(self) -> bool:
        return bool(self.leases)

    def drop(self, lease: Lease) -> list[AsyncConnections]:
        """Give `lease` up. After the last one close what is idle; what is in loops is returned."""
        with self.lock:
            self.leases.discard(lease)
            if self.leases:
                return []
            loops = list(self.loops.values())
        self.threads.close_idle()
        return loops

    async def of_running_loop(self) -> AsyncConnections:
        loop = asyncio.get_running_loop()
        found = self.loops.get(loop)
        if found is None:
            found = AsyncConnections(self)
            with self.lock:
                for closed in [other for other in self.loops if other.is_closed()]:
                    del self.loops[closed]
                self.loops[loop] = found
            await found.close_with_loop()
        return found

    def left(self, loop: asyncio.AbstractEventLoop) -> None:
        with self.lock:
            self.loops.pop(loop, None)

    def ssl_context(self) -> ssl.SSLContext:
        """Return the process's one TLS context, made as httpx makes its own.

        It trusts certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR. Making one
        takes tens of milliseconds, hence only one, and only when it is needed.
        """
        with self.lock:
            if self._ssl_context is None:
                self._ssl_context = _ssl_context()
            return self._ssl_context


def _ssl_context() -> ssl.SSLContext:
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    named = f"SSL_CERT_FILE names {file}" if file else f"SSL_CERT_DIR names {folder}"
    # OpenSSL takes several.
    if not file and folder and not any(Path(each).is_dir() for each in folder.split(os.pathsep)):
        raise AIMLAPIConfigurationError(f"{named}, which is no folder. Correct or unset it.")
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        if (log := os.environ.get("SSLKEYLOGFILE")) and error.filename == log:
            named = f"SSLKEYLOGFILE names {log}"
        elif not file and not folder:
            raise
        reason = error.strerror or type(error).__name__
    raise AIMLAPIConfigurationError(
        f"{named}, which cannot be used ({reason}). Correct or unset it."
    )


def lock() -> threading.Lock:
    """Return the process's lock, which is another after a fork: one held then would never open."""
    return _registry.lock


def client(lease: Lease) -> httpx.Client:
    """Return the client for calls from threads, and hold its connections by `lease`."""
    _registry.hold(lease)
    return _registry.client


def async_client(lease: Lease) -> httpx.AsyncClient:
    """Return the client for calls from any event loop, and hold its connections by `lease`."""
    _registry.hold(lease)
    return _registry.async_client


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


_registry = _Registry()
_inherited: list[_Registry] = []


def _start_anew() -> None:
    """Forget all clients and connections in a forked child: it would read the parent's answers.

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
