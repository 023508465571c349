"""Faults on both doors, with the errors that httpx makes of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import time

import httpx
import pytest

from langchain_aimlapi.emulator import CONTEXT_OVERFLOW, Emulator, Fault, Reply, StreamStyle

KEYED = {"authorization": "Bearer emulator-key"}
BODY = {"model": "openai/gpt-5-1", "messages": [{"role": "user", "content": "Hello"}]}
# Where an answer is to come, no timeout may decide; where none comes, a short one saves time.
PATIENT, IMPATIENT = httpx.Timeout(60), httpx.Timeout(60, read=0.3)


@pytest.fixture(params=["memory", pytest.param("socket", marks=pytest.mark.enable_socket)])
def door(request, emulator):
    """A client on either door, the same emulator behind it."""
    if request.param == "memory":
        with emulator.client(
            base_url="https://api.aimlapi.com/v1", headers=KEYED, timeout=PATIENT
        ) as client:
            yield client
        return
    with (
        emulator.serve() as server,
        httpx.Client(
            base_url=server.base_url, headers=KEYED, timeout=PATIENT, trust_env=False
        ) as client,
    ):
        yield client


def post(client, **body):
    return client.post("/chat/completions", json={**BODY, **body})


def read_until_it_breaks(client, timeout, **body):
    """The bytes that came before httpx raised, and what it raised."""
    data = b""
    try:
        with client.stream(
            "POST", "/chat/completions", json={**BODY, **body}, timeout=timeout
        ) as response:
            for part in response.iter_raw():
                data += part
    except httpx.HTTPError as error:
        return data, type(error)
    return data, None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.reset(), httpx.ReadError),
        (Fault.reset(2), httpx.ReadError),
        (Fault.disconnect(), httpx.RemoteProtocolError),
        (Fault.disconnect(2), httpx.RemoteProtocolError),
        (Fault.bad_framing(2), httpx.RemoteProtocolError),
        (Fault.stall(), httpx.ReadTimeout),
        (Fault.stall(2), httpx.ReadTimeout),
        (Fault.stall(2, seconds=60), httpx.ReadTimeout),
        (Fault.stall(seconds=60), httpx.ReadTimeout),
        (Fault.delay(60), httpx.ReadTimeout),
        (Fault.pace(60), httpx.ReadTimeout),
        (Fault.dribble(60), httpx.ReadTimeout),
    ],
    ids=repr,
)
def test_broken_connections(door, emulator, fault, error, stream):
    emulator.script(fault)
    timeout = IMPATIENT if error is httpx.ReadTimeout else PATIENT
    data, raised = read_until_it_breaks(door, timeout, stream=stream)
    assert raised is error
    sent_two = fault.name.endswith("(2)")
    assert bool(data) == sent_two
    if sent_two:
        assert data.count(b"data: ") == 2 if stream else len(data) == 32
    billed = 0 if fault.name in {"reset(None)", "disconnect(None)"} else 1
    deadline = time.monotonic() + 10
    while len(emulator.ledger) != billed and time.monotonic() < deadline:
        time.sleep(0.01)  # an impatient client may be gone before the server has looked
    assert len(emulator.ledger) == billed


def test_a_cut_stream_ends_cleanly(door, emulator, events):
    emulator.script(Fault.cut(after=3, reply=Reply("one two three four")))
    chunks = events(post(door, stream=True).text)
    assert [c["choices"][0]["delta"].get("content") for c in chunks] == ["", "one", " two"]
    assert emulator.ledger[0].succeeded


def test_slow_answers_arrive_whole(door, emulator):
    emulator.script(
        Fault.delay(0.01, Reply("a")),
        Fault.dribble(0, 1, Reply("b")),
        Fault.pace(0.001, Reply("c")),
        Fault.stall(1, seconds=0.01, reply=Reply("d")),
        Fault.slow_headers(0.0001, Reply("e")),
    )
    replies = [post(door) for _ in "abcde"]
    assert [r.json()["choices"][0]["message"]["content"] for r in replies] == list("abcde")


def test_faults_nest(door, emulator):
    emulator.script(Fault.delay(0.01, Fault.status(503)), Fault.dribble(0, 3, Fault.cut(1)))
    assert post(door).status_code == 503
    assert post(door, stream=True).text.count("data: ") == 1


@pytest.mark.parametrize(
    ("shape", "content_type", "keys"),
    [
        ("flat", "application/json", {"message", "path", "requestId", "statusCode", "timestamp"}),
        ("title", "application/json", {"title", "status", "message"}),
        ("openai", "application/json", {"error"}),
        ("html", "text/html", None),
        ("text", "text/plain", None),
        ("empty", "text/plain", None),
        ("docs", "application/json", None),
    ],
)
def test_error_shapes(door, emulator, shape, content_type, keys):
    emulator.script(Fault.status(429, shape, retry_after=7, headers={"x-more": "1"}))
    response = post(door)
    assert response.status_code == 429
    assert response.headers["content-type"].startswith(content_type)
    assert (response.headers["retry-after"], response.headers["x-more"]) == ("7", "1")
    assert response.headers["x-inference-id"]
    if keys is not None:
        assert set(response.json()) == keys
    else:
        with pytest.raises(ValueError, match=r".*"):
            response.json()
        assert ("Too Many Requests" in response.text) == (shape != "empty")
    assert emulator.ledger == []


def test_errors_by_name(door, emulator):
    emulator.script(
        Fault.out_of_credits(),
        Fault.out_of_credits("funds", "title"),
        Fault.free_tier(),
        *map(Fault.context_overflow, CONTEXT_OVERFLOW),
        Fault.context_overflow("too long!", "openai"),
        Fault.redirect("https://elsewhere.example/v1"),
    )
    credits_, funds, quota = post(door), post(door), post(door)
    assert (credits_.status_code, funds.status_code, quota.status_code) == (403, 403, 429)
    assert "run out of credits" in credits_.json()["message"]
    assert "run out of funds" in funds.json()["message"]
    assert "reached your free limit" in quota.json()["message"]
    assert [post(door).json()["message"] for _ in CONTEXT_OVERFLOW] == [*CONTEXT_OVERFLOW.values()]
    error = post(door).json()["error"]
    assert (error["message"], error["code"]) == ("too long!", "context_length_exceeded")
    redirect = post(door)
    assert (redirect.status_code, redirect.headers["location"]) == (
        307,
        "https://elsewhere.example/v1",
    )


@pytest.mark.parametrize("shape", ["openai", "flat", "title", "responses", "choice"])
def test_error_events(door, emulator, events, shape):
    emulator.script(Fault.error_event(2, shape, message="It broke."), Fault.error_event(2, shape))
    *before, last = events(post(door, stream=True).text)
    assert len(before) == 2
    assert "It broke." in json.dumps(last)
    keys = {"openai": "error", "flat": "statusCode", "title": "status", "responses": "type"}
    keys["choice"] = "choices"
    assert keys[shape] in last
    whole = post(door)
    assert (whole.status_code, keys[shape] in whole.json()) == (200, True)
    assert emulator.ledger == []


@pytest.mark.parametrize("stream", [False, True])
def test_bodies_that_are_no_answers(door, emulator, stream):
    def reply(fault):
        emulator.script(fault)
        response = post(door, stream=stream)
        assert response.status_code == 200
        return response

    assert reply(Fault.error_in_200()).json()["error"]["message"]
    assert reply(Fault.error_in_200("flat")).json()["statusCode"] == 500
    assert reply(Fault.html()).headers["content-type"] == "text/html"
    assert reply(Fault.array()).json() == []
    assert reply(Fault.image_object()).json()["object"] == "image"
    assert reply(Fault.body(b"\x00", "text/plain")).content == b"\x00"
    empty = reply(Fault.empty())
    assert empty.content == b""
    assert ("event-stream" in empty.headers["content-type"]) == stream
    broken = reply(Fault.malformed_json())
    assert ("event-stream" in broken.headers["content-type"]) == stream
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(broken.text.removeprefix("data: "))
    assert emulator.ledger == []


def test_bodies_that_are_spoilt(door, emulator, events):
    emulator.script(
        Fault.truncated_json(),
        Fault.truncated_json(),
        Fault.wrong_content_type(),
        Fault.invalid_utf8(),
        Fault.invalid_utf8(2),
        Fault.big_event(100_000),
        Fault.gzip(Reply("packed")),
    )
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        post(door).json()
    last = post(door, stream=True).text.split("data: ")[-1]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(last)
    other = post(door)
    assert (other.headers["content-type"], other.json()["object"]) == (
        "text/plain",
        "chat.completion",
    )
    for stream in (False, True):
        with pytest.raises(UnicodeDecodeError):
            post(door, stream=stream).content.decode()
    chunks = events(post(door, stream=True).text)
    assert chunks[1]["choices"][0]["delta"]["content"] == "x" * 100_000
    packed = post(door)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["choices"][0]["message"]["content"] == "packed"


def test_compressed_lies(door, emulator):
    emulator.script(Fault.gzip_garbage(), Fault.gzip_bomb(1_000_000))
    with pytest.raises(httpx.DecodingError):
        post(door)
    with door.stream("POST", "/chat/completions", json=BODY) as response:
        raw = b"".join(response.iter_raw())
    assert len(raw) < 5_000
    assert json.loads(gzip.decompress(raw)) == {}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_the_memory_door_cuts_bodies_where_it_is_told(size):
    emulator = Emulator(seed=1, clock=lambda: 0.0)
    reply = Reply("é, ö and \u2028", stream=StreamStyle(line_end="\r\n"))
    bodies = []
    for chunk_size in (None, size, lambda data: [data[:5], data[5:]]):
        emulator.reset()
        with emulator.script(reply).client(
            chunk_size=chunk_size, headers=KEYED, base_url="https://api.aimlapi.com/v1"
        ) as client:
            payload = {**BODY, "stream": True}
            with client.stream("POST", "/chat/completions", json=payload) as response:
                parts = list(response.iter_raw())
        if chunk_size == size:
            assert {len(part) for part in parts[:-1]} <= {size}
        bodies.append((b"".join(parts), len(parts)))
    assert len({body for body, _ in bodies}) == 1
    assert bodies[2][1] == 2


def test_the_memory_door_counts_open_streams(emulator):
    transport = emulator.transport()
    with httpx.Client(transport=transport, base_url="https://x/v1", headers=KEYED) as client:
        with client.stream("POST", "/chat/completions", json={**BODY, "stream": True}) as response:
            parts = response.iter_raw()
            next(parts)
            assert transport.open_streams == 1
        assert transport.open_streams == 0


def test_a_timed_out_wait_costs_no_time(emulator):
    emulator.script(Fault.delay(3600))
    started = time.monotonic()
    with (
        emulator.client(headers=KEYED, base_url="https://x/v1", timeout=1800) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        post(client)
    assert time.monotonic() - started < 1800


def test_a_stall_without_any_timeout_does_not_hang_a_sync_client(emulator):
    emulator.script(Fault.stall(), Fault.stall(1))
    with emulator.client(headers=KEYED, base_url="https://x/v1", timeout=None) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                post(client, stream=True)


@pytest.mark.parametrize("fault", [Fault.stall(), Fault.stall(1)], ids=repr)
async def test_a_stall_without_any_timeout_waits_for_ever_in_an_async_client(emulator, fault):
    emulator.script(fault)
    async with emulator.async_client(
        headers=KEYED, base_url="https://x/v1", timeout=None
    ) as client:
        call = client.post("/chat/completions", json={**BODY, "stream": True})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call, 0.05)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.reset(), httpx.ReadError),
        (Fault.reset(1), httpx.ReadError),
        (Fault.disconnect(1), httpx.RemoteProtocolError),
        (Fault.stall(), httpx.ReadTimeout),
        (Fault.stall(1), httpx.ReadTimeout),
        (Fault.pace(60), httpx.ReadTimeout),
    ],
    ids=repr,
)
async def test_the_memory_door_is_async_too(emulator, fault, error):
    emulator.script(fault, Fault.pace(0.001, Reply("fine")))
    async with emulator.async_client(headers=KEYED, base_url="https://x/v1", timeout=30) as client:
        with pytest.raises(error):
            await client.post("/chat/completions", json={**BODY, "stream": True})
        reply = await client.post("/chat/completions", json={**BODY, "stream": True})
    assert '"content":"fine"' in reply.text
