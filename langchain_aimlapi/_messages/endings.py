"""How an answer ended, and whether what came before the end can be whole.

Gateways pass the upstream's word for it through, so one ending has several names. The usual names
are chat completions'; the others were seen from routes to other vendors (public reports, 2026-11).
"""

from __future__ import annotations

from typing import Literal

Ending = Literal["stop", "length", "tool_call", "content_filter", "error"]

_ENDINGS: dict[str, Ending] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_call",
    "tool_call": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "error": "error",
}


def ending_of(finish_reason: object) -> Ending | None:
    """Return what a finish reason means, or None for one that nobody knows.

    Args:
        finish_reason: The API's word, in any case: `stop`, `MAX_TOKENS`, `tool_use`, …
    """
    return _ENDINGS.get(finish_reason.lower()) if isinstance(finish_reason, str) else None


def is_cut(finish_reason: object) -> bool:
    """Tell whether an answer was ended from outside: by a limit, a filter or a fault."""
    return ending_of(finish_reason) in {"length", "content_filter", "error"}


def normalized_finish_reason(
    finish_reason: object, *, refused: bool, called: bool
) -> Ending | Literal["refusal"] | None:
    """Return the ending under the names that LangChain knows.

    Args:
        finish_reason: The API's word.
        refused: Whether the model refused; says more than any other ending.
        called: Whether there is a call to run: some routes end such an answer with `stop`.

    Returns:
        `stop`, `length`, `tool_call`, `content_filter`, `error`, `refusal`; None if not known.
    """
    if refused:
        return "refusal"
    ending = ending_of(finish_reason)
    return "tool_call" if called and ending == "stop" else ending
