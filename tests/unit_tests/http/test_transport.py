"""The transport through users' own clients on `httpx.MockTransport`: no sockets.

Each test that sends runs through the sync and the async door.
"""

from __future__ import annotations

import copy
import errno
import gc
import gzip
import json
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest
from pydantic import SecretStr

from langchain_aimlapi._http import exchange
from langchain_aimlapi._http import transport as _transport
from langchain_aimlapi._http.pool import Lease
from langchain_aimlapi._http.request import check_key
from langchain_aimlapi._http.transport import (
    Timeouts,
    Transport,
    check_headers,
    check_http_client,
    normalize_base_url,
)
from langchain_aimlapi._version import __version__
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPINotFoundError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPITimeoutError,
)
from tests.turns import Call

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-very-secret-key-0123456789"
HEADER = "another-secret-value"
ANSWER = {"id": "a", "choices": [{"message": {"content": "hi"}}]}
SSE = {"content-type": "text/event-stream"}


@dataclass
class Door:
    """One way to call: a transport over a mocked client, sync or async."""

    is_async: bool

    def transport(self, handler: Callable[[httpx.Request], httpx.Response], **options: Any):
        client_options = options.pop("client", {})
        kind = httpx.AsyncClient if self.is_async else httpx.Client
        client = kind(transport=httpx.MockTransport(handler), **client_options)
        name = "http_async_client" if self.is_async else "http_client"
        settings = {
            "base_url": "https://api.aimlapi.com/v1",
            "api_key": SecretStr(KEY),
            "headers": {},
            "timeouts": Timeouts(),
            name: client,
        }
        return Transport(**{**settings, **options})

    async def post(self, transport: Transport, call: Call) -> _transport.Reply:
        return await transport.apost(call) if self.is_async else transport.post(call)

    async def get(self, transport: Transport, *args: Any) -> _transport.Reply:
        return await transport.aget(*args) if self.is_async else transport.get(*args)

    async def hear(self, transport: Transport, call: Call, seen: list[dict[str, Any]]) -> None:
        """Keep each event as it comes, so that those before an error count."""
        if self.is_async:
            async with transport.astream(call) as stream:
                async for event in stream:
                    seen += [event]
        else:
            with transport.stream(call) as stream:
                for event in stream:
                    seen += [event]

    async def events(self, transport: Transport, call: Call) -> list[dict[str, Any]]:
        call.stream = True
        seen: list[dict[str, Any]] = []
        await self.hear(transport, call, seen)
        return seen

    async def error(self, transport: Transport, call: Call | None = None, **kinds: Any):
        with pytest.raises(AIMLAPIError) as caught:
            await self.post(transport, call or Call(**kinds))
        return caught.value


@pytest.fixture(params=["sync", "async"])
def door(request):
    return Door(request.param == "async")


def answering(*replies: httpx.Response | Exception, seen: list[httpx.Request] | None = None):
    remaining = list(replies)

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        reply = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(reply, Exception):
            reply.request = request
            raise reply
        return reply

    return handle


def ok(**options: Any) -> httpx.Response:
    return httpx.Response(**{"status_code": 200, "json": ANSWER, **options})


def sse(*datas: Any, status: int = 200, tail: bytes = b"") -> httpx.Response:
    body = b"".join(b"data: " + json.dumps(data).encode() + b"\n\n" for data in datas)
    return httpx.Response(status, headers=SSE, content=body + tail)


# ------------------------------------------------------------------------- addresses and headers


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://api.aimlapi.com", "https://api.aimlapi.com/v1"),
        ("https://api.aimlapi.com/", "https://api.aimlapi.com/v1"),
        ("https://api.aimlapi.com/v1", "https://api.aimlapi.com/v1"),
        (" https://api.aimlapi.com/v1// ", "https://api.aimlapi.com/v1"),
        ("https://api.aimlapi.com/v1/v1/", "https://api.aimlapi.com/v1"),
        ("https://proxy.example/aiml/", "https://proxy.example/aiml"),
        ("https://proxy.example/aiml/v1", "https://proxy.example/aiml/v1"),
        ("https://proxy.example/X", "https://proxy.example/X"),
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://127.0.0.2:8000/v1/", "http://127.0.0.2:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_base_url_is_normalized(given, expected):
    assert normalize_base_url(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "api.aimlapi.com",
        "ftp://api.aimlapi.com",
        "https://",
        "https://host:port/v1",
        "https://user:hunter2-pass@api.aimlapi.com/v1",
        "https://api.aimlapi.com/v1?key=hunter2-pass",
        "http://api.aimlapi.com/v1",
        "http://10.0.0.1/v1",
        "",
    ],
)
def test_unusable_base_url_is_refused_without_showing_it(given):
    with pytest.raises(AIMLAPIConfigurationError, match="base_url") as caught:
        normalize_base_url(given)
    assert "hunter2" not in str(caught.value)


