"""README, pages and class docstring tell the truth: their Python runs as it stands."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import langchain_aimlapi
from langchain_aimlapi import AIMLAPIInvalidRequestError, ChatAIMLAPI
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator
from langchain_aimlapi.emulator.account.ledger import CREDITS_PER_USD, EXAMPLE_PRICES
from langchain_aimlapi.emulator.answers.rules import RULES
from langchain_aimlapi.emulator.scripts.script_file import read_script

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = {
    name: (ROOT / "cookbook" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("emulator", "tracing")
}
THIRD_PARTY = {"openinference", "opentelemetry", "langfuse", "vcr"}
"""What blocks import that the tests of third parties run."""
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str = README) -> list[str]:
    """Code blocks, each on the line where it stands in the text."""
    return [
        "\n" * text.count("\n", 0, found.start(2)) + textwrap.dedent(found[2])
        for found in FENCE.finditer(text)
        if found[1] == language
    ]


def needs(block: str) -> set[str]:
    """The packages that a block imports."""
    nodes = list(ast.walk(ast.parse(block)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulated API that the environment leads to."""
    emulator = Emulator(models=CODEX_ON_RESPONSES_ONLY)
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        monkeypatch.chdir(ROOT)
        yield emulator


def run(block: str, session: dict[str, Any]) -> None:
    exec(compile(block, "README.md", "exec", dont_inherit=True), session)


@pytest.mark.enable_socket
def test_every_python_block_runs(
    served: Emulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """All in one session and in order, as a reader would type them, on an emulated API."""
    session: dict[str, Any] = {}
    for block in blocks("python"):
        if needs(block) & THIRD_PARTY:
            continue
        run(block, session)
        if "print(" in block and "except" not in block:
            assert capsys.readouterr().out.strip(), block.strip()
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
    pdf = session["pdf_block"](tmp_path / "report.pdf")
    session["llm"].invoke([{"role": "user", "content": [pdf]}])
    session["llm"].close()
    assert served.requests[-1].json["messages"][0]["content"][0]["type"] == "file"
    spoken = {request.dialect for request in served.requests if request.method == "POST"}
    assert spoken == {"chat_completions", "responses"}
    refused = [request for request in served.requests if request.status != 200]
    # The codex model's way is found out with one refused request.
    assert [(request.status, request.dialect) for request in refused] == [(404, "chat_completions")]


@pytest.mark.enable_socket
@pytest.mark.parametrize("page", PAGES)
def test_every_python_block_of_a_page_runs(
    served: Emulator, capsys: pytest.CaptureFixture[str], page: str
):
    session: dict[str, Any] = {}
    for block in blocks("python", PAGES[page]):
        if not needs(block) & THIRD_PARTY and "trace." not in block:
            run(block, session)
    assert session
    assert served.requests == []
    if page == "emulator":
        assert capsys.readouterr().out == "Hello.\n{'city': 'Oslo'}\n"


def test_the_page_of_the_emulator_has_its_rules_and_a_script_that_is_one():
    assert f"<!-- rules -->\n\n{RULES}\n\n<!-- /rules -->" in PAGES["emulator"]
    (script,) = blocks("json", PAGES["emulator"])
    assert len(read_script(json.loads(script))) == 5


@pytest.mark.enable_socket
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
    run(example, session)
    session["test_greeting"](aimlapi_emulator)
    assert len(aimlapi_emulator.requests) == 1


@pytest.mark.enable_socket
def test_the_test_of_the_emulator_page_passes(
    aimlapi_emulator: Emulator, aimlapi_emulator_server: Any, monkeypatch: pytest.MonkeyPatch
):
    (example,) = [block for block in blocks("python", PAGES["emulator"]) if "def test_" in block]
    session: dict[str, Any] = {}
    run(example.replace("@pytest.fixture\n", "\n"), session)
    gateway = session["gateway"](aimlapi_emulator, aimlapi_emulator_server, monkeypatch)
    session["test_greet"](gateway)
    with pytest.raises(AIMLAPIInvalidRequestError, match="not scripted"):
        session["greet"]("Bob")


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
    assert [row[0].split("`")[1] for row in rows] == list(PROFILES)
    for row in rows:
        model = row[0].split("`")[1]
        profile, price = PROFILES[model], EXAMPLE_PRICES[model]
        window = profile["max_input_tokens"] + profile["max_output_tokens"]
        assert row[2:4] == [f"{window:,}", f"{profile['max_output_tokens']:,}"]
        if "chat-latest" not in model:
            shown = (f"{part / CREDITS_PER_USD:g}" for part in price[:2])
            assert row[4] == " / ".join(shown)
        assert row[5] == ("yes" if profile["reasoning_output"] else "no")
        assert row[6] == ("responses" if "codex" in model else "both")


def test_the_table_of_features_says_what_the_profiles_say():
    lines = README.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("| Tool calling |"))
    names, marks = ([c.strip() for c in lines[n].strip("|").split("|")] for n in (at, at + 2))
    features = dict(
        zip(names, (mark == "\N{WHITE HEAVY CHECK MARK}" for mark in marks), strict=True)
    )
    for name, key in (
        ("Tool calling", "tool_calling"),
        ("Structured output", "structured_output"),
        ("Image input", "image_inputs"),
        ("Audio input", "audio_inputs"),
        ("Video input", "video_inputs"),
    ):
        assert {profile[key] for profile in PROFILES.values()} == {features[name]}


