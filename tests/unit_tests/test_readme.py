"""README and class docstring tell the truth: their Python runs as it stands."""

from __future__ import annotations

import asyncio
import inspect
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import langchain_aimlapi
from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str = README) -> list[str]:
    """Code blocks, each on the line where it stands in the text."""
    return [
        "\n" * text.count("\n", 0, found.start(2)) + textwrap.dedent(found[2])
        for found in FENCE.finditer(text)
        if found[1] == language
    ]


def run(block: str, session: dict[str, Any]) -> None:
    exec(compile(block, "README.md", "exec", dont_inherit=True), session)


def test_every_python_block_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """All in one session and in order, as a reader would type them, on an emulated API."""
    emulator = Emulator(models=CODEX_ON_RESPONSES_ONLY)
    session: dict[str, Any] = {}
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        for block in blocks("python"):
            run(block, session)
            if "print(" in block and "except" not in block:
                assert capsys.readouterr().out.strip(), block.strip()
        (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
        pdf = session["pdf_block"](tmp_path / "report.pdf")
        session["llm"].invoke([{"role": "user", "content": [pdf]}])
        session["llm"].close()
    assert emulator.requests[-1].json["messages"][0]["content"][0]["type"] == "file"
    spoken = {request.dialect for request in emulator.requests if request.method == "POST"}
    assert spoken == {"chat_completions", "responses"}
    assert {request.status for request in emulator.requests} == {200}


def test_every_block_of_the_class_docstring_runs(monkeypatch: pytest.MonkeyPatch):
    emulator = Emulator()
    session: dict[str, Any] = {}
    found = blocks("python", inspect.getdoc(ChatAIMLAPI) or "")
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        for block in found:
            run(block, session)
        asyncio.run(session["main"]())
        session["llm"].close()
    assert session["answer"].response_metadata["cost"]["usd"] > 0
    spoken = {request.dialect for request in emulator.requests if request.method == "POST"}
    assert spoken == {"chat_completions", "responses"}
    assert {request.status for request in emulator.requests} == {200}


def test_the_pytest_example_passes(aimlapi_emulator: Emulator):
    (example,) = [block for block in blocks("python") if "def test_" in block]
    session: dict[str, Any] = {}
    run("from langchain_aimlapi import ChatAIMLAPI", session)
    run("from langchain_aimlapi.emulator import Reply", session)
    run(example, session)
    session["test_greeting"](aimlapi_emulator)
    assert len(aimlapi_emulator.requests) == 1


def test_the_two_commands_are_one_line_each():
    """`.ci/run` takes them from here by their beginning and end, and runs them as they stand."""
    prepare = "python3 -m venv .venv && .venv/bin/python -m pip install -q "
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert commands == [
        prepare + '. && .venv/bin/python -m langchain_aimlapi "Why is the sky blue?"',
        prepare + "'.[test]' && .venv/bin/python -m pytest",
    ]


def test_the_table_of_models_says_what_the_profiles_say():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in README.splitlines()
        if line.startswith("| `openai/")
    ]
    assert {row[0].split("`")[1] for row in rows} == set(PROFILES)
    for row in rows:
        profile = PROFILES[row[0].split("`")[1]]
        output = profile.get("max_output_tokens")
        assert row[2] == ("not published" if output is None else f"{output:,}")
        assert row[3] == ("yes" if profile["reasoning_output"] else "no")
        assert row[4] == ("yes" if profile["temperature"] else "no")
        if "max_input_tokens" in profile:
            assert row[1] == f"{profile['max_input_tokens']:,}"


def test_the_line_of_facts_says_what_the_package_declares():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    (core,) = re.findall(r'"langchain-core>=([\d.]+),', project)
    (licence,) = re.findall(r'^license = "(\w+)"', project, re.MULTILINE)
    pythons = f"Python {versions[0]} to {versions[-1]}"
    facts = f"{pythons} · langchain-core {core} or newer · typed · {licence}"
    assert facts in README.splitlines()
    assert f'requires-python = ">={versions[0]}"' in project
    assert (ROOT / "langchain_aimlapi" / "py.typed").exists()


def test_every_notebook_is_listed():
    listed = re.findall(r"^\| \[.*\]\(cookbook/(\w+\.ipynb)\)", README, re.MULTILINE)
    assert listed == sorted(path.name for path in (ROOT / "cookbook").glob("*.ipynb"))


def test_names_in_the_text_exist():
    errors = set(re.findall(r"\bAIMLAPI\w*Error\b", README))
    assert errors <= set(langchain_aimlapi.__all__)
    package = ROOT / "langchain_aimlapi"
    (path,) = [block for block in blocks("text") if "chat_models.py" in block]
    named = re.findall(r"^(\S+?),? ", path.strip(), re.MULTILINE)
    assert len(named) == len(path.strip().splitlines())
    for name in named:
        assert (package / name).exists() or (package / f"{name}.py").exists(), name
