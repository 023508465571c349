"""The transport over real sockets on this machine: loops, forks, leases, leaving, proxies.

Seconds in timeouts are limits that must strike, not measurements.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi._http import connections as _connections
from langchain_aimlapi._http import pool as _pool
from langchain_aimlapi._http.pool import Lease
from langchain_aimlapi._http.transport import Timeouts, Transport
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPITimeoutError,
)
from tests.raw_server import (
    KEY,
    LEASE,
    SOON,
    Peer,
    Request,
    Server,
    after_request,
    alisten,
    assert_no_secrets,
    echo,
    events,
    listen,
    serving,
    to,
)
from tests.turns import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]


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
    monkeypatch.setattr(_connections, "most_open", lambda: 4)
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
    monkeypatch.setattr(_connections, "most_open", lambda: 0)
    monkeypatch.setattr(_pool, "_registry", _pool._Registry())
    with serving(echo) as server:
        with pytest.raises(AIMLAPITimeoutError) as caught:
            door.post(to(server, timeouts=Timeouts(pool=0.05)))
        assert caught.value.phase == "pool"


async def test_a_cancelled_wait_for_a_slot_takes_none(monkeypatch):
    monkeypatch.setattr(_connections, "most_open", lambda: 1)
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
        from langchain_aimlapi._http import call
        from langchain_aimlapi._http.retry import Retries, RetryPolicy
        from langchain_aimlapi._http.transport import Timeouts, Transport

        def Call(payload):
            return call.Call(
                path="/x", payload=payload, model="m", stream=False, client_request_id="c",
                retries=Retries(RetryPolicy(0)),
            )

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


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_forked_child_leaves_the_streams_alone_that_it_has_from_its_parent(way):
    """What runs in the child after the fork is run here, within an open stream."""
    opened = _pool._registry
    with serving(events) as server:
        if way == "sync":
            with to(server).stream(Call(stream=True)) as stream:
                assert next(iter(stream)) == {"n": 1}
                _pool._start_anew()
            kept = [opened.threads]
        else:
            async with to(server).astream(Call(stream=True)) as stream:
                assert await anext(aiter(stream)) == {"n": 1}
                _pool._start_anew()
            kept = list(opened.loops.values())
        assert _pool._registry is not opened
        assert [len(each._free) for each in kept] == [0]
        assert not server.closed.acquire(timeout=0.05)  # neither given back nor shut down
        assert _pool._inherited.pop() is opened
        network = stream._response.extensions["network_stream"]  # for the server's sake
        network.close() if way == "sync" else await network.aclose()


# ---------------------------------------------------------------------------------------- leases


def test_the_last_lease_closes_idle_connections():
    with serving(echo) as server:
        first, second = Lease(), Lease()
        one, other = to(server, lease=first), to(server, lease=second)
        one.post(Call())
        other.post(Call())
        _pool.release(first)
        assert other.post(Call()).body["connection"] == 1
        _pool.release(second)
        server.assert_closes()
        assert one.post(Call()).body["connection"] == 2
        _pool.release(first)
        _pool.release(first)
        server.assert_closes()


def test_a_running_call_outlives_the_last_lease():
    with serving(events) as server:
        lease = Lease()
        transport = to(server, lease=lease)
        with transport.stream(Call(stream=True)) as stream:
            iterator = iter(stream)
            assert next(iterator) == {"n": 1}
            _pool.release(lease)
            assert list(iterator) == [{"n": 2}]
        server.assert_closes()


async def test_a_running_async_call_outlives_the_last_lease():
    with serving(events) as server:
        lease = Lease()
        transport = to(server, lease=lease)
        async with transport.astream(Call(stream=True)) as stream:
            iterator = aiter(stream)
            assert await anext(iterator) == {"n": 1}
            await _pool.arelease(lease)
            assert [event async for event in iterator] == [{"n": 2}]
        assert await asyncio.to_thread(server.closed.acquire, timeout=SOON)


def test_closing_reaches_the_connections_of_other_loops():
    ready, finish = threading.Event(), threading.Event()

    async def hold(transport: Transport) -> None:
        await transport.apost(Call())
        ready.set()
        await asyncio.to_thread(finish.wait, SOON)

    with serving(echo) as server:
        lease = Lease()
        transport = to(server, lease=lease)
        thread = threading.Thread(target=lambda: asyncio.run(hold(transport)))
        thread.start()
        assert ready.wait(SOON)
        _pool.release(lease)
        server.assert_closes()
        finish.set()
        thread.join()


def test_a_forgotten_lease_does_not_count():
    with serving(echo) as server:
        to(server, lease=Lease()).post(Call())
        gc.collect()
        lease = Lease()
        transport = to(server, lease=lease)
        transport.post(Call())
        _pool.release(lease)
        server.assert_closes()


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
        assert pool._slots._free == _connections.most_open()
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
        monkeypatch.setattr("langchain_aimlapi._http.network.Clock.allow_read", interrupt)
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


def test_a_plain_address_is_not_shown_to_a_proxy(door, monkeypatch):
    seen: list[Request] = []
    with serving(echo) as server, serving(proxy_to(server, seen)) as proxy:
        monkeypatch.setenv("all_proxy", f"127.0.0.1:{proxy.port}")
        with pytest.raises(AIMLAPIConfigurationError, match="would see the key") as caught:
            door.post(to("http://plain.test:81"))
        assert_no_secrets(caught.value)
    assert (proxy.accepted, server.accepted, seen) == (0, 0, [])


def test_no_proxy_for_this_machine_and_for_exceptions(door, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(echo) as server:
        assert door.post(to(server), Call({"n": 0}))["echo"] == {"n": 0}
    with pytest.raises(AIMLAPIConnectionError, match="through a proxy"):
        door.post(to("https://proxied.invalid"))
    monkeypatch.setenv("NO_PROXY", "proxied.invalid")
    with pytest.raises(AIMLAPIConnectionError) as caught:
        door.post(to("https://proxied.invalid", timeouts=Timeouts(connect=SOON)))
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
