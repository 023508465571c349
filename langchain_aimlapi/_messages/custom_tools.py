"""Calls of tools that are no functions but run here: custom tools, and the local shell.

A custom tool takes text in place of JSON. The upstream documents it for the GPT-5 family on
responses: `{type: "custom", name, description?, format?}`, calls as `custom_tool_call` items with
`input`. The local shell is in the vendor's published responses schemas of the codex models
(2026-08). Their calls are LangChain's: `{"__arg1": input}`, as core's `Tool` wants it, and
`shell_command` with `command`, `workdir` and `timeout_ms`. Chat completions has neither: there a
custom tool is a function of one text.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._messages.history import Call

ARGUMENT = "__arg1"
"""LangChain's name of the one argument of a tool that takes a string."""

SHELL_TOOL = "shell_command"
"""The name under which calls of the local shell come back."""

OPENING = {"custom_tool_call": f'{{"{ARGUMENT}": "'}
"""What stands before the first piece of a call's arguments, by the kind of its item."""

CLOSING = {"custom_tool_call": '"}', "local_shell_call": "}"}
"""What the arguments of a call lack as long as it is not known to be whole."""


# --- calls that came ----------------------------------------------------------------------------


def json_piece(text: str) -> str:
    """Return a piece of free text as it stands inside a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def shell_arguments(action: Any) -> str:
    """Return the arguments of `shell_command` for an action of the local shell, unclosed."""
    action = action if isinstance(action, dict) else {}
    command = [str(part) for part in action.get("command") or ()]
    env = action.get("env") or {}
    if env:
        command = ["env", *(f"{key}={value}" for key, value in env.items()), *command]
    arguments = {
        "command": shlex.join(command),
        "workdir": action.get("working_directory"),
        "timeout_ms": action.get("timeout_ms"),
    }
    given = {key: value for key, value in arguments.items() if value is not None}
    return json.dumps(given, ensure_ascii=False).removesuffix(CLOSING["local_shell_call"])


# --- calls that are sent back -------------------------------------------------------------------


def replayed_call(item: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Return the item of a call again.

    Args:
        item: The item without what was called: its type, and what else was kept.
        call: What was called. The arguments of an invalid call may be a part of them.
    """
    kind = item["type"]
    wire = {**item, "call_id": call.id}
    if kind == "local_shell_call":
        status = {"id": call.id, "status": "completed"}
        return {**status, **wire, "action": _action(_object(call.arguments, kind))}
    if kind == "custom_tool_call":
        return {**wire, "name": call.name, "input": _input(call.arguments)}
    return {**wire, "name": call.name, "arguments": call.arguments}


def call_output(kind: str | None, call_id: str, output: str) -> dict[str, Any]:
    """Return the item that answers a call.

    Args:
        kind: The type of the call's item; None where it is not known.
        call_id: The call's id.
        output: The result.
    """
    if kind == "custom_tool_call":
        return {"type": "custom_tool_call_output", "call_id": call_id, "output": output}
    if kind == "local_shell_call":
        # The schema has no call_id here, the upstream's client sends it; both are the call's.
        answer = {"type": "local_shell_call_output", "id": call_id, "call_id": call_id}
        # Its output is JSON; a refusal or a tool's error may come as plain words.
        is_json = bool(_object(output, kind))
        told = output if is_json else json.dumps({"output": output}, ensure_ascii=False)
        return {**answer, "output": told}
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _action(shell: Mapping[str, Any]) -> dict[str, Any]:
    command = str(shell.get("command") or "")
    try:
        words = shlex.split(command)
    except ValueError:
        words = ["sh", "-c", command]
    action: dict[str, Any] = {"type": "exec", "command": words, "env": {}}
    if shell.get("workdir") is not None:
        action["working_directory"] = shell["workdir"]
    if shell.get("timeout_ms") is not None:
        action["timeout_ms"] = shell["timeout_ms"]
    return action


def _input(arguments: str) -> str:
    parsed = _object(arguments, "custom_tool_call")
    # Whoever edited a call may have named its argument otherwise.
    value = parsed.get(ARGUMENT, next(iter(parsed.values()), None) if len(parsed) == 1 else None)
    return value if isinstance(value, str) else arguments


def _object(text: str, kind: str) -> dict[str, Any]:
    """Read arguments; those of a call that was cut lack their end."""
    for candidate in (text, text + CLOSING[kind]):
        try:
            value = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}
