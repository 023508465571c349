"""The transport over real sockets on this machine: connections, clocks, proxies, forks.

The servers here are scripts over plain sockets, so that a test decides each byte and when a
connection breaks. Seconds in timeouts are limits that must strike, not measurements.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import json
import os
import pickle
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from pydantic import SecretStr

from langchain_aimlapi import _pool, _transport
from langchain_aimlapi._pool import Lease
from langchain_aimlapi._transport import Timeouts, Transport
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPIServerError,
    AIMLAPITimeoutError,
)
from tests.turns import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

KEY = "sk-very-secret-key-0123456789"
SOON = 5.0  # seconds within which what must happen at once has happened

# Made for these tests alone: an authority that vouches for proxied.test and for this machine.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5jhHl88DJXqHDZGZ
U8e6beThL3q5sVMixANP5rJX/mShRANCAAQBai3JPIyCyw/xMJMIyuf/jtGBztpk
yUdROozQSKcJSnHG7AFL2WFMElNvSSCsNRG4CY3Cpbeg5XtXFYl8FxOe
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBwDCCAWegAwIBAgIUGFAo+/s4nvrZh0Z/oeduiw5tQfcwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMcHJveGllZC50ZXN0MCAXDTI2MTEyMjE5MjIyOVoYDzIxMjYx
MDI5MTkyMjI5WjAXMRUwEwYDVQQDDAxwcm94aWVkLnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQBai3JPIyCyw/xMJMIyuf/jtGBztpkyUdROozQSKcJSnHG
7AFL2WFMElNvSSCsNRG4CY3Cpbeg5XtXFYl8FxOeo4GOMIGLMB0GA1UdDgQWBBQZ
2G68hQlc5XqKhk0E8A3A+uoKETAfBgNVHSMEGDAWgBQZ2G68hQlc5XqKhk0E8A3A
+uoKETAoBgNVHREEITAfggxwcm94aWVkLnRlc3SCCWxvY2FsaG9zdIcEfwAAATAP
BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIChDAKBggqhkjOPQQDAgNHADBE
AiBzjhDnjqVwaq7zZ6VlCmo72H3uD8SWPoV8UsoPFUk31wIgZC+MlfHy/xaqNZ2W
sbpaiYeH/UsUGinQoLhCc/IqoHY=
-----END CERTIFICATE-----
"""


# ---------------------------------------------------------------------------------------- servers


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock, self.number = sock, number
        self._buffer = b""

    def request(self) -> Request | None:
        """Read one request; None when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in fields)}
        size = int(headers.get("content-length", 0))
        while len(self._buffer) < size:
            if not self._receive():
                return None
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Request(line, headers, body)

    def _receive(self) -> bool:
        received = self.sock.recv(65536)
        self._buffer += received
        return bool(received)

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.sock.sendall(part)

    def answer(self, data: Any, *, status: str = "200 OK", headers: str = "") -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def start_stream(self) -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"X-Inference-Id: inf-1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    def event(self, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.chunk(f"data: {text}\n\n".encode())

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def gone(self) -> bool:
        """Wait for the client to close."""
        self.sock.settimeout(SOON)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


@dataclass
class Server:
    """Accepts until the test ends; `script` runs in a thread for each connection."""

    script: Callable[[Peer], None]
    tls: ssl.SSLContext | None = None
    accepted: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failures: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._acceptor.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(SOON)
            assert not thread.is_alive(), "the client kept a connection open"
        assert self.failures == []

    _stopping = False

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._stopping:
                sock.close()
                return
            self.accepted += 1
            thread = threading.Thread(target=self._run, args=(sock, self.accepted))
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.script(Peer(sock, number))
        except OSError:
            pass
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failures.append(error)
        finally:
            sock.close()
            self.closed.release()

    def assert_closes(self) -> None:
        assert self.closed.acquire(timeout=SOON), "the connection is still open"


def echo(peer: Peer) -> None:
    """Answer each request with its own body, on one connection."""
    while request := peer.request():
        peer.answer({"echo": json.loads(request.body or b"null"), "connection": peer.number})


def events(peer: Peer) -> None:
    """Answer each request with two events."""
    while peer.request():
        peer.start_stream()
        peer.event({"n": 1})
        peer.event({"n": 2})
        peer.event("[DONE]")
        peer.end()


def after_request(*steps: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Take a request, then do the steps."""

    def script(peer: Peer) -> None:
        if peer.request():
            for step in steps:
                step(peer)

    return script


