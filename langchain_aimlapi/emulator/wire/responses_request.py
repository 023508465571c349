"""The rules of a Responses request.

Source: AI/ML API documentation, OpenAPI of the four models (2026-08).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from langchain_aimlapi.emulator.wire.chat_completions_request import function_name, image_address
from langchain_aimlapi.emulator.wire.checks import (
    Check,
    array,
    boolean,
    either,
    enum,
    mapping,
    nullable,
    number,
    record,
    string,
    string_or,
    tagged,
)
from langchain_aimlapi.emulator.wire.tool_items import OUTPUTS

_status = enum("in_progress", "completed", "incomplete")
_web_search = record(
    {"type": string},
    {
        "search_context_size": enum("low", "medium", "high"),
        "user_location": nullable(record({"type": enum("approximate")})),
    },
)

_input_parts = array(
    tagged(
        "type",
        {
            "input_text": record({"text": string}),
            "input_file": record({}, {"file_data": string, "filename": string}),
            # Only chat-latest's page lists images; the vendor's vision list has all four models.
            # Accepted for all, so that neither source is contradicted here.
            "input_image": record(
                {},
                {
                    "image_url": nullable(image_address),
                    "detail": enum("low", "high", "auto"),
                },
            ),
        },
    )
)
_output_parts = array(
    tagged(
        "type",
        {
            "output_text": record({"text": string, "annotations": array(mapping)}),
            "refusal": record({"refusal": string}),
        },
    )
)
_replayed = record(
    {"id": string, "status": _status, "type": enum("message"), "content": _output_parts}
)


def _message(value: Mapping[str, Any], path: str) -> Iterator[str]:
    """An easy message, a message, or a replayed output message."""
    content = value.get("content")
    parts = content if isinstance(content, list) else []
    kinds = {part.get("type") for part in parts if isinstance(part, Mapping)}
    if value.get("role") == "assistant" and kinds & {"output_text", "refusal"}:
        yield from _replayed(value, path)
        return
    form = record(
        {
            "role": enum("user", "assistant", "system", "developer"),
            "content": either(string, _input_parts),
        },
        {"status": _status},
    )
    yield from form(value, path)


_items: dict[str, Check] = {
    "message": _message,
    "function_call": record(
        {"call_id": string, "name": string, "arguments": string},
        {"id": string, "status": _status},
    ),
    "function_call_output": record(
        {"call_id": string, "output": string},
        {"id": nullable(string), "status": nullable(_status)},
    ),
    # Documented by the upstream; the vendor's schemas list neither the tool nor its items.
    "custom_tool_call": record(
        {"call_id": string, "name": string, "input": string}, {"id": string, "status": _status}
    ),
    "custom_tool_call_output": record({"call_id": string, "output": string}),
    "web_search_call": record(
        {"id": string, "status": enum("in_progress", "completed", "searching", "failed")}
    ),
    "mcp_list_tools": record({"id": string, "server_label": string, "tools": array(mapping)}),
    "mcp_approval_request": record(
        {"id": string, "server_label": string, "name": string, "arguments": string}
    ),
    "mcp_approval_response": record({"approval_request_id": string, "approve": boolean}),
    "mcp_call": record({"id": string, "server_label": string, "name": string, "arguments": string}),
    "item_reference": record({"id": string}),
}
_reasoning_item: dict[str, Check] = {
    "reasoning": record(
        {
            "id": string,
            "summary": array(record({"type": enum("summary_text"), "text": string})),
        },
        {"encrypted_content": nullable(string), "status": _status},
    )
}
_interpreter_item: dict[str, Check] = {
    "code_interpreter_call": record(
        {
            "id": string,
            "code": string,
            "container_id": string,
            "outputs": nullable(array(mapping)),
            "status": enum("in_progress", "completed", "interpreting"),
        }
    )
}
_shell_items: dict[str, Check] = {
    "local_shell_call": record(
        {
            "id": string,
            "call_id": string,
            "action": record(
                {"type": enum("exec"), "command": array(string), "env": mapping},
                {"timeout_ms": nullable(number(0)), "working_directory": nullable(string)},
            ),
            "status": _status,
        }
    ),
    "local_shell_call_output": record({"id": string, "output": string}),
}

_tools: dict[str, Check] = {
    "function": record(
        {"type": string, "name": function_name, "parameters": mapping, "strict": boolean},
        {"description": string},
    ),
    "custom": record(
        {"type": string, "name": function_name},
        {
            "description": string,
            "format": tagged(
                "type",
                {
                    "text": record({"type": string}, closed=True),
                    "grammar": record(
                        {"type": string, "syntax": enum("lark", "regex"), "definition": string},
                        closed=True,
                    ),
                },
            ),
        },
    ),
    "web_search_preview": _web_search,
    "web_search_preview_2025_03_11": _web_search,
    "mcp": record({"server_label": string, "server_url": string}),
}
_interpreter: dict[str, Check] = {
    "code_interpreter": record({"container": string_or(record({"type": enum("auto")}))})
}
_shell: dict[str, Check] = {"local_shell": record({"type": string})}

_BUILT_IN = (
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "computer_use_preview",
    "code_interpreter",
    "mcp",
)
_tool_choice = string_or(
    tagged(
        "type",
        {
            "function": record({"name": string}),
            "custom": record({"name": string}),
            "allowed_tools": record(
                {"mode": enum("auto", "required"), "tools": array(record({"type": string}), 1)}
            ),
            **dict.fromkeys(_BUILT_IN, record({})),
        },
    ),
    enum("none", "auto", "required"),
)
_format = tagged(
    "type",
    {
        "text": record({"type": string}, closed=True),
        "json_object": record({"type": string}, closed=True),
        "json_schema": record(
            {"name": function_name, "schema": mapping},
            {"strict": nullable(boolean), "description": string},
        ),
    },
)
_common: dict[str, Check] = {
    "instructions": nullable(string),
    "background": boolean,
    "include": nullable(
        array(
            enum(
                "message.input_image.image_url",
                "computer_call_output.output.image_url",
                "reasoning.encrypted_content",
                "code_interpreter_call.outputs",
            )
        )
    ),
    "max_output_tokens": number(16, whole=True),
    "previous_response_id": nullable(string),
    "prompt": nullable(record({"id": string})),
    "store": nullable(boolean),
    "stream": nullable(boolean),
    "text": record({"format": _format}),
    "truncation": enum("auto", "disabled"),
    "tool_choice": _tool_choice,
    "parallel_tool_calls": nullable(boolean),
}
_reasoning: dict[str, Check] = {
    "reasoning": nullable(
        record(
            {},
            {
                "effort": nullable(enum("low", "medium", "high")),
                "summary": nullable(enum("auto", "concise", "detailed")),
            },
        )
    )
}
_sampling: dict[str, Check] = {
    "temperature": nullable(number(0, 2)),
    "top_p": number(0.01, 1),
}


def _body(
    items: Mapping[str, Check], tools: Mapping[str, Check], parameters: Mapping[str, Check]
) -> Check:
    item = tagged("type", items, default="message")
    return record(
        {"model": string, "input": either(string, array(item, least=1))},
        {**_common, **parameters, "tools": array(tagged("type", tools), least=1)},
    )


_gpt_5_1 = _body(
    {**_items, **_reasoning_item, **_interpreter_item},
    {**_tools, **_interpreter},
    {**_reasoning, **_sampling},
)
_chat_latest = _body({**_items, **_interpreter_item}, {**_tools, **_interpreter}, {})
_codex = _body({**_items, **_reasoning_item, **_shell_items}, {**_tools, **_shell}, _reasoning)


def check_responses(
    payload: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]] = ()
) -> list[str]:
    """Complaints about a request's body; an empty list where it is right.

    Args:
        payload: The body.
        earlier: Items of the stored conversation that it goes on with.
    """
    model = str(payload.get("model"))
    form = _chat_latest if "chat-latest" in model else _codex if "codex" in model else _gpt_5_1
    complaints = list(form(payload, "body"))
    return complaints or [
        *_across(payload),
        *_tool_turns(payload["input"], earlier),
        *_thoughts_alone(payload["input"]),
    ]


def _across(payload: Mapping[str, Any]) -> Iterator[str]:
    """Rules between fields, as the upstream has them."""
    choice, tools = payload.get("tool_choice"), payload.get("tools", [])
    if choice not in (None, "none", "auto") and not tools:
        yield "body.tool_choice: only allowed when tools are specified"
    name = choice.get("name") if isinstance(choice, Mapping) else None
    if name is not None and tools and name not in {tool.get("name") for tool in tools}:
        yield f"body.tool_choice: tool {name!r} is not among the tools"
    wanted = payload.get("text", {}).get("format", {}).get("type")
    if wanted == "json_object" and "json" not in str(payload["input"]).lower():
        yield "body.input: must contain the word 'json' to use text.format json_object"


def _tool_turns(given: Any, earlier: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every call has an output, and every output a call before it."""
    waiting: dict[str, str] = {}
    for item in (*earlier, *(given if isinstance(given, list) else ())):
        kind = str(item.get("type"))
        if kind in OUTPUTS:
            waiting[item["call_id"]] = kind
        elif kind in OUTPUTS.values():
            call_id = item.get("call_id", item.get("id"))
            if OUTPUTS.get(waiting.pop(call_id, "")) != kind:
                yield f"body.input: no tool call found for {_spoken(kind)} {call_id}"
    for call_id, kind in waiting.items():
        yield f"body.input: no tool output found for {_spoken(kind)} {call_id}"


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")


def _thoughts_alone(given: Any) -> Iterator[str]:
    """Reasoning stands before what the model said or did with it."""
    items = given if isinstance(given, list) else []
    for item, following in zip_longest(items, items[1:]):
        kind = None if following is None else following.get("type", "message")
        is_others = kind == "message" and following.get("role") != "assistant"
        if item.get("type") == "reasoning" and (
            kind is None or is_others or str(kind).endswith("_output")
        ):
            yield f"body.input: item {item['id']} of type reasoning lacks its following item"
