"""Any list of messages that LangChain can build, edited in any way, obeys the upstream's rules.

What is refused is what no rule can mend: a role that the API does not have, nothing left to send,
and blocks of a user's own that the models do not take.
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._messages.seal import Seal
from langchain_aimlapi._wire.json import dumps
from langchain_aimlapi.emulator.wire.validation import validate_request
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError
from tests.conftest import MODELS, SPEC, complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import BaseMessage

DIALECTS = {"chat_completions": ChatCompletionsDialect(), "responses": ResponsesDialect()}
REFUSALS = re.compile(
    r"the API has no role|There is no message to send"
    r"|^Message \d+ \((human|system|chat|user)\) cannot be sent. (Block \d+|A \w+ message takes)"
)
ACCOUNTS = ("one", "another")

ids = st.sampled_from(["a", "b", "c", "call_0", ""])
names = st.sampled_from(["look", "read", "look at", "ü" * 70, "", "look/at"])
texts = st.sampled_from(["", "Hi.", "\ud83d", "line\nline", "x" * 50])
arguments = st.sampled_from([{}, {"at": "sky"}, {"a": [1, {"b": None}]}, {"x": "\ud83d"}])
calls = st.lists(
    st.builds(
        lambda name, args, call_id: {"name": name, "args": args, "id": call_id},
        names,
        arguments,
        ids | st.none(),
    ),
    max_size=3,
)
bad_calls = st.lists(
    st.builds(
        lambda name, args, call_id: {"name": name, "args": args, "id": call_id, "error": None},
        names | st.none(),
        st.sampled_from(["", '{"a": ', None, '{"at": "s"] /* length, in a text */', "[]"]),
        ids | st.none(),
    ),
    max_size=1,
)
PNG, PDF = "iVBORw0KGgo=", "JVBERi0="
SENDABLE = [
    {"type": "text", "text": "Hi."},
    {"text": "untyped"},
    {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "r"}]},
    {"type": "image", "base64": PNG, "mime_type": "image/png"},
    {"type": "file", "base64": PDF, "mime_type": "application/pdf"},
    {"cachePoint": {"type": "default"}},
]
blocks = st.sampled_from(
    [
        *SENDABLE,
        "plain",
        {"type": "text", "text": None},
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "s"},
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "s"}},
        {"type": "reasoning", "id": "rs_9", "summary": [], "encrypted_content": "s"},
        {"type": "tool_use", "id": "a", "name": "look at", "input": {"at": 1}},
        {"type": "tool_call", "id": "b", "name": "look", "args": {}},
        {"type": "tool_result", "tool_use_id": "gone", "content": None},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "file_search_call", "id": "fs_1"},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "non_standard", "value": {"type": "text", "text": "inner"}},
        {"type": "refusal", "refusal": "No."},
        {"type": "image", "url": "https://x.example/a.png"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
        {"type": "media", "mime_type": "image/png", "data": PNG},
        {"type": "media", "mime_type": "audio/wav", "data": "AAAA"},
        {"type": "file", "url": "https://x.example/a.zip"},
        {"type": "file", "name": "a.zip"},
        {"type": "document", "source": {"type": "text", "data": "words"}},
        {"type": "text-plain", "base64": "SGk=", "mime_type": "text/plain"},
        {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
        {"type": "search_result", "title": "T", "source": "S", "content": ["words"]},
        {"type": "resource_link", "uri": "file:///a"},
        {"type": "telepathy"},
    ]
)
contents = texts | st.lists(blocks, max_size=3)
statuses = st.sampled_from(["completed", "in_progress", "incomplete", "failed", "odd", None])
sound = st.builds(
    lambda status, item: {**item, **({} if status is None else {"status": status})},
    statuses,
    st.sampled_from(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
            {"type": "reasoning", "id": "rs_2", "summary": []},
            {
                "type": "reasoning",
                "id": "rs_3",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "content": [{"type": "reasoning_text", "text": "Hm."}],
                "encrypted_content": "sealed",
                "sealed_for": {"model": MODELS[0], "endpoint": "responses", "account": "one"},
            },
            {"type": "message", "id": "msg_1", "span": [0, 3]},
            {"type": "message", "span": [0, 1]},
            {"type": "function_call", "call_id": "a", "id": "fc_1"},
            {"type": "custom_tool_call", "call_id": "b", "id": "ctc_1"},
            {"type": "local_shell_call", "call_id": "c", "id": "lsh_1"},
            {"type": "web_search_call", "id": "ws_1"},
            {
                "type": "code_interpreter_call",
                "id": "ci_1",
                "code": "1",
                "container_id": "c",
            },
            {"type": "mcp_call", "id": "m_1", "server_label": "s", "name": "n", "arguments": "{}"},
            {"type": "mcp_list_tools", "id": "m_2", "server_label": "s", "tools": []},
            {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"},
            {"type": "computer_call", "id": "cu_1"},
        ]
    ),
)
turns = st.builds(
    AIMessage,
    content=contents,
    tool_calls=calls,
    invalid_tool_calls=bad_calls,
    name=st.none() | names,
    additional_kwargs=st.fixed_dictionaries(
        {},
        optional={
            "output_items": st.lists(sound, max_size=4),
            "reasoning_content": texts,
            "reasoning_details": st.just([{"type": "reasoning.text", "text": "Hm."}]),
            "refusal": texts,
        },
    ),
    response_metadata=st.fixed_dictionaries(
        {},
        optional={
            "model_provider": st.sampled_from(["aimlapi", "openai", "anthropic", "google_genai"]),
            "endpoint": st.sampled_from(list(DIALECTS)),
        },
    ),
)
own_turns = st.builds(
    lambda made, items, extra: AIMessage(
        "Hi.",
        tool_calls=made,
        additional_kwargs={"output_items": items, **extra},
        response_metadata={"model_provider": "aimlapi", "endpoint": "responses"},
    ),
    calls,
    st.lists(sound, max_size=5),
    st.sampled_from([{}, {"refusal": "No."}]),
)
spoken = texts | st.lists(st.sampled_from(SENDABLE), max_size=3)
messages = st.one_of(
    *(turns, own_turns, own_turns),
    turns.map(lambda turn: AIMessageChunk(**turn.model_dump(exclude={"type"}))),
    *[st.builds(HumanMessage, content=spoken, name=st.none() | names)] * 4,
    st.builds(HumanMessage, content=contents),
    *[st.builds(SystemMessage, content=texts)] * 2,
    *[st.builds(ToolMessage, content=contents, tool_call_id=ids)] * 5,
    *[st.builds(FunctionMessage, content=texts, name=names)] * 2,
    st.builds(
        ChatMessage,
        content=texts,
        role=st.sampled_from(["user", "system", "developer", "assistant", "tool", "critic"]),
    ),
    texts.filter(str.isalpha).map(lambda name: RemoveMessage(id=name)),
)
edits = st.lists(
    st.tuples(st.sampled_from(["drop", "double", "move", "redact", "uncall"]), st.integers(0, 9)),
    max_size=4,
)


def edited(history: list[BaseMessage], steps: list[tuple[str, int]]) -> list[BaseMessage]:
    """Do to a history what middleware does."""
    for step, number in steps:
        if not history:
            break
        at = number % len(history)
        message = history[at]
        if step == "drop":
            history = history[:at] + history[at + 1 :]
        elif step == "double":
            history = [*history, message]
        elif step == "move":
            history = [*history[:at], *history[at + 1 :], message]
        elif step == "redact":
            history = [*history[:at], message.model_copy(update={"content": "***"})]
        elif isinstance(message, AIMessage):
            kept = message.tool_calls[1:]
            changed = message.model_copy(update={"tool_calls": kept})
            history = [*history[:at], changed, *history[at + 1 :]]
    return history


@pytest.mark.parametrize("endpoint", DIALECTS)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    history=st.lists(messages, min_size=1, max_size=7),
    steps=edits,
    asked=st.tuples(st.sampled_from(MODELS), st.sampled_from(ACCOUNTS), st.booleans()),
)
def test_any_history_obeys_the_rules(endpoint, history, steps, asked):
    history = edited(history, steps)
    before = copy.deepcopy(history)
    sent = outcome_of(endpoint, history, *asked)
    assert history == before
    if isinstance(sent, AIMLAPIInvalidRequestError):
        assert REFUSALS.search(str(sent)), str(sent)
        return
    payload = json.loads(dumps(sent))
    assert validate_request(payload, endpoint) == []
    RULES[endpoint](payload)
    if SPEC.exists():
        assert complain(DIALECTS[endpoint].path, payload) == []


def outcome_of(
    endpoint: str, history: list[BaseMessage], model: str, account: str, stored: bool
) -> dict[str, Any] | AIMLAPIInvalidRequestError:
    """Return what is sent, or the error with which it is refused."""
    params = {"model": model, **({"store": True} if stored and endpoint == "responses" else {})}
    try:
        with warnings.catch_warnings():
            # What is mended is told in warnings; here it is the rule and not the exception.
            warnings.simplefilter("ignore", UserWarning)
            return DIALECTS[endpoint].build_payload(history, params, Seal(model, account=account))
    except AIMLAPIInvalidRequestError as error:
        return error


def chat_rules(payload: dict[str, Any]) -> None:
    open_calls: list[str] = []
    for message in payload["messages"]:
        if message["role"] == "tool":
            # Each call is answered right behind it, once, and nothing else is.
            open_calls.remove(message["tool_call_id"])
        else:
            assert open_calls == []
            open_calls = [call["id"] for call in message.get("tool_calls", ())]
            assert len(set(open_calls)) == len(open_calls)
            for call in message.get("tool_calls", ()):
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", call["function"]["name"])
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", message.get("name", "x"))
    assert open_calls == []


def responses_rules(payload: dict[str, Any]) -> None:
    open_calls: list[str] = []
    items = payload["input"]
    for item, following in zip(items, [*items[1:], {"role": "user"}], strict=True):
        kind = item.get("type", "message")
        if kind.endswith("_output"):
            open_calls.remove(item.get("call_id") or item["id"])
        elif kind in {"function_call", "custom_tool_call", "local_shell_call"}:
            assert item["call_id"] not in open_calls
            open_calls.append(item["call_id"])
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", item.get("name", "x"))
        elif item.get("role", "assistant") != "assistant":
            assert open_calls == []
        if kind == "reasoning":
            # Reasoning goes with what followed it, and says nothing of whom it was made for.
            assert following.get("role", "assistant") == "assistant"
            assert not following.get("type", "").endswith("_output")
            assert "sealed_for" not in item
            if item["id"] == "rs_3":
                assert payload["model"] == MODELS[0]
    assert open_calls == []


RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "chat_completions": chat_rules,
    "responses": responses_rules,
}
