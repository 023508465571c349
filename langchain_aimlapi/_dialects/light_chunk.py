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
        "tool_calls": [],
        "invalid_tool_calls": [],
        "tool_call_chunks": calls,
    }
    for call in calls:
        arguments, name = call["args"], call["name"]
        if not arguments:
            # No text stands for no arguments.
            fields["tool_calls"].append(tool_call(name=name or "", args={}, id=call["id"]))
        elif arguments.lstrip().startswith("{"):
            # The start of an object may be read as arguments already; only LangChain knows how.
            del fields["tool_calls"], fields["invalid_tool_calls"]
            return ChatGenerationChunk(message=AIMessageChunk(**fields))
        else:
            # What cannot be an object is an invalid call to LangChain.
            fields["invalid_tool_calls"].append(
                invalid_tool_call(name=name, args=arguments, id=call["id"], error=None)
            )
    message = _with(_CALLING if calls else _TALKING, fields)
    return _with(_GENERATION, {"message": message, "text": text})


_new, _set = object.__new__, object.__setattr__


def _with(template: _Model, values: dict[str, Any]) -> _Model:
    """Copy a model with other values; what `model_copy` does, in a fourth of its time."""
    made = _new(type(template))
    fields = template.__dict__.copy()
    fields.update(values)
    extra, private = template.__pydantic_extra__, template.__pydantic_private__
    _set(made, "__dict__", fields)
    _set(made, "__pydantic_fields_set__", template.__pydantic_fields_set__.copy())
    _set(made, "__pydantic_extra__", None if extra is None else extra.copy())
    _set(made, "__pydantic_private__", None if private is None else private.copy())
    return made


def _validated(calls: list[ToolCallChunk]) -> AIMessageChunk:
    return AIMessageChunk(
        content="", additional_kwargs={}, response_metadata={}, tool_call_chunks=calls
    )


_TALKING = _validated([])
_CALLING = _validated([tool_call_chunk(name="f", args="", id="1", index=0)])
_GENERATION = ChatGenerationChunk(message=_TALKING)
