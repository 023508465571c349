"""What is sent, beside the payload: address, headers, and whose HTTP client. Pure checks.

Nothing here imports an HTTP library, so a model can check its arguments when it is made. Texts of
errors name a header or a setting, never a value.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from langchain_aimlapi._http.emulated import EMULATOR_HOST
from langchain_aimlapi._version import __version__
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

API_HOST = "api.aimlapi.com"
KEY_VARIABLES = ("AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY")

# Attribution, for the vendor's own host only: the calling application's title, as the vendor's
# integrations send it. Users put their own over it, and an HTTP-Referer beside it.
_ATTRIBUTION = {"X-Title": "langchain-aimlapi"}

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")  # some of them `urlsplit` leaves out silently
_KEY = re.compile(r"[\x21-\x7e]+")

_RESERVED_HEADERS = {
    "authorization": "pass the key as api_key",
    "content-length": "it follows from the body",
    "transfer-encoding": "it follows from the body",
    "x-client-request-id": "pass client_request_id, which also reaches response_metadata",
}


@functools.lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine, by name or by address."""
    import ipaddress  # noqa: PLC0415 - seldom needed, and not loaded otherwise

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@functools.lru_cache(maxsize=64)
def normalize_base_url(url: str, allow_http: bool = False) -> str:  # noqa: FBT001, FBT002 - cached
    """Return the address below which the endpoints lie, without a slash at the end.

    A bare host gets `/v1`, the base of the vendor's SDKs; another path, such as a proxy's, stays.

    Args:
        url: `https://host`, `https://host/v1` or `https://host/any/path`, with or without slashes
            at the end.
        allow_http: Let the key go over plain http to another machine.

    Raises:
        AIMLAPIConfigurationError: Not a usable address. The text shows no part that may be secret.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, has_userinfo = parts.hostname, "@" in parts.netloc
        _ = parts.port
    except ValueError:
        host, has_userinfo = None, False
    if host is None or _NOT_IN_URL.search(url) or parts.scheme not in {"http", "https"}:
        raise AIMLAPIConfigurationError(
            f"base_url must be an http or https address such as https://{API_HOST}/v1."
        )
    if has_userinfo or parts.query or parts.fragment:
        raise AIMLAPIConfigurationError(
            "base_url must have no user name, password, query or fragment: pass the key as api_key "
            "and anything else in default_headers."
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise AIMLAPIConfigurationError(
            f"base_url would send the key to {host} unencrypted. Use https, or pass "
            "allow_http=True if the network is yours."
        )
    path = re.sub(r"(/v1)+$", "/v1", parts.path.rstrip("/")) or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return a user's default headers as they can be sent.

    Raises:
        AIMLAPIConfigurationError: A name or value that HTTP cannot carry, or a header that this
            package sets itself. The text names the header, not its value.
    """
    checked = {}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(_text(name)):
            raise AIMLAPIConfigurationError(f"default_headers: {name!r} is no name for a header.")
        if name.lower() in _RESERVED_HEADERS:
            raise AIMLAPIConfigurationError(
                f"default_headers must not hold {name}: {_RESERVED_HEADERS[name.lower()]}."
            )
        if not _HEADER_VALUE.fullmatch(_text(value)):
            raise AIMLAPIConfigurationError(
                f"default_headers: the value of {name} must be ASCII text without line breaks or "
                "other control characters."
            )
        checked[name] = value.strip()
    return checked


def _text(given: object) -> str:
    """Return text as it is, and what no pattern here matches for anything else."""
    return given if isinstance(given, str) else "\n"


def check_key(key: str) -> str:
    """Return the API key as it can be sent.

    Raises:
        AIMLAPIConfigurationError: It is empty, or HTTP cannot carry it. The text does not show it.
    """
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise AIMLAPIConfigurationError(
            "The API key must be ASCII without white space or control characters: copy it again "
            "from https://aimlapi.com/app/keys."
            if key
            else "The API key is empty: set AIMLAPI_API_KEY or pass api_key."
        )
    return key


def source_of_key(key: str) -> str:
    """Say where a key came from, as an error puts it: "in AIMLAPI_API_KEY"."""
    held = (name for name in KEY_VARIABLES if os.environ.get(name, "").strip() == key)
    return next((f"in {name}" for name in held), "that was passed as api_key")


