"""`python -m langchain_aimlapi`: live with a key, on the emulator without one."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_aimlapi import __version__
from langchain_aimlapi.__main__ import main
from langchain_aimlapi._dialects.routing import forget
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.emulator import Emulator, Fault, Reply

FULL = Path("/dev/full")
CODEX = "openai/gpt-5-1-codex"


@pytest.fixture(autouse=True)
def _nothing_learned():
    yield
    forget()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch):
    """An API at another address, with a key for it in the environment."""
    emulator = Emulator()
    with emulator.serve() as server:
        monkeypatch.setenv("AIML_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        yield emulator


def table(out: str) -> dict[str, list[str]]:
    """The table's rows by their first cell."""
    lines = out[out.index("step  ") :].splitlines()
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[:-1]]
    assert rows[0] == ["step", "endpoint", "tokens in", "out", "USD", "seconds"]
    return {row[0]: row[1:] for row in rows[1:]}


def test_without_a_key_the_emulator_answers_and_says_so(capsys: pytest.CaptureFixture[str]):
    assert main(["Why is grass green?"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("OFFLINE")
    assert "LIVE" not in out
    assert out.count('heard: "Why is grass green?"') == len(PROFILES)
    assert "multiply({'a': 6, 'b': 7}) = 42" in out
    rows = table(out)
    assert list(rows) == [*PROFILES, "batch of 3", "tool call", "structured answer"]
    assert rows["openai/gpt-5-1"][0] == "chat_completions"
    assert rows[CODEX][0] == "responses"
    for cells in rows.values():
        assert int(cells[1]) > 0
        assert int(cells[2]) > 0
        assert float(cells[3]) > 0
    total = sum(float(cells[3]) for cells in rows.values())
    assert float(out.splitlines()[-1].split()[2]) == pytest.approx(total, abs=1e-5)


@pytest.mark.enable_socket
def test_with_a_key_it_is_live_and_says_so(
    live: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["--model", CODEX, "--model", "openai/gpt-5-1", "Hi"]) == 0
    out = capsys.readouterr().out
    first = out.splitlines()[0]
    assert first.startswith("LIVE: http://127.0.0.1:")
    assert "bills the key in AIML_API_KEY" in first
    assert live.api_key not in out
    assert list(table(out))[:2] == [CODEX, "openai/gpt-5-1"]
    assert {request.json["model"] for request in live.requests} == {CODEX, "openai/gpt-5-1"}
    assert live.requests[0].json["messages"] == [{"role": "user", "content": "Hi"}]


@pytest.mark.enable_socket
def test_a_price_that_is_not_told_is_no_zero(live: Emulator, capsys: pytest.CaptureFixture[str]):
    live.script(Reply("Untold.", cost=None))
    assert main(["--model", CODEX]) == 0
    out = capsys.readouterr().out
    assert table(out)[CODEX][3] == "-"
    assert out.rstrip().endswith("and what the gateway did not tell.")


@pytest.mark.enable_socket
def test_an_error_is_one_line(live: Emulator, capsys: pytest.CaptureFixture[str]):
    live.balance_usd = 0
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert "step  " not in out
    assert err.startswith("Error: ")
    assert "Top up at https://aimlapi.com/app/billing" in err
    assert len(err.splitlines()) == 1
    assert len(live.requests) == 1


@pytest.mark.enable_socket
def test_a_model_that_fails_does_not_stop_the_others(
    live: Emulator, capsys: pytest.CaptureFixture[str]
):
    assert main(["--model", "openai/gpt-0", "--model", CODEX]) == 1
    out, err = capsys.readouterr()
    assert "gpt-0" in err
    assert len(err.splitlines()) == 1
    assert next(iter(table(out))) == CODEX


@pytest.mark.enable_socket
def test_no_model_that_answers_ends_it(live: Emulator, capsys: pytest.CaptureFixture[str]):
    live.script(Fault.status(400, message="Body validation error\nInvalid enum value"))
    assert main(["--model", CODEX]) == 1
    out, err = capsys.readouterr()
    assert "step  " not in out
    assert "Body validation error Invalid enum value" in err
    assert len(err.splitlines()) == 1


@pytest.mark.enable_socket
def test_an_answer_that_is_no_object_is_an_error(
    live: Emulator, capsys: pytest.CaptureFixture[str]
):
    def spoil(request):
        return Reply("no JSON at all") if "response_format" in request.json else None

    live.respond_with(spoil)
    assert main(["--model", "openai/gpt-5-1"]) == 1
    assert "no JSON at all" in capsys.readouterr().err


def test_interrupting_it_is_quiet(monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("langchain_aimlapi.__main__._stream", interrupt)
    assert main([]) == 130


def test_it_runs_as_a_module():
    command = [sys.executable, "-W", "error", "-m", "langchain_aimlapi", "--model", CODEX, "Hi"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OFFLINE")


COMMAND = [sys.executable, "-W", "error", "-m", "langchain_aimlapi"]


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=100, check=False, **options
    )


def pipe(monkeypatch: pytest.MonkeyPatch, piped: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))


def test_text_comes_from_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    pipe(monkeypatch, "\ufeff  Grüße?\n".encode())
    assert main(["--model", CODEX, "-"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert 'heard: "Grüße?"' in out


@pytest.mark.parametrize("prompt", ["", " \n"])
def test_no_text_is_no_prompt(capsys: pytest.CaptureFixture[str], prompt):
    assert main([prompt]) == 2
    assert capsys.readouterr() == ("", "Error: there is no text.\n")


@pytest.mark.parametrize(
    ("name", "value"), [("AIMLAPI_API_BASE", "http://example.com/v1"), ("AIMLAPI_API_KEY", "a b")]
)
def test_nobody_is_said_to_answer_where_key_or_address_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name, value
):
    monkeypatch.setenv("AIMLAPI_API_KEY", "key")
    monkeypatch.setenv(name, value)
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert out.strip() == ""
    assert err.startswith("Error: ")


def test_an_empty_pipe_is_no_prompt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    pipe(monkeypatch, b" \n")
    assert main(["-"]) == 2
    assert capsys.readouterr() == ("", "Error: there is no text on standard input.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of POSIX")
def test_no_standard_input_is_an_empty_one():
    closed = (
        "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", closed, *COMMAND[1:], "-"]
    done = subprocess.run(command, capture_output=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"Error: there is no text on standard input.\n"


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_said():
    with FULL.open("wb") as full:
        done = subprocess.run(COMMAND, stdout=full, stderr=-1, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (1, b"Error: No space left on device\n")


def test_a_console_that_lacks_a_sign_shows_another():
    done = run("--model", CODEX, "5 €?", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'heard: "5 ??"' in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")
def test_a_reader_that_goes_ends_it_quietly():
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=100) == 141


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")
@pytest.mark.parametrize("module", ["langchain_aimlapi", "langchain_aimlapi.emulator"])
def test_ctrl_c_while_it_loads_is_quiet(module):
    """Python imports for a second before the first line: whoever interrupts then sees no trace."""
    code = (
        "import builtins, os, runpy, signal, sys\n"
        "real = builtins.__import__\n"
        "def interrupted(name, *more, **options):\n"
        "    if name == 'argparse':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *more, **options)\n"
        "builtins.__import__ = interrupted\n"
        f"runpy.run_module({module!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=100, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_an_offline_run_never_sends_people_to_the_api(capsys: pytest.CaptureFixture[str]):
    assert main(["--model", "openai/gpt-0", "--model", CODEX, "Hi"]) == 1
    out, err = capsys.readouterr()
    assert "the emulator answers with HTTP 404" in err
    assert "gpt-0" in err
    assert "aimlapi.com" not in out + err


def test_version(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out.strip()) == (0, __version__)


def test_help(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "--model ID" in out
    assert "doctor [-h] [--yes] [--all]" in out
    assert "AIMLAPI_API_KEY" in out
