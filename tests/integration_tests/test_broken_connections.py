"""The transport over connections that are slow, break, or carry what is no answer.

Seconds in timeouts are limits that must strike, not measurements.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time

import pytest

from langchain_aimlapi._http import transport as _transport
from langchain_aimlapi._http.transport import Timeouts, Transport
from langchain_aimlapi.errors import (
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPIServerError,
    AIMLAPITimeoutError,
)
from tests.raw_server import (
    SOON,
    Peer,
    after_request,
    assert_no_secrets,
    echo,
    full_queue,
    listen,
    serving,
    to,
)
from tests.turns import Call

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]


# -------------------------------------------------------------------------------------- timeouts


def closing(peer: Peer) -> None:
    assert peer.gone()


def test_no_connection_in_time(door):
    with full_queue() as port, pytest.raises(AIMLAPITimeoutError) as caught:
        door.post(to(f"http://127.0.0.1:{port}", timeouts=Timeouts(connect=0.2)))
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
    monkeypatch.setattr("langchain_aimlapi._http.exchange._MAX_BODY", 1_000_000)
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
