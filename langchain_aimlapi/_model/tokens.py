"""How many tokens a text or a conversation has, for those who ask the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._model.fields import AIMLAPISettings as _Settings
else:
    # Plain methods: a class of pydantic's costs more than all they do.
    _Settings = object


class TokenMethods(_Settings):
    """The methods of `ChatAIMLAPI` that count tokens, in place of LangChain's own."""

    @override
    def get_token_ids(self, text: str) -> list[int]:
        """Return token ids; needs the extra `tokens` or `custom_get_token_ids`."""
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        from langchain_aimlapi._messages.tokens import token_ids

        return token_ids(text)

    @override
    def get_num_tokens(self, text: str) -> int:
        """Count the tokens of a text, offline; exactly with the extra `tokens`."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        from langchain_aimlapi._messages.tokens import count_text

        return count_text(text)

    @override
    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of a conversation, offline, with its images and tools."""
        from langchain_aimlapi._messages.tokens import count_messages

        return count_messages(messages, tools)
