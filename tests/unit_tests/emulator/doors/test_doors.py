"""The socket door, the command line, the pytest plugin, and what an import costs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from langchain_aimlapi.emulator import Answer, Emulator, Fault, Reply
from langchain_aimlapi.emulator.doors.server import EmulatorServer

KEYED = {"authorization": "Bearer emulator-key"}
BODY = {"model": "openai/gpt-5-1", "messages": [{"role": "user", "content": "Hello"}]}
ROOT = Path(__file__).resolve().parents[4]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def client_of(server, **options):
    return httpx.Client(base_url=server.base_url, headers=KEYED, trust_env=False, **options)


@pytest.mark.enable_socket
def test_one_connection_serves_many_requests(emulator):
    with emulator.serve() as server, client_of(server) as client:
        for stream in (False, True, False):
            reply = client.post("/chat/completions", json={**BODY, "stream": stream})
            assert reply.status_code == 200
        assert client.get("/models").status_code == 200
        tag = client.get("/models").headers["etag"]
        assert client.get("/models", headers={"if-none-match": tag}).status_code == 304
        assert (server.accepted, server.open_connections) == (1, 1)
        assert server.connection() == {
            "api_key": "emulator-key",
            "base_url": f"http://127.0.0.1:{server.port}/v1",
        }
    assert server.wait_for_connections(0)


@pytest.mark.enable_socket
@pytest.mark.parametrize(("host", "told"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_the_address_told_is_one_to_connect_to(emulator, host, told):
    try:
        server = emulator.serve(host)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with server, client_of(server) as client:
        assert server.base_url == f"http://{told}:{server.port}/v1"
        assert client.get("/models").status_code == 200


@pytest.mark.enable_socket
def test_what_cannot_be_carried_out_ends_the_connection(emulator):
    """A client that waits for its time-out would not see why."""
    own = Fault("own", make=lambda _: Answer(42, {}))
    emulator.script(own, Fault.status(204, message="No body goes with it."))
    with emulator.serve() as server, client_of(server, timeout=20) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/chat/completions", json=BODY)
        assert client.post("/chat/completions", json=BODY).content == b""


@pytest.mark.enable_socket
def test_both_doors_say_the_same():
    answers = []
    for door in ("memory", "socket"):
        emulator = Emulator(seed=0, clock=lambda: 0.0).script(Reply("Grüße"), Reply("Grüße"))
        server = emulator.serve() if door == "socket" else None
        client = (
            client_of(server) if server else emulator.client(headers=KEYED, base_url="http://x/v1")
        )
        with client:
            for stream in (False, True):
                response = client.post("/chat/completions", json={**BODY, "stream": stream})
                headers = dict(response.headers)
                headers.pop("content-length", None)
                headers.pop("transfer-encoding", None)
                answers.append((door, response.content, headers))
        if server:
            server.close()
    assert [a[1:] for a in answers[:2]] == [a[1:] for a in answers[2:]]


@pytest.mark.enable_socket
def test_a_client_that_goes_away_is_noticed(emulator):
    emulator.script(Fault.stall(1))
    with emulator.serve() as server, client_of(server) as client:
        with client.stream("POST", "/chat/completions", json={**BODY, "stream": True}) as response:
            parts = response.iter_raw()
            next(parts)
            assert server.open_connections == 1
        assert server.wait_for_connections(0)


@pytest.mark.enable_socket
@pytest.mark.parametrize("ending", [None, Fault.reset(), Fault.bad_framing(1)])
def test_a_connection_counts_until_its_file_is_closed(emulator, monkeypatch, ending):
    files = []

    def closed(server, connection):
        files.append(connection._transport.get_extra_info("socket").fileno())
        count_out(server, connection)

    count_out = EmulatorServer.closed
    monkeypatch.setattr(EmulatorServer, "closed", closed)
    if ending is not None:
        emulator.script(ending)
    with emulator.serve() as server, client_of(server) as client:
        with suppress(httpx.TransportError):
            client.post("/chat/completions", json={**BODY, "stream": True})
        client.close()
        assert server.wait_for_connections(0)
    assert files == [-1]


@pytest.mark.enable_socket
def test_a_client_that_hangs_up_is_written_to_no_more(emulator, caplog):
    hung_up = threading.Event()
    with emulator.serve() as server, socket.socket() as client:
        client.connect((server.host, server.port))

        def hang_up(_):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            hung_up.set()
            return Fault.dribble()

        emulator.script(hang_up)
        body = json.dumps({**BODY, "stream": True})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        client.sendall(f"{head}authorization: {KEYED['authorization']}\r\n\r\n{body}".encode())
        assert hung_up.wait(30)
        assert server.wait_for_connections(0)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.enable_socket
async def test_hundreds_of_open_streams(emulator):
    emulator.respond_with(lambda _: Fault.stall(3))
    limits = httpx.Limits(max_connections=None)
    with emulator.serve() as server:
        async with httpx.AsyncClient(
            base_url=server.base_url, headers=KEYED, limits=limits, timeout=30, trust_env=False
        ) as client:

            async def first_bytes():
                request = client.build_request(
                    "POST", "/chat/completions", json={**BODY, "stream": True}
                )
                response = await client.send(request, stream=True)
                parts = response.aiter_raw()
                return response, parts, await anext(parts)

            opened = await asyncio.gather(*(first_bytes() for _ in range(300)))
            assert server.open_connections == 300
            assert all(data.startswith(b"data: ") for *_, data in opened)
            await asyncio.gather(*(response.aclose() for response, *_ in opened))
            assert await asyncio.to_thread(server.wait_for_connections, 0)
        assert server.accepted == 300


@pytest.mark.enable_socket
def test_closing_drops_open_streams(emulator):
    emulator.script(Fault.stall(1))
    server = emulator.serve()
    with (
        client_of(server, timeout=30) as client,
        client.stream("POST", "/chat/completions", json={**BODY, "stream": True}) as response,
    ):
        parts = response.iter_raw()
        next(parts)
        server.close()
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            next(parts)
    server.close()
    assert server.open_connections == 0


def test_many_threads_are_billed_to_the_credit(emulator):
    emulator.respond_with(lambda _: Reply("x", cost=7))
    with emulator.client(headers=KEYED, base_url="http://x/v1") as client:
        with ThreadPoolExecutor(16) as pool:
            calls = [pool.submit(client.post, "/chat/completions", json=BODY) for _ in range(200)]
        assert {call.result().status_code for call in calls} == {200}
    assert sum(entry.credits for entry in emulator.ledger) == 1400
    assert emulator.balance_usd == 100 - 1400 / 2_000_000
    assert len({entry.inference_id for entry in emulator.ledger}) == 200


@pytest.mark.enable_socket
def test_a_scripts_exception_is_told(emulator):
    def broken(_):
        raise KeyError("oops")

    emulator.script(broken, broken)
    with emulator.serve() as server, client_of(server) as client:
        reply = client.post("/chat/completions", json=BODY)
    assert (reply.status_code, "KeyError: 'oops'" in reply.text) == (500, True)
    with (
        emulator.client(headers=KEYED, base_url="http://x/v1") as client,
        pytest.raises(KeyError, match="oops"),
    ):
        client.post("/chat/completions", json=BODY)


@pytest.mark.enable_socket
def test_what_is_no_http_is_dropped(emulator):
    with emulator.serve() as server:
        with socket.create_connection((server.host, server.port)) as sock:
            sock.settimeout(10)
            sock.sendall(b"this is no HTTP\r\n\r\n")
            assert sock.recv(100) == b""
        assert server.wait_for_connections(0)


@pytest.mark.enable_socket
def test_pipelined_requests_are_answered_in_turn(emulator):
    with emulator.serve() as server, socket.create_connection((server.host, server.port)) as sock:
        sock.settimeout(10)
        get = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
        close = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        sock.sendall(get + close)
        data = b""
        while part := sock.recv(65536):
            data += part
    assert data.count(b"HTTP/1.1 200") == 2


def test_the_pytest_plugin(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import httpx\n"
        "def test_memory(aimlapi_emulator):\n"
        "    with aimlapi_emulator.client(base_url='http://x') as client:\n"
        "        assert client.get('/v1/models').status_code == 200\n"
        "def test_socket(aimlapi_emulator, aimlapi_emulator_server):\n"
        "    assert aimlapi_emulator_server.emulator is aimlapi_emulator\n"
        "    with httpx.Client(trust_env=False) as client:\n"
        "        url = aimlapi_emulator_server.base_url + '/models'\n"
        "        assert client.get(url).status_code == 200\n"
    )
    plugin = ["-p", "langchain_aimlapi.emulator.pytest_plugin"]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-c",
            os.devnull,
            *plugin,
            "test_it.py",
        ],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_plugin_imports_nothing_until_a_fixture_is_asked_for():
    code = (
        "import sys, langchain_aimlapi.emulator.pytest_plugin\n"
        "ours = sorted(m for m in sys.modules if m.startswith('langchain_aimlapi'))\n"
        "heavy = {'httpx', 'h11', 'anyio', 'pydantic', 'langchain_core'} & set(sys.modules)\n"
        "print(ours, heavy)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == (
        "['langchain_aimlapi', 'langchain_aimlapi._version', 'langchain_aimlapi.emulator', "
        "'langchain_aimlapi.emulator.pytest_plugin'] set()"
    )


def test_the_emulator_shares_no_code_with_the_client():
    code = (
        "import sys, langchain_aimlapi.emulator as e\n"
        "for name in e.__all__: getattr(e, name)\n"
        "mine = 'langchain_aimlapi.emulator'\n"
        "print([m for m in sys.modules if m.startswith('langchain_aimlapi.')"
        " and not m.startswith(mine)])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "['langchain_aimlapi._version']"


def test_public_names():
    import langchain_aimlapi.emulator as package

    assert sorted(package.__all__) == sorted(package._HOMES)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Emulatr'"):
        package.Emulatr  # noqa: B018


@pytest.mark.enable_socket
def test_no_thread_is_left(emulator):
    with emulator.serve() as server:
        names = {thread.name for thread in threading.enumerate()}
        assert f"aimlapi-emulator-{server.port}" in names
    assert f"aimlapi-emulator-{server.port}" not in {t.name for t in threading.enumerate()}


@pytest.mark.enable_socket
def test_a_request_for_the_head_alone_gets_no_body(emulator):
    with emulator.serve() as server, client_of(server) as socket_client:
        for client in (socket_client, emulator.client(base_url=server.base_url)):
            for path, status in (("models", 200), ("models", 200), ("unheard-of", 404)):
                response = client.head(path, timeout=20)
                assert (response.status_code, response.content) == (status, b"")