# Words of a name, not letters in one: neither X-Author nor X-Monkey nor X-Max-Tokens is meant.
_SECRET_NAME = re.compile(
    r"(?<![a-z])(?:access|api|auth|bearer|client|csrf|id|o|private|proxy|refresh|secret|security|session|user|xsrf)?"
    r"(?:auth(?:orization|entication|z)?|keys?|token|secrets?|pass(?:w(?:or)?d|phrase|code)?|pwd|pin"
    r"|cookie|credentials?|signature|sig|session|sessionid|sid|jwt|bearer|otp)(?![a-z])"
)
_HARMLESS_NAME = re.compile(
    r"accept.*|connection|content-.*|host|user-agent|http-referer|x-title|traceparent|tracestate"
    r"|baggage|.*-id"
)
# Random letters and digits, or a word for what they are. A label is none, nor a UUID.
_SECRET_VALUE = re.compile(
    r"(?=[A-Za-z0-9_+/=]*\d)(?=[A-Za-z0-9_+/=]*[A-Za-z])[A-Za-z0-9_+/=]{16,}|^sk-"
    r"|(?<![A-Za-z])(?i:secret|token|passwo?r?d|credentials?)(?![A-Za-z])"
)


def secret_values(headers: Mapping[str, str]) -> list[str]:
    """Return what was sent in headers and must not come back in a text.

    That is what a header's name or the looks of its value say to be secret: the value, and each
    part of it that may be quoted alone. Labels such as `X-Env: production` are not.

    Args:
        headers: All that were sent, a user's own among them, with names in lower case.
    """
    secrets = []
    for name, value in headers.items():
        if _SECRET_NAME.search(name) or (
            not _HARMLESS_NAME.fullmatch(name) and _SECRET_VALUE.search(value)
        ):
            # After a scheme, and after the name of each cookie.
            secrets += [value, value.partition(" ")[2]]
            secrets += [part.partition("=")[2].strip() for part in re.split("[;,]", value)]
    return [secret for secret in secrets if secret]


def request_headers(
    key: str,
    extra: Mapping[str, str],
    *,
    host: str,
    stream: bool = False,
    client_request_id: str | None = None,
    attribution: bool = True,
) -> dict[str, str]:
    """Return all headers of a request that this package sets.

    Args:
        key: The API key, checked.
        extra: The user's headers, checked; they go over ours in whatever case.
        host: Where the request goes.
        stream: Whether events are asked for.
        attribution: Whether to tell the vendor's own host (and its emulator) the calling
            application.
        client_request_id: `X-Client-Request-Id`, by which the vendor's usage log finds the call.
    """
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        # A compressor between here and there may hold events back to fill its window.
        "Accept-Encoding": "identity" if stream else "gzip",
        "User-Agent": f"langchain-aimlapi/{__version__}",
    }
    if client_request_id is not None:
        headers["X-Client-Request-Id"] = client_request_id
    if attribution and host in {API_HOST, EMULATOR_HOST}:
        headers |= _ATTRIBUTION
    replaced = {name.lower() for name in extra}
    return {name: value for name, value in headers.items() if name.lower() not in replaced} | {
        **extra
    }


def check_http_client(value: Any, kind: Literal["Client", "AsyncClient"]) -> None:
    """Check that `value` is None or can serve as `http_client` or `http_async_client`.

    A client of httpx2 serves as one of httpx does.

    Args:
        value: What the user passed.
        kind: Which of httpx's classes it must be like.

    Raises:
        AIMLAPIConfigurationError: It is no httpx client, or one of the other kind.
    """
    if value is None:
        return
    names = {"Client": "http_client", "AsyncClient": "http_async_client"}
    name = names.pop(kind)
    found = f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"
    send = getattr(value, "send", None)
    if not callable(send) or not callable(getattr(value, "build_request", None)):
        raise AIMLAPIConfigurationError(f"{name} must be an httpx.{kind}, got {found}.")
    if inspect.iscoroutinefunction(send) is not (kind == "AsyncClient"):
        raise AIMLAPIConfigurationError(
            f"{name} must be an httpx.{kind}, got {found}: pass that one as {names.popitem()[1]}."
        )
