"""The default replies: text, JSON and tool calls made by rules."""

from __future__ import annotations

import json

import pytest

from langchain_aimlapi.emulator import Emulator
from langchain_aimlapi.emulator.answers.hints import Hints
from langchain_aimlapi.emulator.answers.schema_filler import fill

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.fixture
def tools(tool):
    return {
        "magic_function": tool(
            "magic_function", "Apply a magic function to an input.", input=INTEGER
        ),
        "magic_function_no_args": tool("magic_function_no_args", "Calculate a magic function."),
        "get_weather": tool("get_weather", "Get the weather at a location.", location=STRING),
        "my_adder_tool": tool("my_adder_tool", "Adds two integers.", a=INTEGER, b=INTEGER),
        "unicode_customer": tool(
            "unicode_customer", "Create a customer.", customer_name=STRING, description=STRING
        ),
        "greeting_generator": tool("greeting_generator", "Greet in a style.", answer_style=STRING),
        "search": tool("search", "Look things up on the web.", query=STRING),
        "add_all": tool(
            "add_all", "Sum up.", numbers={"type": "array", "items": {"type": "number"}}
        ),
        "say": tool("say", "Say words.", words=STRING, loud={"type": "boolean"}),
    }


@pytest.fixture
def call(chat, tools):
    """Names and arguments of the calls for a prompt, and the text where there are none."""

    def run(prompt, *names, **body):
        response = chat(prompt, tools=[tools[name] for name in names], **body)
        message = response.json()["choices"][0]["message"]
        calls = [c["function"] for c in message.get("tool_calls", ())]
        return [(c["name"], json.loads(c["arguments"])) for c in calls] or message["content"]

    return run


MAGIC = "What is the value of magic_function(3)? Use the tool."


@pytest.mark.parametrize(
    ("prompt", "names", "calls"),
    [
        (MAGIC, ["magic_function"], [("magic_function", {"input": 3})]),
        (MAGIC, ["magic_function", "get_weather"], [("magic_function", {"input": 3})]),
        (
            "What is the value of magic_function_no_args()? Use the tool.",
            ["magic_function", "magic_function_no_args"],
            [("magic_function_no_args", {})],
        ),
        (
            "What is the weather in San Francisco, CA?",
            ["magic_function", "get_weather"],
            [("get_weather", {"location": "San Francisco, CA"})],
        ),
        (
            "Create a customer named '你好啊集团' (Hello Group) - a Chinese company",
            ["unicode_customer"],
            [("unicode_customer", {"customer_name": "你好啊集团", "description": "Hello Group"})],
        ),
        (
            "Add customer 你好啊集团 please, a customer_name with description: big",
            ["unicode_customer"],
            [("unicode_customer", {"customer_name": "你好啊集团", "description": "big"})],
        ),
        (
            "Using the tool, generate a Pirate greeting.",
            ["greeting_generator"],
            [("greeting_generator", {"answer_style": "Pirate"})],
        ),
        (
            "Call my_adder_tool(1, b=2) and my_adder_tool(a=3, b=4)",
            ["my_adder_tool"],
            [("my_adder_tool", {"a": 1, "b": 2}), ("my_adder_tool", {"a": 3, "b": 4})],
        ),
        (
            "First get_weather for Rome, then my_adder_tool with 5 and 6",
            ["my_adder_tool", "get_weather"],
            [("get_weather", {"location": "Rome"}), ("my_adder_tool", {"a": 5, "b": 6})],
        ),
        (
            "The weather in 'Paris' and 'London'?",
            ["get_weather"],
            [("get_weather", {"location": "Paris"}), ("get_weather", {"location": "London"})],
        ),
        (
            "my_adder_tool with a=7 and b is 8",
            ["my_adder_tool"],
            [("my_adder_tool", {"a": 7, "b": 8})],
        ),
        (
            "please search for cheap flights",
            ["search"],
            [("search", {"query": "please search for cheap flights"})],
        ),
        ("add_all of 1, 2 and 3.5", ["add_all"], [("add_all", {"numbers": [1, 2, 3.5]})]),
        ("say 'hi' with loud=false", ["say"], [("say", {"words": "hi", "loud": False})]),
        ("""say("it's", true)""", ["say"], [("say", {"words": "it's", "loud": True})]),
    ],
)
def test_tools_are_called_when_the_prompt_mentions_them(call, prompt, names, calls):
    assert call(prompt, *names) == calls


@pytest.mark.parametrize("prompt", ["Hello!", "What do you think of cats?", ""])
def test_other_prompts_call_no_tool(call, prompt):
    assert "emulator" in call(prompt, "magic_function", "get_weather")


