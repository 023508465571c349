"""LangChain content, in every shape it comes in, to the parts that the AI/ML API takes.

The parts made here are those of chat completions: `text`, `image_url` and `file`. The Responses
dialect renames them. Which part is allowed in which role is the vendor's published request schema
of `openai/gpt-5-1` (2026-08): text, images and PDF files for the user; text alone for system,
developer and tool messages; text and refusals for the assistant.

Accepted shapes: LangChain v1 blocks (`image`, `file`, `text-plain`), v0 blocks (`source_type`),
OpenAI's (`image_url`, `file`, `input_text`, `input_image`, `input_file`) and Anthropic's (`source`,
`document`). This module knows nothing of endpoints, streams or HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._wire.json import dumps
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from langchain_core.messages import AIMessage

Part = dict[str, Any]
"""One content part of chat completions."""

_TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
_SOUND_AND_FILM = frozenset(
    {"audio", "input_audio", "audio_url", "video", "video_url", "input_video"}
)
_PDF = "application/pdf"

INPUT_ITEMS = frozenset({"mcp_approval_response", "item_reference", "local_shell_call_output"})
"""Input items of the responses endpoint that users put into a message; they pass as they are."""


def blocks_of(content: Any) -> list[Part]:
    """Return message content as a list of blocks; a plain string is one text block.

    Args:
        content: `message.content`: a string, or a list of strings and dicts.

    Returns:
        Dicts, each with a `type`; an empty string gives no block at all.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [
        {"type": "text", "text": block} if isinstance(block, str) else block for block in content
    ]


def kind_of(block: Part) -> str:
    """Return the type of a block; empty if it has none that is text."""
    kind = block.get("type")
    return kind if isinstance(kind, str) else ""


def _unwrapped(block: Part) -> Part:
    """Return the block that LangChain's `non_standard` block holds, or the block itself."""
    while kind_of(block) == "non_standard" and isinstance(value := block.get("value"), dict):
        block = value
    return block


def text_of(blocks: Iterable[Part]) -> str:
    """Join the text of the blocks that are text, in their order, with nothing in between."""
    return "".join(block.get("text") or "" for block in blocks if kind_of(block) in _TEXT_TYPES)


def refusal_of(message: AIMessage, blocks: Iterable[Part]) -> str:
    """Return the words in which an assistant turn refuses, from wherever they stand; else ""."""
    told = message.additional_kwargs.get("refusal")
    if isinstance(told, str) and told:
        return told
    return "".join(block.get("refusal") or "" for block in blocks if block.get("type") == "refusal")


def user_parts(content: Any) -> str | list[Part]:
    """Convert a user turn: a string stays one, a list becomes text, image and file parts.

    Raises:
        AIMLAPIInvalidRequestError: A block that these models cannot take (audio, video, an
            unknown type, a file that is no PDF).
    """
    if isinstance(content, str):
        return content
    return [to_part(block) for block in blocks_of(content)]


def text_only(content: Any, role: str) -> str | list[Part]:
    """Convert content of a role that takes nothing but text (system, developer).

    Raises:
        AIMLAPIInvalidRequestError: The content has a block that is not text.
    """
    parts = user_parts(content)
    if isinstance(parts, list):
        for part in parts:
            if part["type"] != "text":
                raise AIMLAPIInvalidRequestError(
                    f"A {role} message takes text only, and this one holds a {part['type']} block. "
                    "Move it to a user message."
                )
    return parts


def tool_result(content: Any) -> tuple[str, list[Part]]:
    """Split a tool's result into what a tool message can say and what it can only point to.

    The API's tool messages are strings, so images and files travel in a user turn that follows.

    Args:
        content: A string, or a list of strings, blocks and plain JSON objects.

    Returns:
        The text (its pieces joined by line breaks), and the parts that have to be moved.
    """
    if isinstance(content, str):
        return content, []
    lines: list[str] = []
    moved: list[Part] = []
    for block in map(_unwrapped, blocks_of(content)):
        if kind_of(block) not in _CONVERTERS and kind_of(block) not in _SOUND_AND_FILM:
            lines.append(dumps(block).decode())
            continue
        part = to_part(block)
        if part["type"] == "text":
            lines.append(part["text"])
        else:
            moved.append(part)
    return "\n".join(lines), moved