def test_plain_http_elsewhere_needs_consent():
    assert normalize_base_url("http://10.0.0.1", allow_http=True) == "http://10.0.0.1/v1"


async def test_headers_of_a_plain_call(door):
    seen = []
    await door.post(door.transport(answering(ok(), seen=seen)), Call())
    headers = seen[0].headers
    assert str(seen[0].url) == "https://api.aimlapi.com/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "gzip"
    assert headers["user-agent"] == f"langchain-aimlapi/{__version__}"
    assert headers["x-client-request-id"] == "call-1"
    assert headers["x-title"] == "langchain-aimlapi"
    assert "http-referer" not in headers
    assert json.loads(seen[0].content) == {"model": "m"}


async def test_headers_of_a_stream(door):
    seen = []
    await door.events(door.transport(answering(sse(ANSWER), seen=seen)), Call())
    assert seen[0].headers["accept"] == "text/event-stream"
    assert seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "options", [{"base_url": "https://proxy.example/v1"}, {"attribution": False}]
)
async def test_attribution_is_for_the_vendor_only(door, options):
    seen = []
    await door.post(door.transport(answering(ok(), seen=seen), **options), Call())
    assert "x-title" not in seen[0].headers


async def test_user_headers_go_over_ours_in_any_case(door):
    seen = []
    headers = {"x-TITLE": "my app", "X-Custom": " spaced "}
    await door.post(door.transport(answering(ok(), seen=seen), headers=headers), Call())
    assert seen[0].headers.get_list("x-title") == ["my app"]
    assert seen[0].headers["x-custom"] == "spaced"


async def test_default_headers_of_a_users_client_stay(door):
    seen = []
    own = {"X-Own": "1", "User-Agent": "mine/2", "X-Title": "my app"}
    client = {"headers": {**own, "Authorization": "Bearer other"}}
    await door.post(door.transport(answering(ok(), seen=seen), client=client), Call())
    assert {name: seen[0].headers.get_list(name) for name in own} == {
        name: [value] for name, value in own.items()
    }
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", HEADER),
        ("aUTHORIZATION", HEADER),
        ("Content-Length", HEADER),
        ("X-Client-Request-Id", HEADER),
        ("X-Bad", f"{HEADER}\r\nX-Injected: 1"),
        ("X-Bad", f"{HEADER}\n"),
        ("X-Bad", f"{HEADER}\0"),
        ("X-Bad", f"{HEADER}é"),
        ("X-Bad", [HEADER]),
        ("X Bad", HEADER),
        ("", HEADER),
        ("X-Bäd", HEADER),
    ],
)
def test_bad_headers_are_refused_by_name(name, value):
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        check_headers({name: value})
    assert name in str(caught.value) or repr(name) in str(caught.value)
    assert HEADER not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["", " \n", "sk-se cret", "sk-secret\nx", "sk-secrét", "sk\0secret"]
)
def test_bad_keys_are_refused_without_showing_them(key):
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        check_key(key)
    assert not key.strip() or key not in str(caught.value)
    assert caught.value.__context__ is None


async def test_key_is_asked_for_at_each_request(door):
    keys = iter(["sk-first", " sk-second "])
    seen = []
    transport = door.transport(
        answering(httpx.Response(503), ok(), seen=seen), api_key=lambda: SecretStr(next(keys))
    )
    await door.post(transport, Call(delays=[0]))
    sent = [request.headers["authorization"] for request in seen]
    assert sent == ["Bearer sk-first", "Bearer sk-second"]


