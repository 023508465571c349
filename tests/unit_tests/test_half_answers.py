"""What agents do with half answers, and the page on it: its Python runs as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import AIMLAPIServerError, AIMLAPIStreamInterruptedError, ChatAIMLAPI
from langchain_aimlapi._messages.tool_calls import without_mark
from langchain_aimlapi.emulator import Emulator, Fault, Reply, ToolCall
from tests.half_answers import KINDS, ours, row
from tests.unit_tests.test_readme import blocks, run

agents = pytest.importorskip("langchain.agents")
middleware = pytest.importorskip("langchain.agents.middleware")
strategies = pytest.importorskip("langchain.agents.structured_output")

PAGE = Path(__file__).resolve().parents[2] / "cookbook" / "half-answers.md"
WHOLE = '{"path": "poem.txt", "content": "Roses"}'
CUT = '{"path": "poem.txt", "content": "Ro'
ENDPOINTS = {"chat_completions": False, "responses": True}

endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's session after all of its blocks."""
    emulator = Emulator()
    session: dict[str, Any] = {}
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", emulator.api_key)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        for block in blocks("python", PAGE.read_text(encoding="utf-8")):
            run(block, session)
        session["llm"].close()
    return session


class Disk:
    """A tool that counts its runs."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []

    def write_file(self, path: str, content: str) -> str:
        """Write a file."""
        self.written.append((path, content))
        return "written"


def cut(*calls: ToolCall, finish_reason: str = "length") -> Reply:
    return Reply(tool_calls=list(calls), finish_reason=finish_reason)


def model_on(emulator: Emulator, endpoint: str) -> ChatAIMLAPI:
    return ChatAIMLAPI(
        model="openai/gpt-5-1", use_responses_api=ENDPOINTS[endpoint], **emulator.connection()
    )


def agent_on(emulator: Emulator, endpoint: str, disk: Disk, *around: Any, **options: Any) -> Any:
    tools = [disk.write_file] if options.pop("with_tools", True) else []
    return agents.create_agent(
        model_on(emulator, endpoint), tools=tools, middleware=list(around), **options
    )


async def answer(agent: Any, way: str) -> dict[str, Any]:
    asked = {"messages": [HumanMessage("Write a poem.")]}
    return agent.invoke(asked) if way == "invoke" else await agent.ainvoke(asked)


@pytest.mark.enable_socket
def test_the_pages_python_runs(page):
    assert page["report"].title
    last = page["result"]["messages"][-1]
    assert last.text
    assert page["result"]["messages"][1].tool_calls


@pytest.mark.enable_socket
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.words)
def test_the_pages_table_is_true_of_this_package(kind):
    (line,) = [x for x in PAGE.read_text("utf-8").splitlines() if x.startswith(f"| {kind.words} |")]
    assert line.split(" | ")[1] == row(kind, ours), "run: python -m tests.half_answers"


@endpoints
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("ending", ["length", "content_filter"])
async def test_an_agent_runs_no_cut_call(emulator, endpoint, way, ending):
    emulator.script(cut(ToolCall("write_file", CUT), finish_reason=ending))
    disk = Disk()
    result = await answer(agent_on(emulator, endpoint, disk), way)
    last = result["messages"][-1]
    assert disk.written == []
    assert (last.tool_calls, last.text) == ([], "")
    assert [call["args"] for call in last.invalid_tool_calls] == [CUT]
    assert last.response_metadata["finish_reason"] == ending
    assert len(emulator.requests) == 1


MODES = ("values", "updates", "messages", "custom", "debug", "tasks")


async def watched(agent: Any, way: str) -> None:
    """Run an agent to its end in one of the ways there are to watch it."""
    asked = {"messages": [HumanMessage("Write a poem.")]}
    asynchronous, _, mode = way.rpartition(" ")
    if mode == "v2":
        async for _ in agent.astream_events(asked, version=mode):
            pass
    elif mode == "all":
        assert list(agent.stream(asked, stream_mode=list(MODES), subgraphs=True))
    elif asynchronous:
        async for _ in agent.astream(asked, stream_mode=mode):
            pass
    else:
        for _ in agent.stream(asked, stream_mode=mode):
            pass


@endpoints
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("way", [*MODES, "async messages", "async updates", "events v2", "all"])
async def test_an_agent_that_is_watched_runs_whole_calls_alone(
    emulator, endpoint, output_version, way
):
    calls = (ToolCall("write_file", WHOLE), ToolCall("write_file", CUT))
    emulator.script(cut(*calls), cut(ToolCall("write_file", CUT)))
    disk = Disk()
    kept: list[Any] = []

    @middleware.after_agent
    def keep(state: Any, runtime: Any) -> None:
        kept.extend(state["messages"])

    llm = model_on(emulator, endpoint).model_copy(update={"output_version": output_version})
    await watched(agents.create_agent(llm, [disk.write_file], middleware=[keep]), way)
    assert disk.written == [("poem.txt", "Roses")]
    both, last = [message for message in kept if isinstance(message, AIMessage)]
    assert [call["args"] for call in both.tool_calls] == [json.loads(WHOLE)]
    for message in (both, last):
        (invalid,) = message.invalid_tool_calls
        assert without_mark(invalid["args"]) == CUT
        assert message.response_metadata["finish_reason"] == "length"
    sent = json.dumps(emulator.requests[1].json)
    assert json.dumps(CUT)[1:-1] in sent.replace("\\\\", "\\")  # what came is sent back
    assert "/* length */" not in sent


@endpoints
async def test_the_whole_call_beside_a_cut_one_runs(emulator, endpoint):
    calls = (ToolCall("write_file", WHOLE), ToolCall("write_file", CUT))
    emulator.script(cut(*calls), Reply("Done."))
    disk = Disk()
    result = await answer(agent_on(emulator, endpoint, disk), "invoke")
    assert disk.written == [("poem.txt", "Roses")]
    assert result["messages"][-1].text == "Done."


@pytest.mark.enable_socket
@endpoints
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_the_pages_middleware_asks_again(emulator, endpoint, page, way):
    emulator.script(
        cut(ToolCall("write_file", CUT)),
        cut(ToolCall("write_file", CUT)),
        Reply(tool_calls=[ToolCall("write_file", WHOLE)]),
        Reply("Done."),
    )
    disk = Disk()
    agent = agent_on(emulator, endpoint, disk, page["ask_again"], page["limit"])
    result = await answer(agent, way)
    assert disk.written == [("poem.txt", "Roses")]
    assert result["messages"][-1].text == "Done."
    assert any(isinstance(message, ToolMessage) for message in result["messages"])


@pytest.mark.enable_socket
@endpoints
async def test_the_limit_ends_what_is_cut_each_time(emulator, endpoint, page):
    emulator.script(*[cut(ToolCall("write_file", CUT)) for _ in range(9)])
    disk = Disk()
    agent = agent_on(emulator, endpoint, disk, page["ask_again"], page["limit"])
    with pytest.raises(middleware.model_call_limit.ModelCallLimitExceededError):
        await answer(agent, "invoke")
    assert disk.written == []
    assert len(emulator.requests) == 5


@pytest.mark.enable_socket
@endpoints
async def test_tool_strategy_asks_again_by_itself(emulator, endpoint, page):
    report = page["Report"]
    emulator.script(
        cut(ToolCall("Report", '{"title": "Bees", "body": "The')),
        Reply(tool_calls=[ToolCall("Report", '{"title": "Bees", "body": "All."}')]),
    )
    agent = agent_on(
        emulator,
        endpoint,
        Disk(),
        page["limit"],
        with_tools=False,
        response_format=strategies.ToolStrategy(report),
    )
    result = await answer(agent, "invoke")
    assert result["structured_response"] == report(title="Bees", body="All.")


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_several_answers_are_made_whole_while_messages_stream(emulator, way):
    """Chunks do not say which answer they belong to, so a graph that streams gets none of them."""
    graphs = pytest.importorskip("langgraph.graph")
    emulator.script(Reply("Yes."))
    llm = model_on(emulator, "chat_completions")

    def ask(state: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [llm.invoke(state["messages"], n=2)]}

    async def aask(state: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [await llm.ainvoke(state["messages"], n=2)]}

    graph = graphs.StateGraph(graphs.MessagesState)
    graph.add_node("ask", ask if way == "invoke" else aask)
    graph.add_edge("__start__", "ask")
    compiled = graph.compile()
    asked = {"messages": [HumanMessage("Are you sure?")]}
    if way == "invoke":
        shown = list(compiled.stream(asked, stream_mode="messages"))
    else:
        shown = [part async for part in compiled.astream(asked, stream_mode="messages")]
    assert "".join(part.text for part, _ in shown) == "Yes."
    sent = emulator.requests[0].json
    assert sent["n"] == 2
    assert not sent.get("stream")


@pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_an_error_inside_a_choice_is_that_error(endpoint, way):
    reply = Reply(tool_calls=[ToolCall("write_file", {"path": "a.txt", "content": "Half"})])
    fault = Fault.error_event(4, "choice", message="It broke.", status=502, reply=reply)
    emulator = Emulator().script(fault)
    is_responses = endpoint == "responses"
    llm = ChatAIMLAPI(use_responses_api=is_responses, max_retries=0, **emulator.connection())
    bound = llm.bind_tools([{"name": "write_file", "parameters": {}}])
    kind = AIMLAPIServerError if "invoke" in way else AIMLAPIStreamInterruptedError

    async def ask() -> None:
        if way == "invoke":
            bound.invoke("Hi")
        elif way == "ainvoke":
            await bound.ainvoke("Hi")
        elif way == "stream":
            list(bound.stream("Hi"))
        else:
            [chunk async for chunk in bound.astream("Hi")]

    with pytest.raises(kind, match="It broke") as caught:
        await ask()
    partial = getattr(caught.value, "partial_message", None)
    assert partial is None or not partial.tool_calls
