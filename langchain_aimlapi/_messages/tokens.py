"""Token counts without the network.

With the extra `tokens` text is counted by the models' own vocabulary, o200k_base, which lies in the
wheel of `bpe-openai`. Without it four characters count as one. What the vendor adds around
messages is not published, so a count of messages is an estimate either way; `usage_metadata` of an
answer is the truth.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._messages.content import blocks_of
from langchain_aimlapi._messages.tools import wire_tool
from langchain_aimlapi._wire.json import dumps
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import BaseMessage

_CHARACTERS_PER_TOKEN = 4
# The upstream vendor's published figures for its chat models: 3 tokens around each message, 3 to
# start the answer, 85 for an image at low detail. Larger images cost more than is counted here.
_TOKENS_PER_MESSAGE = 3
_TOKENS_TO_START = 3
_TOKENS_PER_IMAGE = 85


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
    """Estimate the tokens of a conversation, images and tools included.

    Args:
        messages: The conversation.
        tools: Tools that go with it, of any kind that `bind_tools` takes.
    """
    schemas: list[Any] = [wire_tool(tool) for tool in tools or ()]
    counted = _TOKENS_TO_START + sum(_count_message(message) for message in messages)
    return counted + (count_text(dumps(schemas).decode()) if schemas else 0)


def _count_message(message: BaseMessage) -> int:
    counted = _TOKENS_PER_MESSAGE + count_text(message.name or "")
    for block in blocks_of(message.content):
        if block.get("type") in {"image", "image_url", "input_image"}:
            counted += _TOKENS_PER_IMAGE
        else:
            counted += count_text(str(block.get("text") or ""))
    for call in getattr(message, "tool_calls", ()):
        counted += count_text(call["name"]) + count_text(dumps(call["args"]).decode())
    return counted


@lru_cache(maxsize=1)
def _encoding() -> Any:
    """Load the vocabulary at the first count: a quarter of a second and 76 MB."""
    if find_spec("bpe_openai") is None:
        return None
    with warnings.catch_warnings():
        # It reads its data by a function that newer Pythons advise against: not our users' concern.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module("bpe_openai").get_encoding("o200k_base")


class TokenCounting:
    """The methods of `ChatAIMLAPI` that count tokens, in place of LangChain's own."""

    if TYPE_CHECKING:
        custom_get_token_ids: Callable[[str], list[int]] | None

    def get_token_ids(self, text: str) -> list[int]:
        """Return token ids; needs the extra `tokens` or `custom_get_token_ids`."""
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        return token_ids(text)

    def get_num_tokens(self, text: str) -> int:
        """Count the tokens of a text, offline; exactly with the extra `tokens`."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_text(text)

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of a conversation, offline, with its images and tools."""
        return count_messages(messages, tools)
