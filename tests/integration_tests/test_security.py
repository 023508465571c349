"""What must never happen: keys in wrong hands, answers without end, files nobody asked for."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._http import exchange
from langchain_aimlapi.emulator import Emulator
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPIServerError,
)
from tests.conftest import call, two_ways, ways
from tests.programs import command, run
from tests.raw_server import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INJECTED = "x\r\nX-Injected: 1"

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]


# --- a server that says what a test wants ---------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Answers each request with `answer`, and keeps what it was asked."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> None:
        self.heard: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def do_GET(self) -> None:
                self.server.heard.append(f"{self.requestline}\n{self.headers}")
                self.close_connection = True
                try:
                    answer(self)
                except ConnectionError:
                    self.wfile = io.BytesIO()  # the client has had enough

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: Any) -> Server:
        server = Server(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def model(server: Server, **options: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(**{"base_url": server.url, "api_key": KEY, "max_retries": 0, **options})


def answering(
    body: bytes, status: int = 200, **headers: str
) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        ends = {"Content-Length": str(len(body)), "Connection": "close"}
        for name, value in {**ends, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


# --- redirects ------------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_does_not_take_the_key_along(serve, way, status):
    elsewhere = serve(answering(b"{}"))
    server = serve(answering(b"", status, Location=elsewhere.url))
    with pytest.raises(AIMLAPIProtocolError, match="redirect") as caught:
        await call(model(server), way)
    assert elsewhere.heard == []
    assert len(server.heard) == 1
    assert not caught.value.is_retryable


@ways
async def test_nor_does_a_users_own_client_that_follows(serve, way):
    elsewhere = serve(answering(b"{}"))
    server = serve(answering(b"", 307, Location=elsewhere.url))
    with httpx.Client(follow_redirects=True) as client:
        async with httpx.AsyncClient(follow_redirects=True) as async_client:
            llm = model(server, http_client=client, http_async_client=async_client)
            with pytest.raises(AIMLAPIProtocolError, match="redirect"):
                await call(llm, way)
            with pytest.raises(AIMLAPIProtocolError, match="redirect"):
                llm.balance()
            with pytest.raises(AIMLAPIProtocolError, match="redirect"):
                await llm.alist_models()
    assert elsewhere.heard == []


# --- bounds ---------------------------------------------------------------------------------------


@two_ways
@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "a" * 300_000}, {f"X-{number}": "a" * 100 for number in range(3_000)}],
    ids=["one long", "many"],
)
async def test_headers_have_an_end(serve, way, headers):
    server = serve(answering(b"{}", **headers))
    with pytest.raises((AIMLAPIProtocolError, AIMLAPIConnectionError)) as caught:
        await call(model(server), way)
    assert len(str(caught.value)) < 1_000


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.write(b"data: ")
    while True:
        handler.wfile.write(b"a" * 1_000_000)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_an_event_has_an_end(serve, way):
    with pytest.raises(AIMLAPIProtocolError, match="more than 67,108,864 bytes"):
        await call(model(serve(endless)), way)


def packed(size: int) -> bytes:
    return gzip.compress(b'{"x": "' + b"a" * size + b'"}')


@two_ways
@pytest.mark.parametrize("status", [200, 500])
async def test_a_small_body_does_not_become_a_large_one(serve, way, status, monkeypatch):
    monkeypatch.setattr(exchange, "_MAX_BODY", 1_000_000)
    bomb = packed(20_000_000)
    assert len(bomb) < 50_000
    headers = {"Content_Encoding": "gzip", "Content_Type": "application/json"}
    server = serve(answering(bomb, status, **headers))
    kind = AIMLAPIProtocolError if status == 200 else AIMLAPIServerError
    with pytest.raises(kind) as caught:
        await call(model(server), way)
    assert len(caught.value.body or "") <= 2_000


@two_ways
async def test_nor_does_one_that_is_packed_twice(serve, way, monkeypatch):
    monkeypatch.setattr(exchange, "_MAX_BODY", 1_000_000)
    headers = {"Content_Encoding": "gzip, gzip", "Content_Type": "application/json"}
    server = serve(answering(gzip.compress(packed(20_000_000)), **headers))
    with pytest.raises(AIMLAPIProtocolError, match="more than 1,000,000 bytes"):
        await call(model(server), way)


@two_ways
async def test_an_encoding_that_was_not_asked_for_is_refused(serve, way):
    headers = {"Content_Encoding": "br", "Content_Type": "application/json"}
    server = serve(answering(packed(1_000), **headers))
    with pytest.raises(AIMLAPIProtocolError, match="not asked for"):
        await call(model(server), way)


# --- line breaks and other things that end a header -----------------------------------------------


@two_ways
async def test_a_model_with_line_breaks_is_text_of_the_body(serve, way):
    server = serve(answering(b'{"message": "no such model"}', 404))
    with pytest.raises(AIMLAPIError):
        await call(model(server, model=INJECTED, use_responses_api=False), way)
    assert server.heard
    assert not any("X-Injected" in heard for heard in server.heard)


@two_ways
async def test_ids_with_line_breaks_are_refused(serve, way):
    server = serve(answering(b"{}"))
    for llm in (
        model(server, client_request_id=INJECTED),
        model(server, client_request_id=lambda: INJECTED),
    ):
        with pytest.raises(AIMLAPIConfigurationError, match="client request id"):
            await call(llm, way)
    with pytest.raises(AIMLAPIConfigurationError, match="client request id"):
        await call(model(server), way, client_request_id=INJECTED)
    assert server.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "https://host/v1\r\nX-Injected: 1",
        "https://host/v1 HTTP/1.1\r\nHost: another",
        "https://ho\tst/v1",
        "https://ho st/v1",
        "https://host\\@another/v1",
        "https://host\x00/v1",
    ],
)
def test_an_address_with_white_space_inside_is_refused(address):
    with pytest.raises(AIMLAPIConfigurationError, match="base_url"):
        ChatAIMLAPI(api_key=KEY, base_url=address)


@two_ways
@pytest.mark.parametrize(
    "host", ["a..b", "x" * 64 + ".test", "xn--", "[v1.x]", "h\u00ad", "...", "-\u2603-"]
)
async def test_an_address_that_no_machine_can_have(way, host):
    with pytest.raises((AIMLAPIConfigurationError, AIMLAPIConnectionError)):
        await call(ChatAIMLAPI(api_key=KEY, base_url=f"https://{host}/v1", max_retries=0), way)


def test_what_a_server_wants_back_is_sent_only_if_it_can_be(serve):
    body = json.dumps({"data": [{"id": "m"}]}).encode()
    server = serve(answering(body, ETag='"caf\u00e9"'))
    llm = model(server)
    assert [info.id for info in llm.list_models() + llm.list_models()] == ["m", "m"]


# --- files ----------------------------------------------------------------------------------------

_WATCHED = """
    import asyncio, os, sys

    opened = []

    def watch(event, args):
        if event == "open" and isinstance(args[0], (str, bytes)):
            path, mode, flags = args
            if set(mode or "") & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                opened.append(os.fsdecode(path))
        elif event in {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "shutil.copy",
                       "tempfile.mkstemp", "tempfile.mkdtemp", "sqlite3.connect", "dbm.open"}:
            opened.append((event, *map(str, args)))
        elif event in {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"}:
            opened.append(event)

    sys.addaudithook(watch)
    from langchain_aimlapi import AIMLAPIError, ChatAIMLAPI

    async def listen(llm):
        async for chunk in llm.astream("Hello"):
            pass

    llm = ChatAIMLAPI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=1)
    llm.invoke("Hello")
    list(llm.stream("Hello"))
    asyncio.run(listen(llm))
    llm.batch(["Hello", "Hello"])
    llm.get_num_tokens("Hello")
    llm.balance(), llm.list_models(), llm.usage_log()
    wrong = ChatAIMLAPI(base_url=sys.argv[1], api_key="wrong", max_retries=1)
    try:
        wrong.invoke("Hello")
    except AIMLAPIError:
        print("refused")
    llm.close()
    open(os.devnull, "w").close()
    print([path for path in opened if "__pycache__" not in str(path)])
"""


def test_nothing_is_written_to_disk():
    emulator = Emulator(api_key=KEY)
    with emulator.serve() as server:
        told = run(command(_WATCHED, server.connection()["base_url"], KEY))
    # The last one shows that the watch is kept.
    assert told.splitlines() == ["refused", "['/dev/null']"]
