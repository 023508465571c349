"""Tools and tool calls, as pure functions; payloads as a whole are tested in test_payloads."""

from __future__ import annotations

import copy
import json
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, StructuredTool, tool
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import TypedDict

from langchain_aimlapi._messages.tool_calls import (
    ToolCallSlots,
    is_builtin_tool,
    parse_tool_call,
    wire_tool,
    wire_tool_calls,
    wire_tool_choice,
)
from langchain_aimlapi.errors import AIMLAPIConfigurationError

# --- tools --------------------------------------------------------------------------------------

NUMBER = {"type": "integer", "description": "How many"}


def function(count: Annotated[int, "How many"]) -> str:
    """Count."""
    return str(count)


class Model(BaseModel):
    """Count."""

    count: int = Field(description="How many")


class OldModel(BaseModelV1):
    """Count."""

    count: int


class Typed(TypedDict):
    """Count."""

    count: Annotated[int, ..., "How many"]


class Tool(BaseTool):
    """A tool that is a class of its own."""

    name: str = "class_tool"
    description: str = "Count."
    args_schema: type[BaseModel] = Model

    def _run(self, count: int) -> str:
        return str(count)


SCHEMA = {
    "title": "schema",
    "description": "Count.",
    "type": "object",
    "properties": {"count": NUMBER},
    "required": ["count"],
}
PARAMETERS = {"type": "object", "properties": {"count": NUMBER}, "required": ["count"]}
OPENAI_FUNCTION = {"name": "bare", "description": "Count.", "parameters": PARAMETERS}
OPENAI_TOOL = {"type": "function", "function": {**OPENAI_FUNCTION, "name": "openai"}}
ANTHROPIC = {"name": "anthropic", "description": "Count.", "input_schema": PARAMETERS}

TOOLS = [
    (function, "function"),
    (tool(function), "function"),
    (Tool(), "class_tool"),
    (StructuredTool.from_function(function, name="structured", description="Count."), "structured"),
    (Model, "Model"),
    (OldModel, "OldModel"),
    (Typed, "Typed"),
    (SCHEMA, "schema"),
    (OPENAI_FUNCTION, "bare"),
    (OPENAI_TOOL, "openai"),
    (ANTHROPIC, "anthropic"),
]
kinds = pytest.mark.parametrize(("offered", "name"), TOOLS, ids=[name for _, name in TOOLS])


@kinds
@pytest.mark.parametrize("strict", [None, False, True])
def test_every_kind_of_tool_becomes_a_function_tool(offered, name, strict):
    wired = wire_tool(offered, strict=strict)
    assert set(wired) == {"type", "function"}
    assert wired["type"] == "function"
    made = wired["function"]
    assert set(made) <= {"name", "description", "parameters", "strict"}
    assert made["name"] == name
    assert made["description"] == "Count."
    assert made["parameters"]["type"] == "object"
    assert made["parameters"]["properties"]["count"]["type"] == "integer"
    assert made["parameters"]["required"] == ["count"]
    assert made.get("strict") is strict
    assert made["parameters"].get("additionalProperties") is (False if strict else None)
    json.dumps(wired)


@pytest.mark.parametrize("offered", [SCHEMA, OPENAI_FUNCTION, OPENAI_TOOL, ANTHROPIC])
def test_the_callers_dict_is_not_changed(offered):
    before = copy.deepcopy(offered)
    wired = wire_tool(offered, strict=True)
    wired["function"]["description"] = "Changed."
    assert offered == before


def test_parameters_are_required_even_if_there_are_none():
    def ping() -> str:
        """Ping."""
        return "pong"

    for offered in (ping, tool(ping), {"type": "function", "function": {"name": "ping"}}):
        made = wire_tool(offered)["function"]
        assert made["parameters"] == {"type": "object", "properties": {}}


def test_the_strictness_of_a_tool_dict_stays():
    offered = {"type": "function", "function": {**OPENAI_FUNCTION, "strict": True}}
    assert wire_tool(offered)["function"]["strict"] is True
    assert wire_tool(wire_tool(Model, strict=True)) == wire_tool(Model, strict=True)


