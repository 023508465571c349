"""Conversations in chat completions terms, but for the assistant: each dialect renders that.

Which role takes what is the vendor's published request schema of `openai/gpt-5-1` (2026-08).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._messages.content import text_only, tool_result, user_parts
from langchain_aimlapi._messages.history import AssistantTurn, Result, Spoken, normal_form
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import BaseMessage


def wire_messages(
    messages: Sequence[BaseMessage],
    wire_assistant: Callable[[AssistantTurn], list[dict[str, Any]]],
    *,
    continued: bool = False,
    any_media: bool = False,
) -> list[dict[str, Any]]:
    """Convert a conversation; the dialect says what an assistant turn looks like.

    A tool message of the API is a string. What a tool returned besides (images, PDF files) goes
    into a user message after the last tool message of the group, since nothing may stand between
    an assistant's calls and their results.

    Args:
        messages: The conversation.
        wire_assistant: Converts an assistant turn, to one item or several.
        continued: Whether the vendor has the turns before it.
        any_media: Whether the model may take what the GPT-5.1 models cannot: sound, film, files.

    Returns:
        Chat completions messages, and what `wire_assistant` made in between.

    Raises:
        AIMLAPIInvalidRequestError: A message or a block that the API has no place for.
    """
    wire: list[dict[str, Any]] = []
    attachments: list[dict[str, Any]] = []
    turns = normal_form(messages, continued=continued)
    for turn in turns:
        if attachments and not isinstance(turn, Result):
            wire.append({"role": "user", "content": attachments})
            attachments = []
        if isinstance(turn, AssistantTurn):
            wire.extend(wire_assistant(turn))
            wire += [_wire_result(call.id, call.result, attachments) for call in turn.calls]
        elif isinstance(turn, Result):
            result = _wire_result(turn.call_id, turn.content, attachments)
            wire.append({**result, "name": turn.name})
        else:
            wire.append(_wire_spoken(turn, any_media=any_media))
    if attachments:
        wire.append({"role": "user", "content": attachments})
    if not wire:
        raise AIMLAPIInvalidRequestError("There is no message to send. Pass at least one.")
    return wire


def _wire_spoken(turn: Spoken, *, any_media: bool) -> dict[str, Any]:
    try:
        if turn.role == "user":
            content = user_parts(turn.content, any_media=any_media)
        else:
            content = text_only(turn.content, turn.role)
    except AIMLAPIInvalidRequestError as error:
        raise AIMLAPIInvalidRequestError(
            f"Message {turn.position} ({turn.kind}) cannot be sent. {error}"
        ) from error
    return named({"role": turn.role, "content": content}, turn)


def _wire_result(call_id: str, content: Any, attachments: list[dict[str, Any]]) -> dict[str, Any]:
    text, moved = tool_result(content)
    if moved:
        attachments.append({"type": "text", "text": f"Attached by the tool call {call_id}:"})
        attachments.extend(moved)
        text = text or "See the attachment in the next message."
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def named(wire: dict[str, Any], turn: Spoken | AssistantTurn) -> dict[str, Any]:
    """Add the speaker's name, if the turn has one."""
    if turn.name:
        wire["name"] = turn.name
    return wire