def test_tool_choice_is_obeyed(call):
    chosen = {"type": "function", "function": {"name": "magic_function"}}
    both = "get_weather", "magic_function"
    assert call("Hello!", *both, tool_choice=chosen) == [("magic_function", {"input": 1})]
    assert call("Hello!", *both, tool_choice="required")[0][0] == "get_weather"
    assert call(MAGIC, *both, tool_choice="required") == [("magic_function", {"input": 3})]
    assert "emulator" in call(MAGIC, *both, tool_choice="none")


def test_one_call_where_parallel_calls_are_off(call):
    prompt = "Call my_adder_tool(1, 2) and my_adder_tool(3, 4)"
    calls = call(prompt, "my_adder_tool", parallel_tool_calls=False)
    assert calls == [("my_adder_tool", {"a": 1, "b": 2})]


def turns(name, result):
    function = {"name": name, "arguments": "{}"}
    return [
        {"role": "user", "content": "What is the weather in Oslo?"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c", "content": result},
    ]


def test_an_answer_uses_the_tools_result(call):
    answer = call(turns("get_weather", "It's sunny."), "get_weather")
    assert answer.startswith("The emulator")
    assert "It's sunny." in answer
    assert "get_weather" in answer


def test_a_demanded_call_after_a_result_takes_a_tool_not_yet_called(call):
    history = turns("get_weather", "It's sunny.")
    calls = call(history, "get_weather", "say", tool_choice="required")
    assert [name for name, _ in calls] == ["say"]
    calls = call(history, "get_weather", tool_choice="required")
    assert [name for name, _ in calls] == ["get_weather"]


JOKE = {
    "type": "object",
    "properties": {"setup": STRING, "punchline": STRING},
    "required": ["setup", "punchline"],
}
EMULATED_JOKE = {"setup": "emulated setup", "punchline": "emulated punchline"}


@pytest.mark.parametrize(
    "prompt",
    [
        "A joke. Return the result as a JSON with 'setup' and 'punchline' keys. Only JSON.",
        "A joke. Return this as a JSON with keys setup and punchline.",
        "JSON with the fields: setup, punchline",
        "Answer in JSON.\n```" + json.dumps({"properties": {}}) + "```\n" + json.dumps(JOKE),
    ],
)
def test_json_objects_have_the_keys_that_the_prompt_names(chat, prompt):
    body = chat(prompt, response_format={"type": "json_object"}).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == EMULATED_JOKE


def test_a_json_object_without_named_keys(chat):
    body = chat("Some JSON please", response_format={"type": "json_object"}).json()
    value = json.loads(body["choices"][0]["message"]["content"])
    assert list(value) == ["emulator"]


def test_json_schemas_are_filled_on_both_apis(chat, respond):
    strict = {"name": "Joke", "schema": JOKE, "strict": True}
    body = chat("A joke", response_format={"type": "json_schema", "json_schema": strict}).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == EMULATED_JOKE
    text = {"format": {"type": "json_schema", **strict}}
    assert json.loads(respond("A joke", text=text).json()["output_text"]) == EMULATED_JOKE


def test_small_limits_cut_the_reply(chat, call, tools, respond):
    body = chat("Hello", max_completion_tokens=3).json()
    assert body["choices"][0]["message"]["content"] == "The emulator of"
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 3
    body = chat("Hello", max_tokens=2).json()
    assert body["choices"][0]["finish_reason"] == "length"
    cut = chat(MAGIC, max_tokens=2, tools=[tools["magic_function"]]).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    assert cut["message"]["tool_calls"][0]["function"]["arguments"] == '{"'
    answer = respond("a b c d e f g h i j k l m n o p", max_output_tokens=16).json()
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}


def test_stop_is_ignored_unless_honoured():
    body = {"model": "openai/gpt-5-1", "messages": [{"role": "user", "content": "Hi"}]}
    texts = []
    for honour in (False, True):
        with Emulator(honour_stop=honour).client(
            headers={"Authorization": "Bearer emulator-key"}
        ) as http:
            url = "https://api.aimlapi.com/v1/chat/completions"
            reply = http.post(url, json={**body, "stop": ["API", " AI"]}).json()["choices"][0]
        texts.append(reply["message"]["content"])
        assert reply["finish_reason"] == "stop"
    assert texts == ['The emulator of the AI/ML API heard: "Hi"', "The emulator of the"]


def test_the_model_is_echoed_and_choices_counted(chat):
    body = chat("Hello", model="openai/gpt-5-1-codex", n=3).json()
    assert body["model"] == "openai/gpt-5-1-codex"
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]


