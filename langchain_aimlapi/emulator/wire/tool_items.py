"""Responses: the items of tool calls, in the kind that the request's tools ask for.

Source: AI/ML API documentation, schemas of the codex models (2026-08), for `local_shell`; the
upstream's documentation for `custom` tools, which the vendor's schemas do not list.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.emulator.answers.replies import ToolCall

OUTPUTS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "local_shell_call": "local_shell_call_output",
}
"""Kinds of calls, and of what answers them."""

SHELL = "shell_command"
"""The scripted tool that is rendered as `local_shell_call` where that is on offer."""


def call_item(call: ToolCall, payload: Mapping[str, Any], ending: str) -> dict[str, Any]:
    """The output item of a scripted call.

    Args:
        call: The call. Where its tool is a custom one, the input is `args` if that is a string,
            else its only value.
        payload: The request's body.
        ending: What makes the item's id unlike others.
    """
    kinds = {str(tool.get("name", tool.get("type"))): tool.get("type") for tool in _tools(payload)}
    item: dict[str, Any] = {"status": "completed", "call_id": call.id}
    if kinds.get(call.name) == "custom":
        item = {"id": f"ctc_{ending}", "type": "custom_tool_call", **item, "name": call.name}
        return {**item, "input": free_text(call)}
    if call.name == SHELL and "local_shell" in kinds and SHELL not in kinds:
        return {"id": f"lsh_{ending}", "type": "local_shell_call", **item, "action": _action(call)}
    item = {"id": f"fc_{ending}", "type": "function_call", **item, "name": call.name}
    return {**item, "arguments": call.arguments}


def free_text(call: ToolCall) -> str:
    """The input of a call of a custom tool."""
    if isinstance(call.args, str):
        return call.args
    values = [value for value in call.args.values() if isinstance(value, str)]
    return values[0] if len(values) == 1 else call.arguments


def _action(call: ToolCall) -> dict[str, Any]:
    args = call.args if not isinstance(call.args, str) else _object(call.args)
    action: dict[str, Any] = {
        "type": "exec",
        "command": ["bash", "-lc", str(args.get("command", ""))],
        "env": {},
        "timeout_ms": args.get("timeout_ms"),
        "working_directory": args.get("workdir"),
    }
    return {key: value for key, value in action.items() if value is not None}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {"command": text}
    return value if isinstance(value, dict) else {}


def _tools(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tools = payload.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
