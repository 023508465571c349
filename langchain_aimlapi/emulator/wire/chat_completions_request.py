"""The rules of a Chat Completions request.

Source: AI/ML API documentation, OpenAPI of gpt-5-1 and gpt-5-1-chat-latest (2026-08). No such page
exists for the codex models: they get the rules of gpt-5-1. Keys that a model's page lacks are
accepted unread, because the top level is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_aimlapi.emulator.wire.checks import (
    Check,
    anything,
    array,
    boolean,
    either,
    enum,
    mapping,
    nullable,
    number,
    record,
    string,
    string_or,
    tagged,
)

_IMAGE = re.compile(r"https?://\S+|data:image/(?:jpe?g|png|gif|webp);base64,", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_TOOLS = 128


def function_name(value: Any, path: str) -> Iterator[str]:
    """A name of a tool or a schema: letters, digits, `_` and `-`, at most 64."""
    yield from string(value, path)
    if isinstance(value, str) and _NAME.fullmatch(value) is None:
        yield f"{path}: Invalid name {value!r}. Expected 1 to 64 of a-z, A-Z, 0-9, _ and -"


def image_address(value: Any, path: str) -> Iterator[str]:
    """A web address, or a data URL with base64 of a JPEG, PNG, GIF or WEBP."""
    yield from string(value, path)
    if isinstance(value, str) and _IMAGE.match(value) is None:
        yield f"{path}: Invalid url"


_text = record({"type": string, "text": string})
_image = record(
    {"image_url": record({"url": image_address}, {"detail": enum("low", "high", "auto")})}
)
_file = record({"file": record({}, {"file_data": string, "filename": string})})
_refusal = record({"refusal": string})
_texts = either(string, array(tagged("type", {"text": _text})))
_user_parts = array(tagged("type", {"text": _text, "image_url": _image, "file": _file}))
_assistant_parts = array(tagged("type", {"text": _text, "refusal": _refusal}))

_tool_call = record(
    {
        "id": string,
        "type": enum("function"),
        "function": record({"name": string, "arguments": string}),
    }
)
_instructions = record({"role": string, "content": _texts}, {"name": string}, closed=True)


def _assistant(value: Any, path: str) -> Iterator[str]:
    # Content may be left out beside tool calls, but null is refused.
    needed: dict[str, Check] = {} if value.get("tool_calls") else {"content": anything}
    form = record(
        needed,
        {
            "content": either(string, _assistant_parts),
            "name": string,
            "tool_calls": array(_tool_call, least=1),
            "refusal": nullable(string),
        },
    )
    yield from form(value, path)


_message = tagged(
    "role",
    {
        "system": _instructions,
        "developer": _instructions,
        "user": record({"content": either(string, _user_parts)}, {"name": string}),
        "assistant": _assistant,
        "tool": record(
            {"role": string, "content": string, "tool_call_id": string},
            {"name": nullable(string)},
            closed=True,
        ),
    },
)

_tool = record(
    {
        "type": enum("function"),
        "function": record(
            {"name": function_name, "parameters": mapping},
            {"description": string, "strict": nullable(boolean)},
            closed=True,
        ),
    },
    closed=True,
)
_named_tool = record({"type": enum("function"), "function": record({"name": string})})
# In the vendor's newer schema of a sister model (2026-07).
_allowed = record({"mode": enum("auto", "required"), "tools": array(_named_tool, 1)})
_tool_choice = string_or(
    tagged("type", {"function": _named_tool, "allowed_tools": record({"allowed_tools": _allowed})}),
    enum("none", "auto", "required"),
)
_response_format = tagged(
    "type",
    {
        "text": record({"type": string}, closed=True),
        "json_object": record({"type": string}, closed=True),
        "json_schema": record(
            {
                "type": string,
                "json_schema": record(
                    {"name": function_name},
                    {"schema": mapping, "strict": nullable(boolean), "description": string},
                    closed=True,
                ),
            },
            closed=True,
        ),
    },
)

_everywhere: dict[str, Check] = {
    "max_completion_tokens": number(1, whole=True),
    "max_tokens": number(1),
    "stream": boolean,
    "stream_options": record({"include_usage": boolean}),
    # The documentation tells of no least number of tools; the upstream refuses an empty array.
    "tools": array(_tool, least=1, most=_MOST_TOOLS),
    "tool_choice": _tool_choice,
    "parallel_tool_calls": boolean,
    "n": nullable(number(1, whole=True)),
    "seed": number(1, whole=True),
    "response_format": _response_format,
}
_sampling: dict[str, Check] = {
    "temperature": number(0, 2),
    "top_p": number(0.01, 1),
    "logprobs": nullable(boolean),
    "top_logprobs": nullable(number(0, 20)),
    "reasoning_effort": enum("low", "medium", "high"),
}
_required: dict[str, Check] = {"model": string, "messages": array(_message, least=1)}
_chat_latest = record(_required, _everywhere)
_others = record(_required, {**_everywhere, **_sampling})


def check_chat_completions(payload: Mapping[str, Any]) -> list[str]:
    """Complaints about a request's body; an empty list where it is right."""
    chat_latest = "chat-latest" in str(payload.get("model"))
    complaints = list((_chat_latest if chat_latest else _others)(payload, "body"))
    # Rules between fields make sense only on fields that are right.
    return complaints or [*_across(payload), *_tool_turns(payload["messages"])]


def _across(payload: Mapping[str, Any]) -> Iterator[str]:
    """Rules between fields. That on logprobs is documented, the others are the upstream's."""
    if payload.get("top_logprobs") is not None and payload.get("logprobs") is not True:
        yield "body.top_logprobs: requires logprobs to be true"
    if "stream_options" in payload and payload.get("stream") is not True:
        yield "body.stream_options: only allowed when stream is true"
    names = [tool["function"]["name"] for tool in payload.get("tools", ())]
    for key in ("tool_choice", "parallel_tool_calls"):
        if key in payload and not names:
            yield f"body.{key}: only allowed when tools are specified"
    choice = payload.get("tool_choice")
    if isinstance(choice, Mapping) and names:
        for chosen in choice.get("allowed_tools", {"tools": [choice]})["tools"]:
            if (name := chosen["function"]["name"]) not in names:
                yield f"body.tool_choice: tool {name!r} is not among the tools"
    wanted = payload.get("response_format", {}).get("type")
    if wanted == "json_object" and "json" not in str(payload["messages"]).lower():
        yield "body.messages: must contain the word 'json' to use response_format json_object"


def _tool_turns(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """Every call is answered right after it, and every answer answers a call."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                yield (
                    f"body.messages[{index}]: a message with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'"
                )
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            yield _unanswered(waiting)
        waiting = {call["id"] for call in message.get("tool_calls", ())}
    if waiting:
        yield _unanswered(waiting)


def _unanswered(waiting: set[str]) -> str:
    return (
        "body.messages: an assistant message with 'tool_calls' must be followed by tool messages "
        f"responding to each 'tool_call_id': {', '.join(sorted(waiting))}"
    )
