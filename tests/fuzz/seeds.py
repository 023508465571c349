"""What fuzzing begins with: replies of the emulator, and the words in them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
_AUTHORIZATION = {"Authorization": "Bearer emulator-key"}
_RICH = Reply(
    "Hello",
    reasoning=["Think.", "More."],
    refusal="No.",
    tool_calls=[ToolCall("f", {"a": 1}), ToolCall("g", {})],
    annotations=[{"url": "u", "title": "t", "start_index": 0, "end_index": 2}],
    built_in_calls=[{"type": "web_search_call"}],
    usage=Usage(3, 4, cached_tokens=1, reasoning_tokens=2),
    logprobs=True,
    stream=StreamStyle(delta_size=3),
)
_REPLIES: tuple[Any, ...] = (
    Reply("Hello, world."),
    _RICH,
    Reply("Cut", finish_reason="length"),
    Fault.error_in_200("flat", "No."),
    Fault.error_event(1, "responses", message="No."),
)
_CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image", "url": "u"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}],
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "1"}]},
    {
        "role": "user",
        "content": [{"type": "file", "base64": "AA==", "mime_type": "application/pdf"}],
    },
]
_EVENTS = b'\x03: hi\r\n\r\ndata: {"a": 1}\n\nevent: x\rid: 1\rdata: b\rdata: c\r\rdata: [DONE]\n\n'


def seeds(target: str) -> list[bytes]:
    """Return valid inputs of a target."""
    kind, _, form = target.partition("_")
    if kind in _PATHS:
        return list(_answers(_PATHS[kind], stream=form == "stream"))
    if target == "sse":
        return [_EVENTS, *(b"\x10" + body for body in _answers(_PATHS["chat"], stream=True))]
    if target == "failure":
        bodies = list(_answers(_PATHS["chat"], stream=False))
        return [status.to_bytes(2, "big") + body for status in (0, 100, 229) for body in bodies]
    if target == "account":
        with Emulator(seed=0).client(base_url="https://api.aimlapi.com") as client:
            paths = ("/v2/billing", "/v1/models", "/v2/logs?limit=1")
            return [client.get(path, headers=_AUTHORIZATION).content for path in paths]
    return [json.dumps(_CONVERSATION[:length]).encode() for length in (1, 3, 5)]


def _answers(path: str, *, stream: bool) -> Iterator[bytes]:
    payload = {"model": "openai/gpt-5-1", "messages": [], "input": "x", "stream": stream}
    emulator = Emulator(seed=0, validate=False).script(*_REPLIES)
    with emulator.client(base_url="https://api.aimlapi.com") as client:
        for _ in _REPLIES:
            yield client.post(path, json=payload, headers=_AUTHORIZATION).content


def _words() -> list[str]:
    text = b" ".join(
        body
        for path in _PATHS.values()
        for stream in (False, True)
        for body in _answers(path, stream=stream)
    ).decode()
    return sorted(set(re.findall(r'"([a-zA-Z_.]+)"', text + json.dumps(_CONVERSATION))))


WORDS = _words()
"""Keys and values that mean something to the API."""