@pytest.mark.parametrize(
    ("client", "kind", "complaint"),
    [
        (httpx.Client, "AsyncClient", "pass that one as http_client"),
        (httpx.AsyncClient, "Client", "pass that one as http_async_client"),
        (dict, "Client", "must be an httpx.Client, got builtins.dict"),
        (type("Client", (), {"__module__": "httpx2._client"}), "Client", "httpx2"),
    ],
)
def test_clients_of_the_wrong_kind_are_refused(client, kind, complaint):
    with pytest.raises(AIMLAPIConfigurationError, match=complaint):
        check_http_client(client(), kind)


def test_clients_of_the_right_kind_are_taken():
    class Wrapped(httpx.Client):
        pass

    check_http_client(None, "Client")
    check_http_client(Wrapped(), "Client")
    check_http_client(httpx.AsyncClient(), "AsyncClient")


async def test_closed_client_is_named(door):
    transport = door.transport(answering(ok()))
    if door.is_async:
        await transport._async_client.aclose()
    else:
        transport._client.close()
    call = Call()
    with pytest.raises(AIMLAPIConfigurationError, match="is closed"):
        await door.post(transport, call)
    assert call.attempts == 0


async def test_timeouts_of_a_users_client_stay_unless_set(door):
    seen = []
    client = {"timeout": httpx.Timeout(7)}
    handler = answering(ok(), seen=seen)
    await door.post(door.transport(handler, client=client), Call())
    await door.post(door.transport(handler, client=client, timeouts=Timeouts.of(3)), Call())
    seconds = [set(request.extensions["timeout"].values()) for request in seen]
    assert seconds == [{7}, {3}]


# --------------------------------------------------------------------------------- plain replies


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_2xx_is_an_answer(door, status):
    reply = ok(status_code=status, headers={"X-Inference-Id": "inf-1"})
    answer = await door.post(door.transport(answering(reply)), Call())
    assert answer.status_code == status
    assert answer.body == ANSWER
    assert answer.headers["x-inference-id"] == "inf-1"


@pytest.mark.parametrize(
    "reply",
    [
        {"content": b"", "json": None},
        {"content": b"<html>hi</html>", "json": None},
        {"json": ["no", "object"]},
        {"json": "text"},
        {"content": b'{"cut": ', "json": None},
        {"content": b"\xff\xfe", "json": None},
        {"content": b"[" * 100_000, "json": None},
    ],
)
async def test_2xx_without_a_json_object_is_a_protocol_error(door, reply):
    call = Call(delays=[])
    reply = httpx.Response(200, headers={"x-inference-id": "inf-2"}, **reply)
    error = await door.error(door.transport(answering(reply)), call)
    assert type(error) is AIMLAPIProtocolError
    assert not error.is_retryable
    assert error.request_id == "inf-2"
    assert error.client_request_id == "call-1"
    assert error.attempts == 1
    assert call.failures == [error]


async def test_error_in_a_200_is_asked_about_and_typed(door):
    seen = []
    slow_down = ok(json={"statusCode": "429", "message": "Too Many Requests"})
    call = Call(delays=[0])
    answer = await door.post(door.transport(answering(slow_down, ok(), seen=seen)), call)
    assert answer.body == ANSWER
    assert [type(error) for error in call.failures] == [AIMLAPIRateLimitError]
    assert len(seen) == call.attempts == 2


async def test_retries_until_the_turn_gives_up(door):
    seen = []
    call = Call(delays=[0, 0])
    transport = door.transport(answering(httpx.Response(503), seen=seen))
    error = await door.error(transport, call)
    assert type(error) is AIMLAPIServerError
    assert len(seen) == call.attempts == error.attempts == 3
    assert {request.headers["x-client-request-id"] for request in seen} == {"call-1"}


async def test_waits_as_long_as_the_turn_says(door, monkeypatch):
    waited = []

    async def asleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(_transport.time, "sleep", waited.append)
    monkeypatch.setattr(_transport.asyncio, "sleep", asleep)
    await door.post(
        door.transport(answering(httpx.Response(500), httpx.Response(500), ok())),
        Call(delays=[1.5, 40]),
    )
    assert waited == [1.5, 40]


