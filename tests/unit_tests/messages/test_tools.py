"""Tools and tool choice, as pure functions; payloads as a whole are tested in test_payloads."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Annotated

import pytest
from langchain_core.tools import BaseTool, StructuredTool, Tool, tool
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import TypedDict

from langchain_aimlapi._messages.tools import (
    function_choice,
    function_tool,
    is_builtin_tool,
    wire_tool,
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


class ClassTool(BaseTool):
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
    (ClassTool(), "class_tool"),
    (StructuredTool.from_function(function, name="structured", description="Count."), "structured"),
    (Model, "Model"),
    (OldModel, "OldModel"),
    (Typed, "Typed"),
    (SCHEMA, "schema"),
    (OPENAI_FUNCTION, "bare"),
    (OPENAI_TOOL, "openai"),
    (ANTHROPIC, "anthropic"),
    (
        {
            "toolSpec": {
                "name": "bedrock",
                "description": "Count.",
                "inputSchema": {"json": PARAMETERS},
            }
        },
        "bedrock",
    ),
    ({"name": "mcp", "description": "Count.", "inputSchema": PARAMETERS}, "mcp"),
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


@pytest.mark.parametrize(
    "offered",
    [
        {"type": "function", "function": {**OPENAI_FUNCTION, "cache_control": {}}},
        {"type": "function", "function": OPENAI_FUNCTION, "cache_control": {}},
        {"type": "function", **OPENAI_FUNCTION, "cache_control": {}},
        {**ANTHROPIC, "cache_control": {}},
    ],
)
def test_keys_that_the_schema_closes_out_are_left_out_with_a_word(offered):
    with pytest.warns(UserWarning, match="cache_control of the tool"):
        wired = wire_tool(offered)
    assert set(wired) == {"type", "function"}
    assert set(wired["function"]) == {"name", "description", "parameters"}


FLAT = {"type": "function", **OPENAI_FUNCTION}
MCP = {"name": "bare", "description": "Count.", "inputSchema": PARAMETERS, "annotations": {}}


@pytest.mark.parametrize("offered", [FLAT, {**FLAT, "strict": None}, MCP])
def test_flat_and_mcp_tools_keep_their_schema(offered):
    wired = wire_tool(offered)
    assert wired == {"type": "function", "function": OPENAI_FUNCTION}


def test_an_mcp_schema_as_servers_write_them():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "at": {"$ref": "#/definitions/place"},
            "note": {"type": ["string", "null"], "default": None},
        },
        "definitions": {"place": {"type": "string", "title": "Place"}},
    }
    found = wire_tool({"name": "go", "inputSchema": schema})["function"]["parameters"]
    assert found["properties"]["at"]["type"] == "string"
    assert found["properties"]["note"] == {"type": ["string", "null"], "default": None}
    assert "definitions" not in found
    assert "$ref" not in json.dumps(found)


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": None}])
def test_a_tool_without_properties_has_them_empty(schema):
    wired = wire_tool({"type": "function", "name": "now", "parameters": schema})
    assert wired["function"]["parameters"] == {"type": "object", "properties": {}}


@tool(extras={"defer_loading": True, "strict": True})
def extra(count: int) -> str:
    """Count."""
    return str(count)


@pytest.mark.parametrize(
    "offered",
    [
        {**FLAT, "defer_loading": True, "strict": True},
        {**OPENAI_TOOL, "defer_loading": True, "strict": True},
        {
            "type": "function",
            "function": {**OPENAI_FUNCTION, "defer_loading": True, "strict": True},
        },
        extra,
    ],
    ids=["flat", "beside", "inside", "extras"],
)
def test_what_a_tool_says_of_itself_is_read_wherever_it_stands(offered):
    wired = wire_tool(offered, strict=False)
    assert wired["defer_loading"] is True
    assert wired["function"]["strict"] is True
    assert wired["function"]["parameters"]["additionalProperties"] is False
    assert set(function_tool(wired)) == {"type", "function"}


@pytest.mark.parametrize(
    "offered",
    [
        {"name": "google", "parameters": {"type": "OBJECT", "properties": {"count": NUMBER}}},
        {"name": "google", "parametersJsonSchema": PARAMETERS},
        {"name": "google", "parameters_json_schema": PARAMETERS},
    ],
)
def test_googles_functions(offered):
    assert wire_tool(offered)["function"]["parameters"]["properties"] == {"count": NUMBER}


@pytest.mark.parametrize("name", ["a.b", "a/b", "über", "a b", "x" * 65, ""])
def test_a_name_that_the_upstream_refuses_is_refused_by_name(name):
    with pytest.raises(AIMLAPIConfigurationError, match="refuses the tool name") as caught:
        wire_tool({"name": name, "parameters": PARAMETERS})
    assert repr(name) in str(caught.value)


# --- custom tools -------------------------------------------------------------------------------

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /x+/"}
CUSTOM = {"type": "custom", "name": "patch", "description": "Patch.", "format": GRAMMAR}


@pytest.mark.parametrize(
    "offered",
    [
        CUSTOM,
        {"type": "custom", "custom": {"name": "patch", "description": "Patch.", "format": GRAMMAR}},
        Tool(
            name="patch",
            description="Patch.",
            func=str,
            metadata={"type": "custom_tool", "format": GRAMMAR},
        ),
    ],
    ids=["flat", "nested", "LangChain"],
)
def test_a_custom_tool_stays_one_however_often_it_passes(offered):
    before = copy.deepcopy(offered)
    assert wire_tool(offered) == wire_tool(wire_tool(offered)) == CUSTOM
    assert wire_tool(dict(wire_tool(offered))) == CUSTOM
    assert offered == before


def test_anthropics_custom_tool_is_a_function():
    wired = wire_tool({"type": "custom", **ANTHROPIC})
    assert wired["function"]["parameters"] == PARAMETERS


def test_a_custom_tool_needs_a_name():
    with pytest.raises(AIMLAPIConfigurationError, match="needs a name"):
        wire_tool({"type": "custom"})


def test_where_there_are_no_custom_tools_it_is_a_function_of_one_text():
    made = function_tool(wire_tool(CUSTOM))["function"]
    assert made["name"] == "patch"
    assert made["description"].startswith("Patch.")
    assert GRAMMAR["definition"] in made["description"]
    assert made["parameters"]["required"] == list(made["parameters"]["properties"]) == ["__arg1"]
    assert made["parameters"]["properties"]["__arg1"]["type"] == "string"
    assert "description" not in function_tool({"type": "custom", "name": "bare"})["function"]


def test_a_tool_of_one_text_has_the_argument_that_langchain_gives_it():
    made = wire_tool(Tool("shout", str.upper, "Shout."))["function"]
    wanted = {"type": "object", "properties": {"__arg1": {"type": "string"}}}
    assert made["parameters"] == {**wanted, "required": ["__arg1"]}


def test_a_tool_that_stands_for_the_local_shell_is_the_builtin_one():
    shell = Tool("shell", str, "Run.", metadata={"type": "local_shell"})
    assert wire_tool(shell) == {"type": "local_shell"}
    assert is_builtin_tool(wire_tool(shell))


def test_an_object_that_may_be_null_is_one():
    made = wire_tool({"name": "f", "parameters": {**PARAMETERS, "type": ["object", "null"]}})
    assert made["function"]["parameters"] == PARAMETERS


def test_of_a_tools_extras_that_is_sent_which_the_api_has_a_place_for():
    fields = {"name": "f", "description": "Count."}
    deferred = StructuredTool.from_function(function, **fields, extras={"defer_loading": True})
    assert wire_tool(deferred)["defer_loading"] is True
    cached = StructuredTool.from_function(function, **fields, extras={"cache_control": {"x": 1}})
    with pytest.warns(UserWarning, match="cache_control of the tool 'f' was left out"):
        assert set(wire_tool(cached)) == {"type", "function"}


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


class Callback(BaseModel):
    """Holds what JSON cannot describe."""

    call: Callable[[], None]


@pytest.mark.parametrize(
    "offered",
    [
        *(5, None, "Model", [], {}, {"type": "object"}, Callback),
        {"name": "f", "parameters": [1]},
        {"name": "f", "parameters": {"type": ["array", "null"]}},
    ],
    ids=str,
)
def test_what_is_no_tool_is_named(offered):
    with pytest.raises(AIMLAPIConfigurationError, match="Not a tool"):
        wire_tool(offered)


# --- tool choice --------------------------------------------------------------------------------

WIRED = [
    *(wire_tool(OPENAI_TOOL), wire_tool(ANTHROPIC), {"type": "web_search_preview"}),
    wire_tool(CUSTOM),
]
ALLOWED = {"mode": "required", "tools": [{"type": "function", "function": {"name": "openai"}}]}
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
    ({"function": {"name": "openai"}}, NAMED),
    ({"type": "required"}, "required"),
    ({"name": "openai"}, NAMED),
    ({"type": "function", "function": "openai"}, NAMED),
    (
        {"type": "allowed_tools", "mode": "any", "tools": ["openai"]},
        {"type": "allowed_tools", "allowed_tools": ALLOWED},
    ),
    ("patch", {"type": "custom", "name": "patch"}),
    ({"type": "custom", "name": "patch"}, {"type": "custom", "name": "patch"}),
    ({"type": "custom", "custom": {"name": "patch"}}, {"type": "custom", "name": "patch"}),
    (
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "openai"}],
        },
        {"type": "allowed_tools", "allowed_tools": ALLOWED},
    ),
    (
        {"type": "allowed_tools", "allowed_tools": ALLOWED},
        {"type": "allowed_tools", "allowed_tools": ALLOWED},
    ),
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


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function"},
        {"type": "tool", "name": "other"},
        {"type": "code_interpreter"},
        {"type": "allowed_tools"},
        {"type": "allowed_tools", "tools": ["other"]},
        {"function_calling_config": {"mode": "ANY"}},
    ],
    ids=str,
)
def test_a_choice_of_what_is_not_there_is_refused(choice):
    with pytest.raises(AIMLAPIConfigurationError, match="tool_choice"):
        wire_tool_choice(choice, WIRED)


def test_a_name_without_tools():
    with pytest.raises(AIMLAPIConfigurationError, match="there are none"):
        wire_tool_choice("openai", [])


def test_the_choice_of_a_custom_tool_becomes_that_of_its_function():
    patch = {"type": "function", "function": {"name": "patch"}}
    custom = {"type": "custom", "name": "patch"}
    assert function_choice(wire_tool_choice("patch", WIRED)) == patch
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [custom, NAMED]}
    found = function_choice(wire_tool_choice(allowed, WIRED))
    assert found["allowed_tools"] == {"mode": "auto", "tools": [patch, NAMED]}
    assert function_choice("auto") == "auto"


@pytest.mark.parametrize(
    "choice",
    [{"type": "function", "name": "absent"}, {"type": "custom", "name": "absent"}, 5, {"x": 1}],
)
def test_a_choice_of_nothing_that_is_there(choice):
    with pytest.raises(AIMLAPIConfigurationError):
        wire_tool_choice(choice, WIRED)
