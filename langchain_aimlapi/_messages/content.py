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

import base64
import contextlib
import re
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._messages.foreign_blocks import as_text, kind_of, standard_block
from langchain_aimlapi._messages.media import media_part
from langchain_aimlapi._wire.json import SHAPE_ERRORS
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from langchain_core.messages import AIMessage

Part = dict[str, Any]
"""One content part of chat completions."""

_TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
_PDF = "application/pdf"
_NESTED = frozenset({"tool_result", "search_result", "document"})
_OF_FILES = frozenset({"base64", "blob", "data", "url", "uri", "source", "file", "image_url"})
_TEXTUAL = frozenset({"application/json", "application/xml", "application/yaml"})
_IMAGE = re.compile(r"https?://\S+$|data:image/(?:jpe?g|png|gif|webp);base64,", re.IGNORECASE)
_DETAILS = frozenset({"low", "high", "auto"})
_BLOB = 1024  # characters from which data is no longer something to read

INPUT_ITEMS = frozenset({"mcp_approval_response", "item_reference", "local_shell_call_output"})
"""Input items of the responses endpoint that users put into a message; they pass as they are."""


def blocks_of(content: Any) -> list[Part]:
    """Return message content as a list of blocks; a plain string is one text block.

    Args:
        content: `message.content`: a string, or a list of strings and dicts.

    Returns:
        Dicts, each with a `type`; an empty string gives no block at all.
    """
    if not isinstance(content, (list, tuple)):
        content = [] if content is None or content == "" else [content]
    return [
        block if isinstance(block, dict) else {"type": "text", "text": as_text(block)}
        for block in content
    ]


def unwrapped(block: Part) -> Part:
    """Return the block that LangChain's `non_standard` block holds, or the block itself."""
    while kind_of(block) == "non_standard" and isinstance(value := block.get("value"), dict):
        block = value
    return standard_block(block)


def text_of(blocks: Iterable[Part]) -> str:
    """Join the text of the blocks that are text, in their order, with nothing in between."""
    shaped = (block if kind_of(block) else standard_block(block) for block in blocks)
    return "".join(_text(block)["text"] for block in shaped if kind_of(block) in _TEXT_TYPES)


def refusal_of(message: AIMessage, blocks: Iterable[Part]) -> str:
    """Return the words in which an assistant turn refuses, from wherever they stand; else ""."""
    told = message.additional_kwargs.get("refusal")
    if isinstance(told, str) and told:
        return told
    said = (block.get("refusal") for block in blocks if kind_of(block) == "refusal")
    return "".join(words for words in said if isinstance(words, str))


def user_parts(content: Any, *, any_media: bool = False) -> str | list[Part]:
    """Convert a user turn: a string stays one, a list becomes text, image and file parts.

    Args:
        content: `message.content`.
        any_media: Whether the model may take what the GPT-5.1 models cannot.

    Raises:
        AIMLAPIInvalidRequestError: A block that these models cannot take (audio, video, an
            unknown type, a file that is no PDF).
    """
    if isinstance(content, str):
        return content
    parts: list[Part] = []
    for position, block in enumerate(blocks_of(content)):
        if kind_of(block) == "cachePoint" or block.keys() == {"cachePoint"}:
            continue  # a mark for Bedrock's cache, which says nothing
        try:
            parts.append(to_part(block, any_media=any_media))
        except AIMLAPIInvalidRequestError as error:
            raise AIMLAPIInvalidRequestError(f"Block {position}: {error}") from error
        except SHAPE_ERRORS as error:
            raise AIMLAPIInvalidRequestError(
                f"Block {position} has another shape than LangChain documents "
                f"({type(error).__name__})."
            ) from error
    return parts or ""


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
    for block in blocks_of(content):
        for part in _result_parts(block):
            if part["type"] == "text":
                lines.append(part["text"])
            else:
                moved.append(part)
    return "\n".join(lines), moved


def _result_parts(block: Part) -> Iterable[Part]:
    """Yield the parts of a block of a tool's result, where nothing is refused.

    Images and PDF files are what they are; of the rest that which can be said in text.
    """
    block = unwrapped(block)
    kind = kind_of(block)
    inner = block.get("content")
    source = _source(block)
    if kind == "document" and isinstance(source.get("content"), (str, list)):
        inner = source["content"]
    if kind in _NESTED and isinstance(inner, (str, list)):
        title = block.get("title") or block.get("name")
        if kind != "tool_result" and isinstance(title, str):
            yield {"type": "text", "text": title}
        if isinstance(block.get("source"), str):
            yield {"type": "text", "text": block["source"]}
        for piece in blocks_of(inner):
            yield from _result_parts(piece)
        return
    if kind in _CONVERTERS:
        with contextlib.suppress(AIMLAPIInvalidRequestError, *SHAPE_ERRORS):
            part = _CONVERTERS[kind](block)
            if _is_sendable(part):
                yield part
                return
    yield {"type": "text", "text": _told(block)}


