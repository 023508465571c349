"""What a request asks for, read from either API into one shape.

The default replies and the token counts work on this shape and know neither API. Requests are
validated before, so reading may trust their form; `Emulator(validate=False)` may hand in anything,
so nothing here may raise on odd input.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_aimlapi.emulator.exchange import dump
from langchain_aimlapi.emulator.tokens import count_tokens

_CALLS = {"function_call", "custom_tool_call", "local_shell_call"}
_OUTPUTS = {f"{kind}_output" for kind in _CALLS}
_ONE_TEXT = {
    "type": "object",
    "properties": {"__arg1": {"type": "string"}},
    "required": ["__arg1"],
}
_LOCAL_SHELL = {
    "name": "shell_command",
    "description": "Run a command in a shell.",
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
    },
}


@dataclass(frozen=True)
class Message:
    """One turn: `role` is system, user, assistant or tool; `name` is a tool result's tool."""

    role: str
    text: str
    name: str | None = None
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tool:
    """A function tool on offer."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Conversation:
    """A request, without its API's spelling.

    Attributes:
        messages: All turns, instructions first.
        tools: Function tools on offer; built-in tools are left out.
        tool_choice: `none`, `auto`, `required`, or a tool's name.
        parallel: Whether several tool calls are allowed.
        format: `text`, `json_object` or `json_schema`.
        schema: The JSON schema asked for, with `json_schema`.
        n: How many choices.
        max_tokens: Cap on generated tokens.
        stop: Stop strings that were sent.
        top_logprobs: How many alternatives to each token; `None` if no logprobs are asked for.
        reasoning: Whether a reasoning summary is asked for.
        encrypted: Whether encrypted reasoning is asked for and can be had.
        prompt_tokens: Tokens of the prompt, tools included, by the emulator's own count.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    format: str = "text"
    schema: Mapping[str, Any] | None = None
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    reasoning: bool = False
    encrypted: bool = False
    prompt_tokens: int = 0

    @property
    def last(self) -> Message:
        """The last turn."""
        return self.messages[-1] if self.messages else Message("user", "")

    @property
    def results(self) -> tuple[Message, ...]:
        """The tool results that the request ends with."""
        later = reversed(self.messages)
        return tuple(itertools.takewhile(lambda message: message.role == "tool", later))[::-1]

    @property
    def prompt(self) -> str:
        """The text of the user's last turn."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def since_prompt(self) -> tuple[Message, ...]:
        """The turns after the user's last one."""
        later: list[Message] = []
        for message in reversed(self.messages):
            if message.role == "user":
                break
            later.append(message)
        return tuple(reversed(later))


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> Iterable[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def _integer(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _text(content: Any) -> str:
    """The text of a content field; other parts leave a short mark, which also costs tokens."""
    if isinstance(content, str):
        return content
    parts = []
    for part in _items(content):
        text = part.get("text", part.get("refusal"))
        parts.append(text if isinstance(text, str) else f"[{part.get('type')}]")
    return "\n".join(parts)


def _prompt_tokens(messages: Iterable[Message], tools: Any) -> int:
    turns = sum(count_tokens(message.text) + 4 for message in messages)
    return turns + (count_tokens(dump(tools).decode()) if tools else 0)


def _stop(value: Any) -> tuple[str, ...]:
    strings = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(text for text in strings if isinstance(text, str) and text)


def _tool(spec: Mapping[str, Any]) -> Tool:
    free_form = spec.get("type") == "custom"
    return Tool(
        str(spec.get("name")),
        str(spec.get("description") or ""),
        _ONE_TEXT if free_form else _dict(spec.get("parameters")),
    )


def _offered(payload: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The tools that run at the caller's."""
    runs_there = {"function", "custom", "local_shell"}
    return (tool for tool in _items(payload.get("tools")) if tool.get("type") in runs_there)


def read_chat_completions(payload: Mapping[str, Any]) -> Conversation:
    """Read the body of a Chat Completions request."""
    messages: list[Message] = []
    names: dict[Any, str] = {}
    for entry in _items(payload.get("messages")):
        calls = [(c.get("id"), _dict(c.get("function"))) for c in _items(entry.get("tool_calls"))]
        names.update({call_id: str(call.get("name")) for call_id, call in calls})
        text = _text(entry.get("content"))
        role = str(entry.get("role"))
        called = tuple(str(call.get("name")) for _, call in calls)
        name = names.get(entry.get("tool_call_id")) if role == "tool" else None
        messages.append(Message("system" if role == "developer" else role, text, name, called))
    tools = [_tool(_dict(t.get("function"))) for t in _items(payload.get("tools"))]
    choice, tools = _chosen(payload.get("tool_choice"), tools)
    response_format = _dict(payload.get("response_format"))
    cap = payload.get("max_completion_tokens", payload.get("max_tokens"))
    logprobs = payload.get("logprobs")
    return Conversation(
        messages=tuple(messages),
        tools=tuple(tools),
        tool_choice=choice,
        parallel=payload.get("parallel_tool_calls") is not False,
        format=str(response_format.get("type", "text")),
        schema=_dict(_dict(response_format.get("json_schema")).get("schema")),
        n=_integer(payload.get("n")) or 1,
        max_tokens=_integer(cap),
        stop=_stop(payload.get("stop")),
        top_logprobs=(_integer(payload.get("top_logprobs")) or 0) if logprobs else None,
        prompt_tokens=_prompt_tokens(messages, payload.get("tools")),
    )


def read_responses(
    payload: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]] = ()
) -> Conversation:
    """Read the body of a Responses request.

    Args:
        payload: The body.
        earlier: Items of the stored conversation that `previous_response_id` names.
    """
    messages: list[Message] = []
    if isinstance(payload.get("instructions"), str):
        messages.append(Message("system", payload["instructions"]))
    names: dict[Any, str] = {}
    for item in (*earlier, *input_items(payload)):
        kind = item.get("type", "message")
        if kind in _CALLS:
            name = str(item.get("name", "shell_command"))
            names[item.get("call_id")] = name
            messages.append(Message("assistant", "", called=(name,)))
        elif kind in _OUTPUTS:
            text = _text(item.get("output"))
            call_id = item.get("call_id", item.get("id"))
            messages.append(Message("tool", text, names.get(call_id)))
        elif kind == "message":
            role = str(item.get("role"))
            text = _text(item.get("content"))
            messages.append(Message("system" if role == "developer" else role, text))
    offered = [_LOCAL_SHELL if t == {"type": "local_shell"} else t for t in _offered(payload)]
    choice, tools = _chosen(payload.get("tool_choice"), [_tool(tool) for tool in offered])
    wanted = _dict(_dict(payload.get("text")).get("format"))
    include = payload.get("include")
    return Conversation(
        messages=tuple(messages),
        tools=tuple(tools),
        tool_choice=choice,
        parallel=payload.get("parallel_tool_calls") is not False,
        format=str(wanted.get("type", "text")),
        schema=_dict(wanted.get("schema")),
        max_tokens=_integer(payload.get("max_output_tokens")),
        stop=_stop(payload.get("stop")),
        reasoning=bool(_dict(payload.get("reasoning")).get("summary")),
        # Stored responses keep their reasoning at the vendor; only stateless ones hand it out.
        encrypted=isinstance(include, list)
        and "reasoning.encrypted_content" in include
        and not payload.get("store"),
        prompt_tokens=_prompt_tokens(messages, payload.get("tools")),
    )


def _chosen(choice: Any, tools: list[Tool]) -> tuple[str, list[Tool]]:
    """The choice of a request in one word, and the tools that it leaves."""
    if isinstance(choice, str):
        return choice, tools
    given = _dict(choice)
    if given.get("type") == "allowed_tools":
        allowed = _dict(given.get("allowed_tools", given))
        names = {_dict(each.get("function", each)).get("name") for each in _items(allowed["tools"])}
        return str(allowed.get("mode")), [tool for tool in tools if tool.name in names]
    return str(_dict(given.get("function", given)).get("name") or "auto"), tools


def input_items(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The input items of a Responses request, a plain string as one user message."""
    given = payload.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(_items(given))
