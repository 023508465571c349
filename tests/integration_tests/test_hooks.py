"""What hooks into httpx sees our calls: mocks, recorders and tracers, as users set them up."""

from __future__ import annotations

import json
import logging
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
import sentry_sdk
import vcr
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.transport import Transport as SentryTransport

from langchain_aimlapi import AIMLAPIConnectionError, AIMLAPITimeoutError, ChatAIMLAPI
from langchain_aimlapi._http import pool
from langchain_aimlapi.emulator import Emulator, Fault
from tests.conftest import call, ways

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_httpx import HTTPXMock
    from sentry_sdk.envelope import Envelope

    from langchain_aimlapi.emulator import EmulatorServer

pytestmark = pytest.mark.enable_socket

API = "https://api.aimlapi.com/v1"
PATHS = {False: "/chat/completions", True: "/responses"}
endpoints = pytest.mark.parametrize(
    "use_responses_api", [False, True], ids=["chat_completions", "responses"]
)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing leave this process, nor look for a way."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("something reached for a socket")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with Emulator().serve() as server:
        yield server


def answer(path: str, *, stream: bool) -> httpx.Response:
    """What the API would answer, from the emulator."""
    asked = {"input": "Hello"} if path == "/responses" else {"messages": [HELLO]}
    emulator = Emulator()
    settings = emulator.connection()
    reply = settings["http_client"].post(
        f"{API}{path}",
        json={"model": "openai/gpt-5-1", "stream": stream, **asked},
        headers={"Authorization": f"Bearer {emulator.api_key}"},
    )
    kept = {name: reply.headers[name] for name in ("content-type", "x-inference-id")}
    return httpx.Response(reply.status_code, headers=kept, content=reply.content)


HELLO = {"role": "user", "content": "Hello"}


def asked_in(body: bytes) -> str:
    """Return the prompt of a request's body."""
    return str(json.dumps(json.loads(body)))


# ----------------------------------------------------------------------------------------- mocks


@ways
@endpoints
async def test_pytest_httpx(httpx_mock: HTTPXMock, no_network, way, use_responses_api):
    path = PATHS[use_responses_api]
    made = answer(path, stream="stream" in way)
    httpx_mock.add_response(
        url=API + path, method="POST", content=made.content, headers=dict(made.headers)
    )
    llm = ChatAIMLAPI(api_key="key", use_responses_api=use_responses_api)
    message = await call(llm, way, "Hello from a test")
    assert message.text
    request = httpx_mock.get_request()
    assert request is not None
    assert "Hello from a test" in asked_in(request.content)
    assert request.headers["content-length"] == str(len(request.content))
    assert request.headers["host"] == "api.aimlapi.com"


@ways
async def test_an_exception_from_pytest_httpx(httpx_mock: HTTPXMock, no_network, way):
    httpx_mock.add_exception(httpx.ReadTimeout("too slow"), is_reusable=True)
    llm = ChatAIMLAPI(api_key="key", max_retries=0)
    with pytest.raises(AIMLAPITimeoutError) as caught:
        await call(llm, way)
    assert caught.value.phase == "read"
    assert caught.value.may_be_billed


@ways
@endpoints
async def test_respx(no_network, way, use_responses_api):
    path = PATHS[use_responses_api]
    with respx.mock() as router:
        route = router.post(API + path).mock(return_value=answer(path, stream="stream" in way))
        llm = ChatAIMLAPI(api_key="key", use_responses_api=use_responses_api)
        message = await call(llm, way, "Hello from a test")
    assert message.text
    assert route.call_count == 1
    assert "Hello from a test" in asked_in(route.calls.last.request.content)


# -------------------------------------------------------------------------------------- recorders


@ways
@endpoints
async def test_vcrpy(server, tmp_path: Path, monkeypatch, way, use_responses_api):
    tape = str(tmp_path / "tape.yaml")
    settings = {**server.connection(), "use_responses_api": use_responses_api}
    server.emulator.reset()
    with vcr.use_cassette(tape, record_mode="once", filter_headers=["authorization"]) as recorded:
        first = await call(ChatAIMLAPI(**settings), way, "Hello from a test")
        assert "Hello from a test" in asked_in(recorded.requests[0].body)
    assert len(server.emulator.requests) == len(recorded.requests) == 1
    with monkeypatch.context() as offline:
        offline.setattr(socket.socket, "connect", None)
        with vcr.use_cassette(tape, record_mode="none") as played:
            second = await call(ChatAIMLAPI(**settings), way, "Hello from a test")
    assert played.play_count == 1
    assert len(server.emulator.requests) == 1
    assert second.content == first.content != ""
    assert second.usage_metadata == first.usage_metadata
    assert second.response_metadata["cost"] == first.response_metadata["cost"]