@pytest.mark.parametrize(
    ("waits", "seconds", "slept"),
    [([2.0, 1.0, 0.0], None, [2.0, 1.0]), ([2.0, 9.0, 9.0], 5.0, [2.0]), ([0.0], 5.0, [])],
)
async def test_a_call_may_have_to_wait_before_its_first_request(
    door, monkeypatch, waits, seconds, slept
):
    remaining, waited = iter(waits), []

    async def asleep(seconds):
        waited.append(seconds)

    class Waiting(Call):
        def wait(self):
            return next(remaining)

    monkeypatch.setattr(_transport.time, "sleep", waited.append)
    monkeypatch.setattr(_transport.asyncio, "sleep", asleep)
    transport = door.transport(answering(ok()), timeouts=Timeouts(call=seconds))
    assert (await door.post(transport, Waiting())).body == ANSWER
    assert waited == slept


async def test_what_was_emulated_sends_nothing_without_its_client(door):
    settings = {"base_url": "https://emulator.invalid/v1", "headers": {}, "timeouts": Timeouts()}
    transport = Transport(api_key=SecretStr(KEY), **settings)
    call = Call(delays=[0])
    with pytest.raises(AIMLAPIConfigurationError, match="Nothing was sent"):
        await door.post(transport, call)
    with pytest.raises(AIMLAPIConfigurationError, match="Nothing was sent"):
        await door.get(transport, "/v1/models")
    assert (call.attempts, call.failures) == (0, [])


async def test_what_is_final_is_raised_with_the_cause_that_the_turn_gave_it(door):
    cause = AIMLAPINotFoundError("The other endpoint has no such model.")

    class Blaming(Call):
        def failed(self, error, deadline):
            error.__cause__ = cause
            return super().failed(error, deadline)

    call = Blaming()
    error = await door.error(door.transport(answering(httpx.Response(503))), call)
    assert call.failures == [error]
    assert error.__cause__ is cause


async def test_a_new_payload_and_path_are_sent(door):
    seen = []

    class Moving(Call):
        def failed(self, error, deadline):
            self.path, self.payload = "/responses", {"input": "x"}
            return 0.0

    transport = door.transport(answering(httpx.Response(404), ok(), seen=seen))
    await door.post(transport, Moving())
    assert [request.url.path for request in seen] == ["/v1/chat/completions", "/v1/responses"]
    assert [json.loads(request.content) for request in seen] == [{"model": "m"}, {"input": "x"}]


async def test_payload_is_encoded_once(door, monkeypatch):
    encoded = []
    dumps = exchange.dumps_in_pieces
    monkeypatch.setattr(
        exchange, "dumps_in_pieces", lambda value: encoded.append(1) or dumps(value)
    )
    transport = door.transport(answering(httpx.Response(500), httpx.Response(500), ok()))
    await door.post(transport, Call(delays=[0, 0]))
    assert encoded == [1]


async def test_redirects_are_not_followed(door):
    seen = []
    redirect = httpx.Response(307, headers={"location": "https://elsewhere.example/v1"})
    transport = door.transport(
        answering(redirect, ok(), seen=seen), client={"follow_redirects": True}
    )
    error = await door.error(transport)
    assert type(error) is AIMLAPIProtocolError
    assert "elsewhere.example" in str(error)
    assert len(seen) == 1


async def test_model_and_address_are_named(door):
    error = await door.error(door.transport(answering(httpx.Response(404))))
    assert type(error) is AIMLAPINotFoundError
    assert "openai/gpt-5-1" in str(error)
    assert "https://api.aimlapi.com/v1/chat/completions" in str(error)


@pytest.mark.parametrize("packed", [False, True])
async def test_large_bodies_are_refused(door, monkeypatch, packed):
    monkeypatch.setattr(exchange, "_MAX_BODY", 10_000)
    body = json.dumps({"x": "a" * 20_000}).encode()
    reply = httpx.Response(
        200,
        headers={"content-encoding": "gzip"} if packed else {},
        content=gzip.compress(body) if packed else body,
    )
    error = await door.error(door.transport(answering(reply)))
    assert type(error) is AIMLAPIProtocolError
    assert "10,000 bytes" in str(error)