def test_keys_that_the_schema_closes_out_are_left_out():
    offered = {"type": "function", "function": {**OPENAI_FUNCTION, "cache_control": {}, "x": 1}}
    assert set(wire_tool(offered)["function"]) == {"name", "description", "parameters"}


@pytest.mark.parametrize(
    "offered",
    [
        {"type": "web_search_preview", "search_context_size": "low"},
        {"type": "mcp", "server_label": "x", "server_url": "https://example.com"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "local_shell"},
    ],
    ids=lambda offered: offered["type"],
)
def test_a_builtin_tool_passes_as_it_is(offered):
    assert is_builtin_tool(offered)
    wired = wire_tool(offered)
    assert wired == offered
    assert wired is not offered


@pytest.mark.parametrize("offered", [offered for offered, _ in TOOLS] + [None, 5, {}, {"type": 1}])
def test_all_else_is_not_builtin(offered):
    assert is_builtin_tool(offered) is False


@pytest.mark.parametrize("offered", [5, None, "Model", [], {}, {"type": "object"}])
def test_what_is_no_tool_is_named(offered):
    with pytest.raises(AIMLAPIConfigurationError, match="Not a tool"):
        wire_tool(offered)


# --- tool choice --------------------------------------------------------------------------------

WIRED = [wire_tool(OPENAI_TOOL), wire_tool(ANTHROPIC), {"type": "web_search_preview"}]
NAMED = {"type": "function", "function": {"name": "openai"}}

CHOICES = [
    (None, None),
    (False, None),
    ("", None),
    (True, "required"),
    ("any", "required"),
    ("required", "required"),
    ("auto", "auto"),
    ("none", "none"),
    ("openai", NAMED),
    ("web_search_preview", {"type": "web_search_preview"}),
    (NAMED, NAMED),
    ({"type": "function", "name": "openai"}, NAMED),
    ({"type": "tool", "name": "openai"}, NAMED),
    ({"type": "any"}, "required"),
    ({"type": "auto"}, "auto"),
    ({"type": "none"}, "none"),
    ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
]


@pytest.mark.parametrize(("choice", "sent"), CHOICES, ids=str)
def test_forms_of_tool_choice(choice, sent):
    assert wire_tool_choice(choice, WIRED) == sent


@pytest.mark.parametrize("choice", ["other", "Openai", "function"])
def test_a_choice_that_names_no_tool(choice):
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        wire_tool_choice(choice, WIRED)
    for name in (choice, "openai", "anthropic", "web_search_preview"):
        assert name in str(caught.value)


def test_a_name_without_tools():
    with pytest.raises(AIMLAPIConfigurationError, match="there are none"):
        wire_tool_choice("openai", [])


# --- calls that the model made ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("  \n", {}),
        ("{}", {}),
        ('{"a": 1, "b": [true, null, "é😀\u2028"]}', {"a": 1, "b": [True, None, "é😀\u2028"]}),
        # A raw line break inside a string, as models write now and then.
        ('{"code": "a\nb\tc"}', {"code": "a\nb\tc"}),
        (' {"a": 1.5}\n', {"a": 1.5}),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_arguments_that_can_be_read(arguments, args):
    call = parse_tool_call("f", arguments, "call_1")
    assert call == {"name": "f", "args": args, "id": "call_1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{", "no JSON"),
        ('{"a": 1', "no JSON"),
        ('{"a": 1} x', "no JSON"),
        ("{'a': 1}", "no JSON"),
        ("f(1)", "no JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
        ('"text"', "no JSON object"),
        ("5", "no JSON object"),
        ("[" * 200_000, "no JSON"),
        ('{"a": ' + "9" * 5_000 + "}", "no JSON"),
        # They could not be sent back: JSON has neither.
        ('{"a": NaN}', "no JSON"),
        ('{"a": -Infinity}', "no JSON"),
    ],
    ids=lambda value: value[:12],
)
def test_arguments_that_cannot_be_read_are_kept(arguments, words):
    call = parse_tool_call("f", arguments, "call_1")
    assert call["type"] == "invalid_tool_call"
    assert (call["name"], call["args"], call["id"]) == ("f", arguments, "call_1")
    assert words in call["error"]
    assert len(call["error"]) < 500


