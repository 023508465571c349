"""A coding agent on a codex model mends a program, on each endpoint, with tools that really act."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.routing import forget
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator, Reply, ToolCall

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = "def mean(numbers):\n    return sum(numbers) / (len(numbers) - 1)\n"
MENDED = "def mean(numbers):\n    return sum(numbers) / len(numbers)\n"
CHECK = "from stats import mean\nassert mean([1, 2, 3]) == 2, mean([1, 2, 3])\nprint('passed')\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stats.py").write_text(BROKEN)
    (tmp_path / "check.py").write_text(CHECK)
    return tmp_path


@pytest.fixture(autouse=True)
def new_process():
    forget()
    yield
    forget()


def tools_in(project: Path):
    @tool
    def read_file(name: str) -> str:
        """Read a file of the project."""
        return (project / name).read_text()

    @tool
    def write_file(name: str, text: str) -> str:
        """Write a file of the project."""
        (project / name).write_text(text)
        return f"{len(text)} characters written"

    @tool
    def run_python(name: str) -> str:
        """Run a Python file of the project; return its output."""
        ran = subprocess.run(
            [sys.executable, name], cwd=project, capture_output=True, text=True, check=False
        )
        return ran.stdout + ran.stderr

    return [read_file, write_file, run_python]


STEPS = (
    Reply(
        reasoning="First see it fail.",
        tool_calls=[ToolCall("run_python", {"name": "check.py"})],
    ),
    Reply(
        reasoning="Two too many. Look at the code.",
        tool_calls=[ToolCall("read_file", {"name": "stats.py"})],
    ),
    Reply(
        reasoning="The divisor is off by one.",
        tool_calls=[
            ToolCall("write_file", {"name": "stats.py", "text": MENDED}),
        ],
    ),
    Reply(reasoning="Check.", tool_calls=[ToolCall("run_python", {"name": "check.py"})]),
    Reply("Fixed: the mean divided by one less than the count."),
)


def reasoning_items(request) -> list[dict]:
    return [item for item in request.json["input"] if item.get("type") == "reasoning"]


@pytest.mark.parametrize("model", ["openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini"])
@pytest.mark.parametrize("endpoint", ["chat_completions", "responses", "learned"])
@pytest.mark.parametrize("streaming", [False, True])
def test_the_agent_mends_the_program(project, model, endpoint, streaming):
    models = CODEX_ON_RESPONSES_ONLY if endpoint == "learned" else None
    emulator = Emulator(models=models).script(*STEPS)
    llm = ChatAIMLAPI(
        model=model,
        streaming=streaming or None,
        use_responses_api=None if endpoint == "learned" else endpoint == "responses",
        **emulator.connection(),
    )
    agent = create_agent(llm, tools_in(project), system_prompt="You mend Python programs.")
    messages = agent.invoke({"messages": [("user", "check.py fails. Mend it.")]})["messages"]
    emulator.assert_done()

    assert (project / "stats.py").read_text() == MENDED
    results = [message.content for message in messages if isinstance(message, ToolMessage)]
    assert "AssertionError: 3.0" in results[0]
    assert results[1] == BROKEN
    assert results[3] == "passed\n"
    assert messages[-1].content.startswith("Fixed")
    answers = [message for message in messages if isinstance(message, AIMessage)]
    spoken = "chat_completions" if endpoint == "chat_completions" else "responses"
    assert {answer.response_metadata["endpoint"] for answer in answers} == {spoken}
    assert [answer.response_metadata["attempts"] for answer in answers] == (
        [2, 1, 1, 1, 1] if endpoint == "learned" else [1] * 5
    )
    assert [block["type"] for block in answers[0].content_blocks] == ["reasoning", "tool_call"]
    taken = [request for request in emulator.requests if request.status == 200]
    if spoken == "responses":
        for turn, request in enumerate(taken):
            items = reasoning_items(request)
            assert [item["summary"][0]["text"] for item in items] == [
                step.reasoning for step in STEPS[:turn]
            ]
            assert all(item["encrypted_content"] for item in items)
    else:
        second = [m for m in taken[1].json["messages"] if m["role"] == "assistant"]
        assert [m["reasoning_content"] for m in second] == ["First see it fail."]
