"""`python -m langchain_aimlapi.emulator`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from langchain_aimlapi import __version__
from langchain_aimlapi.emulator import Emulator, LedgerEntry, RecordedRequest, Usage
from langchain_aimlapi.emulator.__main__ import _write, log_line, main
from langchain_aimlapi.emulator.answers.rules import RULES

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
FULL = Path("/dev/full")
MODEL = "openai/gpt-5-1"
CODEX = "openai/gpt-5-1-codex"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}


@contextlib.contextmanager
def served(*options: str, **popen):
    """A server process and a client for it; the process is interrupted at the end."""
    command = [sys.executable, "-W", "error", "-m", "langchain_aimlapi.emulator", "--port", "0"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        **popen,
    )
    try:
        address = process.stdout.readline().split()[-1]
        headers = {"authorization": "Bearer emulator-key"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def stopped(process: subprocess.Popen) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=30)
    return code, process.stdout.read(), process.stderr.read()


@pytest.mark.enable_socket
def test_it_serves_until_interrupted():
    options = ("--codex", "responses", "--balance", "1", "--api-key", "k")
    with served(*options) as (process, client):
        client.headers["authorization"] = "Bearer k"
        assert client.post("/chat/completions", json=BODY).status_code == 200
        assert client.post("/chat/completions", json={**BODY, "model": CODEX}).status_code == 404
        host = str(client.base_url).rstrip("/").removesuffix("/v1")
        assert client.get(f"{host}/v2/billing").json()["current_balance"] < 1
        code, out, err = stopped(process)
    assert (code, err) == (0, "")
    assert f"AIMLAPI_API_BASE={host}/v1" in out
    assert 'AIMLAPI_API_KEY="..."  # the one given' in out


@pytest.mark.enable_socket
def test_it_logs_each_request_and_plays_a_script(tmp_path):
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps([{"reply": "From the file."}, {"fault": "free_tier"}, {"fault": "disconnect"}])
    )
    with served("--script", str(script)) as (process, client):
        reply = client.post("/chat/completions", json=BODY)
        assert reply.json()["choices"][0]["message"]["content"] == "From the file."
        client.post("/chat/completions", json=BODY)
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/chat/completions", json=BODY)
        client.get("/models")
        _, out, _ = stopped(process)
    lines = [line for line in out.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert [line.split(" ", 1)[1] for line in lines] == [
        f"POST /v1/chat/completions {MODEL} 200 {_tokens(reply)} tokens {_cost(reply)} USD",
        f"POST /v1/chat/completions {MODEL} 429",
        f"POST /v1/chat/completions {MODEL} no answer",
        "GET /v1/models 200",
    ]


def _tokens(reply: httpx.Response) -> str:
    usage = reply.json()["usage"]
    return f"{usage['prompt_tokens']}+{usage['completion_tokens']}"


def _cost(reply: httpx.Response) -> str:
    return f"{reply.json()['meta']['usage']['usd_spent']:.6f}"


@pytest.mark.enable_socket
def test_quiet_logs_nothing():
    with served("--quiet") as (process, client):
        client.get("/models")
        _, out, _ = stopped(process)
    assert "/v1/models" not in out


@pytest.mark.enable_socket
def test_it_serves_on_when_nobody_reads_its_log():
    with served() as (process, client):
        process.stdout.close()
        for _ in range(3):
            assert client.post("/chat/completions", json=BODY).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


@pytest.mark.enable_socket
def test_ids_are_the_same_for_the_same_seed():
    def first(*options: str) -> str:
        with served(*options) as (_, client):
            return client.post("/chat/completions", json=BODY).json()["id"]

    assert first("--seed", "7") == first("--seed", "7") != first()


def test_a_log_line_is_one_line_whatever_was_sent():
    request = RecordedRequest("POST", "/v1/chat/completions\n\x1b[2J", status=200)
    entry = LedgerEntry(
        "inf_1", None, "a\r\nmodel", "chat_completions", 200, Usage(5, 7), 2_000, 0.0
    )
    line = log_line(request, entry, 0.0)
    assert line.isprintable()
    assert line.endswith("POST /v1/chat/completions??[2J a??model 200 5+7 tokens 0.001000 USD")
    request = RecordedRequest("POST", "/v1/responses", status=400)
    entry = LedgerEntry("inf_1", None, "", "responses", 400, None, 0, 0.0)
    assert log_line(request, entry, 0.0).endswith("POST /v1/responses 400")


@pytest.mark.enable_socket
def test_a_taken_port_is_said(capsys):
    with Emulator().serve() as server:
        assert main(["--port", str(server.port)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Cannot listen on 127.0.0.1:{server.port}: ")
    assert "while" not in said


@pytest.mark.parametrize("port", ["65536", "-1", "eighty", "1e3", "٣"])
def test_what_is_no_port_is_said(capsys, port):
    with pytest.raises(SystemExit) as ended:
        main([f"--port={port}"])
    assert ended.value.code == 2
    assert "is no port" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a\n"])
def test_what_is_no_key_is_said(capsys, key):
    with pytest.raises(SystemExit) as ended:
        main([f"--api-key={key}"])
    assert ended.value.code == 2
    assert "a key is ASCII text without white space" in capsys.readouterr().err
    with pytest.raises(ValueError, match="ASCII text without white space"):
        Emulator(api_key=key)


@pytest.mark.parametrize("amount", ["nan", "inf", "1e999", "much"])
def test_what_is_no_amount_is_said(capsys, amount):
    with pytest.raises(SystemExit) as ended:
        main([f"--balance={amount}"])
    assert ended.value.code == 2
    assert "is no amount" in capsys.readouterr().err


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_log_alone(monkeypatch):
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        _write("lost")
        _write("not missed")


def test_a_script_that_is_none_is_said(capsys, tmp_path):
    script = tmp_path / "script.json"
    assert main(["--script", str(script)]) == 1
    assert capsys.readouterr().err == f"Cannot read {script}: No such file or directory\n"
    script.write_text('[{"reply": {"txt": "x"}}]')
    assert main(["--script", str(script)]) == 1
    assert "script[0].reply: Unrecognized key(s) in object: 'txt'" in capsys.readouterr().err


def test_help_tells_the_default_rules(capsys):
    for option, said in (("--help", RULES), ("--version", __version__)):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0
        assert said in capsys.readouterr().out