def test_it_is_read_in_ten_minutes():
    prose = FENCE.sub("", README)
    words = [
        word for line in prose.splitlines() if not line.startswith("|") for word in line.split()
    ]
    assert len(words) <= 2_500


def test_the_list_of_contents_has_all_sections():
    sections = re.findall(
        r"^## (.+)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE
    )
    listed = re.findall(r"^- \[(.+)\]\(#([\w-]+)\)$", README, re.MULTILINE)
    assert [name for name, _ in listed] == sections[: len(listed)]
    assert sections[len(listed) :] == ["Development"]
    for name, anchor in listed:
        assert anchor == name.lower().replace(" ", "-")


def test_links_lead_somewhere():
    for text, folder in ((README, ROOT), *((page, ROOT / "cookbook") for page in PAGES.values())):
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (folder / target).exists(), target


def test_the_price_of_a_hello_is_as_printed():
    (told,) = re.findall(r"# (\{'usd': .*\})$", README, re.MULTILINE)
    answer = ChatAIMLAPI(**Emulator().connection()).invoke("Hello")
    assert ast.literal_eval(told) == answer.response_metadata["cost"]


def test_the_agent_has_twelve_lines():
    (agent,) = [block for block in blocks("python") if "create_agent" in block]
    assert len([line for line in agent.splitlines() if line.strip()]) <= 12


def test_the_line_of_facts_says_what_the_package_declares():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    (core,) = re.findall(r'"langchain-core>=([\d.]+),', project)
    (licence,) = re.findall(r'^license = "(\w+)"', project, re.MULTILINE)
    pythons = f"Python {versions[0]} to {versions[-1]}"
    facts = f"{pythons} · langchain-core {core} or newer · typed · {licence}"
    assert any(line.startswith(facts) for line in README.splitlines())
    assert f'requires-python = ">={versions[0]}"' in project
    assert (ROOT / "langchain_aimlapi" / "py.typed").exists()


def test_every_notebook_is_listed():
    listed = re.findall(r"^\| \[.*\]\(cookbook/(\w+\.ipynb)\)", README, re.MULTILINE)
    assert listed == sorted(path.name for path in (ROOT / "cookbook").glob("*.ipynb"))


def test_names_in_the_text_exist():
    errors = set(re.findall(r"\bAIMLAPI\w*Error\b", README))
    assert errors <= set(langchain_aimlapi.__all__)
    package = ROOT / "langchain_aimlapi"
    path = next(block for block in blocks("text", CONTRIBUTING) if "chat_models.py" in block)
    named = re.findall(r"^(\S+?),? ", path.strip(), re.MULTILINE)
    assert len(named) == len(path.strip().splitlines())
    for name in named:
        assert (package / name).exists() or (package / f"{name}.py").exists(), name
