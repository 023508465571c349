"""Token counts without the network.

With the extra `tokens` text is counted by the models' own vocabulary, o200k_base, which lies in the
wheel of `bpe-openai`. Without it four characters count as one. What the vendor adds around
messages is not published, so a count of messages is an estimate either way; `usage_metadata` of an
answer is the truth.
"""

from __future__ import annotations

import base64
import re
import warnings
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from langchain_aimlapi._messages.content import (
    blocks_of,
    refusal_of,
    text_of,
    tool_result,
)
from langchain_aimlapi._messages.foreign_blocks import as_text
from langchain_aimlapi._messages.history import calls_of
from langchain_aimlapi._messages.tools import wire_tool
from langchain_aimlapi._wire.json import dicts_in, dumps
from langchain_aimlapi.errors import AIMLAPIConfigurationError
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

_CHARACTERS_PER_TOKEN = 4
# The upstream vendor's published figures for its chat models: 3 tokens around each message, 3 to
# start the answer, 85 for an image at low detail. Larger images cost more than is counted here.
_TOKENS_PER_MESSAGE = 3
_TOKENS_TO_START = 3
_TOKENS_PER_IMAGE = 85
# The upstream sends a PDF as the text and an image of each page. A page of running text has some
# 500 words; the pages of a compressed file are estimated by its size.
_TOKENS_PER_PAGE = 750
_BYTES_PER_PAGE = 200_000
# What these output items say stands in the message itself.
_IN_MESSAGE = frozenset(
    {"message", "reasoning", "function_call", "custom_tool_call", "local_shell_call"}
)
_PAGE = re.compile(rb"/Type\s*/Page\b")


def token_ids(text: str) -> list[int]:
    """Return the token ids of a text.

    Raises:
        AIMLAPIConfigurationError: The extra `tokens` is not installed.
    """
    encoding = _encoding()
    if encoding is None:
        raise AIMLAPIConfigurationError(
            "Token ids need the models' vocabulary: pip install 'langchain-aimlapi[tokens]'. "
            "get_num_tokens() works without it."
        )
    return list(encoding.encode_ordinary(text))


def count_text(text: str) -> int:
    """Count the tokens of a text, exactly with the extra `tokens`, else about right."""
    encoding = _encoding()
    if encoding is None:
        return -(-len(text) // _CHARACTERS_PER_TOKEN)
    return len(encoding.encode_ordinary(text))


def count_messages(messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None) -> int:
    """Estimate the tokens of a conversation: all that is sent, images, files and tools included.

    Args:
        messages: The conversation.
        tools: Tools that go with it, of any kind that `bind_tools` takes.
    """
    schemas: list[Any] = [wire_tool(tool) for tool in tools or ()]
    counted = _TOKENS_TO_START + sum(_count_message(message) for message in messages)
    return counted + (count_text(dumps(schemas).decode()) if schemas else 0)


def _count_message(message: BaseMessage) -> int:
    counted = _TOKENS_PER_MESSAGE + count_text(message.name or "")
    if isinstance(message, AIMessage):
        return counted + _count_turn(message)
    # Read as a tool's result, where nothing is refused: a count says what a message costs, not
    # whether it can be sent.
    text, others = tool_result(message.content)
    return counted + count_text(text) + sum(map(_count_part, others))


def _count_turn(message: AIMessage) -> int:
    blocks = blocks_of(message.content)
    counted = count_text(text_of(blocks) + refusal_of(message, blocks))
    for _, name, arguments in calls_of(message):
        counted += count_text(as_text(name or "")) + count_text(arguments)
    if message.response_metadata.get("model_provider", MODEL_PROVIDER) != MODEL_PROVIDER:
        return counted  # what others thought is not sent
    kwargs, usage = message.additional_kwargs, message.usage_metadata
    items = dicts_in(kwargs.get("output_items"))
    others = (item for item in items if item.get("type") not in _IN_MESSAGE)
    counted += sum(count_text(as_text(item)) for item in others)
    if any("encrypted_content" in item for item in items):
        # Sealed, so nobody can count it but who made it.
        known = usage.get("output_token_details", {}).get("reasoning") if usage else None
        if known:
            return counted + known
    # One reasoning may stand in several places; it is sent once.
    in_blocks = (block.get("reasoning") or block.get("thinking") or "" for block in blocks)
    details = (detail.get("text") or "" for detail in dicts_in(kwargs.get("reasoning_details")))
    places = (
        as_text(kwargs.get("reasoning_content") or ""),
        *map("".join, (map(as_text, in_blocks), map(as_text, details))),
    )
    return counted + max(map(count_text, places))


def _count_part(part: Mapping[str, Any]) -> int:
    """Count an image or a file of PDF, whose pages are counted by what marks their beginning."""
    if part["type"] == "image_url":
        return _TOKENS_PER_IMAGE
    data = part["file"].get("file_data") or ""
    try:
        raw = base64.b64decode(data.partition(",")[2])
    except ValueError:
        raw = b""
    pages = len(_PAGE.findall(raw)) or -(-len(raw) // _BYTES_PER_PAGE)
    return _TOKENS_PER_PAGE * max(1, pages)


@lru_cache(maxsize=1)
def _encoding() -> Any:
    """Load the vocabulary at the first count: a quarter of a second and 76 MB."""
    if find_spec("bpe_openai") is None:
        return None
    with warnings.catch_warnings():
        # It reads its data by a function that newer Pythons advise against: not our users' concern.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module("bpe_openai").get_encoding("o200k_base")
