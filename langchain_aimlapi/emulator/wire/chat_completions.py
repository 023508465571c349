"""Chat Completions: a `Generation` as a whole body or as a stream's chunks.

Source: AI/ML API documentation, model pages (2026-08), for bodies; the one full stream dump that is
published there (March 2026) for the order of chunks, since it contradicts the chunk schema.
"""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.tokens import split_deltas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator.account.ledger import Usage
    from langchain_aimlapi.emulator.answers.generation import Candidate, Generation
    from langchain_aimlapi.emulator.answers.replies import StreamStyle, ToolCall

_FINGERPRINT = "fp_emulator"


def usage_block(usage: Usage) -> dict[str, Any]:
    """Token counts as this API spells them."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole_body(generation: Generation) -> dict[str, Any]:
    """The body of a reply that is not streamed."""
    body = {
        "id": f"chatcmpl-{generation.key}",
        "object": "chat.completion",
        "created": generation.created,
        "model": generation.model,
        "choices": [
            _whole_choice(choice, index, generation.reply.reasoning_field)
            for index, choice in enumerate(generation.choices)
        ],
        "usage": usage_block(generation.usage),
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
    }
    return {**body, "meta": generation.meta} if generation.meta else body


def _whole_choice(choice: Candidate, index: int, reasoning_field: str) -> dict[str, Any]:
    # The spec wants a string here; null beside tool calls or a refusal is the upstream's habit.
    empty = None if choice.tool_calls or choice.refusal is not None else ""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text if choice.text is not None else empty,
        "refusal": choice.refusal,
        "annotations": _annotations(choice),
    }
    if choice.reasoning:
        message[reasoning_field] = _reasoning(choice.reasoning_text, reasoning_field)
    if choice.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": _function(call, call.arguments)}
            for call in choice.tool_calls
        ]
    logprobs = None if choice.logprobs is None else _logprobs(list(choice.logprobs))
    return {
        "index": index,
        "message": message,
        "finish_reason": choice.finish_reason,
        "logprobs": logprobs,
    }


def _function(call: ToolCall, arguments: str) -> dict[str, str]:
    return {"name": call.name, "arguments": arguments}


def _annotations(choice: Candidate) -> list[dict[str, Any]]:
    return [
        {
            "type": "url_citation",
            "url_citation": {key: value for key, value in note.items() if key != "type"},
        }
        for note in choice.annotations
    ]


def _reasoning(text: str, field: str) -> Any:
    if field == "reasoning_details":
        return [{"type": "reasoning.text", "text": text}]
    return text


def _logprobs(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": content, "refusal": []}


def stream_chunks(generation: Generation) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed reply, in the order of the published dump.

    Per choice a role chunk, then deltas, then an empty delta with the finish reason; after all
    choices one chunk with the usage and no choices; last the price.
    """
    style = generation.reply.stream
    usage = usage_block(generation.usage) if _tells_usage(generation) else None
    price = {"meta": generation.meta} if generation.meta else {}
    priced_in = style.price == "with_usage" and usage is not None
    choices = [
        _choice_chunks(choice, index, generation) for index, choice in enumerate(generation.choices)
    ]
    for part in chain.from_iterable(zip_longest(*choices)):
        if part is not None:
            yield _chunk(generation, [part])
    if usage is not None:
        yield {**_chunk(generation, [], usage), **(price if priced_in else {})}
    if price and style.price != "none" and not priced_in:
        yield price


def _tells_usage(generation: Generation) -> bool:
    wanted = generation.reply.stream.usage
    options = generation.payload.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return wanted == "always" or (wanted == "asked" and asked)


def _chunk(
    generation: Generation, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "id": "" if generation.reply.stream.empty_ids else f"chatcmpl-{generation.key}",
        "object": "chat.completion.chunk",
        "created": generation.created,
        "model": generation.model,
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
        "choices": choices,
        "usage": usage,
        # Padding that hides the lengths of tokens, sent by the upstream and passed on.
        "obfuscation": generation.key[:14],
    }


def _choice_chunks(
    choice: Candidate, index: int, generation: Generation
) -> Iterator[dict[str, Any]]:
    style = generation.reply.stream
    for delta, logprobs in _deltas(choice, generation):
        if style.repeat_role:
            delta.setdefault("role", "assistant")
        if style.null_content:
            delta.setdefault("content", None)
        yield {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
    last = {"content": None} if style.null_content else {}
    yield {
        "index": index,
        "delta": last,
        "logprobs": None,
        "finish_reason": choice.finish_reason,
    }


def _deltas(
    choice: Candidate, generation: Generation
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    style, field = generation.reply.stream, generation.reply.reasoning_field
    content = None if style.null_content else ""
    yield {"role": "assistant", "content": content, "refusal": None}, None
    for part in split_deltas(choice.reasoning_text, style.delta_size):
        yield {field: _reasoning(part, field)}, None
    if choice.logprobs is None:
        for part in split_deltas(choice.text or "", style.delta_size):
            yield {"content": part}, None
    else:
        # A token's probability belongs to its delta, so here deltas are tokens in any style.
        for entry in choice.logprobs:
            yield {"content": entry["token"]}, _logprobs([entry])
    for part in split_deltas(choice.refusal or "", style.delta_size):
        yield {"refusal": part}, None
    if choice.annotations:
        yield {"annotations": _annotations(choice)}, None
    for number, call in enumerate(choice.tool_calls):
        for fragment in _tool_call_deltas(call, number, style):
            yield {"tool_calls": [fragment]}, None


def _tool_call_deltas(call: ToolCall, number: int, style: StreamStyle) -> Iterator[dict[str, Any]]:
    position: dict[str, Any] = {} if style.tool_index == "missing" else {"index": number}
    if style.tool_index in {"null", "zero"}:
        position["index"] = None if style.tool_index == "null" else 0
    identity = {"id": call.id, "type": "function"}
    if style.whole_calls:
        yield {**position, **identity, "function": _function(call, call.arguments)}
        return
    yield {**position, **identity, "function": _function(call, "")}
    for part in split_deltas(call.arguments, style.delta_size):
        if style.repeat_ids:
            yield {**position, **identity, "function": _function(call, part)}
        else:
            yield {**position, "function": {"arguments": part}}
