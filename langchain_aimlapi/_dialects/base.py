"""What a dialect is: one of the API's two ways to say the same thing.

A dialect turns LangChain messages into a payload and the gateway's reply into LangChain messages.
It does no I/O, and neither dialect knows of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatResult

    from langchain_aimlapi._dialects.call_facts import CallFacts
    from langchain_aimlapi._dialects.stream_parser import StreamParser
    from langchain_aimlapi._messages.seal import Seal


class Dialect(Protocol):
    """One of the API's endpoints, as pure functions."""

    @property
    def name(self) -> str:
        """`chat_completions` or `responses`."""

    @property
    def path(self) -> str:
        """Path below the base URL."""

    def build_payload(
        self, messages: Sequence[BaseMessage], params: Mapping[str, Any], seal: Seal | None = None
    ) -> dict[str, Any]:
        """Make the request's body.

        Args:
            messages: The conversation.
            params: Parameters in chat completions terms, None left out.
            seal: Who asks: sealed reasoning goes only to whom it came from.

        Raises:
            AIMLAPIInvalidRequestError: The messages hold something that cannot be sent.
        """

    def lacks(self, body: Mapping[str, Any]) -> str | None:
        """Say what a whole reply lacks to be an answer, "no choices"; None if nothing."""

    def parse_response(self, body: Mapping[str, Any], facts: CallFacts) -> ChatResult:
        """Read a whole reply that lacks nothing."""

    def stream_parser(self, facts: CallFacts) -> StreamParser:
        """Make the reader of one stream."""