def to_part(block: Part) -> Part:
    """Convert one block of a user turn.

    Raises:
        AIMLAPIInvalidRequestError: The block's type is not one of those that these models take.
    """
    block = _unwrapped(block)
    kind = kind_of(block)
    if kind in INPUT_ITEMS:
        return block
    if convert := _CONVERTERS.get(kind):
        return convert(block)
    if kind in _SOUND_AND_FILM:
        raise AIMLAPIInvalidRequestError(
            f"Content of type {kind!r} cannot be sent: the GPT-5.1 models take text, images and "
            "PDF files. Transcribe it first."
        )
    raise AIMLAPIInvalidRequestError(
        f"Content of type {block.get('type')!r} cannot be sent in a user message. Known types: "
        f"{', '.join(sorted(_CONVERTERS))}."
    )


def _text(block: Part) -> Part:
    return {"type": "text", "text": block.get("text") or ""}


def _image(block: Part) -> Part:
    image = block.get("image_url")
    detail = block.get("detail") or (block.get("extras") or {}).get("detail")
    if isinstance(image, dict):
        detail = image.get("detail") or detail
        url = image.get("url")
    else:
        url = image or _source_url(block, default_mime="image/jpeg")
    if not isinstance(url, str) or not url:
        raise AIMLAPIInvalidRequestError(
            "An image block needs a URL or base64 data: "
            '{"type": "image", "url": "https://…"} or '
            '{"type": "image", "base64": "…", "mime_type": "image/png"}.'
        )
    return {
        "type": "image_url",
        "image_url": {"url": url, **({"detail": detail} if detail else {})},
    }


def _file(block: Part) -> Part:
    if isinstance(block.get("file"), dict):
        return {"type": "file", "file": dict(block["file"])}
    if file_id := block.get("file_id") or (
        block.get("id") if _source_type(block) == "id" else None
    ):
        return {"type": "file", "file": {"file_id": file_id}}
    if _source_type(block) == "text":
        return {"type": "text", "text": _source(block).get("data") or block.get("text") or ""}
    data = block.get("file_data") or _source_url(block, default_mime=_PDF)
    if not isinstance(data, str) or not data.startswith("data:"):
        raise AIMLAPIInvalidRequestError(
            "A file block needs base64 data, the API fetches no file by URL: "
            '{"type": "file", "base64": "…", "mime_type": "application/pdf"}.'
        )
    if not data.startswith(f"data:{_PDF}"):
        raise AIMLAPIInvalidRequestError(
            f"Only PDF files can be sent, not {data[5:].partition(';')[0]!r}. Send other documents "
            "as text, pictures as images."
        )
    # That file_data is a data URL, and that a name belongs to it, is how the upstream API has it;
    # the gateway's schema says no more than "base64 string", and makes both optional.
    return {"type": "file", "file": {"file_data": data, "filename": _filename(block)}}


def _filename(block: Part) -> str:
    for holder in (block, block.get("extras"), block.get("metadata")):
        if isinstance(holder, dict):
            for key in ("filename", "name", "title"):
                if isinstance(holder.get(key), str) and holder[key]:
                    return str(holder[key])
    return "document.pdf"


def _source(block: Part) -> Part:
    source = block.get("source")
    return source if isinstance(source, dict) else {}


def _source_type(block: Part) -> str | None:
    return block.get("source_type") or _source(block).get("type")


def _source_url(block: Part, *, default_mime: str) -> str | None:
    """Find the URL, or make a data URL of the base64 text, in a v1, v0 or Anthropic block."""
    source = _source(block)
    encoded = block.get("base64") or source.get("data")
    if encoded is None and _source_type(block) == "base64":
        encoded = block.get("data")
    if isinstance(encoded, bytes):
        encoded = encoded.decode("ascii")
    if encoded:
        mime = block.get("mime_type") or source.get("media_type") or default_mime
        return f"data:{mime};base64,{encoded}"
    return block.get("url") or source.get("url")


_CONVERTERS: dict[str, Callable[[Part], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "text-plain": _text,
    "image": _image,
    "image_url": _image,
    "input_image": _image,
    "file": _file,
    "input_file": _file,
    "document": _file,
}
