"""Responses: a `Generation` as the response object.

Source: AI/ML API documentation, model pages (samples and schemas, 2026-08).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.wire.tool_items import call_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.emulator.account.ledger import Usage
    from langchain_aimlapi.emulator.answers.generation import Candidate, Generation

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_PREFIXES = {"web_search_call": "ws", "code_interpreter_call": "ci", "mcp_call": "mcp"}


def usage_block(usage: Usage) -> dict[str, Any]:
    """Token counts as this API spells them."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def whole_body(generation: Generation) -> dict[str, Any]:
    """The finished response object, as a body or in a stream's last event."""
    choice, failure = generation.choices[0], generation.reply.failure
    output = [] if failure is not None else output_items(generation)
    reason = _INCOMPLETE.get(choice.finish_reason)
    body = {
        **skeleton(generation),
        # The published samples omit the status; the schema lists it, and clients need it.
        "status": "failed" if failure is not None else "incomplete" if reason else "completed",
        "error": None if failure is None else dict(failure),
        "incomplete_details": {"reason": reason} if reason and failure is None else None,
        "output": output,
        "output_text": _output_text(output),
    }
    if failure is None:
        body["usage"] = usage_block(generation.usage)
        if generation.meta:
            body["meta"] = generation.meta
    return body


def skeleton(generation: Generation) -> dict[str, Any]:
    """The response object as it is before anything was generated."""
    payload = generation.payload
    reasoning = payload.get("reasoning") or {}
    return {
        "id": f"resp_{generation.key}",
        "object": "response",
        "created_at": generation.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": payload.get("instructions"),
        "max_output_tokens": payload.get("max_output_tokens"),
        "model": generation.model,
        "output": [],
        "parallel_tool_calls": payload.get("parallel_tool_calls") is not False,
        "previous_response_id": payload.get("previous_response_id"),
        "reasoning": {
            # Samples of three models say medium where nothing was asked, that of gpt-5-1 none.
            "effort": reasoning.get("effort") or "medium",
            "summary": reasoning.get("summary"),
        },
        "store": payload.get("store") is True,
        "temperature": payload.get("temperature", 1),
        "text": {"verbosity": "medium", **(payload.get("text") or {"format": {"type": "text"}})},
        "tool_choice": payload.get("tool_choice", "auto"),
        "tools": payload.get("tools", []),
        "top_p": payload.get("top_p", 1),
        "truncation": payload.get("truncation", "disabled"),
        "metadata": payload.get("metadata") or {},
    }


def output_items(generation: Generation) -> list[dict[str, Any]]:
    """The finished output items: reasoning, built-in calls, the message, function calls."""
    reply, choice, key = generation.reply, generation.choices[0], generation.key
    if reply.raw_output is not None:
        return [dict(item) for item in reply.raw_output]
    items: list[dict[str, Any]] = []
    if choice.reasoning is not None:
        items.append(_reasoning_item(generation, choice.reasoning))
    for number, call in enumerate(reply.built_in_calls):
        kind = str(call.get("type"))
        item = {"id": f"{_PREFIXES.get(kind, 'item')}_{key}{number:x}", "status": "completed"}
        items.append({**item, **call})
    content = _content(choice)
    if content or not choice.tool_calls:
        items.append(
            {
                "id": f"msg_{key}",
                "type": "message",
                "status": "completed",
                "content": content,
                "role": "assistant",
            }
        )
    items += [
        call_item(call, generation.payload, f"{key}{number:x}")
        for number, call in enumerate(choice.tool_calls)
    ]
    if choice.finish_reason in _INCOMPLETE:
        # What comes before it had ended when the answer was cut.
        items[-1]["status"] = "incomplete"
    return items


def _reasoning_item(generation: Generation, parts: tuple[str, ...]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"rs_{generation.key}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part} for part in parts],
    }
    if generation.encrypted:
        sealed = generation.reply.encrypted_content
        item["encrypted_content"] = f"sealed-{generation.key}" if sealed is None else sealed
    return item


def _content(choice: Candidate) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if choice.text is not None:
        content.append(
            {
                "type": "output_text",
                "annotations": [{"type": "url_citation", **note} for note in choice.annotations],
                "logprobs": list(choice.logprobs or ()),
                "text": choice.text,
            }
        )
    if choice.refusal is not None:
        content.append({"type": "refusal", "refusal": choice.refusal})
    return content


def _output_text(output: list[dict[str, Any]]) -> str:
    return "".join(_texts(output))


def _texts(output: list[dict[str, Any]]) -> list[str]:
    parts: list[Mapping[str, Any]] = []
    for item in output:
        if item.get("type") == "message":
            parts += item.get("content") or []
    return [str(part["text"]) for part in parts if part.get("type") == "output_text"]
