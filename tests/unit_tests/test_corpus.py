"""Streams and histories as data: adding a case is adding a file under `tests/corpus/`.

A stream has an `endpoint`, its `events` (a value each, or a line of JSON as it stands on the wire)
and what it is to become: `_check` tells the keys of `expect`.

A history has its `messages` (a `type`, and the fields of LangChain's class) and what is sent of it:
`turns` in short form, texts that are `present` or `absent`, patterns of what it `warns` of, or the
pattern of the error with which it is `refused`. `only` names the one endpoint that it is for.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from langchain_core import messages as lc

from langchain_aimlapi import ChatAIMLAPI, errors
from langchain_aimlapi.emulator import Emulator, Reply
from tests.conftest import acollect, collect

if TYPE_CHECKING:
    from collections.abc import Iterator

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


async def ask(llm: ChatAIMLAPI, way: str, messages: Any = "Hello") -> lc.AIMessage:
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


CLASSES = {
    "human": lc.HumanMessage,
    "ai": lc.AIMessage,
    "tool": lc.ToolMessage,
    "system": lc.SystemMessage,
    "function": lc.FunctionMessage,
    "chat": lc.ChatMessage,
    "remove": lc.RemoveMessage,
}


@cases("histories")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_histories(case, endpoint, way):
    if case.get("only", endpoint) != endpoint:
        pytest.skip(f"a case of {case['only']} alone")
    emulator = Emulator()
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    history = [
        CLASSES[fields["type"]](**{key: fields[key] for key in fields if key != "type"})
        for fields in case["messages"]
    ]
    expected = case["expect"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if "refused" in expected:
            with pytest.raises(errors.AIMLAPIInvalidRequestError, match=expected["refused"]):
                await ask(llm, way, history)
        else:
            await ask(llm, way, history)
    told = [str(warning.message) for warning in caught]
    wanted = expected.get("warns", [])
    assert all(any(words in line for line in told) for words in wanted), told
    assert all(any(words in line for words in wanted) for line in told), told
    if "refused" in expected:
        assert emulator.requests == []
        return
    [request] = emulator.requests
    body = request.json
    if "turns" in expected:
        items = body["input" if endpoint == "responses" else "messages"]
        assert [turn for item in items for turn in _short(item)] == expected["turns"]
    wire = json.dumps(body, ensure_ascii=False)
    assert [words for words in expected.get("present", ()) if words not in wire] == []
    assert [words for words in expected.get("absent", ()) if words in wire] == []


def _short(item: dict[str, Any]) -> Iterator[str]:
    """Yield the turns of a message or an item: `role:text`, `call:id:name`, `result:id:text`."""
    kind = item.get("type", "message")
    if item.get("role") == "tool":
        yield f"result:{item['tool_call_id']}:{item['content']}"
    elif kind.endswith("_output"):
        yield f"result:{item['call_id']}:{item['output']}"
    elif kind.endswith("_call"):
        yield f"call:{item['call_id']}:{item['name']}"
    else:
        content = item.get("content", "")
        parts = content if isinstance(content, list) else [{"text": content}]
        text = "".join(part["text"] if "text" in part else f"[{_kind(part)}]" for part in parts)
        if text or item["role"] != "assistant":
            yield f"{item['role']}:{text}"
        for call in item.get("tool_calls", ()):
            yield f"call:{call['id']}:{call['function']['name']}"


def _kind(part: dict[str, Any]) -> str:
    return part["type"].removeprefix("input_").removesuffix("_url")


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


def _check(message: lc.AIMessage, expected: dict[str, Any]) -> None:
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
