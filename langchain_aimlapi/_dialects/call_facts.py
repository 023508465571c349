"""What a reader knows of a call beside the reply that it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_aimlapi.errors import AIMLAPIProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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


def unreadable(error: Exception, facts: CallFacts) -> AIMLAPIProtocolError:
    """Make the error for a reply over which its reader stumbled."""
    return AIMLAPIProtocolError(
        "The reply has another shape than the API documents, and could not be read "
        f"({type(error).__name__}). Please report it with the model and the inference id.",
        **facts.error_details(),
    )
