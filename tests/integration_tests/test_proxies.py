"""Calls through HTTP proxies, plain or behind TLS themselves, with passwords and without."""

from __future__ import annotations

import asyncio
import base64
import pickle
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trustme
from langchain_core.load import dumps

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIProtocolError,
    AIMLAPITimeoutError,
)
from tests.conftest import call
from tests.raw_server import KEY, encryption
from tests.relay import Proxy, Relay

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

PASSWORD = "hunter2-and-more"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]


@pytest.fixture(params=["sync", "async"])
def ask(request) -> Callable[[ChatAIMLAPI], str]:
    """Call a model from the top: in a loop of its own, or in none."""
    if request.param == "sync":
        return lambda llm: llm.invoke("Hello").text
    return lambda llm: asyncio.run(call(llm, "astream")).text


class Endpoint(NamedTuple):
    """An API behind TLS, which is at `proxied.test` for those who ask a proxy."""

    emulator: Emulator
    relay: Relay


@pytest.fixture
def endpoint(tls) -> Iterator[Endpoint]:
    emulator = Emulator(api_key=KEY)
    with emulator.serve() as server, Relay(server.port, tls=tls) as relay:
        yield Endpoint(emulator, relay)


def port_of(relay: Relay) -> int:
    return int(relay.at.rpartition(":")[2])


def model(**options: Any) -> ChatAIMLAPI:
    settings = {"base_url": "https://proxied.test/v1", "api_key": KEY, "max_retries": 0}
    return ChatAIMLAPI(**{**settings, **options})


