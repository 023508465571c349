"""Tools, tool choice and tool calls, in chat completions terms.

Facts from the vendor's published request schema of `openai/gpt-5-1` (2026-08): a function tool is a
closed object `{type, function: {name, parameters, description?, strict?}}` in which `parameters` is
required; `tool_choice` is `none`, `auto`, `required` or a named function; the arguments of a call
are a JSON string. The Responses dialect flattens what is made here.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_aimlapi._wire.json import dumps
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall

_CALL_BLOCKS = frozenset({"tool_use", "tool_call", "invalid_tool_call"})
_FUNCTION_KEYS = ("name", "description", "parameters", "strict")


# --- what the caller offers ---------------------------------------------------------------------


def wire_tool(tool: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Convert anything that LangChain calls a tool to the API's form.

    Args:
        tool: A function, `BaseTool`, pydantic class, `TypedDict`, JSON schema, OpenAI or Anthropic
            tool dict; a dict of another `type` (`web_search_preview`, `mcp`, …) is one of the
            API's built-in tools and passes as it is.
        strict: Ask for arguments that fit the schema exactly; None leaves the tool's own setting.

    Returns:
        A new dict; the caller's own is never changed.

    Raises:
        AIMLAPIConfigurationError: It cannot be read as a tool.
    """
    if is_builtin_tool(tool):
        return dict(tool)
    if strict is not None and isinstance(tool, dict) and isinstance(tool.get("function"), dict):
        # LangChain heeds `strict` in a function only; one that says it of itself keeps its word.
        tool, strict = tool["function"], tool["function"].get("strict", strict)
    try:
        converted = convert_to_openai_tool(tool, strict=strict)
    except (ValueError, TypeError, KeyError) as error:
        raise AIMLAPIConfigurationError(
            f"Not a tool: {_kind(tool)}. Pass a function, a BaseTool, a pydantic class, a "
            f"TypedDict or a JSON schema with a title and a description. ({type(error).__name__})"
        ) from error
    if converted["type"] != "function":
        return converted
    function = {key: value for key, value in converted["function"].items() if key in _FUNCTION_KEYS}
    function.setdefault("parameters", {"type": "object", "properties": {}})
    return {"type": "function", "function": function}


def is_builtin_tool(tool: Any) -> bool:
    """Tell whether a tool runs at the vendor's (`web_search_preview`, `mcp`, …), not here."""
    return (
        isinstance(tool, dict)
        and isinstance(tool.get("type"), str)
        and tool["type"] not in {"function", "object", "custom"}
        and "input_schema" not in tool
        and "properties" not in tool
    )


def wire_tool_choice(choice: Any, tools: Sequence[dict[str, Any]]) -> str | dict[str, Any] | None:
    """Convert every form of `tool_choice` that LangChain has.

    Args:
        choice: None or False (no word about it), True or "any" (some tool), "auto", "none",
            "required", the name of a tool, or a dict in OpenAI's or Anthropic's form.
        tools: The tools it chooses from, already converted.

    Returns:
        What to send, or None for nothing.

    Raises:
        AIMLAPIConfigurationError: A name that none of the tools has.
    """
    if not choice:
        return None
    if choice is True or choice == "any":
        return "required"
    if isinstance(choice, dict):
        return _tool_choice_from_dict(choice)
    if choice in {"auto", "none", "required"}:
        return str(choice)
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    builtin = [tool["type"] for tool in tools if tool["type"] != "function"]
    if choice in builtin:
        return {"type": choice}
    offered = ", ".join(names + builtin) or "there are none"
    raise AIMLAPIConfigurationError(
        f"tool_choice={choice!r} names none of the tools ({offered}). "
        'Pass one of these names, "auto", "none", "required" or "any".'
    )


def _tool_choice_from_dict(choice: dict[str, Any]) -> str | dict[str, Any]:
    kind = choice.get("type")
    if kind in {"auto", "none"}:
        return str(kind)
    if kind == "any":
        return "required"
    if kind in {"tool", "function"} and isinstance(choice.get("name"), str):
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice


