"""Free-form tools: how they go out, how their calls come back, and how both are sent again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import Tool

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._messages.custom_tools import replayed_call, shell_arguments
from langchain_aimlapi._messages.history import Call
from langchain_aimlapi._messages.tools import wire_tool, wire_tool_choice
from langchain_aimlapi.codex import custom_tool, grammar
from langchain_aimlapi.emulator import Emulator, Reply, StreamStyle, ToolCall

FORMAT = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
WIRE = {"type": "custom", "name": "f", "description": "Do.", "format": FORMAT}


def f(text: str) -> str:
    """Do."""
    return text


def called(arguments: str) -> Call:
    return Call("c", "c", "f", arguments)


@pytest.mark.parametrize(
    "tool",
    [
        WIRE,
        {
            "type": "custom",
            "custom": {
                "name": "f",
                "description": "Do.",
                "format": {
                    "type": "grammar",
                    "grammar": {"syntax": "lark", "definition": "start: /x/"},
                },
            },
        },
        custom_tool(f, format=grammar("lark", "start: /x/")),
        custom_tool(name="f", description="Do.", format=FORMAT)(lambda text: text),
        Tool("f", f, "Do.", metadata={"type": "custom_tool", "format": FORMAT}),
    ],
    ids=["responses", "chat completions", "ours", "decorator", "a Tool"],
)
def test_every_form_of_a_custom_tool_is_one(tool):
    assert wire_tool(tool) == WIRE
    assert wire_tool(wire_tool(tool)) == WIRE


def test_a_plain_one_says_no_format():
    assert wire_tool(custom_tool(f)) == {"type": "custom", "name": "f", "description": "Do."}


def test_anthropics_custom_tools_are_functions():
    tool = {"type": "custom", "name": "g", "description": "D", "input_schema": {"type": "object"}}
    assert wire_tool(tool)["type"] == "function"


def test_a_custom_tool_is_chosen_by_name():
    assert wire_tool_choice("f", [WIRE]) == {"type": "custom", "name": "f"}
    for endpoint, sent in (
        (True, {"type": "custom", "name": "f"}),
        (False, {"type": "function", "function": {"name": "f"}}),
    ):
        emulator = Emulator()
        llm = ChatAIMLAPI(
            use_responses_api=endpoint, validate_params="off", **emulator.connection()
        )
        message = llm.bind_tools([custom_tool(f)], tool_choice="f").invoke('Take "x".')
        assert emulator.requests[0].json["tool_choice"] == sent
        assert list(message.tool_calls[0]["args"]) == ["__arg1"]


def test_a_tool_needs_words():
    with pytest.raises(ValueError, match="needs a docstring"):
        custom_tool(lambda text: text)
    with pytest.raises(ValueError, match="lark"):
        grammar("bnf", "x")


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(1, 9))
def test_the_input_comes_back_and_is_sent_back_as_it_was(text, size):
    emulator = Emulator().script(
        *[
            Reply(
                tool_calls=[ToolCall("f", {"__arg1": text}), ToolCall("f", text)],
                stream=StreamStyle(delta_size=size),
            )
        ]
        * 2,
        Reply("Done."),
    )
    llm = ChatAIMLAPI(use_responses_api=True, validate_params="off", **emulator.connection())
    bound = llm.bind_tools([custom_tool(f)])
    whole = bound.invoke("Go.")
    summed = AIMessageChunk("")
    for chunk in bound.stream("Go."):
        summed += chunk
    for message in (whole, summed):
        assert [call["args"] for call in message.tool_calls] == [{"__arg1": text}] * 2
        assert message.invalid_tool_calls == []
    results = [ToolMessage("ok", tool_call_id=call["id"]) for call in summed.tool_calls]
    bound.invoke([HumanMessage("Go."), summed, *results])
    sent = emulator.requests[-1].json["input"]
    assert [i["input"] for i in sent if i.get("type") == "custom_tool_call"] == [text] * 2
    outputs = [i for i in sent if i.get("type") == "custom_tool_call_output"]
    assert [i["call_id"] for i in outputs] == [call["id"] for call in summed.tool_calls]


def test_a_rebuilt_message_is_sent_as_a_function_call():
    emulator = Emulator().script(Reply("Done."))
    llm = ChatAIMLAPI(use_responses_api=True, **emulator.connection())
    call = {"name": "f", "args": {"__arg1": "x"}, "id": "c1", "type": "tool_call"}
    llm.invoke(
        [HumanMessage("Go."), AIMessage("", tool_calls=[call]), ToolMessage("y", tool_call_id="c1")]
    )
    made, answered = emulator.requests[0].json["input"][-2:]
    assert (made["type"], answered["type"]) == ("function_call", "function_call_output")


@pytest.mark.parametrize(
    ("item_status", "status", "whole"),
    [
        ("completed", "completed", True),
        (None, "completed", True),
        ("completed", "incomplete", True),
        ("incomplete", "incomplete", False),
        (None, "incomplete", False),
        ("incomplete", "completed", False),
    ],
)
def test_a_free_form_call_is_whole_if_its_item_is(item_status, status, whole):
    item = {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "half"}
    body = {
        "id": "r",
        "object": "response",
        "status": status,
        "model": "openai/gpt-5-1",
        "output": [item if item_status is None else {**item, "status": item_status}],
    }
    llm = ChatAIMLAPI(use_responses_api=True, **Emulator().script(Reply(body=body)).connection())
    message = llm.invoke("Go.")
    assert bool(message.tool_calls) is whole
    assert bool(message.invalid_tool_calls) is not whole


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"__arg1": "a\\nb"}', "a\nb"),
        ('{"__arg1": "hal', "hal"),
        ('{"text": "edited"}', "edited"),
        ("no json", "no json"),
        ("[1]", "[1]"),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2}'),
    ],
)
def test_whatever_stands_in_a_call_is_sent_back_as_text(arguments, text):
    item = {"type": "custom_tool_call", "call_id": "c", "name": "f"}
    assert replayed_call(item, called(arguments)) == {**item, "input": text}


@settings(max_examples=50)
@given(st.lists(st.text(max_size=5), max_size=4), st.none() | st.integers(1, 9))
def test_the_action_of_a_shell_call_is_rebuilt(command, timeout):
    action = {"type": "exec", "command": command, "env": {}}
    action |= {} if timeout is None else {"timeout_ms": timeout, "working_directory": "src"}
    item = {"type": "local_shell_call", "call_id": "c", "id": "lsh", "status": "completed"}
    for arguments in (shell_arguments(action), shell_arguments(action) + "}"):
        assert replayed_call(item, called(arguments)) == {**item, "action": action}


def test_the_environment_of_a_shell_call_is_part_of_its_command():
    arguments = shell_arguments({"command": ["ls", "a b"], "env": {"X": "1"}})
    assert json.loads(arguments + "}") == {"command": "env X=1 ls 'a b'"}


def test_a_shell_command_that_was_edited_is_sent_back_whole():
    item = {"type": "local_shell_call", "call_id": "c"}
    action = replayed_call(item, called('{"command": "echo \'open"}'))["action"]
    assert action["command"] == ["sh", "-c", "echo 'open"]