async def test_large_error_bodies_are_cut(door, monkeypatch):
    monkeypatch.setattr(exchange, "_MAX_ERROR_BODY", 1_000)
    error = await door.error(door.transport(answering(httpx.Response(500, text="x" * 50_000))))
    assert type(error) is AIMLAPIServerError
    assert len(error.body) == 1_000


async def test_get(door):
    seen = []
    transport = door.transport(
        answering(ok(json={"data": []}), httpx.Response(304, headers={"etag": "e"}), seen=seen)
    )
    assert (await door.get(transport, "/v1/models", {"type": "x y"})).body == {"data": []}
    unchanged = await door.get(transport, "/v2/billing", None, {"If-None-Match": "e"})
    assert (unchanged.status_code, unchanged.body) == (304, {})
    assert seen[0].url.path == "/v1/models"
    assert dict(seen[0].url.params) == {"type": "x y"}
    assert str(seen[1].url) == "https://api.aimlapi.com/v2/billing"
    assert seen[1].headers["if-none-match"] == "e"


async def test_get_raises_typed_errors(door):
    with pytest.raises(AIMLAPINotFoundError):
        await door.get(door.transport(answering(httpx.Response(404))), "/v1/nothing")


# --------------------------------------------------------------------------------------- streams


async def test_events_until_done(door):
    tail = b"data: [DONE]\n\ndata: after\n\n"
    reply = sse({"n": 1}, {"n": 2}, tail=tail)
    assert await door.events(door.transport(answering(reply)), Call()) == [{"n": 1}, {"n": 2}]


async def test_events_until_the_body_ends(door):
    tail = b': comment\n\ndata:\n\ndata: {"n": 2}'
    reply = sse({"n": 1}, tail=tail)
    assert await door.events(door.transport(answering(reply)), Call()) == [{"n": 1}, {"n": 2}]


async def test_a_cut_last_event_is_left_out(door):
    reply = sse({"n": 1}, tail=b'data: {"n": ')
    assert await door.events(door.transport(answering(reply)), Call()) == [{"n": 1}]


async def test_the_events_name_becomes_the_type(door):
    tail = (
        b'event: response.created\ndata: {"n": 1}\n\n'
        b'event: named\ndata: {"type": "own"}\n\n'
        b'event: message\ndata: {"n": 3}\n\n'
    )
    events = await door.events(door.transport(answering(sse(tail=tail))), Call())
    assert events == [{"n": 1, "type": "response.created"}, {"type": "own"}, {"n": 3}]


async def test_an_error_event_is_raised_after_what_came_before_it(door):
    error = {"error": {"message": f"boom at {KEY}"}, "statusCode": 503}
    transport = door.transport(answering(sse(ANSWER, error)))
    call, seen = Call(stream=True), []
    with pytest.raises(AIMLAPIServerError, match="boom") as caught:
        await door.hear(transport, call, seen)
    assert seen == [ANSWER]
    assert caught.value.status_code == 503
    assert KEY not in str(caught.value)
    assert call.failures == []


async def test_an_error_event_that_ends_the_body_names_the_call(door):
    body = json.dumps({"error": {"message": "boom"}, "statusCode": 503})
    reply = httpx.Response(200, headers=SSE, content=f"data: {body}".encode())
    with pytest.raises(AIMLAPIServerError, match="boom") as caught:
        await door.events(door.transport(answering(reply)), Call())
    assert (caught.value.client_request_id, caught.value.attempts) == ("call-1", 1)


async def test_a_stream_answered_with_json_is_one_event(door):
    reply = ok(headers={"content-type": "application/json; charset=utf-8"})
    assert await door.events(door.transport(answering(reply)), Call()) == [ANSWER]


async def test_an_error_as_json_instead_of_a_stream_is_asked_about(door):
    refused = ok(json={"error": {"message": "Internal server error"}, "statusCode": 500})
    call = Call(delays=[0])
    assert await door.events(door.transport(answering(refused, sse(ANSWER))), call) == [ANSWER]
    assert [type(error) for error in call.failures] == [AIMLAPIServerError]


async def test_a_web_page_instead_of_a_stream(door):
    page = httpx.Response(200, html="<html><title>Login</title></html>")
    with pytest.raises(AIMLAPIProtocolError, match="HTML"):
        await door.events(door.transport(answering(page)), Call())


