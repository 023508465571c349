"""What a connection may take of a call's time, and what is known of a request that broke."""

from __future__ import annotations

import inspect
from collections import deque
from typing import Any

import httpcore
import pytest

from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.deadline import Deadline
from langchain_aimlapi._http.network import AsyncTimedStream, Clock, TimedStream

KINDS = {"sync": TimedStream, "async": AsyncTimedStream}


class Wire:
    """A socket that gives what the test says, and keeps what it was given and how long it may."""

    def __init__(self, kind: str, *gives: bytes | Exception) -> None:
        self.gives = deque(gives)
        self.written: list[bytes] = []
        self.allowed: list[float | None] = []
        self.breaks_at = 99
        self.is_closed = False
        self.is_async = kind == "async"

    def __getattr__(self, name: str) -> Any:
        step = getattr(type(self), f"do_{name}")

        async def later(*args: Any) -> Any:
            return step(self, *args)

        return later if self.is_async else lambda *args: step(self, *args)

    def do_read(self, _: int, timeout: float | None) -> bytes:
        self.allowed.append(timeout)
        given = self.gives.popleft()
        if isinstance(given, Exception):
            raise given
        return given

    def do_write(self, buffer: bytes, timeout: float | None) -> None:
        self.allowed.append(timeout)
        if len(self.written) == self.breaks_at:
            raise httpcore.WriteError
        self.written.append(buffer)

    def do_start_tls(self, *_: Any) -> Any:
        given = self.gives.popleft() if self.gives else self
        if isinstance(given, Exception):
            raise given
        return given

    def do_close(self) -> None:
        self.is_closed = True

    do_aclose = do_close


def done(result: Any) -> Any:
    """Return a result, or that of a coroutine that never waits."""
    if not inspect.iscoroutine(result):
        return result
    try:
        result.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def begun(kind: str, wire: Wire, *, handshakes: int = 0, seconds: float | None = None):
    attempt = Attempt(Deadline(seconds))
    clock = Clock(handshakes)
    clock.begin(attempt, 1.0)
    return KINDS[kind](wire, clock), attempt


def test_what_a_proxy_says_before_encryption_is_no_answer(kind):
    wire = Wire(kind, b"HTTP/1.1 200 Connected\r\n\r\n", httpcore.ReadTimeout())
    stream, attempt = begun(kind, wire, handshakes=1)
    done(stream.write(b"CONNECT", 60.0))
    done(stream.read(100, 600.0))
    assert (attempt.is_written, attempt.is_answered) == (False, False)
    with pytest.raises(httpcore.ConnectTimeout):
        done(stream.read(100, 600.0))
    assert max(wire.allowed[1:]) <= 1.0


def test_what_comes_after_encryption_is_the_answer(kind):
    wire = Wire(kind)
    stream, attempt = begun(kind, wire, handshakes=1)
    stream = done(stream.start_tls(None, None, 5.0))
    wire.gives += (b"HTTP/1.1 200 OK\r\n\r\n", httpcore.ReadTimeout())
    done(stream.write(b"POST", 60.0))
    done(stream.read(100, 600.0))
    assert (attempt.is_written, attempt.is_answered) == (True, True)
    with pytest.raises(httpcore.ReadTimeout):
        done(stream.read(100, 600.0))
    assert min(wire.allowed[1:]) > 1.0


@pytest.mark.parametrize("failure", [httpcore.ConnectError(), httpcore.ConnectTimeout()])
def test_a_socket_without_the_encryption_it_should_have_is_closed(kind, failure):
    wire = Wire(kind, failure)
    stream, _ = begun(kind, wire, handshakes=1)
    with pytest.raises(type(failure)):
        done(stream.start_tls(None, None, 5.0))
    assert wire.is_closed


def test_a_request_that_was_not_taken_whole_is_not_written_though_an_answer_comes(kind):
    wire = Wire(kind, b"HTTP/1.1 413 Too Large\r\n\r\n")
    wire.breaks_at = 1
    stream, attempt = begun(kind, wire)
    with pytest.raises(httpcore.WriteError):
        done(stream.write(b"x" * 1_000_000, 60.0))
    done(stream.read(100, 600.0))
    assert (attempt.is_written, attempt.is_answered) == (False, True)


def test_small_pieces_leave_together_and_large_ones_in_parts_that_each_have_their_time(kind):
    wire = Wire(kind)
    stream, _ = begun(kind, wire)
    large = bytes(range(256)) * 4096
    for piece in (b"head", large, b"", b"head", b"body", b""):
        done(stream.write(piece, 60.0))
    assert b"".join(wire.written) == b"head" + large + b"headbody"
    assert (wire.written[0], wire.written[-1]) == (b"head", b"headbody")
    assert max(map(len, wire.written)) <= 256 * 1024
    assert wire.allowed == [60.0] * len(wire.written)


def test_a_connection_that_serves_again_has_all_of_its_time_again(kind):
    wire = Wire(kind, *[b"x"] * 4)
    stream, _ = begun(kind, wire)
    done(stream.write(b"one", 60.0))
    done(stream.read(100, 600.0))
    stream.clock.each_read(5.0)
    done(stream.read(100, 600.0))
    done(stream.write(b"two", 60.0))
    done(stream.read(100, 600.0))
    assert wire.allowed[2] == 5.0
    assert wire.allowed[4] > 500.0


def test_no_step_begins_after_the_deadline(kind):
    wire = Wire(kind, b"x")
    stream, _ = begun(kind, wire, seconds=0.0)
    with pytest.raises(httpcore.TimeoutException):
        done(stream.write(b"x" * 1_000_000, 60.0))
    with pytest.raises(httpcore.TimeoutException):
        done(stream.read(100, 600.0))
    assert (wire.written, wire.allowed) == ([], [])
