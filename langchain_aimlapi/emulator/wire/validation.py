"""Whether a request is one that the documentation allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.wire.chat_completions_request import check_chat_completions
from langchain_aimlapi.emulator.wire.responses_request import check_responses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_aimlapi.emulator.exchange import Dialect


def validate_request(
    payload: Mapping[str, Any], dialect: Dialect, earlier: Iterable[Mapping[str, Any]] = ()
) -> list[str]:
    """Complaints about the body of a request; an empty list where it is right.

    Args:
        payload: The body.
        dialect: Which API.
        earlier: Responses: items of the stored conversation that it goes on with.
    """
    if dialect == "chat_completions":
        return check_chat_completions(payload)
    return check_responses(payload, earlier)
