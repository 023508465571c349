"""Conversations in chat completions terms, but for the assistant: each dialect renders that.

Which role takes what is the vendor's published request schema of `openai/gpt-5-1` (2026-08).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi._messages.content import blocks_of, text_only, tool_result, user_parts
from langchain_aimlapi._wire.json import STUMBLES
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import BaseMessage


def wire_messages(
    messages: Sequence[BaseMessage], wire_assistant: Callable[[AIMessage], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Convert a conversation; the dialect says what an assistant turn looks like.

    A tool message of the API is a string. What a tool returned besides (images, PDF files) goes
    into a user message after the last tool message of the group, since nothing may stand between
    an assistant's calls and their results.

    Args:
        messages: The conversation.
        wire_assistant: Converts an assistant turn, to one item or several.

    Returns:
        Chat completions messages, and what `wire_assistant` made in between.

    Raises:
        AIMLAPIInvalidRequestError: A message or a block that the API has no place for.
    """
    wire: list[dict[str, Any]] = []
    attachments: list[dict[str, Any]] = []
    for position, message in enumerate(messages):
        try:
            if isinstance(message, AIMessage):
                converted = wire_assistant(message)
            else:
                converted = _wire_message(message, attachments)
        except STUMBLES as error:
            raise AIMLAPIInvalidRequestError(
                f"Message {position} ({message.type}) cannot be sent: something in it has another "
                f"shape than LangChain documents ({type(error).__name__})."
            ) from error
        if attachments and any(item.get("role") != "tool" for item in converted):
            wire.append({"role": "user", "content": attachments})
            attachments = []
        wire.extend(converted)
    if attachments:
        wire.append({"role": "user", "content": attachments})
    if not wire:
        raise AIMLAPIInvalidRequestError("There is no message to send. Pass at least one.")
    return wire


def _wire_message(message: BaseMessage, attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Convert one message, to several where it holds tool results in Anthropic's form.

    Parts that a tool result cannot carry are added to `attachments`.
    """
    if isinstance(message, ToolMessage):
        return [_wire_tool_result(message.tool_call_id, message.content, attachments)]
    role = _role_of(message)
    if role == "user":
        return _wire_user(message, attachments)
    return [named({"role": role, "content": text_only(message.content, role)}, message)]


def _role_of(message: BaseMessage) -> str:
    """Return the API's role for a message that is neither an AI's nor a tool's.

    Raises:
        AIMLAPIInvalidRequestError: The API has no such role.
    """
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        # LangChain's own way to say "developer" on a system message.
        is_developer = message.additional_kwargs.get("__openai_role__") == "developer"
        return "developer" if is_developer else "system"
    if isinstance(message, ChatMessage) and message.role in _CHAT_ROLES:
        return _CHAT_ROLES[message.role]
    if isinstance(message, FunctionMessage):
        hint = "Use a ToolMessage with the tool_call_id of the call."
    else:
        hint = f"Roles are {', '.join(sorted(set(_CHAT_ROLES.values())))}, assistant and tool."
    name = getattr(message, "role", message.type)
    raise AIMLAPIInvalidRequestError(f"The API has no role {name!r}. {hint}")


_CHAT_ROLES = {
    "user": "user",
    "human": "user",
    "system": "system",
    "developer": "developer",
}


def _wire_user(message: BaseMessage, attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    results = [block for block in blocks_of(message.content) if block.get("type") == "tool_result"]
    if not results:
        return [named({"role": "user", "content": user_parts(message.content)}, message)]
    wire = [
        _wire_tool_result(block.get("tool_use_id"), block.get("content") or "", attachments)
        for block in results
    ]
    rest = [block for block in blocks_of(message.content) if block.get("type") != "tool_result"]
    if rest or attachments:
        parts = user_parts(rest)
        wire.append(named({"role": "user", "content": [*attachments, *parts]}, message))
        attachments.clear()
    return wire


def _wire_tool_result(
    call_id: Any, content: Any, attachments: list[dict[str, Any]]
) -> dict[str, Any]:
    if not isinstance(call_id, str) or not call_id:
        raise AIMLAPIInvalidRequestError(
            "A tool message needs the tool_call_id of the call that it answers."
        )
    text, moved = tool_result(content)
    if moved:
        attachments.append({"type": "text", "text": f"Attached by the tool call {call_id}:"})
        attachments.extend(moved)
        text = text or "See the attachment in the next message."
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def named(wire: dict[str, Any], message: BaseMessage) -> dict[str, Any]:
    """Add the speaker's name, if the message has one."""
    if message.name:
        wire["name"] = message.name
    return wire
