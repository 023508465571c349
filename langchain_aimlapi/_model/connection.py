"""Where a model finds its key and address, and what of a connection is checked at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_aimlapi._http.request import (
    KEY_VARIABLES,
    check_headers,
    check_http_client,
    check_key,
    normalize_base_url,
)
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_BASE_URL = "https://api.aimlapi.com/v1"
BASE_URL_VARIABLES = ("AIMLAPI_API_BASE", "AIMLAPI_BASE_URL")


def first_set(variables: Sequence[str]) -> str | None:
    """Return the first environment variable that is not blank, stripped."""
    return next((value for name in variables if (value := os.environ.get(name, "").strip())), None)


def read_key(given: Any) -> SecretStr:
    """Return the key that was given, or the environment's.

    Raises:
        AIMLAPIConfigurationError: There is none, or it is no text. The value is never shown.
    """
    if given is not None and not isinstance(given, (str, SecretStr)):
        raise AIMLAPIConfigurationError(
            f"api_key takes a str or SecretStr, not {type(given).__name__}."
        )
    text = given.get_secret_value() if isinstance(given, SecretStr) else given
    key = (text or "").strip() or first_set(KEY_VARIABLES)
    if not key:
        raise AIMLAPIConfigurationError(
            f"No API key. Set {KEY_VARIABLES[0]} (or {' or '.join(KEY_VARIABLES[1:])}), or pass "
            "api_key=…; keys are made at https://aimlapi.com/app/keys. To try this package without "
            "one, use its emulator:\n"
            "from langchain_aimlapi.emulator import Emulator; "
            "llm = ChatAIMLAPI(**Emulator().connection())"
        )
    return SecretStr(check_key(key))


def check_connection(values: Mapping[str, Any]) -> None:
    """Check address, headers and clients when a model is made, not when it is first called.

    Raises:
        AIMLAPIConfigurationError: One of them cannot be used. Values of headers are not shown.
    """
    if isinstance(address := values.get("base_url"), str):
        normalize_base_url(address, bool(values.get("allow_http")))
    headers = values.get("default_headers")
    if headers is not None:
        if not isinstance(headers, Mapping):
            raise AIMLAPIConfigurationError("default_headers takes a dict of text to text.")
        check_headers(headers)
    if (proxy := values.get("proxy")) is not None:
        if values.get("http_client") is not None or values.get("http_async_client") is not None:
            raise AIMLAPIConfigurationError(
                "proxy is for connections of this package's own: give yours to your http_client, "
                "as httpx.Client(proxy=…)."
            )
        from langchain_aimlapi._http.proxies import checked_proxy

        checked_proxy(proxy)
    check_http_client(values.get("http_client"), "Client")
    check_http_client(values.get("http_async_client"), "AsyncClient")