def _is_sendable(part: Part) -> bool:
    """Tell whether the API takes a part that nobody wrote by hand."""
    if part["type"] == "image_url":
        detail = part["image_url"].get("detail", "auto")
        return _IMAGE.match(part["image_url"]["url"]) is not None and detail in _DETAILS
    return part["type"] == "text" or isinstance(part["file"].get("file_data"), str)


def _told(block: Part) -> str:
    """Say in text what cannot be sent as it is: the text in it, its address, its name, its JSON."""
    resource = block.get("resource")
    if kind_of(block) == "resource" and isinstance(resource, dict):
        if isinstance(resource.get("text"), str):
            return str(resource["text"])
        block = {**block, **resource}
    if not block.keys() & _OF_FILES:
        return as_text(block)
    encoded = block.get("base64") or block.get("blob") or block.get("data")
    mime = block.get("mime_type") or block.get("mimeType") or ""
    if isinstance(encoded, (str, bytes)) and isinstance(mime, str):
        is_text = mime.startswith("text/") or mime in _TEXTUAL
        if is_text and (text := _decoded(encoded)) is not None:
            return text
    address = block.get("url") or block.get("uri")
    if isinstance(address, str) and not address.startswith("data:"):
        names = (block.get("name"), block.get("title"), address)
        return "\n".join(name for name in names if isinstance(name, str))
    return as_text(_without_data(block))


def _without_data(value: Any) -> Any:
    """Leave out base64 that nobody can read, and say so."""
    if isinstance(value, dict):
        return {key: _without_data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_data(item) for item in value]
    if isinstance(value, (str, bytes)) and len(value) >= _BLOB:
        return f"({len(value)} characters of data left out)"
    return value


def to_part(block: Part, *, any_media: bool = False) -> Part:
    """Convert one block of a user turn; see `user_parts`.

    Raises:
        AIMLAPIInvalidRequestError: The block's type is not one of those that these models take.
    """
    block = unwrapped(block)
    kind = kind_of(block)
    if kind in INPUT_ITEMS:
        return block
    if (part := media_part(block, any_media=any_media)) is not None:
        return part
    if convert := _CONVERTERS.get(kind):
        return convert(block)
    raise AIMLAPIInvalidRequestError(
        f"Content of type {block.get('type')!r} cannot be sent in a user message. Known types: "
        f"{', '.join(sorted(_CONVERTERS))}."
    )


def _text(block: Part) -> Part:
    text = block.get("text")
    return {"type": "text", "text": "" if text is None else as_text(text)}


def _plain_text(block: Part) -> Part:
    """Convert a text file: its text stands there, or in base64."""
    text = block.get("text")
    encoded = block.get("base64") or block.get("data")
    if not text and isinstance(encoded, (str, bytes)):
        text = _decoded(encoded) if block.get("source_type") != "text" else encoded
        if text is None:
            raise AIMLAPIInvalidRequestError(
                "A text-plain block holds base64 that is no UTF-8 text. Decode it first: "
                '{"type": "text-plain", "text": "…"}.'
            )
    if not text and "text" not in block:
        raise AIMLAPIInvalidRequestError(
            "A text-plain block needs its text, the API fetches nothing by URL or id: "
            '{"type": "text-plain", "text": "…"}.'
        )
    return _text({"text": text})


def _decoded(encoded: str | bytes) -> str | None:
    """Return the text that stands in base64, in either alphabet; None if it is none."""
    text = encoded.decode("latin-1") if isinstance(encoded, bytes) else encoded
    text = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return None


def _search_result(block: Part) -> Part:
    """Write a passage that was found, with its title and its source."""
    lines = [block.get("title"), block.get("source"), text_of(blocks_of(block.get("content")))]
    return {"type": "text", "text": "\n".join(line for line in lines if isinstance(line, str))}


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
    if encoded and str(encoded).startswith("data:"):
        return str(encoded)
    if encoded:
        mime = block.get("mime_type") or source.get("media_type") or default_mime
        return f"data:{mime};base64,{encoded}"
    return block.get("url") or source.get("url")


_CONVERTERS: dict[str, Callable[[Part], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "text-plain": _plain_text,
    "search_result": _search_result,
    "image": _image,
    "image_url": _image,
    "input_image": _image,
    "computer_screenshot": _image,
    "file": _file,
    "input_file": _file,
    "document": _file,
}
