"""Responses: a `Generation` as a stream's events.

Every event is made from the finished output items, so that a stream cannot say anything else than
the whole reply. Source: AI/ML API documentation, event schemas of the model pages (2026-08); the
order of events is the upstream's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.tokens import split_deltas
from langchain_aimlapi.emulator.wire.responses import output_items, skeleton, whole_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator.answers.generation import Generation

_Event = dict[str, Any]

# What a running call of a built-in tool goes through; each is an event of its own.
_BUILT_IN_STEPS = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "mcp_call": ("in_progress", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
}


def stream_events(generation: Generation) -> Iterator[_Event]:
    """All events of a streamed reply, numbered; the price in a place of its own comes last."""
    for number, event in enumerate(_events(generation)):
        yield {**event, "sequence_number": number}
    if generation.meta and generation.reply.stream.price == "own_chunk":
        yield {"meta": generation.meta}


def _events(generation: Generation) -> Iterator[_Event]:
    style, body = generation.reply.stream, whole_body(generation)
    started = skeleton(generation)
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    if generation.reply.failure is None:
        for index, item in enumerate(output_items(generation)):
            for event in _item_events(item, generation):
                yield {**event, "output_index": index}
    meta = body.pop("meta", None)
    if style.usage == "never":
        body.pop("usage", None)
    if meta and style.price in {None, "with_usage"}:
        body["meta"] = meta
    yield {"type": f"response.{body['status']}", "response": body}


def _item_events(item: _Event, generation: Generation) -> Iterator[_Event]:
    """Events of one output item, the `output_index` left to the caller."""
    kind, item_id, size = item.get("type"), item.get("id"), generation.reply.stream.delta_size
    emptied = {
        "message": "content",
        "reasoning": "summary",
        "function_call": "arguments",
        "custom_tool_call": "input",
    }
    started = dict(item)
    if "status" in item:
        started["status"] = "in_progress"
    if kind in emptied:
        key = emptied[kind]
        started[key] = "" if key in {"arguments", "input"} else []
    started.pop("encrypted_content", None)
    yield {"type": "response.output_item.added", "item": started}
    inner: Iterator[_Event]
    if kind == "message":
        inner = _message_events(item, size)
    elif kind == "reasoning":
        inner = _reasoning_events(item, size)
    elif kind == "function_call":
        inner = _arguments_events(item, size)
    elif kind == "custom_tool_call":
        inner = _input_events(item, size)
    else:
        steps = _BUILT_IN_STEPS.get(str(kind), ())
        inner = ({"type": f"response.{kind}.{step}"} for step in steps)
    for event in inner:
        yield {**event, "item_id": item_id}
    yield {"type": "response.output_item.done", "item": item}


def _message_events(item: _Event, size: int | None) -> Iterator[_Event]:
    for index, part in enumerate(item.get("content") or []):
        text = part.get("type") == "output_text"
        events = _text_events(part, size) if text else _refusal_events(part, size)
        empty = {"annotations": [], "logprobs": [], "text": ""} if text else {"refusal": ""}
        yield {
            "type": "response.content_part.added",
            "content_index": index,
            "part": {**part, **empty},
        }
        for event in events:
            yield {**event, "content_index": index}
        yield {"type": "response.content_part.done", "content_index": index, "part": part}


def _text_events(part: _Event, size: int | None) -> Iterator[_Event]:
    logprobs = part.get("logprobs") or []
    if logprobs:
        for entry in logprobs:
            yield _delta("output_text", entry["token"], logprobs=[entry])
    else:
        for delta in split_deltas(part["text"], size):
            yield _delta("output_text", delta, logprobs=[])
    for number, note in enumerate(part.get("annotations") or []):
        yield {
            "type": "response.output_text.annotation.added",
            "annotation_index": number,
            "annotation": note,
        }
    yield {"type": "response.output_text.done", "text": part["text"], "logprobs": logprobs}


def _refusal_events(part: _Event, size: int | None) -> Iterator[_Event]:
    for delta in split_deltas(part["refusal"], size):
        yield _delta("refusal", delta)
    yield {"type": "response.refusal.done", "refusal": part["refusal"]}


def _reasoning_events(item: _Event, size: int | None) -> Iterator[_Event]:
    for index, part in enumerate(item.get("summary") or []):
        at = {"summary_index": index}
        empty = {**part, "text": ""}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": empty}
        for delta in split_deltas(part["text"], size):
            yield {**_delta("reasoning_summary_text", delta), **at}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _arguments_events(item: _Event, size: int | None) -> Iterator[_Event]:
    for delta in split_deltas(item["arguments"], size):
        yield _delta("function_call_arguments", delta)
    yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}


def _input_events(item: _Event, size: int | None) -> Iterator[_Event]:
    for delta in split_deltas(item["input"], size):
        yield _delta("custom_tool_call_input", delta)
    yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}


def _delta(kind: str, delta: str, **more: Any) -> _Event:
    return {"type": f"response.{kind}.delta", "delta": delta, **more}
