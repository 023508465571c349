"""Turns that the vendor keeps: what is sent on top of a stored response."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._messages.history import NOT_RUN
from langchain_aimlapi._messages.tools import wire_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "openai/gpt-5-1-codex"
TOOLS = [
    {"type": "custom", "name": "patch"},
    {"type": "function", "function": {"name": "look"}},
    {"type": "local_shell"},
]


def answered(*tool_calls: Any, invalid: Sequence[Any] = ()) -> AIMessage:
    """Return a stored answer that came with a call of each kind."""
    kinds = ("custom_tool_call", "local_shell_call", "function_call")
    items = [{"type": kind, "call_id": kind} for kind in kinds]
    return AIMessage(
        "",
        tool_calls=list(tool_calls),
        invalid_tool_calls=list(invalid),
        additional_kwargs={"output_items": items},
        response_metadata={
            "id": "resp_1",
            "endpoint": "responses",
            "model_provider": "aimlapi",
        },
    )


def called(name: str, kind: str, **args: Any) -> Any:
    return {"name": name, "id": kind, "args": args}


PATCHED = called("patch", "custom_tool_call", __arg1="x")
SHELL = called("shell_command", "local_shell_call", command="ls")
LOOKED = called("look", "function_call")
CUT_PATCH = {**PATCHED, "args": '{"__arg1": "x', "error": None, "type": "invalid_tool_call"}


@pytest.mark.parametrize("following", [[HumanMessage("And?")], []])
@pytest.mark.parametrize(
    "answer",
    [
        answered(PATCHED, SHELL, LOOKED),
        answered(SHELL, LOOKED, invalid=[CUT_PATCH]),
        answered(LOOKED),  # two were taken out of the message, not out of what the vendor keeps
    ],
)
def test_each_call_that_the_vendor_keeps_gets_its_kind_of_result(answer, following):
    results = [
        ToolMessage("Seen.", tool_call_id=call["id"], name=call["name"])
        for call in answer.tool_calls
    ]
    messages = [HumanMessage("Hello"), answer, *following, *results]
    params = {"model": MODEL, "store": True, "previous_response_id": "resp_1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a call was not run
        items = ResponsesDialect().build_payload(messages, params)["input"]
    outputs = {item["type"]: item for item in items[:3]}
    assert sorted(outputs) == [
        f"{kind}_output" for kind in ("custom_tool_call", "function_call", "local_shell_call")
    ]
    for kind, item in outputs.items():
        assert item.get("call_id") == kind.removesuffix("_output")
        run = {f"{call['id']}_output" for call in answer.tool_calls}
        output = "Seen." if kind in run else NOT_RUN
        is_shell = kind.startswith("local_shell")
        assert item["output"] == (json.dumps({"output": output}) if is_shell else output)
    assert [item.get("role") for item in items[3:]] == ["user" for _ in following]


BARE = answered(PATCHED, LOOKED, SHELL).model_copy(update={"additional_kwargs": {}})


@pytest.mark.parametrize("before", [[], [BARE]], ids=["results alone", "without its items"])
def test_the_kind_of_a_result_whose_call_only_the_vendor_has_is_that_of_its_tool(before):
    params = {
        "model": MODEL,
        "previous_response_id": "resp_1",
        "tools": [wire_tool(tool) for tool in TOOLS],
    }
    results = [
        ToolMessage("Seen.", tool_call_id=call["id"], name=call["name"])
        for call in (PATCHED, LOOKED, SHELL)
    ]
    items = ResponsesDialect().build_payload([*before, *results], params)["input"]
    kinds = ["custom_tool_call_output", "function_call_output", "local_shell_call_output"]
    assert [item["type"] for item in items] == kinds


def test_chat_completions_keeps_nothing(emulator):
    llm = ChatAIMLAPI(
        store=True, use_previous_response_id=True, use_responses_api=False, **emulator.connection()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the call was not run, and of store
        llm.invoke([HumanMessage("Hello"), answered(LOOKED), HumanMessage("And?")])
    sent = emulator.requests[-1].json
    assert "previous_response_id" not in sent
    assert [message["role"] for message in sent["messages"]] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]
