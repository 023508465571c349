"""A checkpointed thread goes on, whatever its tools return and whom it is given to."""

from __future__ import annotations

from itertools import cycle
from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId, tool

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall

agents = pytest.importorskip("langchain.agents")
memory = pytest.importorskip("langgraph.checkpoint.memory")

SPEAKERS = [
    {"model": "openai/gpt-5-1", "use_responses_api": False},
    {"model": "openai/gpt-5-1", "use_responses_api": True},
    {"model": "openai/gpt-5-1-codex", "use_responses_api": True},
    {"model": "openai/gpt-5-1-chat-latest", "use_responses_api": False},
]
PNG, PDF = "iVBORw0KGgo=", "JVBERi0="
RESULTS: dict[str, Any] = {
    "text": "seen",
    "nothing": "",
    "an empty list": [],
    "a list of texts": ["one", "two"],
    "scalars": [1, None, {"a": 1.5}],
    "a file by URL": [{"type": "file", "url": "https://x.example/a.zip"}],
    "a file by name": [{"type": "file", "name": "a.zip"}],
    "a file by id": [{"type": "file", "file_id": "file-1"}],
    "sound": [{"type": "audio", "base64": "AAAA" * 900, "mime_type": "audio/wav"}],
    "film": [{"type": "video", "url": "https://x.example/a.mp4"}],
    "a resource link": [{"type": "resource_link", "uri": "file:///a", "name": "a"}],
    "a resource": [{"type": "resource", "resource": {"uri": "x:1", "blob": "AAAA"}}],
    "an unknown blob": [{"type": "telepathy", "of": {"what": [1, 2]}}],
    "an image by id": [{"type": "image", "file_id": "file-1"}],
    "an image": [{"type": "image", "base64": PNG, "mime_type": "image/png"}],
    "a PDF": [{"type": "file", "base64": PDF, "mime_type": "application/pdf"}],
    "a text in base64": [{"type": "text-plain", "base64": "SGk=", "mime_type": "text/plain"}],
    "nested content": [{"type": "tool_result", "content": [{"type": "text", "text": "in"}]}],
    "a search result": [{"type": "search_result", "title": "T", "source": "S", "content": ["x"]}],
    "half a character": "\ud83d",
}


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("kind", RESULTS)
async def test_an_agent_goes_on_after_any_result_and_any_switch(kind, way):
    emulator = Emulator()
    saver = memory.InMemorySaver()
    config = {"configurable": {"thread_id": "1"}}

    @tool
    def look(tool_call_id: Annotated[str, InjectedToolCallId]) -> ToolMessage:
        """Look."""
        return ToolMessage(RESULTS[kind], tool_call_id=tool_call_id)

    async def turn(speaker: dict[str, Any], said: str) -> list[Any]:
        llm = ChatAIMLAPI(**speaker, max_retries=0, **emulator.connection())
        agent = agents.create_agent(llm, tools=[look], checkpointer=saver)
        given = {"messages": [{"role": "user", "content": said}]}
        if way == "invoke":
            return agent.invoke(given, config)["messages"]
        return (await agent.ainvoke(given, config))["messages"]

    speakers = cycle(SPEAKERS[list(RESULTS).index(kind) % 2 :])
    for number in range(4):
        calls = [ToolCall("look", {}, f"call_{number % 2}")]
        emulator.script(Reply("I look.", reasoning="Hm.", tool_calls=calls), Reply("Done."))
        history = await turn(next(speakers), f"Look, {number}.")
        assert history[-1].text == "Done."
        assert len(history) == 4 * (number + 1)
    emulator.assert_done()
    assert {request.status for request in emulator.requests} == {200}
