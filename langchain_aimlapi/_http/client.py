"""What is done with an HTTP client, our own or a user's: requests built, answers read.

A user's client may be httpx's or that of httpx2, its fork. What the two raise is told apart from
errors in code by `network_errors`.
"""

from __future__ import annotations

import functools
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from langchain_aimlapi._http.network import AsyncTimedStream, TimedStream
from langchain_aimlapi._http.proxies import Proxy, checked_proxy, proxy_for
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from langchain_aimlapi._http.attempt import Attempt
    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi._http.network import Clock

_LIBRARIES = ("httpx", "httpx2", "httpcore", "httpcore2")
_ERRORS = (
    *("HTTPError", "StreamError", "InvalidURL"),
    *("TimeoutException", "NetworkError", "ProtocolError", "ProxyError", "UnsupportedProtocol"),
)

_NOTHING = httpx.ByteStream(b"")


def network_errors() -> tuple[type[BaseException], ...]:
    """Return what sending and reading raise, with the libraries that are loaded."""
    loaded = [sys.modules[name] for name in _LIBRARIES if name in sys.modules]
    found = (getattr(library, name, None) for library in loaded for name in _ERRORS)
    return (OSError, *(error for error in found if error is not None))


# ------------------------------------------------------------------------------------- requests


class Upload(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A request's body in pieces, for either kind of client."""

    def __init__(self, pieces: list[bytes]) -> None:
        """Keep the pieces; they can be gone through again."""
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces."""
        return iter(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        for piece in self._pieces:
            yield piece


def own_request(
    url: httpx.URL,
    headers: dict[str, str],
    pieces: list[bytes] | None,
    *,
    waits: Mapping[str, float | None],
    attempt: Attempt,
) -> httpx.Request:
    """Make a request for our own client, which adds nothing to it.

    Args:
        url: The address.
        headers: All but those that follow from the rest.
        pieces: The body of a POST; None: a GET.
        waits: Seconds for each step, as httpx names them.
        attempt: Rides along.
    """
    sent = {"Host": url.netloc.decode("ascii"), **headers}
    if pieces is not None:
        sent["Content-Length"] = str(sum(map(len, pieces)))
    return httpx.Request(
        "GET" if pieces is None else "POST",
        url,
        headers=sent,
        stream=Upload(pieces or []),
        extensions={"timeout": waits, **attempt.extensions()},
    )


def users_request(
    client: Any,
    url: httpx.URL,
    headers: dict[str, str],
    pieces: list[bytes] | None,
    *,
    waits: Mapping[str, float | None] | None,
    attempt: Attempt,
) -> httpx.Request:
    """Have a user's client make a request: its own headers and time-outs count where we set none.

    Args:
        client: Of httpx or of httpx2.
        url: The address.
        headers: Ours; the user agent and title of the client go over them.
        pieces: The body of a POST; None: a GET.
        waits: Seconds for each step; None: as the client has them.
        attempt: Its deadline bounds each step.

    Raises:
        AIMLAPIConfigurationError: The client is closed.
    """
    if getattr(client, "is_closed", False):
        raise AIMLAPIConfigurationError(
            "The HTTP client that was passed as http_client or http_async_client is closed."
        )
    for name in ("User-Agent", "X-Title"):
        if not client.headers.get(name, "python-httpx").startswith("python-httpx"):
            headers.pop(name, None)
    options: dict[str, Any] = {}
    if waits is not None or attempt.deadline.seconds is not None:
        allowed = client.timeout.as_dict() if waits is None else waits
        steps = (allowed[step] for step in ("connect", "read", "write", "pool"))
        options["timeout"] = tuple(map(attempt.deadline.bound, steps))
    method = "GET" if pieces is None else "POST"
    content = None if pieces is None else b"".join(pieces)
    request: httpx.Request = client.build_request(
        method, str(url), headers=headers, content=content, **options
    )
    return request


@functools.lru_cache(maxsize=64)
def address(base: str, path: str) -> httpx.URL:
    """Return the address of an endpoint; `path` may end with a query.

    Raises:
        AIMLAPIConfigurationError: The name of the host is none.
    """
    with suppress(httpx.InvalidURL, UnicodeError):
        url = httpx.URL(f"{base}{path}")
        url.host.encode("idna")  # as the socket will do
        return url
    raise AIMLAPIConfigurationError("base_url is not an address. Check the name of its host.")


def proxy_to(url: httpx.URL, given: str | None = None) -> Proxy | None:
    """Return the proxy to an address: the one that was given, else the environment's.

    Raises:
        AIMLAPIConfigurationError: It cannot be used, or would see the key.
    """
    if given is not None:
        if url.scheme == "http":
            raise AIMLAPIConfigurationError(
                f"The proxy would see the key, for {url.host} is asked without encryption. Use "
                "https, or leave proxy out."
            )
        return checked_proxy(given)
    try:
        proxy = proxy_for(url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
    except ValueError as error:
        raise AIMLAPIConfigurationError(
            f"The proxy that the environment names for {url.host} cannot be used: {error}."
        ) from None
    if proxy is not None and url.scheme == "http":
        raise AIMLAPIConfigurationError(
            f"The proxy that the environment names for {url.host} would see the key. Use https, or "
            f"add {url.host} to NO_PROXY."
        )
    return proxy


# -------------------------------------------------------------------------------------- answers


def clock_of(response: httpx.Response) -> Clock | None:
    """Return the clock of our own connection; a user's client and a mock have none."""
    stream = response.extensions.get("network_stream")
    return stream.clock if isinstance(stream, (TimedStream, AsyncTimedStream)) else None


def limit_reads(response: httpx.Response, seconds: float | None) -> None:
    """Let each further read of `response` wait up to `seconds`; only on our own connections."""
    if (clock := clock_of(response)) is not None:
        clock.each_read(seconds)


def close(response: httpx.Response) -> None:
    """Close `response`, and let go of what it holds."""
    try:
        response.close()
    finally:
        _untie(response)


async def aclose(response: httpx.Response) -> None:
    """Close `response`; see `close`."""
    try:
        await response.aclose()
    finally:
        _untie(response)


def _untie(response: httpx.Response) -> None:
    """Undo the circle that httpx ties of a response and its stream.

    What was sent, with an image of many megabytes, would lie in memory until Python looks for
    circles. Only after our own connections: a response that a mock made may have to serve again.
    """
    if clock_of(response) is not None:
        response.stream = _NOTHING


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the headers by lower-case name; one that is doubled with the same value, once."""
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        known = headers.get(name, value)
        headers[name] = value if known == value else f"{known}, {value}"
    return headers


def within(deadline: Deadline) -> AbstractContextManager[object]:
    """Return a block for `with` that ends with TimeoutError when a call's time is over."""
    left = deadline.bound(None)
    return nullcontext() if left is None else anyio.fail_after(left)
