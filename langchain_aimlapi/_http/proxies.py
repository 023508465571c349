"""Which proxy leads out of the house, as the environment names it."""

from __future__ import annotations

import base64
import functools
import os
import urllib.request
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from langchain_aimlapi._http.request import is_loopback
from langchain_aimlapi.errors import AIMLAPIConfigurationError

_VARIABLES = tuple(
    form(f"{name}_proxy")
    for name in ("http", "https", "all", "no")
    for form in (str.lower, str.upper)
)


class Proxy(NamedTuple):
    """A proxy's address; its password stays out of the text of this object."""

    scheme: str
    host: str
    port: int
    auth: tuple[str, str] | None = None

    @property
    def secrets(self) -> list[str]:
        """What must not show of it, in the forms in which a proxy could repeat it."""
        if self.auth is None:
            return []
        return [self.auth[1], base64.b64encode(":".join(self.auth).encode()).decode()]

    def __repr__(self) -> str:
        """Show the address only."""
        return f"Proxy({self.scheme}://{self.host}:{self.port})"


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy that the environment names for an address; this machine never has one.

    HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in either case, or the system's settings on
    macOS and Windows. httpx leaves them aside for connections that it does not make itself.

    Raises:
        ValueError: The proxy cannot be used; the text does not show its URL.
    """
    if is_loopback(host):
        return None
    return _look_up_proxy(scheme, host, port, tuple(map(os.environ.get, _VARIABLES)))


@functools.lru_cache(maxsize=64)
def checked_proxy(url: str) -> Proxy:
    """Return the proxy of a URL that a user gave.

    Raises:
        AIMLAPIConfigurationError: It cannot be used; the text does not show the URL.
    """
    try:
        return _parse_proxy(url)
    except (ValueError, TypeError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is no text"
        raise AIMLAPIConfigurationError(f"proxy cannot be used: {reason}.") from None


@functools.lru_cache(maxsize=64)
def _look_up_proxy(
    scheme: str,
    host: str,
    port: int,
    environment: tuple[str | None, ...],  # noqa: ARG001 - what the answer depends on
) -> Proxy | None:
    proxies = urllib.request.getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    return _parse_proxy(url)


def _parse_proxy(url: str) -> Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme.startswith("socks"):
        raise ValueError("it is a SOCKS proxy; for one pass http_client=httpx.Client(proxy=...)")
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    try:
        port = default_port and (parts.port or default_port)
    except ValueError:
        port = None
    if not parts.hostname or not port:
        raise ValueError("it is no URL of an http or https proxy")
    auth = (
        (unquote(parts.username), unquote(parts.password or ""))
        if parts.username is not None
        else None
    )
    return Proxy(parts.scheme, parts.hostname, port, auth)
