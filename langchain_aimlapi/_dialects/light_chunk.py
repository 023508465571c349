"""Chunks of a stream, made without validation: most of what a chunk costs would be that.

LangChain validates each chunk that is constructed, and parses each fragment of a tool call's
arguments as if it were whole JSON, over and over. A chunk here is a copy of one that was validated
once, with other values in it. The values are those that validation would have left: texts are
checked before they come here, and a test compares both ways on all kinds of fragments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

if TYPE_CHECKING:
    from langchain_core.messages.tool import ToolCallChunk
    from pydantic import BaseModel

    _Model = TypeVar("_Model", bound=BaseModel)


def chunk_of(
    text: str,
    kwargs: dict[str, Any],
    metadata: dict[str, Any],
    calls: list[ToolCallChunk],
) -> ChatGenerationChunk:
    """Make a chunk, equal to the one that LangChain's constructors make of the same values.

    Args:
        text: The content.
        kwargs: `additional_kwargs`, kept as it is.
        metadata: `response_metadata`, kept as it is.
        calls: Fragments of tool calls with text as arguments.
    """
    fields: dict[str, Any] = {
        "content": text,
        "additional_kwargs": kwargs,
        "response_metadata": metadata,
        "tool_call_chunks": calls,
    }
    if any((call["args"] or "").lstrip().startswith("{") for call in calls):
        # The start of an object may be read as arguments already; only LangChain knows how.
        return ChatGenerationChunk(message=AIMessageChunk(**fields))
    # What cannot be an object is an invalid call to LangChain, and no text stands for no arguments.
    fields["tool_calls"] = [
        tool_call(name=call["name"] or "", args={}, id=call["id"])
        for call in calls
        if not call["args"]
    ]
    fields["invalid_tool_calls"] = [
        invalid_tool_call(name=call["name"], args=call["args"], id=call["id"], error=None)
        for call in calls
        if call["args"]
    ]
    message = _with(_CALLING if calls else _TALKING, fields)
    return _with(_GENERATION, {"message": message, "text": text})


def _with(template: _Model, values: dict[str, Any]) -> _Model:
    """Copy a model with other values; what `model_copy` does, in a third of its time."""
    made = object.__new__(type(template))
    extra, private = template.__pydantic_extra__, template.__pydantic_private__
    object.__setattr__(made, "__dict__", {**template.__dict__, **values})
    object.__setattr__(made, "__pydantic_fields_set__", set(template.__pydantic_fields_set__))
    object.__setattr__(made, "__pydantic_extra__", None if extra is None else dict(extra))
    object.__setattr__(made, "__pydantic_private__", None if private is None else dict(private))
    return made


def _validated(calls: list[ToolCallChunk]) -> AIMessageChunk:
    return AIMessageChunk(
        content="", additional_kwargs={}, response_metadata={}, tool_call_chunks=calls
    )


_TALKING = _validated([])
_CALLING = _validated([tool_call_chunk(name="f", args="", id="1", index=0)])
_GENERATION = ChatGenerationChunk(message=_TALKING)
