"""What an error keeps of the answer that it was made of, and how it quotes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from pydantic_core import from_json

TimeoutPhase = Literal["connect", "pool", "write", "read", "idle", "deadline", "status"]
"""Where time ran out; `status` is the server's own 408."""

UNBILLED_PHASES = frozenset({"connect", "pool", "status"})
"""Those that leave no doubt: the request was not sent, or was refused, so nothing was billed."""


@dataclass(frozen=True)
class ErrorResponse:
    """What is kept of the HTTP response behind an error: nothing of the request, no secrets.

    It has the attributes that LangChain's tracing reads.

    Attributes:
        status_code: The HTTP status.
        headers: The response headers that help to find the call again, lower-case names.
        text: The body's first 2,000 characters.
    """

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is not, or was too long to keep."""
        return from_json(self.text)


class ErrorDetails(TypedDict, total=False):
    """The keyword arguments that every `AIMLAPIError` takes; see there."""

    status_code: int | None
    code: str | None
    request_id: str | None
    client_request_id: str | None
    retry_after: float | None
    attempts: int
    body: str | None
    response: ErrorResponse | None
    is_retryable: bool | None


def sentence(text: str) -> str:
    """End a text with a full stop if it has no end of its own."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