# ---------------------------------------------------------------------------------------- clients


LEASE = Lease()


def to(server: Server | str, **options: Any) -> Transport:
    url = server if isinstance(server, str) else server.base_url
    settings = {"headers": {}, "timeouts": Timeouts(), "lease": LEASE, "allow_http": True}
    return Transport(base_url=url, api_key=SecretStr(KEY), **{**settings, **options})


def listen(transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
    with transport.stream(call or Call(stream=True)) as stream:
        return list(stream)


async def alisten(transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
    async with transport.astream(call or Call(stream=True)) as stream:
        return [event async for event in stream]


@dataclass
class Door:
    """One way to call, each time from the top: a loop of its own, or none."""

    is_async: bool

    def post(self, transport: Transport, call: Call | None = None) -> dict[str, Any]:
        call = call or Call()
        if self.is_async:
            return asyncio.run(transport.apost(call)).body
        return transport.post(call).body

    def listen(self, transport: Transport, call: Call | None = None) -> list[dict[str, Any]]:
        if self.is_async:
            return asyncio.run(alisten(transport, call))
        return listen(transport, call)


@pytest.fixture(params=["sync", "async"])
def door(request):
    return Door(request.param == "async")


@pytest.fixture(autouse=True)
def own_connections(monkeypatch):
    """Give each test a process's connections of its own, and check that it leaves none."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    registry = _pool._Registry()
    monkeypatch.setattr(_pool, "_registry", registry)
    yield
    registry.threads.close_idle()
    assert [loop for loop in registry.loops if not loop.is_closed()] == []


@contextlib.contextmanager
def serving(script: Callable[[Peer], None], **options: Any) -> Iterator[Server]:
    """Serve for a block, and close the idle connections of threads at its end."""
    with Server(script, **options) as server:
        try:
            yield server
        finally:
            _pool._registry.threads.close_idle()


def assert_no_secrets(error: BaseException) -> None:
    texts = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    texts += repr(error) + repr(vars(error)) + pickle.dumps(error).decode("latin-1")
    assert KEY not in texts
    for chained in (error.__cause__, error.__context__):
        assert chained is None or isinstance(chained, AIMLAPIError)


# ---------------------------------------------------------------------------- threads and loops


def test_calls_in_turn_share_a_connection():
    with serving(echo) as server:
        connections = {to(server).post(Call()).body["connection"] for _ in range(5)}
        assert connections == {1}
        listen(to(server))  # no events, but a whole JSON body
        assert server.accepted == 1


def test_streams_in_turn_share_a_connection():
    with serving(events) as server:
        for _ in range(5):
            assert listen(to(server)) == [{"n": 1}, {"n": 2}]
        assert server.accepted == 1


async def test_async_calls_in_turn_share_a_connection():
    with serving(events) as server:
        for _ in range(5):
            assert await alisten(to(server)) == [{"n": 1}, {"n": 2}]
        assert server.accepted == 1
        await _pool.arelease(LEASE)


def test_one_transport_across_twenty_loops():
    with serving(echo) as server:
        transport = to(server)
        for n in range(20):
            answer = asyncio.run(transport.apost(Call({"n": n})))
            assert answer.body["echo"] == {"n": n}
        assert server.accepted == 20
        gc.collect()  # what was left open would warn now
        assert _pool._registry.loops == {}


def test_a_loop_that_ends_amid_a_stream():
    async def leave(transport: Transport) -> None:
        async with transport.astream(Call(stream=True)) as stream:
            async for _ in stream:
                return

    def endless(peer: Peer) -> None:
        peer.request()
        peer.start_stream()
        peer.event({"n": 1})
        peer.gone()

    with serving(endless) as server:
        for _ in range(3):
            asyncio.run(leave(to(server)))
            server.assert_closes()


def test_sixteen_threads_each_with_its_own_loop():
    async def many(transport: Transport, thread: int) -> list[Any]:
        calls = [Call({"thread": thread, "n": n}) for n in range(8)]
        answers = await asyncio.gather(*(transport.apost(call) for call in calls))
        return [answer.body["echo"] for answer in answers]

    with serving(echo) as server:
        transport = to(server)
        with ThreadPoolExecutor(16) as threads:
            results = threads.map(lambda t: asyncio.run(many(transport, t)), range(16))
            for thread, result in enumerate(results):
                assert result == [{"thread": thread, "n": n} for n in range(8)]


def test_sync_calls_from_threads():
    with serving(echo) as server, ThreadPoolExecutor(16) as threads:
        transport = to(server)
        results = threads.map(lambda n: transport.post(Call({"n": n})).body["echo"], range(200))
        assert list(results) == [{"n": n} for n in range(200)]
        assert server.accepted <= 16


def test_slots_limit_the_open_connections(monkeypatch):
    monkeypatch.setattr(_pool, "most_open", lambda: 4)
    monkeypatch.setattr(_pool, "_registry", _pool._Registry())

    async def many(transport: Transport) -> int:
        answers = await asyncio.gather(*(transport.apost(Call({"n": n})) for n in range(50)))
        assert [answer.body["echo"]["n"] for answer in answers] == list(range(50))
        return len({answer.body["connection"] for answer in answers})

    with serving(echo) as server:
        assert asyncio.run(many(to(server))) <= 4
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda n: to(server).post(Call({"n": n})), range(50)))
        assert server.accepted <= 8


def test_waiting_for_a_slot_has_an_end(door, monkeypatch):
    monkeypatch.setattr(_pool, "most_open", lambda: 0)
    monkeypatch.setattr(_pool, "_registry", _pool._Registry())
    with serving(echo) as server:
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.post(to(server, timeouts=Timeouts(pool=0.05)))
        assert caught.value.phase == "pool"


async def test_a_cancelled_wait_for_a_slot_takes_none(monkeypatch):
    monkeypatch.setattr(_pool, "most_open", lambda: 1)
    let_go = threading.Event()

    def slow(peer: Peer) -> None:
        while peer.request():
            let_go.wait(SOON)
            peer.answer({})

    with serving(slow) as server:
        transport = to(server)
        first = asyncio.create_task(transport.apost(Call()))
        waiting = [asyncio.create_task(transport.apost(Call())) for _ in range(3)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        let_go.set()
        waiting[1].cancel()
        await first
        assert (await waiting[2]).body == {}
        assert (await transport.apost(Call())).body == {}
        assert server.accepted == 1
        await _pool.arelease(LEASE)


# ------------------------------------------------------------------------------------------ fork


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_parent_and_child_each_see_their_own_answers():
    script = """
        import asyncio, os, sys
        from pydantic import SecretStr
        from langchain_aimlapi._transport import Timeouts, Transport

        class Call:
            stream, path, model, client_request_id = False, "/x", "m", "c"
            attempts = 0
            def __init__(self, payload):
                self.payload = payload
            def wait(self):
                return 0.0
            def lacks(self, body):
                return None
            def failed(self, error, deadline):
                raise error

        transport = Transport(
            base_url=sys.argv[1], api_key=SecretStr("k"), headers={}, timeouts=Timeouts()
        )

        def ask(who):
            for n in range(100):
                sent = {"who": who, "n": n}
                assert transport.post(Call(sent)).body["echo"] == sent

        async def aask(who):
            for n in range(50):
                sent = {"who": who, "n": n}
                assert (await transport.apost(Call(sent))).body["echo"] == sent

        first = transport.post(Call({})).body["connection"]
        child = os.fork()
        if not child:
            try:
                ask("child")
                asyncio.run(aask("child"))
                assert transport.post(Call({})).body["connection"] != first
                grandchild = os.fork()
                if not grandchild:
                    ask("grandchild")
                    os._exit(0)
                ask("child")
                assert os.waitpid(grandchild, 0)[1] == 0
                os._exit(0)
            except BaseException as error:
                print(repr(error), file=sys.stderr)
            os._exit(1)
        ask("parent")
        asyncio.run(aask("parent"))
        assert os.waitpid(child, 0)[1] == 0
        assert transport.post(Call({})).body["connection"] == first
    """
    with serving(echo) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(script), server.base_url],
            capture_output=True,
            text=True,
            cwd=Path(_pool.__file__).parents[1],
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------------------------------- leases


def test_the_last_lease_closes_idle_connections():
    with serving(echo) as server:
        one, other = to(server, lease=Lease()), to(server, lease=Lease())
        one.post(Call())
        other.post(Call())
        one.close()
        assert other.post(Call()).body["connection"] == 1
        other.close()
        server.assert_closes()
        assert one.post(Call()).body["connection"] == 2
        one.close()
        one.close()
        server.assert_closes()


def test_a_running_call_outlives_the_last_lease():
    with serving(events) as server:
        transport = to(server, lease=Lease())
        with transport.stream(Call(stream=True)) as stream:
            iterator = iter(stream)
            assert next(iterator) == {"n": 1}
            transport.close()
            assert list(iterator) == [{"n": 2}]
        server.assert_closes()


async def test_a_running_async_call_outlives_the_last_lease():
    with serving(events) as server:
        transport = to(server, lease=Lease())
        async with transport.astream(Call(stream=True)) as stream:
            iterator = aiter(stream)
            assert await anext(iterator) == {"n": 1}
            await transport.aclose()
            assert [event async for event in iterator] == [{"n": 2}]
        assert await asyncio.to_thread(server.closed.acquire, timeout=SOON)


def test_closing_reaches_the_connections_of_other_loops():
    ready, finish = threading.Event(), threading.Event()

    async def hold(transport: Transport) -> None:
        await transport.apost(Call())
        ready.set()
        await asyncio.to_thread(finish.wait, SOON)

    with serving(echo) as server:
        transport = to(server, lease=Lease())
        thread = threading.Thread(target=lambda: asyncio.run(hold(transport)))
        thread.start()
        assert ready.wait(SOON)
        transport.close()
        server.assert_closes()
        finish.set()
        thread.join()


def test_a_forgotten_lease_does_not_count():
    with serving(echo) as server:
        to(server, lease=Lease()).post(Call())
        gc.collect()
        transport = to(server, lease=Lease())
        transport.post(Call())
        transport.close()
        server.assert_closes()


# -------------------------------------------------------------------------------------- timeouts


def closing(peer: Peer) -> None:
    assert peer.gone()


def test_no_connection_in_time(door):
    # A listener whose queue is full takes no more connections, and refuses none.
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.post(to(url, timeouts=Timeouts(connect=0.2)))
    assert caught.value.phase == "connect"
    assert_no_secrets(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_no_first_byte_in_time(door, stream):
    with serving(after_request(closing)) as server:
        transport = to(server, timeouts=Timeouts(first_byte=0.2))
        with pytest.raises(AIMLAPITimeoutError) as caught:
            (door.listen if stream else door.post)(transport, Call(stream=stream))
        assert caught.value.phase == "read"
        assert_no_secrets(caught.value)


def dribble(peer: Peer) -> None:
    """Send header bytes, each in time, for longer than the client may wait."""
    for _ in range(200):
        peer.send(b"H" if _ == 0 else b"TTP/1.1 200 OK\r\nX-Slow: "[_ - 1 : _] or b"x")
        time.sleep(0.05)


def test_slow_headers_do_not_prolong_the_wait(door):
    with serving(after_request(dribble)) as server:
        started = time.monotonic()
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.post(to(server, timeouts=Timeouts(first_byte=0.3)))
        assert caught.value.phase == "read"
        assert time.monotonic() - started < SOON


def test_headers_alone_are_no_first_byte_of_a_stream(door):
    with serving(after_request(Peer.start_stream, closing)) as server:
        transport = to(server, timeouts=Timeouts(first_byte=0.2, idle=30))
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.listen(transport)
        assert caught.value.phase == "read"
        assert caught.value.request_id == "inf-1"


def test_a_stream_that_falls_silent(door):
    first = after_request(Peer.start_stream, lambda peer: peer.event({"n": 1}), closing)
    with serving(first) as server:
        transport = to(server, timeouts=Timeouts(first_byte=30, idle=0.2))
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.listen(transport)
        assert caught.value.phase == "idle"
        assert caught.value.request_id == "inf-1"
        assert_no_secrets(caught.value)


def test_a_kept_connection_starts_with_the_first_clock_again():
    def script(peer: Peer) -> None:
        events_once = after_request(
            Peer.start_stream,
            lambda peer: peer.event({"n": 1}),
            lambda peer: peer.event("[DONE]"),
            Peer.end,
        )
        events_once(peer)
        if peer.request():
            time.sleep(0.4)
            peer.answer({"late": True})
            peer.gone()

    with serving(script) as server:
        transport = to(server, timeouts=Timeouts(first_byte=30, idle=0.1))
        assert listen(transport) == [{"n": 1}]
        assert transport.post(Call()).body == {"late": True}
        assert server.accepted == 1


def test_a_plain_body_may_take_as_long_as_the_first_byte(door):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        time.sleep(0.3)
        peer.send(b"}")

    with serving(script) as server:
        assert door.post(to(server, timeouts=Timeouts(first_byte=30, idle=0.1))) == {}


def test_a_request_that_nobody_takes(door):
    ended = threading.Event()
    with serving(lambda _: ended.wait(SOON)) as server:
        transport = to(server, timeouts=Timeouts(write=0.2, first_byte=0.2))
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.post(transport, Call({"x": "a" * 30_000_000}))
        ended.set()
        assert caught.value.phase == "write"


# ----------------------------------------------------------------------------- broken connections


def test_nobody_listens(door):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    call = Call(delays=[0, 0])
    with pytest.raises(AIMLAPIConnectionError, match=f"127.0.0.1:{port}.*Errno") as caught:
        door.post(to(f"http://127.0.0.1:{port}"), call)
    assert caught.value.attempts == call.attempts == 3
    assert_no_secrets(caught.value)


def test_an_unknown_host(door):
    with pytest.raises(AIMLAPIConnectionError, match=r"no-such-host\.invalid"):
        door.post(to("https://no-such-host.invalid", timeouts=Timeouts(connect=SOON)))


@pytest.mark.parametrize("end", [Peer.reset, lambda peer: peer.sock.close()])
def test_a_connection_cut_before_the_answer_is_retried(door, end):
    def script(peer: Peer) -> None:
        peer.request()
        if peer.number == 1:
            end(peer)
        else:
            peer.answer({"number": peer.number})

    with serving(script) as server:
        call = Call(delays=[0])
        assert door.post(to(server), call) == {"number": 2}
        assert call.attempts == 2


@pytest.mark.parametrize("end", [Peer.reset, lambda peer: peer.sock.close()])
def test_a_plain_body_cut_short_is_final(door, end):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nX-Inference-Id: inf-2\r\nContent-Length: 99\r\n\r\n{")
        time.sleep(0.05)
        end(peer)

    with serving(script) as server:
        with pytest.raises(AIMLAPIConnectionError) as caught:
            door.post(to(server))
        assert caught.value.request_id == "inf-2"
        assert not caught.value.is_retryable
        assert_no_secrets(caught.value)


@pytest.mark.parametrize("end", [Peer.reset, lambda peer: peer.sock.close()])
def test_a_stream_cut_short(door, end):
    def script(peer: Peer) -> None:
        peer.request()
        peer.start_stream()
        peer.event({"n": 1})
        time.sleep(0.05)
        end(peer)

    with serving(script) as server:
        call = Call(stream=True, delays=[0])
        with pytest.raises(AIMLAPIConnectionError) as caught:
            door.listen(to(server), call)
        assert caught.value.request_id == "inf-1"
        assert call.attempts == server.accepted == 1
        assert_no_secrets(caught.value)


def test_a_stale_kept_connection_is_not_used(door):
    kept = threading.Event()

    def one_each(peer: Peer) -> None:
        peer.request()
        peer.answer({"number": peer.number})
        assert kept.wait(SOON)

    async def twice(transport: Transport) -> None:
        assert (await transport.apost(Call())).body == {"number": 1}
        kept.set()
        await asyncio.to_thread(server.assert_closes)
        assert (await transport.apost(Call())).body == {"number": 2}

    with serving(one_each) as server:
        if door.is_async:
            asyncio.run(twice(to(server)))
        else:
            assert to(server).post(Call()).body == {"number": 1}
            kept.set()
            server.assert_closes()
            assert to(server).post(Call()).body == {"number": 2}


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-OpenSSH_9\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_not_http(door, garbage):
    with serving(after_request(lambda peer: peer.send(garbage))) as server:
        with pytest.raises(AIMLAPIProtocolError, match="not HTTP") as caught:
            door.post(to(server))
        assert_no_secrets(caught.value)


def test_an_error_before_the_request_is_read(door):
    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.answer({"message": "Payload too large"}, status="413 Too Large")
        peer.sock.shutdown(socket.SHUT_WR)
        while peer.sock.recv(1_000_000):
            pass

    with serving(script) as server:
        with pytest.raises(AIMLAPIError, match="Payload too large") as caught:
            door.post(to(server), Call({"x": "a" * 3_000_000}))
        assert caught.value.status_code == 413


def test_a_slow_error_body_is_not_waited_for(door, monkeypatch):
    monkeypatch.setattr(_transport, "_ERROR_BODY_WAIT", 0.1)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nbusy here")
        peer.gone()

    with serving(script) as server, pytest.raises(AIMLAPIServerError, match="busy here"):
        door.post(to(server))


def test_redirects_are_not_followed(door):
    with serving(echo) as other:

        def script(peer: Peer) -> None:
            peer.request()
            peer.answer({}, status="307 Go", headers=f"Location: {other.base_url}\r\n")

        with serving(script) as server:
            with pytest.raises(AIMLAPIProtocolError):
                door.post(to(server))
            assert other.accepted == 0


# ---------------------------------------------------------------------------------------- bodies


def test_gzip_is_asked_for_and_inflated(door):
    def script(peer: Peer) -> None:
        request = peer.request()
        packed = gzip.compress(json.dumps({"asked": request.headers["accept-encoding"]}).encode())
        peer.answer(packed, headers="Content-Encoding: gzip\r\n")

    with serving(script) as server:
        assert door.post(to(server)) == {"asked": "gzip"}


def test_a_gzip_bomb_is_defused(door, monkeypatch):
    monkeypatch.setattr("langchain_aimlapi._exchange._MAX_BODY", 1_000_000)
    bomb = gzip.compress(b" " * 50_000_000)
    script = after_request(lambda peer: peer.answer(bomb, headers="Content-Encoding: gzip\r\n"))
    with serving(script) as server, pytest.raises(AIMLAPIProtocolError, match="1,000,000 bytes"):
        door.post(to(server))


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoding_that_cannot_be_undone(door, encoding):
    script = after_request(
        lambda peer: peer.answer({"a": 1}, headers=f"Content-Encoding: {encoding}\r\n")
    )
    with serving(script) as server, pytest.raises(AIMLAPIProtocolError, match=encoding):
        door.post(to(server))


def test_events_that_were_packed_unasked(door):
    def script(peer: Peer) -> None:
        request = peer.request()
        assert request.headers["accept-encoding"] == "identity"
        packed = gzip.compress(b'data: {"n": 1}\n\ndata: [DONE]\n\n')
        peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
            b"Connection: close\r\n\r\n" + packed
        )

    with serving(script) as server:
        assert door.listen(to(server)) == [{"n": 1}]


def test_a_large_request_arrives_whole(door):
    def script(peer: Peer) -> None:
        while request := peer.request():
            peer.answer({"size": len(request.body)})

    with serving(script) as server:
        assert door.post(to(server), Call({"x": "a" * 5_000_000})) == {"size": 5_000_008}


# ------------------------------------------------------------------------- leaving and cancelling


def waiting(where: str) -> Callable[[Peer], None]:
    """Stop at a place in the answer, until the client closes."""

    def script(peer: Peer) -> None:
        peer.request()
        if where == "body":
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        elif where == "stream":
            peer.start_stream()
            peer.event({"n": 1})
        assert peer.gone(), where

    return script


@pytest.mark.parametrize("where", ["headers", "body", "stream"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_task_closes_its_connection(where, times):
    with serving(waiting(where)) as server:
        transport = to(server)
        call = alisten(transport) if where == "stream" else transport.apost(Call())
        task = asyncio.create_task(call)
        await asyncio.sleep(0.1)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.closed.acquire, timeout=SOON)
        assert _pool._registry.loops[asyncio.get_running_loop()]._slots._free > 0


async def test_the_pool_stays_whole_after_cancellations():
    def script(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.005)
            peer.answer({"ok": peer.number})

    with serving(script) as server:
        transport = to(server)
        for delay in range(40):
            task = asyncio.create_task(transport.apost(Call()))
            await asyncio.sleep(delay / 4000)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert "ok" in (await transport.apost(Call())).body
        pool = _pool._registry.loops[asyncio.get_running_loop()]
        assert pool._slots._free == _pool.most_open()
        await _pool.arelease(LEASE)


def test_a_closed_generator_closes_its_connection():
    def read(transport: Transport) -> Iterator[dict[str, Any]]:
        with transport.stream(Call(stream=True)) as stream:
            yield from stream

    with serving(waiting("stream")) as server:
        generator = read(to(server))
        assert next(generator) == {"n": 1}
        generator.close()
        server.assert_closes()


async def test_a_closed_async_generator_closes_its_connection():
    async def read(transport: Transport):
        async with transport.astream(Call(stream=True)) as stream:
            async for event in stream:
                yield event

    with serving(waiting("stream")) as server:
        generator = read(to(server))
        assert await anext(generator) == {"n": 1}
        await generator.aclose()
        assert await asyncio.to_thread(server.closed.acquire, timeout=SOON)


def test_an_interrupt_closes_the_connection(monkeypatch):
    def interrupt(self: Any, timeout: float | None) -> float | None:
        raise KeyboardInterrupt

    with serving(waiting("headers")) as server:
        monkeypatch.setattr("langchain_aimlapi._network.Clock.allow_read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            to(server).post(Call())
        server.assert_closes()


async def test_other_tasks_get_a_turn_during_a_stream():
    body = b"".join(b'data: {"n": %d}\n\n' % n for n in range(400)) + b"data: [DONE]\n\n"

    def script(peer: Peer) -> None:
        peer.request()
        peer.start_stream()
        peer.chunk(body)
        peer.end()
        peer.gone()

    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with serving(script) as server:
        async with to(server).astream(Call(stream=True)) as stream:
            iterator = aiter(stream)
            await anext(iterator)
            counter = asyncio.create_task(count())
            assert len([event async for event in iterator]) == 399
            counter.cancel()
        assert turns >= 20
        await _pool.arelease(LEASE)


# --------------------------------------------------------------------------- encryption, proxies


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    path = tmp_path / "certificate.pem"
    path.write_text(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_encrypted_calls_share_one_context(door, tls, monkeypatch):
    made = []
    create = _pool.httpx.create_ssl_context
    monkeypatch.setattr(_pool.httpx, "create_ssl_context", lambda: made.append(1) or create())
    with serving(echo) as plain:
        door.post(to(plain))
        assert made == []
    with serving(events, tls=tls) as server:
        for _ in range(3):
            assert door.listen(to(server)) == [{"n": 1}, {"n": 2}]
        assert made == [1]


def test_a_certificate_that_nobody_vouches_for(door, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(echo, tls=tls) as server:
        with pytest.raises(AIMLAPIConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            door.post(to(server))
        assert_no_secrets(caught.value)


def proxy_to(target: Server, seen: list[Request]) -> Callable[[Peer], None]:
    """Serve as a proxy that sends everything to `target`, whatever the address."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def script(peer: Peer) -> None:
        while request := peer.request():
            seen.append(request)
            if not request.line.startswith("CONNECT"):
                peer.answer({"via": "proxy"})
                continue
            with socket.create_connection(("127.0.0.1", target.port)) as upstream:
                peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=pump, args=(upstream, peer.sock))
                back.start()
                pump(peer.sock, upstream)
                back.join(SOON)
            return

    return script


def test_encrypted_calls_go_through_a_tunnel(door, tls, monkeypatch):
    seen: list[Request] = []
    with serving(events, tls=tls) as server, serving(proxy_to(server, seen)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        assert door.listen(to("https://proxied.test")) == [{"n": 1}, {"n": 2}]
        assert [request.line for request in seen] == ["CONNECT proxied.test:443 HTTP/1.1"]
        assert seen[0].headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
        assert KEY not in str(seen)
        _pool._registry.threads.close_idle()


def test_plain_calls_name_the_address_to_the_proxy(door, monkeypatch):
    seen: list[Request] = []
    with serving(echo) as server, serving(proxy_to(server, seen)) as proxy:
        monkeypatch.setenv("all_proxy", f"127.0.0.1:{proxy.port}")
        assert door.post(to("http://plain.test:81")) == {"via": "proxy"}
        assert seen[0].line == "POST http://plain.test:81/v1/chat/completions HTTP/1.1"
        assert server.accepted == 0


def test_no_proxy_for_this_machine_and_for_exceptions(door, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving(echo) as server:
        assert door.post(to(server), Call({"n": 0}))["echo"] == {"n": 0}
    with pytest.raises(AIMLAPIConnectionError, match="through a proxy"):
        door.post(to("http://proxied.invalid"))
    monkeypatch.setenv("NO_PROXY", "proxied.invalid")
    with pytest.raises(AIMLAPIConnectionError) as caught:
        door.post(to("http://proxied.invalid", timeouts=Timeouts(connect=SOON)))
    assert "through a proxy" not in str(caught.value)


def test_a_proxy_that_refuses(door, monkeypatch):
    script = after_request(lambda peer: peer.answer({}, status="407 Who are you"))
    with serving(script) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy.port}")
        with pytest.raises(AIMLAPIConnectionError, match="407") as caught:
            door.post(to("https://proxied.test"))
        assert "hunter2" not in str(caught.value)
        assert_no_secrets(caught.value)


@pytest.mark.parametrize(
    "url", ["gopher://user:hunter2@proxy:1", "http://user:hunter2@proxy:x", "http://:hunter2@"]
)
def test_a_proxy_that_cannot_be_used(door, monkeypatch, url):
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(AIMLAPIConfigurationError, match="proxy") as caught:
        door.post(to("https://proxied.test"))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
