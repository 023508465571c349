"""What becomes of a call, by its number: both sides know it, and nobody has to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_aimlapi.emulator import Fault, Reply
from langchain_aimlapi.errors import (
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPIProtocolError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROUND = 3200
"""Any so many calls in turn hold each way, endpoint and fate together, evenly mixed."""

_STEP = 1237  # has no divisor in common with ROUND, so that multiples of it visit all places
_WAYS = (*["ainvoke"] * 5, *["astream"] * 3, "invoke", "stream")


@dataclass(frozen=True)
class Fate:
    """What becomes of a call.

    Attributes:
        name: For the table.
        fault: Makes the fault that its requests meet from the reply that they would have had.
        requests: How many the client sends. Without an error the last of them is answered.
        error: How an `invoke` ends, `None` for the answer.
        stream_error: How a stream ends.
        is_left: Whether a stream is closed after its first chunk.
    """

    name: str
    fault: Callable[[Reply], Fault] | None = None
    requests: int = 1
    error: type[AIMLAPIError] | None = None
    stream_error: type[AIMLAPIError] | None = None
    is_left: bool = False


def _always(error: type[AIMLAPIError]) -> dict[str, type[AIMLAPIError]]:
    return {"error": error, "stream_error": error}


ANSWERED = Fate("answered")
# One in 160 calls each; but for the last they are the 5 % of faults.
_RARE = (
    Fate("429 once", lambda _: Fault.status(429, retry_after=0), requests=2),
    Fate("503 once", lambda _: Fault.status(503), requests=2),
    Fate("reset once", lambda _: Fault.reset(), requests=2),
    Fate("hung up once", lambda _: Fault.disconnect(), requests=2),
    Fate("400", lambda _: Fault.status(400), **_always(AIMLAPIInvalidRequestError)),
    Fate(
        "500 thrice",
        lambda _: Fault.status(500, retry_after=0),
        requests=3,
        **_always(AIMLAPIServerError),
    ),
    Fate(
        "hung up amid",
        lambda reply: Fault.disconnect(after=6, reply=reply),
        error=AIMLAPIConnectionError,
        stream_error=AIMLAPIStreamInterruptedError,
    ),
    Fate(
        "cut short",
        lambda reply: Fault.cut(after=6, reply=reply),
        error=AIMLAPIProtocolError,
        stream_error=AIMLAPIStreamInterruptedError,
    ),
    Fate("left early", is_left=True),
)
FATES = (ANSWERED, *_RARE)


def way(number: int) -> str:
    """Return how a call is made."""
    return _WAYS[_place(number) % 10]


def uses_responses(number: int) -> bool:
    """Return which endpoint it goes to."""
    return _place(number) // 10 % 2 == 1


def fate(number: int) -> Fate:
    """Return what becomes of it."""
    kind = _place(number) // 20
    return _RARE[kind] if kind < len(_RARE) else ANSWERED


def _place(number: int) -> int:
    return number * _STEP % ROUND


def prompt(number: int) -> str:
    """Return what is asked."""
    return f"This is call {number}."


def text(number: int) -> str:
    """Return the one right answer; answers differ in length."""
    return f"Call {number} is answered{' at length' * (number % 7)}, number {number}."