def assert_clean(error: BaseException) -> None:
    """Check that neither key nor password is in reach of an error."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    shown += pickle.dumps(error).decode("latin-1")
    for secret in (KEY, PASSWORD, base64.b64encode(f"user:{PASSWORD}".encode()).decode()):
        assert secret not in shown
    for chained in (error.__cause__, error.__context__):
        assert not type(chained).__module__.startswith("http")


kinds = pytest.mark.parametrize("kind", ["http", "https"])


def through(endpoint: Endpoint, kind: str, proxy: Proxy) -> Relay:
    """Make a proxy of a kind that leads to the API; it is not running yet."""
    tls = encryption() if kind == "https" else None
    return Relay(port_of(endpoint.relay), proxy.greet, tls=tls)


@kinds
@pytest.mark.parametrize("password", [None, f"user:{PASSWORD}"], ids=["open", "password"])
def test_a_call_goes_through_and_the_proxy_sees_no_key(ask, endpoint, kind, password, monkeypatch):
    proxy = Proxy(password)
    with through(endpoint, kind, proxy) as relay:
        credentials = f"{password}@" if password else ""
        monkeypatch.setenv("HTTPS_PROXY", f"{kind}://{credentials}{relay.at}")
        llm = model()
        assert "Hello" in ask(llm)
        assert "Hello" in ask(llm)
        llm.close()
        assert set(proxy.asked) == {"proxied.test:443"}
        assert relay.carried
        assert KEY.encode() not in relay.carried
        assert b"authorization" not in relay.carried.lower()
    told = [request.headers for request in endpoint.emulator.requests]
    assert [headers["authorization"] for headers in told] == [f"Bearer {KEY}"] * 2
    assert not any("proxy" in name for headers in told for name in headers)


@kinds
def test_a_wrong_password_is_not_shown(ask, endpoint, kind, monkeypatch):
    with through(endpoint, kind, Proxy("user:another")) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"{kind}://user:{PASSWORD}@{relay.at}")
        with pytest.raises(AIMLAPIConnectionError, match="through a proxy") as caught:
            ask(model())
    assert_clean(caught.value)
    assert endpoint.emulator.requests == []


@kinds
def test_a_proxy_that_wants_a_password_and_gets_none(ask, endpoint, kind, monkeypatch):
    with through(endpoint, kind, Proxy("user:another")) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"{kind}://{relay.at}")
        with pytest.raises(AIMLAPIConnectionError) as caught:
            ask(model())
    assert_clean(caught.value)


# --- proxies that fail ----------------------------------------------------------------------------


def silence(sock: socket.socket) -> bool:
    """Read, and say nothing, until the client goes."""
    while sock.recv(1024):
        pass
    return False


def hang_up(sock: socket.socket) -> bool:
    sock.recv(1024)
    return False


def babble(sock: socket.socket) -> bool:
    sock.recv(1024)
    sock.sendall(b"\x7fSSH-2.0-OpenSSH\r\n\r\n")
    return False


def test_a_proxy_that_says_nothing_is_no_connection(ask, monkeypatch):
    with Relay(0, silence) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@{relay.at}")
        with pytest.raises(AIMLAPITimeoutError) as caught:
            ask(model(timeout=0.2))
    assert caught.value.phase == "connect"
    assert_clean(caught.value)


@pytest.mark.parametrize("answer", [hang_up, babble])
def test_a_proxy_that_is_none(ask, answer, monkeypatch):
    with Relay(0, answer) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@{relay.at}")
        with pytest.raises((AIMLAPIConnectionError, AIMLAPIProtocolError)) as caught:
            ask(model(timeout=5))
    assert_clean(caught.value)


@pytest.mark.parametrize("kind", ["socks4", "socks5", "socks5h"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_socks_proxy_is_for_a_users_own_client(ask, kind, variable, monkeypatch):
    reached: list[socket.socket] = []
    with Relay(0, reached.append) as relay:
        monkeypatch.setenv(variable, f"{kind}://user:{PASSWORD}@{relay.at}")
        with pytest.raises(AIMLAPIConfigurationError, match="http_client=") as caught:
            ask(model())
    assert reached == []
    assert_clean(caught.value)


# --- certificates ---------------------------------------------------------------------------------


@kinds
def test_the_certificate_is_checked_behind_a_proxy(ask, endpoint, kind, monkeypatch):
    with through(endpoint, kind, Proxy()) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"{kind}://{relay.at}")
        with pytest.raises(AIMLAPIConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask(model(base_url="https://another.test/v1"))
    assert_clean(caught.value)
    assert endpoint.emulator.requests == []


def test_the_proxys_own_certificate_is_checked(ask, endpoint, monkeypatch):
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)
    proxy = Proxy()
    tls = encryption(stranger)
    with Relay(port_of(endpoint.relay), proxy.greet, tls=tls) as relay:
        monkeypatch.setenv("HTTPS_PROXY", f"https://user:{PASSWORD}@{relay.at}")
        with pytest.raises(AIMLAPIConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask(model())
    assert proxy.asked == []
    assert_clean(caught.value)


# --- what is not sent to a proxy ------------------------------------------------------------------


@kinds
def test_a_plain_address_through_a_proxy_is_refused(ask, kind, monkeypatch):
    proxy = Proxy()
    with Relay(0, proxy.greet) as relay:
        monkeypatch.setenv("HTTP_PROXY", f"{kind}://{relay.at}")
        with pytest.raises(AIMLAPIConfigurationError, match="proxy") as caught:
            ask(model(base_url="http://plain.test/v1", allow_http=True))
    assert proxy.asked == []
    assert_clean(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_needs_no_proxy(ask, host, monkeypatch):
    for name in VARIABLES[:3]:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    emulator = Emulator(api_key=KEY)
    with emulator.serve() as server:
        llm = model(base_url=f"http://{host}:{server.port}/v1")
        assert "Hello" in ask(llm)
        llm.close()


# --- the proxy of a model ------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("name", ["proxy", "openai_proxy"])
def test_a_model_has_a_proxy_of_its_own(endpoint, kind, ask, monkeypatch, name):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    proxy = Proxy(f"user:{PASSWORD}")
    with through(endpoint, kind, proxy) as relay:
        llm = model(**{name: f"{kind}://user:{PASSWORD}@{relay.at}"})
        assert "Hello" in ask(llm)
        llm.close()
    assert proxy.asked == ["proxied.test:443"]
    assert PASSWORD not in f"{llm!r} {llm.model_dump()} {pickle.dumps(llm)!r} {dumps(llm)}"


@pytest.mark.parametrize(
    "url", [f"socks5://u:{PASSWORD}@h:1", f"ftp://u:{PASSWORD}@h:1", f"http://[{PASSWORD}", 5]
)
def test_what_is_no_proxy_is_refused_without_its_url(url):
    with pytest.raises(AIMLAPIConfigurationError, match="proxy cannot be used") as caught:
        model(proxy=url)
    assert_clean(caught.value)


def test_a_proxy_is_not_for_the_clients_of_users():
    with pytest.raises(AIMLAPIConfigurationError, match="give yours to your http_client"):
        ChatAIMLAPI(**Emulator().connection(), proxy="http://localhost:1")
