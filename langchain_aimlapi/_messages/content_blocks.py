"""`message.content_blocks` for messages of this package: LangChain's standard content blocks.

LangChain asks the translator that is registered for a message's `model_provider`. Ours renders what
a `MessageAssembler` made: string content, and the rest in `additional_kwargs`.

Blocks of a chunk carry string indices (`lc_txt_0`, `lc_tc_1`, …). With plain numbers LangChain adds
up a text block and a tool call of the same number to one broken block; it knows strings that start
with `lc_` as indices, and these cannot collide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import content as core_content
from langchain_core.messages.block_translators import register_translator

from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.content import ContentBlock

_HAS_REFUSAL_BLOCK = "refusal" in core_content.KNOWN_BLOCK_TYPES
"""Refusal blocks came with langchain-core 1.7.5."""


def translate_content(message: AIMessage) -> list[ContentBlock]:
    """Return the standard blocks of a whole message: reasoning, text, refusal, tool calls.

    Raises:
        NotImplementedError: The content is a list; LangChain then reads it as standard blocks.
    """
    blocks = _common_blocks(message)
    blocks += [
        {"type": "tool_call", "id": call.get("id"), "name": call["name"], "args": call["args"]}
        for call in message.tool_calls
    ]
    blocks += [{**call, "type": "invalid_tool_call"} for call in message.invalid_tool_calls]
    return cast("list[ContentBlock]", blocks)


def translate_content_chunk(message: AIMessageChunk) -> list[ContentBlock]:
    """Return the standard blocks of a chunk, each with the index of the block that it belongs to.

    A last chunk, or a sum of chunks that ends with it, has whole tool calls; others have pieces.

    Raises:
        NotImplementedError: The content is a list; LangChain then reads it as standard blocks.
    """
    if message.chunk_position == "last" and (message.tool_calls or message.invalid_tool_calls):
        return translate_content(message)
    blocks = _common_blocks(message, index="lc_{}_0".format)
    blocks += [
        {
            "type": "tool_call_chunk",
            "id": chunk.get("id"),
            "name": chunk.get("name"),
            "args": chunk.get("args"),
            "index": f"lc_tc_{chunk.get('index')}",
        }
        for chunk in message.tool_call_chunks
    ]
    return cast("list[ContentBlock]", blocks)


def _common_blocks(
    message: AIMessage, index: Callable[[str], str] | None = None
) -> list[dict[str, Any]]:
    """Return the blocks that a message and a chunk of it have alike."""
    if not isinstance(message.content, str):
        raise NotImplementedError
    kwargs = message.additional_kwargs
    blocks: list[dict[str, Any]] = []

    def add(prefix: str, block: dict[str, Any]) -> None:
        blocks.append({**block, "index": index(prefix)} if index else block)

    if reasoning := kwargs.get("reasoning_content"):
        add("rs", {"type": "reasoning", "reasoning": reasoning})
    annotations = [_citation(annotation) for annotation in listed(kwargs.get("annotations"))]
    if message.content or annotations:
        text: dict[str, Any] = {"type": "text", "text": message.content}
        add("txt", {**text, "annotations": annotations} if annotations else text)
    if refusal := kwargs.get("refusal"):
        block = {"type": "refusal", "refusal": refusal}
        add("rf", block if _HAS_REFUSAL_BLOCK else {"type": "non_standard", "value": block})
    return blocks


def listed(value: Any) -> list[Any]:
    """Return what should be a list as one: nothing for None, and anything else as its only item."""
    if isinstance(value, (list, tuple)):
        return [*value]
    return [] if value is None else [value]


def _citation(annotation: Any) -> dict[str, Any]:
    """Convert a `url_citation`, nested (chat completions) or flat (responses).

    What cannot be read is handed on as it came: the answer that it belongs to is paid for.
    """
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    if kind in ("citation", "non_standard_annotation"):
        return cast("dict[str, Any]", annotation)
    facts = annotation.get("url_citation") or annotation if kind == "url_citation" else None
    if not isinstance(facts, dict):
        return {"type": "non_standard_annotation", "value": annotation}
    known = ("url", "title", "start_index", "end_index")
    return {"type": "citation", **{key: facts[key] for key in known if key in facts}}


register_translator(MODEL_PROVIDER, translate_content, translate_content_chunk)