def test_reasoning_items_of_default_replies(respond):
    kinds = [i["type"] for i in respond(model="openai/gpt-5-1-codex").json()["output"]]
    assert kinds == ["reasoning", "message"]
    summary = respond(reasoning={"summary": "auto"}).json()["output"][0]["summary"]
    assert "does not reason" in summary[0]["text"]
    assert [i["type"] for i in respond().json()["output"]] == ["message"]
    asked = respond(include=["reasoning.encrypted_content"]).json()["output"][0]
    assert asked["encrypted_content"]


def test_parts_instructions_and_long_prompts(chat, respond):
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "https://e.org/i.png"}},
    ]
    reply = chat([{"role": "user", "content": parts}]).json()["choices"][0]["message"]["content"]
    assert reply.endswith('heard: "Look: [image_url]"')
    assert "heard nothing" in chat("").json()["choices"][0]["message"]["content"]
    assert len(chat("word " * 500).json()["choices"][0]["message"]["content"]) < 250
    short = respond("x").json()["usage"]["input_tokens"]
    assert respond("x", instructions="Be brief.").json()["usage"]["input_tokens"] > short


NODE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": STRING,
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["name", "next", "children"],
        }
    },
    "$ref": "#/$defs/Node",
}
SCHEMAS = {
    "joke": JOKE,
    "recursive": NODE,
    "const and enum": {
        "type": "object",
        "properties": {"kind": {"const": "a"}, "size": {"enum": [None, "s", "m"]}},
        "required": ["kind", "size"],
        "additionalProperties": False,
    },
    "allOf": {"allOf": [JOKE, {"type": "object", "properties": {"n": INTEGER}, "required": ["n"]}]},
    "oneOf": {"oneOf": [{"type": "null"}, {"type": "integer", "minimum": 5}]},
    "ref with siblings": {
        "definitions": {"a/b": {"type": "string"}},
        "type": "object",
        "properties": {"x": {"$ref": "#/definitions/a~1b", "description": "d"}},
        "required": ["x", "undeclared"],
    },
    "numbers": {
        "type": "array",
        "prefixItems": [
            {"type": "integer", "exclusiveMinimum": 10, "exclusiveMaximum": 12},
            {"type": "number", "minimum": 0.2, "maximum": 0.3},
            {"type": "integer", "multipleOf": 7, "minimum": 1},
            {"type": "integer", "maximum": -3},
            {"type": "number", "exclusiveMinimum": 1, "maximum": 2},
        ],
        "items": False,
    },
    "strings": {
        "type": "array",
        "prefixItems": [
            {"type": "string", "minLength": 30},
            {"type": "string", "maxLength": 3},
            {"type": "string", "pattern": r"^\d{5}$"},
            *(
                {"type": "string", "format": f}
                for f in ("date", "date-time", "email", "uuid", "uri")
            ),
        ],
    },
    "arrays": {
        "type": "object",
        "properties": {
            "many": {"type": "array", "items": STRING, "minItems": 3, "uniqueItems": True},
            "enums": {
                "type": "array",
                "items": {"enum": ["x", "y", "z"]},
                "minItems": 2,
                "uniqueItems": True,
            },
            "flags": {
                "type": "array",
                "items": {"type": "boolean"},
                "minItems": 2,
                "uniqueItems": True,
            },
            "counts": {"type": "array", "items": INTEGER, "minItems": 3, "uniqueItems": True},
            "none": {"type": "array", "maxItems": 0},
        },
        "required": ["many", "enums", "flags", "counts", "none"],
    },
    "map": {"type": "object", "additionalProperties": INTEGER, "minProperties": 2},
    "nullable list type": {"type": ["null", "string"]},
    "default": {
        "type": "object",
        "properties": {"x": {"type": "integer", "default": 4}},
        "required": ["x"],
    },
    "untyped": {"properties": {"x": {"items": INTEGER}, "y": {}}, "required": ["x", "y"]},
    "null": {"type": "null"},
}
PROMPT = "Take 11, 'one word', 2.5 and San Marino; the size is m, the name: Ada"


@pytest.mark.parametrize("prompt", ["", PROMPT])
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_filled_schemas_are_valid(schema, prompt):
    jsonschema = pytest.importorskip("jsonschema")
    value = fill(schema, Hints(prompt))
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


def test_fillings_take_what_the_prompt_offers():
    schema = {
        "type": "object",
        "properties": {
            "name": STRING,
            "word": STRING,
            "place": STRING,
            "count": INTEGER,
            "share": {"type": "number"},
            "size": {"enum": ["s", "m", "l"]},
            "optional": STRING,
            "left_out": STRING,
        },
        "required": ["name", "word", "place", "count", "share", "size"],
    }
    assert fill(schema, Hints(PROMPT + " optional=yes")) == {
        "name": "Ada",
        "word": "one word",
        "place": "San Marino",
        "count": 11,
        "share": 2.5,
        "size": "s",
        "optional": "yes",
    }
