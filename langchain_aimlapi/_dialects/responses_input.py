"""What goes to the responses endpoint: input items, parameters and tools.

Facts from the vendor's published request schemas of the four models (2026-08). Chat completions
terms come in, and this is the only place that translates them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from langchain_aimlapi._dialects.replay import CALL_ITEMS, Replay, call_kinds
from langchain_aimlapi._messages.content import INPUT_ITEMS
from langchain_aimlapi._messages.conversation import wire_messages
from langchain_aimlapi._messages.custom_tools import SHELL_TOOL, call_output
from langchain_aimlapi._messages.history import NOT_RUN
from langchain_aimlapi._messages.seal import Seal
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._messages.history import AssistantTurn

_ENCRYPTED = "reasoning.encrypted_content"
_NO_PLACE = frozenset({"seed", "logprobs", "top_logprobs"})


# --- parameters ---------------------------------------------------------------------------------


def wire_params(params: Mapping[str, Any], *, reasons: bool) -> dict[str, Any]:
    """Translate parameters.

    Args:
        params: Parameters in chat completions terms, and those that only this endpoint has.
        reasons: Whether the model can give its reasoning back. Nothing is stored at the vendor
            unless the user asks (`store` is false by default here), so the next turn of an agent
            has to bring its thoughts along: they are asked for in encrypted form.

    Raises:
        AIMLAPIInvalidRequestError: More than one answer was asked for.
    """
    wire: dict[str, Any] = {}
    for name, value in params.items():
        if name in _NO_PLACE:
            continue
        if translate := _TRANSLATIONS.get(name):
            translate(wire, value)
        else:
            wire[name] = value
    if params.get("include") == []:
        del wire["include"]  # the user's word for: nothing, sealed reasoning neither
    elif reasons and not params.get("store"):
        others = [item for item in wire.get("include", ()) if item != _ENCRYPTED]
        wire["include"] = [*others, _ENCRYPTED]
    return wire


def _max_tokens(wire: dict[str, Any], value: Any) -> None:
    wire["max_output_tokens"] = value


def _effort(wire: dict[str, Any], value: Any) -> None:
    wire["reasoning"] = {**wire.get("reasoning", {}), "effort": value}


def _reasoning(wire: dict[str, Any], value: Any) -> None:
    # An effort that is named by itself counts more, as on chat completions.
    wire["reasoning"] = {**value, **wire.get("reasoning", {})}


def _response_format(wire: dict[str, Any], value: Any) -> None:
    if value.get("type") == "json_schema":
        value = {"type": "json_schema", "schema": {"type": "object"}, **value["json_schema"]}
    wire["text"] = {**wire.get("text", {}), "format": value}


def _text(wire: dict[str, Any], value: Any) -> None:
    wire["text"] = {"format": {"type": "text"}, **wire.get("text", {}), **value}


def _verbosity(wire: dict[str, Any], value: Any) -> None:
    _text(wire, {"verbosity": value})


def _tools(wire: dict[str, Any], value: Any) -> None:
    wire["tools"] = [_flat_tool(tool) if tool["type"] == "function" else tool for tool in value]


def _flat_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    beside = {key: tool[key] for key in tool if key != "function"}
    # The schema requires `strict`; chat completions takes its absence for False.
    return {**beside, "strict": False, **_without_none(tool["function"])}


def _tool_choice(wire: dict[str, Any], value: Any) -> None:
    wire["tool_choice"] = _flat_choice(value)


def _flat_choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    if "function" in choice:
        return {"type": "function", "name": choice["function"]["name"]}
    if choice["type"] == "allowed_tools":
        allowed = choice["allowed_tools"]
        return {
            "type": "allowed_tools",
            **allowed,
            "tools": [_flat_choice(each) for each in allowed["tools"]],
        }
    return choice


def _n(wire: dict[str, Any], value: Any) -> None:  # noqa: ARG001
    if value != 1:
        raise AIMLAPIInvalidRequestError(
            "The responses endpoint gives one answer a call: n > 1 needs chat completions "
            "(use_responses_api=False), or several calls."
        )


def _nothing(wire: dict[str, Any], value: Any) -> None:
    """Leave out what needs no word here: usage is always part of a finished stream."""


_TRANSLATIONS: dict[str, Callable[[dict[str, Any], Any], None]] = {
    "max_tokens": _max_tokens,
    "reasoning_effort": _effort,
    "reasoning": _reasoning,
    "response_format": _response_format,
    "text": _text,
    "verbosity": _verbosity,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "n": _n,
    "stream_options": _nothing,
}


def _without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


# --- items --------------------------------------------------------------------------------------


def wire_items(
    messages: Sequence[BaseMessage],
    model: str,
    *,
    stored: bool,
    reasons: bool,
    previous: str | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    seal: Seal | None = None,
    any_media: bool = False,
) -> list[Any]:
    """Convert a conversation to input items.

    Args:
        messages: The conversation.
        model: The model that is asked; not all take all kinds of items.
        stored: Whether the vendor keeps responses, so that ids alone are enough.
        reasons: Whether the model takes reasoning items.
        previous: The stored response that this goes on from. The vendor has its answer and all
            before it: what is sent begins with the results of its calls.
        tools: The tools of the request, flat or not.
        seal: Who asks, and what may be shown to it; None knows no mark.
        any_media: Whether the model may take sound, film and any file.

    Raises:
        AIMLAPIInvalidRequestError: A message or a block that the API has no place for.
    """
    replay = Replay(model, stored=stored, reasons=reasons, seal=seal or Seal())
    begin = _position_of(previous, messages)
    kinds: dict[str, str] = {}

    def items_of(turn: AssistantTurn) -> list[dict[str, Any]]:
        if begin is None or turn.message is not messages[begin]:
            return replay.items_of(turn)
        kinds.update({call.id: _kind_called(call.name, tools) for call in turn.calls})
        kinds.update(call_kinds(turn.message))
        # Calls that were taken out of the message wait for their results at the vendor.
        gone = [call_id for call_id in kinds if all(call_id != c.came_as for c in turn.calls)]
        return [call_output(kinds[call_id], call_id, NOT_RUN) for call_id in gone]

    items: list[Any] = []
    unknown = bool(previous) and begin is None
    for wire in wire_messages(messages[begin:], items_of, continued=unknown, any_media=any_media):
        # What has a type is an item already, whatever else stands in it.
        role = "" if "type" in wire else wire.get("role", "")
        if role == "tool":
            call_id = wire["tool_call_id"]
            kind = kinds.get(call_id) or _kind_called(wire.get("name"), tools)
            items.append(call_output(kind, call_id, wire["content"]))
            continue
        if wire.get("type") in CALL_ITEMS:
            kinds[wire["call_id"]] = wire["type"]
        items.extend(_ITEM_OF_ROLE.get(role, _as_it_is)(wire))
    return items


def _position_of(previous: str | None, messages: Sequence[BaseMessage]) -> int | None:
    """Return where the answer stands that a stored response gave, if more was said since."""
    for position in range(len(messages) - 2, -1, -1):
        message = messages[position]
        if isinstance(message, AIMessage) and message.response_metadata.get("id") == previous:
            return position if previous else None
    return None


def _kind_called(name: Any, tools: Sequence[Mapping[str, Any]]) -> str:
    """Return the kind of the calls of a tool, for a result whose call only the vendor has."""
    for tool in tools:
        if tool["type"] == "custom" and tool["name"] == name:
            return "custom_tool_call"
        if tool["type"] == "local_shell" and name == SHELL_TOOL:
            return "local_shell_call"
    return "function_call"


def _as_it_is(wire: dict[str, Any]) -> list[dict[str, Any]]:
    return [wire]


def _message_item(wire: dict[str, Any]) -> list[dict[str, Any]]:
    """Convert a system, developer or user message; names have no place here."""
    content = wire["content"]
    if isinstance(content, str):
        return [{"role": wire["role"], "content": content}]
    parts = [
        _PARTS.get(part["type"], dict)(part) for part in content if part["type"] not in INPUT_ITEMS
    ]
    items = [part for part in content if part["type"] in INPUT_ITEMS]
    return [*items, *([{"role": wire["role"], "content": parts}] if parts else [])]


def _image_part(part: Mapping[str, Any]) -> dict[str, Any]:
    # The schemas list images for chat-latest alone, the vendor's vision list has all four models.
    image = part["image_url"]
    detail = {"detail": image["detail"]} if "detail" in image else {}
    return {"type": "input_image", "image_url": image["url"], **detail}


_ITEM_OF_ROLE: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    "user": _message_item,
    "system": _message_item,
    "developer": _message_item,
}
_PARTS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "text": lambda part: {"type": "input_text", "text": part["text"]},
    "image_url": _image_part,
    "file": lambda part: {"type": "input_file", **part["file"]},
}