@pytest.mark.parametrize("name", [None, ""])
def test_a_call_without_a_name_is_invalid(name):
    call = parse_tool_call(name, '{"a": 1}', "call_1")
    assert call["type"] == "invalid_tool_call"
    assert call["args"] == '{"a": 1}'


def test_a_call_without_an_id():
    assert parse_tool_call("f", "{}", None)["id"] is None


@given(st.text())
def test_any_arguments_give_a_call_of_one_kind(arguments):
    call = parse_tool_call("f", arguments, "call_1")
    if call["type"] == "tool_call":
        assert isinstance(call["args"], dict)
    else:
        assert call["args"] == arguments


def test_calls_go_back_as_they_are():
    message = AIMessage(
        "",
        tool_calls=[{"name": "f", "args": {"a": "é"}, "id": "call_1"}],
        invalid_tool_calls=[{"name": "g", "args": "{bad", "id": "call_2", "error": "x"}],
    )
    assert wire_tool_calls(message) == [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":"é"}'}},
        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{bad"}},
    ]


def test_a_call_without_an_id_gets_one():
    message = AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": None}] * 2)
    ids = [call["id"] for call in wire_tool_calls(message)]
    assert len(set(ids)) == 2
    assert all(ids)


# --- streamed fragments -------------------------------------------------------------------------


def places(*fragments: tuple[Any, str | None]) -> list[int]:
    slots = ToolCallSlots()
    return [slots.place(index, call_id) for index, call_id in fragments]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        # The standard form, one after the other and side by side.
        ([(0, "a"), (0, None), (1, "b"), (1, None), (0, None)], [0, 0, 1, 1, 0]),
        ([(0, "a"), (1, "b"), (0, None), (1, None)], [0, 1, 0, 1]),
        # Counted from something else, with gaps.
        ([(1, "a"), (1, None), (5, "b"), (5, None)], [0, 0, 1, 1]),
        # No index at all.
        ([(None, "a"), (None, None), (None, "b"), (None, None)], [0, 0, 1, 1]),
        # Every call is number 0.
        ([(0, "a"), (0, None), (0, "b"), (0, None)], [0, 0, 1, 1]),
        ([(0, "a"), (0, "a"), (0, "b"), (0, "b")], [0, 0, 1, 1]),
        # The id is repeated, and an empty one says nothing.
        ([(0, "a"), (1, "b"), (0, "a"), (1, "b")], [0, 1, 0, 1]),
        ([(None, "a"), (None, "b"), (None, "a")], [0, 1, 0]),
        ([(0, "a"), (0, ""), (1, "b"), (1, "")], [0, 0, 1, 1]),
        # The id comes late.
        ([(0, None), (0, "a"), (1, None), (1, "b")], [0, 0, 1, 1]),
        # A call without any id.
        ([(None, None), (None, None)], [0, 0]),
        # Numbers of other types.
        ([(0.0, "a"), (1.0, "b"), (0, None)], [0, 1, 0]),
        ([("0", "a"), ("1", "b"), ("1", None)], [0, 1, 1]),
        ([(True, "a"), (True, None)], [0, 0]),
        ([(-1, "a"), (-1, None)], [0, 0]),
    ],
)
def test_a_fragment_finds_its_call(fragments, expected):
    assert places(*fragments) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            st.none() | st.sampled_from(["", "a", "b", "c"]),
        )
    )
)
def test_places_are_counted_without_gaps(fragments):
    seen = 0
    for place in places(*[(i, c) for i, c in fragments if i not in (float("inf"), -float("inf"))]):
        assert 0 <= place <= seen
        seen = max(seen, place + 1)


def test_many_calls_take_time_in_proportion():
    """Each of 3,000 calls in turn; looking through all the others each time would show."""
    slots = ToolCallSlots()
    for number in range(3_000):
        assert slots.place(number, f"call_{number}") == number
        assert slots.place(number, None) == number