async def test_a_refused_stream_is_sent_again(door):
    call = Call(delays=[0])
    replies = answering(httpx.Response(429), sse(ANSWER, status=201))
    assert await door.events(door.transport(replies), call) == [ANSWER]
    assert call.attempts == 2


@pytest.mark.parametrize("tail", [b"data: {]\n\n", b"data: [1]\n\n", b'data: "\xff"\n\n'])
async def test_events_that_are_no_json_objects(door, tail):
    reply = sse(ANSWER, tail=tail)
    reply.headers["x-inference-id"] = "inf-3"
    call = Call(delays=[0])
    with pytest.raises(AIMLAPIProtocolError) as caught:
        await door.events(door.transport(answering(reply)), call)
    assert caught.value.request_id == "inf-3"
    assert caught.value.attempts == call.attempts == 1
    assert call.failures == []


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b'{"a": "' + b"x" * 2_000, "identity", "more than 1,000 bytes"),
        (b"data: plain\n\n", "gzip", "is not gzip"),
    ],
)
async def test_a_stream_that_cannot_be_taken_names_the_call(
    door, monkeypatch, body, encoding, words
):
    monkeypatch.setattr(exchange, "_MAX_BODY", 1_000)
    headers = {**SSE, "content-encoding": encoding, "x-inference-id": "inf-5"}
    reply = httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))
    with pytest.raises(AIMLAPIProtocolError, match=words) as caught:
        await door.events(door.transport(answering(reply)), Call())
    error = caught.value
    assert (error.request_id, error.client_request_id, error.attempts) == ("inf-5", "call-1", 1)


# ---------------------------------------------------------------------------------------- errors

FAILURES = [
    (httpx.ConnectTimeout("x"), AIMLAPITimeoutError, "connect"),
    (httpx.PoolTimeout("x"), AIMLAPITimeoutError, "pool"),
    (httpx.WriteTimeout("x"), AIMLAPITimeoutError, "write"),
    (httpx.ReadTimeout("x"), AIMLAPITimeoutError, "read"),
    (httpcore.ConnectTimeout("x"), AIMLAPITimeoutError, "connect"),
    (httpcore.ReadTimeout("x"), AIMLAPITimeoutError, "read"),
    (httpcore.TimeoutException("x"), AIMLAPITimeoutError, "read"),
    (TimeoutError("x"), AIMLAPITimeoutError, "read"),
    (httpx.ConnectError("refused"), AIMLAPIConnectionError, None),
    (httpx.ReadError("reset"), AIMLAPIConnectionError, None),
    (httpx.ProxyError("407 no"), AIMLAPIConnectionError, None),
    (httpcore.ReadError(""), AIMLAPIConnectionError, None),
    (ConnectionResetError(errno.ECONNRESET, "reset"), AIMLAPIConnectionError, None),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        AIMLAPIConnectionError,
        None,
    ),
    (httpx.RemoteProtocolError("illegal status line"), AIMLAPIProtocolError, None),
    (httpx.DecodingError("zlib"), AIMLAPIProtocolError, None),
    (httpx.LocalProtocolError(f"Illegal header {KEY}"), AIMLAPIConfigurationError, None),
    (httpx.UnsupportedProtocol("x"), AIMLAPIConfigurationError, None),
]


def assert_no_secrets(error: BaseException) -> None:
    """The key must be in no text, and the foreign exception, which holds it, in no reach."""
    texts = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    texts += repr(error) + str(error) + repr(vars(error))
    for pickled in (pickle.dumps(error), pickle.dumps(copy.deepcopy(error))):
        texts += pickled.decode("latin-1")
    assert KEY not in texts
    assert HEADER not in texts
    for chained in (error.__cause__, error.__context__):
        assert chained is None or isinstance(chained, AIMLAPIError)


@pytest.mark.parametrize(("foreign", "kind", "phase"), FAILURES)
@pytest.mark.parametrize("stream", [False, True])
async def test_foreign_exceptions_become_ours(door, foreign, kind, phase, stream):
    call = Call(delays=[0], stream=stream)
    transport = door.transport(answering(copy.copy(foreign)), headers={"X-Own": HEADER})
    with pytest.raises(AIMLAPIError) as caught:
        await (door.events if stream else door.post)(transport, call)
    error = caught.value
    assert type(error) is kind
    assert getattr(error, "phase", None) == phase
    assert call.attempts == len(call.failures) == error.attempts == 2
    assert error.client_request_id == "call-1"
    assert phase == "pool" or "api.aimlapi.com" in str(error)
    assert_no_secrets(error)


