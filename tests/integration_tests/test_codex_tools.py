"""A coding agent on a codex model mends a project with the tools it was trained with."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_aimlapi import AIMLAPIInvalidRequestError, ChatAIMLAPI
from langchain_aimlapi._dialects.routing import forget
from langchain_aimlapi.codex import apply_patch, custom_tool, grammar, shell_command
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator, Reply, ToolCall

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell"),
    pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental"),
]

BROKEN = "def mean(numbers):\n    return sum(numbers) / (len(numbers) - 1)\n"
MENDED = "def mean(numbers):\n    return sum(numbers) / len(numbers)\n"
CHECK = "from stats import mean\nassert mean([1, 2, 3]) == 2, mean([1, 2, 3])\nprint('passed')\n"
RUN = {"command": f"{sys.executable} -B check.py"}
PATCH = """\
*** Begin Patch
*** Update File: stats.py
@@ def mean(numbers):
-    return sum(numbers) / (len(numbers) - 1)
+    return sum(numbers) / len(numbers)
*** End Patch"""
WRONG = PATCH.replace("- 1)", "- 2)")
STEPS = (
    Reply(reasoning="First see it fail.", tool_calls=[ToolCall("shell_command", RUN)]),
    Reply(reasoning="The divisor.", tool_calls=[ToolCall("apply_patch", {"__arg1": WRONG})]),
    Reply(reasoning="As it stands.", tool_calls=[ToolCall("apply_patch", {"__arg1": PATCH})]),
    Reply(reasoning="Check.", tool_calls=[ToolCall("shell_command", RUN)]),
    Reply("Mended."),
)
CODEX = ["openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini"]
ASKED: Any = {"messages": [("user", "check.py fails. Mend it.")]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stats.py").write_text(BROKEN)
    (tmp_path / "check.py").write_text(CHECK)
    return tmp_path


def model_on(emulator: Emulator, endpoint: str, **options: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(
        model=options.pop("model", CODEX[0]),
        use_responses_api=endpoint == "responses",
        validate_params="off",
        **options,
        **emulator.connection(),
    )


async def run(agent: Any, way: str) -> list[Any]:
    """Have the agent work in one of the ways to call it; return its messages."""
    if way == "invoke":
        return agent.invoke(ASKED)["messages"]
    if way == "ainvoke":
        return (await agent.ainvoke(ASKED))["messages"]
    if way == "stream":
        *_, last = agent.stream(ASKED, stream_mode="values")
        return last["messages"]
    if way == "messages":
        modes = ["messages", "values"]
        parts = [part async for part in agent.astream(ASKED, stream_mode=modes)]
        assert any(mode == "messages" for mode, _ in parts)
        return [state for mode, state in parts if mode == "values"][-1]["messages"]
    stream = await agent.astream_events(ASKED, version="v3")
    return (await stream.output())["messages"]


def check(project: Path, emulator: Emulator, messages: list[Any], endpoint: str) -> None:
    emulator.assert_done()
    assert (project / "stats.py").read_text() == MENDED
    assert messages[-1].text == "Mended."
    first, wrong, right, last = (m for m in messages if isinstance(m, ToolMessage))
    assert first.artifact["exit_code"] == 1
    assert "AssertionError: 3.0" in first.content
    assert wrong.status == "error"
    assert "2:     return sum(numbers) / (len(numbers) - 1)" in wrong.content
    assert right.artifact["changed"] == ["stats.py"]
    assert last.content == "Exit code: 0\nOutput:\npassed\n"
    calls = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
    assert [call["args"] for call in calls] == [
        RUN,
        {"__arg1": WRONG},
        {"__arg1": PATCH},
        RUN,
    ]
    if endpoint == "responses":
        payload = emulator.requests[-1].json
        [tool] = [tool for tool in payload["tools"] if tool["type"] == "custom"]
        assert tool["name"] == "apply_patch"
        assert tool["format"]["syntax"] == "lark"
        kinds = [item["type"] for item in payload["input"] if "call" in item.get("type", "")]
        pairs = ["function_call", "custom_tool_call", "custom_tool_call", "function_call"]
        assert kinds == [kind for pair in pairs for kind in (pair, f"{pair}_output")]
        inputs = [i["input"] for i in payload["input"] if i.get("type") == "custom_tool_call"]
        assert inputs == [WRONG, PATCH]
        assert sum(item.get("type") == "reasoning" for item in payload["input"]) == 4
    else:
        for request in emulator.requests:
            functions = {t["function"]["name"]: t["function"] for t in request.json["tools"]}
            assert functions.keys() >= {"shell_command", "apply_patch"}
            assert functions["apply_patch"]["parameters"]["required"] == ["__arg1"]


@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "messages", "v3"])
async def test_the_agent_mends_the_project(project, endpoint, way):
    emulator = Emulator().script(*STEPS)
    tools = [shell_command(project), apply_patch(project)]
    agent = create_agent(model_on(emulator, endpoint), tools)
    check(project, emulator, await run(agent, way), endpoint)


@pytest.mark.parametrize("model", [CODEX[1], "openai/gpt-5-1"])
async def test_other_models_do_too(project, model):
    emulator = Emulator().script(*STEPS)
    tools = [shell_command(project), apply_patch(project)]
    agent = create_agent(model_on(emulator, "responses", model=model), tools)
    check(project, emulator, await run(agent, "ainvoke"), "responses")


@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize(
    ("model", "way"), [(CODEX[0], "invoke"), (CODEX[1], "ainvoke"), (CODEX[0], "messages")]
)
async def test_a_deep_agent_mends_the_project(project, endpoint, model, way):
    deepagents = pytest.importorskip("deepagents")
    emulator = Emulator().script(*STEPS)
    tools = [shell_command(project), apply_patch(project)]
    agent = deepagents.create_deep_agent(model_on(emulator, endpoint, model=model), tools)
    check(project, emulator, await run(agent, way), endpoint)


CUT = PATCH.partition("len(numbers)\n")[0]
CUTS = [
    ("chat_completions", "function", ToolCall("apply_patch", json.dumps({"__arg1": CUT})[:-2])),
    ("responses", "function", ToolCall("apply_patch", CUT)),
    ("responses", "function", ToolCall("apply_patch", PATCH)),  # cut behind its last character
    ("chat_completions", "function", ToolCall("shell_command", '{"command": "rm stats.py')),
    ("responses", "function", ToolCall("shell_command", '{"command": "rm stats.py')),
    ("responses", "local_shell", ToolCall("shell_command", {"command": "rm stats.py"})),
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("ending", ["length", "content_filter"])
@pytest.mark.parametrize("way", ["invoke", "messages", "v3"])
async def test_a_cut_call_is_never_run_and_a_whole_one_beside_it_is(project, cut, ending, way):
    endpoint, wire, call = cut
    whole = ToolCall("shell_command", {"command": "touch made"})
    emulator = Emulator().script(
        Reply(tool_calls=[whole, call], finish_reason=ending), Reply("Done.")
    )
    tools = [shell_command(project, wire=wire), apply_patch(project)]
    messages = await run(create_agent(model_on(emulator, endpoint), tools), way)
    emulator.assert_done()
    assert (project / "stats.py").read_text() == BROKEN
    assert (project / "made").exists()
    assert len(messages[1].tool_calls) == 1
    [bad] = messages[1].invalid_tool_calls
    assert bad["name"] == call.name
    assert messages[1].response_metadata["finish_reason"] == ending


@pytest.mark.skipif(shutil.which("bash") is None, reason="the local shell's commands name bash")
@pytest.mark.parametrize("way", ["invoke", "messages", "v3"])
async def test_the_local_shell_is_the_same_tool(project, way):
    emulator = Emulator().script(
        Reply(tool_calls=[ToolCall("shell_command", {"command": "echo 'a b'; exit 3"})]),
        Reply("Seen."),
    )
    llm = ChatAIMLAPI(model=CODEX[0], **emulator.connection())
    agent = create_agent(llm, [shell_command(project, wire="local_shell")])
    messages = await run(agent, way)
    emulator.assert_done()
    assert messages[-1].text == "Seen."
    [call] = messages[1].tool_calls
    assert call["name"] == "shell_command"
    assert call["args"] == {"command": "bash -lc 'echo '\"'\"'a b'\"'\"'; exit 3'"}
    payload = emulator.requests[-1].json
    assert payload["tools"] == [{"type": "local_shell"}]
    *_, made, answered = payload["input"]
    assert made["type"] == "local_shell_call"
    assert made["action"] == {
        "type": "exec",
        "command": ["bash", "-lc", "echo 'a b'; exit 3"],
        "env": {},
    }
    assert answered["type"] == "local_shell_call_output"
    assert answered["id"] == answered["call_id"] == call["id"]
    output = json.loads(answered["output"])
    assert output["output"] == "a b\n"
    assert output["metadata"]["exit_code"] == 3


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "messages"])
@pytest.mark.parametrize("wire", ["function", "local_shell"])
async def test_what_the_vendor_keeps_is_not_sent_again(project, way, wire):
    emulator = Emulator().script(*STEPS)
    llm = model_on(emulator, "responses", store=True, use_previous_response_id=True)
    agent = create_agent(llm, [shell_command(project, wire=wire), apply_patch(project)])
    await run(agent, way)
    emulator.assert_done()
    assert (project / "stats.py").read_text() == MENDED
    shell = "function" if wire == "function" else "local_shell"
    assert [[item["type"] for item in r.json["input"]] for r in emulator.requests[1:]] == [
        [f"{kind}_call_output"] for kind in (shell, "custom_tool", "custom_tool", shell)
    ]


# --- people in between ----------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["approve", "edit", "reject"])
@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize("name", ["apply_patch", "shell_command"])
def test_a_human_approves_edits_and_refuses(project, endpoint, name, decision):
    args, other = {
        "apply_patch": (
            {"__arg1": PATCH},
            {"__arg1": PATCH.replace("+    ", "+    # edited\n+    ")},
        ),
        "shell_command": ({"command": "echo > stats.py"}, {"command": "echo edited > stats.py"}),
    }[name]
    emulator = Emulator().script(Reply(tool_calls=[ToolCall(name, args)]), Reply("Done."))
    decisions: dict[str, dict[str, Any]] = {
        "approve": {"type": "approve"},
        "edit": {"type": "edit", "edited_action": {"name": name, "args": other}},
        "reject": {"type": "reject", "message": "Not now."},
    }
    # On responses the shell is the built-in one there, as each call then has a kind of its own.
    wire: Any = "local_shell" if endpoint == "responses" else "function"
    agent = create_agent(
        model_on(emulator, endpoint),
        [apply_patch(project), shell_command(project, wire=wire)],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={name: True})],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    asked = agent.invoke(ASKED, config)
    assert "__interrupt__" in asked
    assert (project / "stats.py").read_text() == BROKEN
    agent.invoke(Command(resume={"decisions": [decisions[decision]]}), config)
    text = (project / "stats.py").read_text()
    assert ("edited" in text) is (decision == "edit")
    assert (text == BROKEN) is (decision == "reject")

    # What the model said goes back as it said it, with one result.
    [call] = asked["messages"][-1].tool_calls
    payload = emulator.requests[-1].json
    if endpoint == "chat_completions":
        _, said, result = payload["messages"]
        [made] = said["tool_calls"]
        assert json.loads(made["function"].pop("arguments")) == args
        assert made == {"id": call["id"], "type": "function", "function": {"name": name}}
        assert result.keys() == {"role", "tool_call_id", "content"}
        assert result["tool_call_id"] == call["id"]
        output = result["content"]
    else:
        _, made, result = payload["input"]
        kind = {"apply_patch": "custom_tool_call", "shell_command": "local_shell_call"}[name]
        bash = ["bash", "-lc", args.get("command")]
        own = (
            {"name": name, "input": PATCH}
            if name == "apply_patch"
            else {"action": {"type": "exec", "command": bash, "env": {}}}
        )
        del made["id"]
        assert made == {"type": kind, "call_id": call["id"], "status": "completed", **own}
        assert (result["type"], result["call_id"]) == (f"{kind}_output", call["id"])
        output = result["output"]
    assert ("Not now." in output) is (decision == "reject")


# --- free-form tools ------------------------------------------------------------------------------


def test_what_the_vendor_does_not_document_is_warned_about(project):
    def asking(**options: Any) -> Any:
        llm = ChatAIMLAPI(model=CODEX[0], **options, **Emulator().connection())
        return llm.bind_tools([apply_patch(project)])

    with pytest.warns(UserWarning, match=r"Custom tools \(apply_patch\) are not documented"):
        asking(use_responses_api=True).invoke("Hello")
    with pytest.raises(AIMLAPIInvalidRequestError, match="Nothing was sent"):
        asking(use_responses_api=True, validate_params="error").invoke("Hello")
    asking(use_responses_api=False, validate_params="error").invoke("Hello")
    forget()
    moved = Emulator(models=CODEX_ON_RESPONSES_ONLY)
    llm = ChatAIMLAPI(model=CODEX[0], **moved.connection())
    with pytest.warns(UserWarning, match=r"Custom tools \(apply_patch\) are not documented"):
        llm.bind_tools([apply_patch(project)]).invoke("Hello")
    assert [request.status for request in moved.requests] == [404, 200]
    forget()
    strict = llm.model_copy(update={"validate_params": "error"})
    with pytest.raises(AIMLAPIInvalidRequestError, match="Custom tools"):
        strict.bind_tools([apply_patch(project)]).invoke("Hello")
    function = apply_patch(project, wire="function")
    llm = ChatAIMLAPI(model=CODEX[0], use_responses_api=True, **Emulator().connection())
    llm.bind_tools([function]).invoke("Hello")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Invalid value: 'custom'. Supported values are: 'function'.", 'apply_patch(…, wire="fun'),
        ("Custom tools are not supported with this model.", 'apply_patch(…, wire="function")'),
        ("The local_shell tool is no longer supported.", 'shell_command(…, wire="function")'),
    ],
)
def test_a_refusal_says_what_to_use_instead(project, said, advice):
    said = f"tools[0].type: {said}"
    reply = Reply(status=400, body={"error": {"message": said, "code": "invalid_value"}})
    llm = model_on(Emulator().script(reply), "responses")
    tools = [apply_patch(project), shell_command(project, wire="local_shell")]
    with pytest.raises(AIMLAPIInvalidRequestError, match=re.escape(advice)):
        llm.bind_tools(tools).invoke("Hello")


def peers_tool() -> Any:
    peer = pytest.importorskip("langchain_openai")

    @peer.custom_tool(format={"type": "grammar", "syntax": "regex", "definition": "[0-9+]+"})
    def calculate(expression: str) -> str:
        """Add whole numbers."""
        return str(sum(map(int, expression.split("+"))))

    return calculate


def our_tool() -> Any:
    @custom_tool(format=grammar("regex", "[0-9+]+"))
    def calculate(expression: str) -> str:
        """Add whole numbers."""
        return str(sum(map(int, expression.split("+"))))

    return calculate


@pytest.mark.parametrize("make", [our_tool, peers_tool])
@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize("way", ["ainvoke", "messages", "v3"])
async def test_any_free_form_tool_is_called(make, endpoint, way):
    emulator = Emulator().script(
        Reply(tool_calls=[ToolCall("calculate", {"__arg1": "1+2"})]), Reply("3.")
    )
    agent = create_agent(model_on(emulator, endpoint, model="openai/gpt-5-1"), [make()])
    messages = await run(agent, way)
    assert messages[1].tool_calls[0]["args"] == {"__arg1": "1+2"}
    if endpoint == "responses":
        made, answered = emulator.requests[-1].json["input"][-2:]
        assert (made["type"], made["input"]) == ("custom_tool_call", "1+2")
        assert answered["type"] == "custom_tool_call_output"
        assert answered["output"] == "3"
    else:
        assert emulator.requests[-1].json["messages"][-1]["content"] == "3"


@pytest.mark.parametrize("name", ["apply_patch", "calculate"])
@pytest.mark.parametrize(
    "args", [{}, {"__arg1": None}, {"__arg1": ["1"]}, {"__arg1": 1}, {"patch": "1", "why": "x"}]
)
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_function_call_without_its_text_is_told_to_the_model(project, name, args, way):
    emulator = Emulator().script(Reply(tool_calls=[ToolCall(name, args)]), Reply("Sorry."))
    agent = create_agent(model_on(emulator, "chat_completions"), [apply_patch(project), our_tool()])
    messages = await run(agent, way)
    assert messages[-1].text == "Sorry."
    assert messages[-2].status == "error"
    assert ("is text" if name == "apply_patch" else "valid string") in messages[-2].content


def test_what_stands_beside_the_text_does_not_matter():
    assert our_tool().invoke({"__arg1": "1+2", "why": "Because."}) == "3"


@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
def test_the_emulators_rules_call_the_tools(project, endpoint):
    emulator = Emulator()
    agent = create_agent(
        model_on(emulator, endpoint), [shell_command(project), apply_patch(project)]
    )
    agent.invoke({"messages": [("user", "Use shell_command to run 'touch made'.")]})
    assert (project / "made").exists()
    agent.invoke({"messages": [("user", "Use apply_patch to write down who you are.")]})
    assert "emulator" in (project / "emulator.txt").read_text()
    agent.invoke({"messages": [("user", f"Use apply_patch with this:\n{PATCH}")]})
    assert (project / "stats.py").read_text() == MENDED
