"""What a dialect is: one of the API's two ways to say the same thing.

A dialect turns LangChain messages into a payload and the gateway's reply into LangChain messages.
It does no I/O, and neither dialect knows of the other.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from langchain_aimlapi.errors import (
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPIStreamInterruptedError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from langchain_core.messages import AIMessageChunk, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

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


class StreamParser(Protocol):
    """Reads one stream; holds all of its state."""

    @property
    def done(self) -> bool:
        """True when a stop sequence ended the answer and the rest need not be read."""

    @property
    def output_started(self) -> bool:
        """True once text, reasoning or a tool call was handed out."""

    def feed(self, event: dict[str, Any]) -> Iterable[ChatGenerationChunk]:
        """Take one event; return the chunks that it makes, often one, sometimes none.

        Raises:
            AIMLAPIProtocolError: The event has another shape than the API documents.
        """

    def close(self) -> Iterable[ChatGenerationChunk]:
        """Take the end of the stream; return the last chunk.

        Raises:
            AIMLAPIStreamInterruptedError: The answer was not finished.
        """

    def partial_message(self) -> AIMessageChunk:
        """Return what has come so far as one message."""


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


@contextmanager
def keeping_partial(parser: StreamParser) -> Iterator[None]:
    """Turn an error that strikes inside a stream into one that carries what had come.

    An error before any output is raised as it is: to the caller the request simply failed, and
    trying again shows nothing twice.
    """
    try:
        yield
    except AIMLAPIStreamInterruptedError:
        raise
    except AIMLAPIError as error:
        if not parser.output_started:
            raise
        raise AIMLAPIStreamInterruptedError(
            f"The stream broke off inside the answer: {error}",
            partial_message=parser.partial_message(),
            status_code=error.status_code,
            code=error.code,
            request_id=error.request_id,
            client_request_id=error.client_request_id,
            attempts=error.attempts,
            body=error.body,
            response=error.response,
        ) from error
