"""What a cell of the matrix is, and what it can end in."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_aimlapi import AIMLAPIError, AIMLAPIStreamInterruptedError

WHOLE = ("invoke", "ainvoke", "batch", "abatch")
STREAMED = ("stream", "astream", "stream_events")
CALLS = (*WHOLE, *STREAMED)
ASYNC = frozenset({"ainvoke", "abatch", "astream"})
BATCHED = frozenset({"batch", "abatch"})
DIALECTS = ("chat completions", "responses")


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Attributes:
        ending: The exact class that was raised; None if the answer came.
        requests: HTTP requests made.
        is_retryable: What the error says of itself.
        keeps_partial: Whether the error holds what had arrived.
        unpriced: How many of the requests may have been billed, at a price that nobody told.
    """

    ending: type[BaseException] | None
    requests: int = 1
    is_retryable: bool = False
    keeps_partial: bool = False
    unpriced: int = 0


def answers(requests: int = 1, *, unpriced: int = 0) -> Outcome:
    """The answer comes, whole."""
    return Outcome(None, requests, unpriced=unpriced)


def fails(
    kind: type[AIMLAPIError],
    requests: int = 1,
    *,
    retryable: bool | None = None,
    unpriced: int = 0,
) -> Outcome:
    """An error comes, by default as retryable as its class says."""
    is_retryable = kind.is_retryable if retryable is None else retryable
    return Outcome(kind, requests, is_retryable, unpriced=unpriced)


INTERRUPTED = Outcome(AIMLAPIStreamInterruptedError, keeps_partial=True, unpriced=1)
"""A stream breaks off inside the answer."""
