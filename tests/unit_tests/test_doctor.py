"""The doctor: what it checks, what it says, and that it does not spend without leave."""

from __future__ import annotations

import builtins
import platform
import re
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import account, doctor
from langchain_aimlapi._version import __version__
from langchain_aimlapi._wire import deprecations
from langchain_aimlapi.doctor import main, run_doctor
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, EMULATED_MODELS, Fault, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator import Emulator

ALL = list(EMULATED_MODELS)


@pytest.fixture(autouse=True)
def _fresh_catalogues() -> Iterator[None]:
    account._catalogues.clear()
    deprecations._feeds.clear()
    yield
    account._catalogues.clear()
    deprecations._feeds.clear()


def examine(emulator: Emulator, **options: Any) -> tuple[int, str]:
    """Run the doctor; return its exit status and its report."""
    written: list[str] = []
    status = run_doctor(**{**emulator.connection(), "write": written.append, **options})
    return status, "\n".join(written)


def calls(emulator: Emulator) -> list[str]:
    return [request.json["model"] for request in emulator.requests if request.method == "POST"]


def test_all_is_well(emulator):
    emulator.balance_usd = 12.345
    emulator.script(Reply("OK.", cost=2480))
    status, report = examine(emulator, assume_yes=True)
    assert status == 0
    (entry,) = emulator.ledger
    assert calls(emulator) == ["openai/gpt-5-1"]
    rows = report.splitlines()
    assert rows[0].split() == ["ok", "key", "from", "the", "arguments"]
    assert rows[1].split() == ["ok", "balance", "12.35", "USD"]
    assert [row.split()[:3] for row in rows[2:6]] == [["ok", "model", f"{name}:"] for name in ALL]
    assert all("openai/chat-completions" in row for row in rows[2:6])
    assert "0.001240000 USD, chat_completions" in rows[6]
    assert rows[7].split() == ["inference", "id", entry.inference_id]
    assert rows[8].split() == ["client", "request", "id", entry.client_request_id]
    assert emulator.api_key not in report


def test_every_model(emulator):
    emulator.models = CODEX_ON_RESPONSES_ONLY
    status, report = examine(emulator, assume_yes=True, every_model=True)
    assert status == 0
    assert [entry.model for entry in emulator.ledger] == ALL
    assert report.count("openai/responses/submit") == 2
    assert report.count("USD, responses") == 2


@pytest.mark.parametrize("agrees", [True, False])
def test_it_asks_before_it_spends(emulator, agrees):
    questions: list[str] = []

    def confirm(question: str) -> bool:
        questions.append(question)
        return agrees

    status, report = examine(emulator, confirm=confirm)
    assert status == 0
    assert questions == ["Call openai/gpt-5-1? It costs far less than 0.01 USD."]
    assert len(emulator.ledger) == agrees
    assert ("not made" in report) is not agrees


@pytest.mark.parametrize(
    ("typed", "made"), [("y", 1), (" YES ", 1), ("", 0), ("n", 0), ("yellow", 0), (None, 0)]
)
def test_the_terminal_is_asked(emulator, monkeypatch, typed, made):
    def answer(prompt: str) -> str:
        assert "[y/N]" in prompt
        if typed is None:
            raise EOFError
        return typed

    monkeypatch.setattr(builtins, "input", answer)
    status, _ = examine(emulator)
    assert status == 0
    assert len(emulator.ledger) == made


@pytest.mark.enable_socket
def test_on_this_machine_nothing_is_asked(emulator):
    with emulator.serve() as server:
        written: list[str] = []
        status = run_doctor(
            base_url=server.base_url, api_key=emulator.api_key, write=written.append
        )
    assert status == 0
    assert len(emulator.ledger) == 1


def test_no_key(emulator):
    status, report = examine(emulator, api_key=None)
    assert status == 1
    assert report.startswith("FAIL  key      Set AIMLAPI_API_KEY")
    for advice in ("https://aimlapi.com/app/keys", "python -m langchain_aimlapi.emulator"):
        assert advice in report
    assert emulator.requests == []


def test_a_wrong_key(emulator):
    status, report = examine(emulator, api_key="wrong-key-of-someone", assume_yes=True)
    assert status == 1
    assert "FAIL  balance" in report
    assert "https://aimlapi.com/app/keys" in report
    assert "wrong-key-of-someone" not in report
    assert calls(emulator) == []


def test_an_address_that_cannot_be_used(emulator):
    status, report = examine(emulator, base_url="ftp://example.com")
    assert status == 1
    assert "FAIL  setup" in report
    assert "base_url" in report


@pytest.mark.parametrize("balance", [0.0, -1.5])
def test_no_money(emulator, balance):
    emulator.balance_usd = balance
    status, report = examine(emulator, assume_yes=True)
    assert status == 1
    assert f"FAIL  balance  {balance:.2f} USD" in report
    assert "https://aimlapi.com/app/billing" in report
    assert calls(emulator) == []


def test_a_model_that_was_retired(emulator):
    emulator.models = {name: ALL_ENDPOINTS for name in ALL if "chat-latest" not in name}
    status, report = examine(emulator, assume_yes=True, every_model=True)
    assert status == 0
    assert "note  model    openai/gpt-5-1-chat-latest: not in the catalogue" in report
    assert calls(emulator) == [name for name in ALL if "chat-latest" not in name]


