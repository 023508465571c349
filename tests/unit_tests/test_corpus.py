"""Streams and histories as data: adding a case is adding a file under `tests/corpus/`.

A stream has an `endpoint`, its `events` (a value each, or a line of JSON as it stands on the wire)
and what it is to become. `_check` tells the keys of `expect`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from langchain_aimlapi import ChatAIMLAPI, errors
from langchain_aimlapi.emulator import Emulator, Reply
from tests.conftest import acollect, collect

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
ENDPOINTS = {"chat_completions": False, "responses": True}
STREAMED = ("stream", "astream", "stream_events", "streaming")

pytestmark = pytest.mark.filterwarnings("ignore:.*v3.* is in beta")


def cases(folder: str) -> Any:
    """Return a mark that runs a test with each file of a folder."""
    files = sorted((CORPUS / folder).glob("*.yaml"))
    assert files
    for file in files:
        assert file.read_text(encoding="utf-8").startswith("# Kind: "), file
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(yaml.safe_load(file.read_text(encoding="utf-8")), id=file.stem)
            for file in files
        ],
    )


async def ask(llm: ChatAIMLAPI, way: str, messages: Any = "Hello") -> AIMessage:
    match way:
        case "stream":
            return collect(llm.stream(messages))
        case "astream":
            return await acollect(llm.astream(messages))
        case "stream_events":
            return llm.stream_events(messages, version="v3").output
        case "ainvoke":
            return await llm.ainvoke(messages)
        case _:
            return llm.invoke(messages)


@cases("streams")
@pytest.mark.parametrize("way", STREAMED)
async def test_streams(case, way):
    events = [
        f"data: {event}\n\n".encode() if isinstance(event, str) else event
        for event in case["events"]
    ]
    emulator = Emulator().script(Reply(events=events))
    llm = ChatAIMLAPI(
        use_responses_api=ENDPOINTS[case["endpoint"]],
        **({"streaming": True} if way == "streaming" else {}),
        **emulator.connection(),
    )
    expected = case["expect"]
    if "error" in expected:
        with pytest.raises(getattr(errors, expected["error"])):
            await ask(llm, way)
    else:
        _check(await ask(llm, way), expected)


def _check(message: AIMessage, expected: dict[str, Any]) -> None:
    kwargs = message.additional_kwargs
    items = kwargs.get("output_items", [])
    found = {
        "text": message.text,
        "reasoning": kwargs.get("reasoning_content", ""),
        "calls": [
            {key: call[key] for key in ("name", "args", "id")} for call in message.tool_calls
        ],
        "details": kwargs.get("reasoning_details", []),
        "finish_reason": message.response_metadata["finish_reason"],
        "items": [item["type"] for item in items],
        "spans": [item["span"] for item in items if "span" in item],
    }
    # What has no id of its own gets one, which is random.
    wanted = {"text": "", "reasoning": "", "calls": [], **expected}
    wanted["calls"] = [
        {**call, "id": call.get("id", known["id"])}
        for call, known in zip(wanted["calls"], found["calls"], strict=False)
    ]
    assert {key: found[key] for key in wanted} == wanted
    assert message.invalid_tool_calls == []
    assert all(call["id"] for call in message.tool_calls)
    message.text.encode()
