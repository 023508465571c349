"""What a dialect is: one of the API's two ways to say the same thing.

A dialect turns LangChain messages into a payload and the gateway's reply into LangChain messages.
It does no I/O, and neither dialect knows of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from langchain_aimlapi.errors import (
    AIMLAPIProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatResult

    from langchain_aimlapi._dialects.stream_parser import StreamParser
    from langchain_aimlapi._messages.seal import Seal
    from langchain_aimlapi.errors import ErrorDetails


@dataclass(frozen=True)
class CallFacts:
    """What is known of an answered call beside the reply's body."""

    endpoint: str
    """Name of the dialect that was spoken: `chat_completions` or `responses`."""
    client_request_id: str | None = None
    """The `X-Client-Request-Id` that was sent."""
    attempts: int = 1
    """HTTP requests made for this call, the refused and failed ones included."""
    unpriced_attempts: int = 0
    """Those of them that failed and were sent again, but may have been billed."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The reply's headers, names in lower case."""
    stop: Sequence[str] = ()
    """Stop sequences to apply to the visible text."""
    seal: Seal | None = None
    """The mark that sealed reasoning of this reply gets."""
    tools: Collection[str] = ()
    """Names of the tools that the model was given."""
    shows_headers: bool = False
    """Whether the message is to carry the reply's headers."""

    @property
    def inference_id(self) -> str | None:
        """The gateway's id of the call, where its headers tell."""
        return self.headers.get("x-inference-id")

    def error_details(self) -> ErrorDetails:
        """Return what an error about this call's reply names."""
        return {
            "request_id": self.inference_id,
            "client_request_id": self.client_request_id,
            "attempts": self.attempts,
        }


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


def unreadable(error: Exception, facts: CallFacts) -> AIMLAPIProtocolError:
    """Make the error for a reply over which its reader stumbled."""
    return AIMLAPIProtocolError(
        "The reply has another shape than the API documents, and could not be read "
        f"({type(error).__name__}). Please report it with the model and the inference id.",
        **facts.error_details(),
    )