def test_what_replaces_a_model_that_was_retired(emulator):
    gone = {"id": "openai/gpt-5-1-chat-latest", "replaced_by": "openai/gpt-5-1"}
    going = {"id": "openai/gpt-5-1-codex", "status": "deprecated", "shutdown_at": "2027-01-31"}
    emulator.deprecations = [gone, going]
    emulator.models = {name: ALL_ENDPOINTS for name in ALL if "chat-latest" not in name}
    status, report = examine(emulator, assume_yes=True)
    assert status == 0
    assert (
        "openai/gpt-5-1-chat-latest: The API has withdrawn 'openai/gpt-5-1-chat-latest'. "
        "Use 'openai/gpt-5-1' instead."
    ) in report
    assert "note  model    The API is giving up 'openai/gpt-5-1-codex' on 2027-01-31." in report


ALL_ENDPOINTS = ("chat_completions", "responses")


def test_another_catalogue(emulator):
    emulator.models = {"another/model": ALL_ENDPOINTS}
    status, report = examine(emulator, assume_yes=True)
    assert status == 1
    assert "FAIL  models   None of the 1 models" in report
    assert "https://api.aimlapi.com/v1" in report
    assert calls(emulator) == []


def test_a_catalogue_that_cannot_be_read(emulator, monkeypatch):
    monkeypatch.setattr(account, "parse_models", lambda _: account.parse_balance({}))
    status, report = examine(emulator, assume_yes=True)
    assert status == 0
    assert "note  models   The catalogue could not be read." in report
    assert calls(emulator) == ["openai/gpt-5-1"]


def test_a_call_that_fails(emulator):
    emulator.script(Fault.out_of_credits(), Reply("OK.", cost=None))
    status, report = examine(emulator, assume_yes=True, every_model=True)
    assert status == 1
    assert re.search(r"FAIL  call     openai/gpt-5-1: .*https://aimlapi\.com/app/billing", report)
    assert "openai/gpt-5-1-chat-latest: price not told" in report


@pytest.mark.parametrize("key", [None, "wrong-key-of-someone"])
def test_the_versions_in_use_are_told_whatever_fails(emulator, key):
    status, report = examine(emulator, api_key=key, assume_yes=True)
    assert status == 1
    (row,) = [row for row in report.splitlines() if row.startswith("ok    versions")]
    for name in ("langchain-core", "langchain", "langgraph", "httpx", "httpcore", "pydantic"):
        assert f" {name} {metadata.version(name)}" in row
    assert f"Python {platform.python_version()}" in row
    assert f"langchain-aimlapi {__version__}" in row


@pytest.mark.parametrize(
    ("version", "tested", "is_newer"),
    [
        ("1.8.3", "1.8.3", False),
        ("1.8.10", "1.8.3", True),
        ("1.10.0", "1.9.9", True),
        ("1.8.3rc1", "1.8.3", False),
        ("1.8.3.post1", "1.8.3", False),
        ("2.0", "1.8.3", True),
        ("1.8", "1.8.3", False),
        ("3.13.9", "3.13", False),
        ("3.14.0a1", "3.13", True),
        ("0.9", "1.8.3", False),
    ],
)
def test_a_version_newer_than_any_tested_is_told(monkeypatch, version, tested, is_newer):
    monkeypatch.setattr(doctor, "NEWEST_TESTED", {"langchain-core": tested, "no-such-package": "1"})
    monkeypatch.setattr(doctor, "_versions", lambda: iter([("langchain-core", version)]))
    written: list[str] = []
    assert doctor.check_versions(written.append) == (["langchain-core"] if is_newer else [])
    notes = [row for row in written if row.startswith("note")]
    assert len(notes) == is_newer
    assert all(f"langchain-core {version} is newer than {tested}" in row for row in notes)


def test_a_newer_version_is_no_failure(emulator, monkeypatch):
    tested = {"Python": "3.9", "langchain-core": "1.0", "no-such-package": "1"}
    monkeypatch.setattr(doctor, "NEWEST_TESTED", tested)
    status, report = examine(emulator, assume_yes=True)
    assert status == 0
    assert "note  versions langchain-core" in report
    assert "no-such-package" not in report


def test_what_the_catalogue_says_of_limits():
    model = account.ModelInfo("a", context_length=400_000, max_output_tokens=128_000)
    assert doctor._describe(model) == "endpoint unknown, 400,000 tokens in, 128,000 out"


@pytest.mark.enable_socket
def test_the_command_line(emulator, monkeypatch, capsys):
    with emulator.serve() as server:
        monkeypatch.setenv("AIML_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        assert main(["--yes", "--all"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("ok    key      from AIML_API_KEY\n")
    assert [entry.model for entry in emulator.ledger] == ALL
    assert emulator.api_key not in report


def test_the_command_line_without_a_key(capsys):
    assert main([]) == 1
    assert "FAIL  key" in capsys.readouterr().out


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "langchain_aimlapi", "doctor"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL  key" in done.stdout
