"""Addresses, proxies and headers, as an HTTP client takes and gives them."""

from __future__ import annotations

import httpx
import pytest

from langchain_aimlapi._http.client import address, headers_of, proxy_to
from langchain_aimlapi._http.proxies import Proxy
from langchain_aimlapi.errors import AIMLAPIConfigurationError

PLAIN, SAFE = httpx.URL("http://10.0.0.1/v1"), httpx.URL("https://api.aimlapi.com/v1")


@pytest.mark.parametrize("host", ["a" * 64 + ".com", "a..com", "\u2603\ufffd.com"])
def test_a_name_that_no_host_can_have(host):
    with pytest.raises(AIMLAPIConfigurationError, match="name of its host"):
        address(f"https://{host}/v1", "/responses")


def test_a_header_that_is_doubled_with_the_same_value_stands_once():
    raw = [("X-Inference-Id", "inf-1"), ("Retry-After", "3"), ("Retry-After", "3")]
    response = httpx.Response(200, headers=[*raw, ("Vary", "a"), ("Vary", "b")])
    assert headers_of(response) == {
        "x-inference-id": "inf-1",
        "retry-after": "3",
        "vary": "a, b",
    }


@pytest.mark.parametrize(
    ("url", "wanted", "secrets"),
    [
        ("proxy.example:3128", Proxy("http", "proxy.example", 3128), []),
        ("https://proxy.example", Proxy("https", "proxy.example", 443), []),
        (
            "http://me:hunter%402@proxy.example",
            Proxy("http", "proxy.example", 80, ("me", "hunter@2")),
            ["hunter@2", "bWU6aHVudGVyQDI="],
        ),
    ],
)
def test_a_proxy_that_a_user_gives(url, wanted, secrets):
    proxy = proxy_to(SAFE, url)
    assert proxy == wanted
    assert proxy.secrets == secrets
    assert "hunter" not in repr(proxy)


def test_a_proxy_would_see_the_key_that_goes_unencrypted():
    with pytest.raises(AIMLAPIConfigurationError, match=r"would see the key, for 10\.0\.0\.1") as e:
        proxy_to(PLAIN, "http://me:hunter2@proxy.example")
    assert "hunter2" not in str(e.value)