class Breaking(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off after its first part."""

    def __init__(self, part: bytes, error: Exception) -> None:
        self.part, self.error, self.closed = part, error, False

    def __iter__(self):
        yield self.part
        raise self.error

    async def __aiter__(self):
        yield self.part
        raise self.error

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


@pytest.mark.parametrize(
    ("foreign", "kind", "phase"),
    [
        (httpx.ReadTimeout("x"), AIMLAPITimeoutError, "idle"),
        (httpx.ReadError("reset"), AIMLAPIConnectionError, None),
        (
            httpx.RemoteProtocolError("peer closed connection without complete body"),
            AIMLAPIConnectionError,
            None,
        ),
    ],
)
async def test_a_stream_that_breaks_is_not_sent_again(door, foreign, kind, phase):
    body = Breaking(b'data: {"n": 1}\n\n', foreign)
    headers = {**SSE, "x-inference-id": "inf-4"}
    call = Call(delays=[0], stream=True)
    transport = door.transport(answering(httpx.Response(200, headers=headers, stream=body)))
    seen = []
    with pytest.raises(AIMLAPIError) as caught:
        await door.hear(transport, call, seen)
    error = caught.value
    assert type(error) is kind
    assert getattr(error, "phase", None) == phase
    assert (error.request_id, error.attempts, call.failures) == ("inf-4", 1, [])
    assert seen == [{"n": 1}]
    assert body.closed
    assert_no_secrets(error)


async def test_a_plain_body_that_breaks_off_was_billed(door):
    body = Breaking(b'{"id":', httpx.RemoteProtocolError("peer closed connection"))
    error = await door.error(door.transport(answering(httpx.Response(200, stream=body))))
    assert type(error) is AIMLAPIConnectionError
    assert not error.is_retryable
    assert body.closed


async def test_an_error_body_that_breaks_off_still_tells(door):
    body = Breaking(b"Service unavailable", httpx.ReadError("reset"))
    error = await door.error(door.transport(answering(httpx.Response(503, stream=body))))
    assert type(error) is AIMLAPIServerError
    assert "Service unavailable" in str(error)


async def test_what_the_server_repeats_is_cut_out(door):
    echo = httpx.Response(401, json={"message": f"bad key {KEY}", "header": HEADER})
    error = await door.error(door.transport(answering(echo), headers={"X-Own": HEADER}))
    assert "bad key" in str(error)
    assert_no_secrets(error)


async def test_too_many_open_files_are_named(door):
    foreign = httpx.ConnectError("All connection attempts failed")
    foreign.__cause__ = OSError(errno.EMFILE, "Too many open files")
    error = await door.error(door.transport(answering(foreign)))
    assert type(error) is AIMLAPIConnectionError
    assert "ulimit -n" in str(error)


async def test_the_request_is_not_kept_by_the_error(door):
    seen = []
    error = await door.error(door.transport(answering(httpx.ReadError("x"), seen=seen)))
    error.__traceback__ = None
    seen.clear()
    gc.collect()
    reachable, found = [error], set()
    while reachable:
        thing = reachable.pop()
        if id(thing) not in found and not isinstance(thing, type):
            found.add(id(thing))
            assert not isinstance(thing, (httpx.Request, httpx.Response))
            reachable += gc.get_referents(thing)


async def test_exceptions_of_the_users_own_code_pass(door):
    class OwnError(Exception):
        pass

    call = Call(delays=[0])
    with pytest.raises(OwnError):
        await door.post(door.transport(answering(OwnError())), call)
    assert call.attempts == 1


# ---------------------------------------------------------------------------------------- leases


def test_a_copied_lease_is_a_fresh_one():
    lease = Lease()
    copies = [copy.copy(lease), copy.deepcopy(lease), pickle.loads(pickle.dumps(lease))]
    assert all(type(other) is Lease and other is not lease for other in copies)
