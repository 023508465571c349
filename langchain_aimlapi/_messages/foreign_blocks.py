"""Blocks of other makers (Bedrock, Google, MCP) in LangChain's shapes, and any value as text."""

from __future__ import annotations

import base64
from typing import Any

from pydantic_core import to_json

from langchain_aimlapi._wire.json import dumps, without_surrogates
from langchain_aimlapi.errors import AIMLAPIConfigurationError

Part = dict[str, Any]
"""One content block."""

_MIME = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown"}
_UNTYPED = ("text", "image", "document")
"""Keys by which Bedrock's blocks, which have no type, are known."""
_HOLDERS = ("text", "value", "thinking", "reasoning", "summary", "content", "refusal")
"""Keys under which objects that stand in the place of a text hold it."""


def as_text(value: Any) -> str:
    """Return any value as text: text as it is, bytes of text decoded, the rest as JSON.

    What JSON cannot hold is written as near to it as can be: nothing is refused.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    try:
        return value.decode() if isinstance(value, bytes) else dumps(value).decode()
    except (ValueError, AIMLAPIConfigurationError):
        pass
    try:
        near = to_json(
            without_surrogates(value), fallback=repr, inf_nan_mode="null", bytes_mode="base64"
        )
    except (ValueError, RecursionError):
        pass
    else:
        return near.decode()
    try:
        return repr(value)
    except RecursionError:
        return f"({type(value).__name__}, nested too deeply to be told)"


def text_in(value: Any) -> str:
    """Return the text of what should be one, and came as an object or as a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "".join(map(text_in, value))
    if isinstance(value, dict):
        return next((text for key in _HOLDERS if (text := text_in(value.get(key)))), "")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else ""


def kind_of(block: Part) -> str:
    """Return the type of a block; empty if it has none that is text."""
    kind = block.get("type")
    return kind if isinstance(kind, str) else ""


def standard_block(block: Part) -> Part:
    """Give a block of Bedrock's, Google's or MCP's the shape of LangChain's."""
    kind = kind_of(block)
    holder = block.get(kind) if kind else None
    if kind == "custom_tool_call_output":  # what langchain-openai's custom tools return
        return {"type": "text", "text": as_text(block.get("output"))}
    if not kind:
        kind = next((key for key in _UNTYPED if key in block), "")
        holder = block.get(kind)
        if kind == "text" and isinstance(holder, str):
            return {"type": "text", "text": holder}
    if kind in {"image", "document"} and isinstance(holder, dict):
        source = holder.get("source")
        data = source.get("bytes") if isinstance(source, dict) else None
        ending = holder.get("format")
        if data is not None and isinstance(ending, str):
            mime = {"image": f"image/{ending}", "document": _MIME.get(ending, f"text/{ending}")}
            name = {"name": holder["name"]} if holder.get("name") else {}
            shape = {"image": "image", "document": "file"}[kind]
            return {"type": shape, "base64": _base64(data), "mime_type": mime[kind], **name}
    if kind == "guard_content" and isinstance(held := block.get("guardContent"), dict):
        return {"type": "text", "text": (held.get("text") or {}).get("text")}
    resource = block.get("resource")
    if kind == "resource" and isinstance(resource, dict) and resource.get("blob") is not None:
        kind, block = "media", {**resource, "data": resource["blob"]}
    mime_type = block.get("mime_type") or block.get("mimeType")
    data = block.get("data")
    if kind in {"media", "image"} and data is not None and isinstance(mime_type, str):
        shape = "image" if mime_type.startswith("image/") else "file"
        if mime_type.startswith(("audio/", "video/")):
            shape = mime_type[:5]
        return {
            **_without(block, "data"),
            "type": shape,
            "base64": _base64(data),
            "mime_type": mime_type,
        }
    return block


def _without(block: Part, *keys: str) -> Part:
    return {key: value for key, value in block.items() if key not in keys}


def _base64(data: Any) -> Any:
    return base64.b64encode(data).decode() if isinstance(data, bytes) else data