def _kind(value: Any) -> str:
    return (
        f"a dict with the keys {sorted(map(str, value))}"
        if isinstance(value, dict)
        else repr(type(value).__name__)
    )


# --- calls that the model made ------------------------------------------------------------------


def parse_tool_call(
    name: str | None, arguments: str, call_id: str | None
) -> ToolCall | InvalidToolCall:
    """Read one finished call.

    Args:
        name: The function's name.
        arguments: The JSON text of the arguments; an empty text stands for no arguments.
        call_id: The call's id.

    Returns:
        A tool call, or an invalid one that keeps the text as it came and says what is wrong.
    """
    try:
        # Models write raw line breaks into strings now and then; LangChain lets them pass as well.
        args = json.loads(
            arguments.strip() or "{}", strict=False, parse_constant=_no_json, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error=f"Arguments are no JSON: {error}"
        )
    if not isinstance(args, dict):
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error="Arguments are no JSON object."
        )
    if not name:
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error="The call has no name."
        )
    return tool_call(name=name, args=args, id=call_id)


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    """Read a number; one that Python takes for infinity could not be sent back."""
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text} is too large")


def wire_tool_calls(message: AIMessage) -> list[dict[str, Any]]:
    """Convert the calls of an assistant turn, valid and invalid, for sending it back.

    Args:
        message: The turn. Its `tool_calls` and `invalid_tool_calls` count; where both are empty,
            Anthropic's `tool_use` blocks and v1 blocks in the content do.

    Returns:
        Calls in chat completions form; the arguments of an invalid call are sent as they came.
    """
    calls: list[tuple[str | None, str | None, str]] = [
        (call.get("id"), call["name"], dumps(call["args"]).decode()) for call in message.tool_calls
    ]
    calls += [
        (bad.get("id"), bad.get("name"), bad.get("args") or "")
        for bad in message.invalid_tool_calls
    ]
    if not calls and isinstance(message.content, list):
        calls = [
            (
                block.get("id"),
                block.get("name"),
                _arguments_text(block.get("input", block.get("args"))),
            )
            for block in message.content
            if isinstance(block, dict) and str(block.get("type")) in _CALL_BLOCKS
        ]
    return [
        {
            "id": call_id or f"call_{position}",
            "type": "function",
            "function": {"name": name or "", "arguments": arguments},
        }
        for position, (call_id, name, arguments) in enumerate(calls)
    ]


def _arguments_text(arguments: Any) -> str:
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else dumps(arguments).decode()


class ToolCallSlots:
    """Finds out to which call a streamed fragment belongs, whatever the gateway numbers it.

    The standard form numbers each fragment with `index` and names the call in its first one. Some
    gateways leave `index` out, send null, number every call 0, or repeat id and name in each
    fragment. So an id, where there is one, decides; then the index; then whatever came last.
    """

    def __init__(self) -> None:
        """Start with no call."""
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        self._slots = 0

    def place(self, index: Any, call_id: str | None) -> int:
        """Return the position of the call, counted from 0 in order of appearance.

        Args:
            index: What the fragment says, of any type.
            call_id: The fragment's id, or None.
        """
        number = index if isinstance(index, int) and not isinstance(index, bool) else None
        if isinstance(index, float):
            number = int(index)
        slot = self._known(number, call_id)
        if slot is None:
            slot = self._slots
            self._slots += 1
        if call_id:
            self._by_id[call_id] = slot
        if number is not None:
            self._by_index[number] = slot
        return slot

    def _known(self, number: int | None, call_id: str | None) -> int | None:
        if call_id:
            if call_id in self._by_id:
                return self._by_id[call_id]
            taken = self._by_index.get(number) if number is not None else None
            # An index whose call has no id yet is this call; one that has another id is not.
            return None if taken in self._by_id.values() else taken
        if number is not None:
            return self._by_index.get(number)
        return self._slots - 1 if self._slots else None