# ---------------------------------------------------------------------------------------- tracers


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    HTTPXClientInstrumentor().uninstrument()


@ways
@endpoints
async def test_opentelemetry(server, spans, way, use_responses_api):
    server.emulator.reset()
    llm = ChatAIMLAPI(**server.connection(), use_responses_api=use_responses_api)
    await call(llm, way)
    (span,) = spans.get_finished_spans()
    assert PATHS[use_responses_api] in str(dict(span.attributes))
    sent = server.emulator.requests[-1].headers["traceparent"]
    assert f"{span.context.trace_id:032x}-{span.context.span_id:016x}" in sent


class Collector(SentryTransport):
    """Keeps what would be sent to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        for item in envelope.items:
            event = item.get_transaction_event()
            self.spans += event["spans"] if event else []


@pytest.fixture(scope="module")
def sentry() -> Iterator[Collector]:
    """Sentry patches `send` of httpx's clients for good, so it is put back here."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (httpx.Client, httpx.AsyncClient):
            patch.setattr(kind, "send", kind.send)
        collector = Collector()
        sentry_sdk.init(
            dsn="https://key@sentry.invalid/1",
            transport=collector,
            traces_sample_rate=1.0,
            integrations=[HttpxIntegration()],
            default_integrations=False,
            auto_enabling_integrations=False,
        )
        yield collector
        sentry_sdk.init()


@ways
@endpoints
async def test_sentry(server, sentry, way, use_responses_api):
    sentry.spans.clear()
    server.emulator.reset()
    llm = ChatAIMLAPI(**server.connection(), use_responses_api=use_responses_api)
    with sentry_sdk.start_transaction(name="test"):
        await call(llm, way)
    (span,) = (span for span in sentry.spans if span["op"] == "http.client")
    assert PATHS[use_responses_api] in span["description"]
    assert "sentry-trace" in server.emulator.requests[-1].headers


# ---------------------------------------------------------------------- what httpx does by itself


@ways
async def test_httpx_logs_the_call_without_the_key(server, caplog, way):
    caplog.set_level(logging.INFO, logger="httpx")
    await call(ChatAIMLAPI(**server.connection()), way)
    logged = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert any("POST" in line for line in logged), logged
    assert server.emulator.api_key not in caplog.text


@ways
async def test_cookies_are_not_kept(way):
    emulator = Emulator()
    cookie = {"set-cookie": "session=1; Path=/"}
    emulator.script(Fault.status(503, headers=cookie), Fault.status(503, headers=cookie))
    with emulator.serve() as server:
        await call(ChatAIMLAPI(**server.connection(), max_retries=3), way)
    assert [request.headers.get("cookie") for request in emulator.requests] == [None] * 3


def test_the_clients_lie_over_our_connections():
    """httpx keeps its pool under a private name: a release that renames it fails here."""
    registry = pool._Registry()
    assert {"_pool"} <= set(httpx.HTTPTransport.handle_request.__code__.co_names)
    assert {"_pool"} <= set(httpx.AsyncHTTPTransport.handle_async_request.__code__.co_names)
    for kind in (pool._Transport, pool._AsyncTransport):
        assert {name for name in vars(kind) if not name.startswith("__")} == set()
    assert registry.client.cookies is pool._Client.cookies


# ------------------------------------------------------------------------------- clients of httpx2


@pytest.fixture
def httpx2_client(way: str) -> Iterator[dict[str, Any]]:
    httpx2 = pytest.importorskip("httpx2", reason="needs Python 3.11")
    options = {"headers": {"X-Own": "1"}}
    if way.startswith("a"):
        client = httpx2.AsyncClient(**options, limits=httpx2.Limits(max_keepalive_connections=0))
        yield {"http_async_client": client}
    else:
        with httpx2.Client(**options) as client:
            yield {"http_client": client}


@ways
@endpoints
async def test_clients_of_httpx2(server, httpx2_client, way, use_responses_api):
    server.emulator.reset()
    settings = {**server.connection(), **httpx2_client, "use_responses_api": use_responses_api}
    assert (await call(ChatAIMLAPI(**settings, timeout=7, deadline=9), way)).text
    assert server.emulator.requests[-1].headers["x-own"] == "1"


@ways
async def test_errors_of_httpx2(httpx2_client, way, unused_tcp_port):
    address = f"http://127.0.0.1:{unused_tcp_port}"
    llm = ChatAIMLAPI(api_key="key", base_url=address, max_retries=0, **httpx2_client)
    with pytest.raises(AIMLAPIConnectionError, match="The connection to") as caught:
        await call(llm, way)
    assert not caught.value.may_be_billed
