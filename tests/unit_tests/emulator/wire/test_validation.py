"""Which requests are refused, and in which words."""

from __future__ import annotations

import base64
import json

import pytest

from langchain_aimlapi.emulator import Emulator

USER = {"role": "user", "content": "Hello, JSON."}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}
FLAT = {"type": "function", "strict": False, **FUNCTION}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "done"}
PNG = "data:image/png;base64," + base64.b64encode(b"x").decode()
SCHEMA = {"name": "s", "schema": {"type": "object", "properties": {}}}
CALL_ITEM = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT_ITEM = {"type": "function_call_output", "call_id": "c1", "output": "done"}
REPLAYED = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "status": "completed",
    "content": [{"type": "output_text", "text": "x", "annotations": []}],
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}


def part(**content):
    return {"messages": [{"role": "user", "content": [content]}]}


CHAT_TAKEN = {
    "system and developer": {
        "messages": [
            {"role": "system", "content": "a", "name": "n"},
            {"role": "developer", "content": [{"type": "text", "text": "b"}]},
            USER,
        ]
    },
    "image url": part(type="image_url", image_url={"url": "https://e.org/i.png", "detail": "low"}),
    "image data": part(type="image_url", image_url={"url": PNG}),
    "file": part(type="file", file={"file_data": "JVBERi0=", "filename": "a.pdf"}),
    "tool turns": {"messages": [USER, CALLED, RESULT]},
    "empty content beside calls": {"messages": [USER, {**CALLED, "content": ""}, RESULT]},
    "assistant parts": {
        "messages": [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "refusal", "refusal": "no"}, {"type": "text", "text": "x"}],
                "refusal": None,
            },
            USER,
        ]
    },
    "extra keys of user messages": {"messages": [{**USER, "extra": 1}]},
    "unknown keys": {"stop": ["x"], "verbosity": "low", "metadata": {}},
    "tools": {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    "named tool": {
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    },
    "strict null": {"tools": [{"type": "function", "function": {**FUNCTION, "strict": None}}]},
    "limits": {"temperature": 0, "top_p": 0.01, "seed": 1, "n": None, "max_tokens": 1.5},
    "logprobs": {"logprobs": True, "top_logprobs": 20},
    "effort": {"reasoning_effort": "low"},
    "json object": {"response_format": {"type": "json_object"}},
    "json schema": {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    "stream options": {"stream": True, "stream_options": {"include_usage": True}},
}
CHAT_REFUSED = {
    "no messages": ({"messages": []}, "body.messages: Array must contain at least 1"),
    "messages no array": ({"messages": "Hi"}, "body.messages: Expected array, received string"),
    "role": ({"messages": [{"role": "function", "content": "x"}]}, "received 'function'"),
    "null content": (
        {"messages": [{**CALLED, "content": None}, RESULT]},
        "body.messages[0].content: Expected string, received null",
    ),
    "no content": ({"messages": [{"role": "assistant"}]}, "body.messages[0].content: Required"),
    "closed system": ({"messages": [{"role": "system", "content": "", "id": 1}]}, "Unrecognized"),
    "closed tool": ({"messages": [USER, CALLED, {**RESULT, "status": "x"}]}, "'status'"),
    "tool list content": (
        {"messages": [USER, CALLED, {**RESULT, "content": []}]},
        "body.messages[2].content: Expected string, received array",
    ),
    "audio": (part(type="input_audio", input_audio={}), "received 'input_audio'"),
    "bad url": (part(type="image_url", image_url={"url": "image.png"}), "url: Invalid url"),
    "bad image type": (
        part(type="image_url", image_url={"url": "data:image/tiff;base64,x"}),
        "url",
    ),
    "bad detail": (part(type="image_url", image_url={"url": PNG, "detail": "x"}), "received 'x'"),
    "unanswered call": ({"messages": [USER, CALLED]}, "responding to each 'tool_call_id': c1"),
    "unanswered call, then user": ({"messages": [USER, CALLED, USER]}, "c1"),
    "answer without call": ({"messages": [USER, RESULT]}, "must be a response to a preceding"),
    "answered twice": ({"messages": [USER, CALLED, RESULT, RESULT]}, "body.messages[3]"),
    "empty tools": ({"tools": []}, "body.tools: Array must contain at least 1"),
    "129 tools": ({"tools": [TOOL] * 129}, "at most 128"),
    "no parameters": (
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        "body.tools[0].function.parameters: Required",
    ),
    "closed function": (
        {"tools": [{"type": "function", "function": {**FUNCTION, "x": 1}}]},
        "Unrecognized key(s) in object: 'x'",
    ),
    "tool name": ({"tools": [{**TOOL, "function": {**FUNCTION, "name": "a b"}}]}, "Invalid name"),
    "built-in tool": ({"tools": [{"type": "web_search_preview"}]}, "received 'web_search_preview'"),
    "any": ({"tools": [TOOL], "tool_choice": "any"}, "received 'any'"),
    "unknown choice": (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "'g' is not among the tools",
    ),
    "choice without tools": ({"tool_choice": "auto"}, "only allowed when tools"),
    "parallel without tools": ({"parallel_tool_calls": True}, "only allowed when tools"),
    "temperature": ({"temperature": 2.1}, "less than or equal to 2"),
    "top_p": ({"top_p": 0}, "greater than or equal to 0.01"),
    "seed": ({"seed": 0}, "greater than or equal to 1"),
    "n": ({"n": 0}, "body.n"),
    "max_tokens": ({"max_tokens": 0}, "body.max_tokens"),
    "whole tokens": ({"max_completion_tokens": 1.5}, "Expected integer, received number"),
    "boolean number": ({"seed": True}, "Expected integer, received boolean"),
    "logprobs missing": ({"top_logprobs": 2}, "requires logprobs"),
    "effort": (
        {"reasoning_effort": "none"},
        "Invalid enum value. Expected 'low' | 'medium' | 'high', received 'none'",
    ),
    "stream": ({"stream": "yes"}, "Expected boolean, received string"),
    "options without stream": ({"stream_options": {"include_usage": True}}, "when stream is true"),
    "empty options": ({"stream": True, "stream_options": {}}, "include_usage: Required"),
    "format": ({"response_format": {"type": "xml"}}, "received 'xml'"),
    "closed format": ({"response_format": {"type": "text", "x": 1}}, "'x'"),
    "unnamed schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "json_schema.name: Required",
    ),
    "closed schema": (
        {"response_format": {"type": "json_schema", "json_schema": {**SCHEMA, "x": 1}}},
        "Unrecognized",
    ),
    "unasked json": (
        {
            "messages": [{"role": "user", "content": "x"}],
            "response_format": {"type": "json_object"},
        },
        "must contain the word 'json'",
    ),
}
RESPONSES_TAKEN = {
    "easy messages": {"input": [{"role": "system", "content": "a"}, USER]},
    "easy assistant": {"input": [USER, {"role": "assistant", "content": "x"}, USER]},
    "parts": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]},
    "image": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}]},
    "replayed": {"input": [USER, REPLAYED, USER]},
    "function turns": {"input": [USER, CALL_ITEM, OUTPUT_ITEM]},
    "reasoning": {"input": [USER, REASONING, REPLAYED, USER]},
    "reference": {"input": [{"type": "item_reference", "id": "msg_1"}]},
    "tools": {"tools": [FLAT, {"type": "web_search_preview"}], "tool_choice": "required"},
    "chosen": {"tools": [FLAT], "tool_choice": {"type": "function", "name": "f"}},
    "built-in choice": {"tools": [FLAT], "tool_choice": {"type": "web_search_preview"}},
    "choice without tools": {"tool_choice": "auto"},
    "interpreter": {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    "nulls": {
        "instructions": None,
        "include": None,
        "store": None,
        "stream": None,
        "reasoning": {"effort": None, "summary": "auto"},
        "temperature": None,
        "parallel_tool_calls": None,
    },
    "format": {"text": {"format": {"type": "json_schema", **SCHEMA}}},
    "json object": {"input": "json please", "text": {"format": {"type": "json_object"}}},
    "limits": {"max_output_tokens": 16, "top_p": 1, "truncation": "auto"},
    "unknown keys": {"stop": ["x"], "stream_options": {}, "seed": 0},
}
RESPONSES_REFUSED = {
    "no input": ({"input": None}, "body.input: Expected string, received null"),
    "chat body": ({"input": [{"role": "tool", "content": "x"}]}, "received 'tool'"),
    "item type": ({"input": [{"type": "mystery"}]}, "received 'mystery'"),
    "chat part": (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "received 'text'",
    ),
    "replayed without id": (
        {"input": [{k: v for k, v in REPLAYED.items() if k != "id"}]},
        "body.input[0].id: Required",
    ),
    "replayed without annotations": (
        {"input": [{**REPLAYED, "content": [{"type": "output_text", "text": "x"}]}]},
        "annotations: Required",
    ),
    "list output": (
        {"input": [CALL_ITEM, {**OUTPUT_ITEM, "output": []}]},
        "output: Expected string",
    ),
    "unanswered": ({"input": [USER, CALL_ITEM]}, "no tool output found for function call c1"),
    "unasked": ({"input": [USER, OUTPUT_ITEM]}, "no tool call found"),
    "shell": ({"tools": [{"type": "local_shell"}]}, "received 'local_shell'"),
    "nested function": ({"tools": [TOOL]}, "body.tools[0].name: Required"),
    "strict": (
        {"tools": [{"type": "function", **FUNCTION}]},
        "body.tools[0].strict: Required",
    ),
    "strict null": ({"tools": [{**FLAT, "strict": None}]}, "Expected boolean, received null"),
    "empty tools": ({"tools": []}, "at least 1"),
    "choice": ({"tools": [FLAT], "tool_choice": "any"}, "received 'any'"),
    "choice type": ({"tools": [FLAT], "tool_choice": {"type": "f"}}, "received 'f'"),
    "unknown choice": (
        {"tools": [FLAT], "tool_choice": {"type": "function", "name": "g"}},
        "'g' is not among",
    ),
    "required without tools": ({"tool_choice": "required"}, "only allowed when tools"),
    "tokens": ({"max_output_tokens": 15}, "greater than or equal to 16"),
    "format missing": ({"text": {}}, "body.text.format: Required"),
    "schema missing": (
        {"text": {"format": {"type": "json_schema", "name": "s"}}},
        "body.text.format.schema: Required",
    ),
    "include": ({"include": ["everything"]}, "received 'everything'"),
    "effort": ({"reasoning": {"effort": "minimal"}}, "received 'minimal'"),
    "truncation": ({"truncation": "yes"}, "received 'yes'"),
    "unasked json": ({"input": "x", "text": {"format": {"type": "json_object"}}}, "word 'json'"),
}


@pytest.mark.parametrize("body", CHAT_TAKEN.values(), ids=CHAT_TAKEN)
def test_chat_requests_that_are_taken(chat, body):
    response = chat("Hello, JSON.", **body) if "messages" not in body else chat(**body)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(("body", "complaint"), CHAT_REFUSED.values(), ids=CHAT_REFUSED)
def test_chat_requests_that_are_refused(chat, body, complaint):
    response = chat("Hello, JSON.", **body) if "messages" not in body else chat(**body)
    assert response.status_code == 400
    first, *lines = response.json()["message"].split("\n")
    assert first == "Body validation error"
    assert complaint in "\n".join(lines)


@pytest.mark.parametrize("body", RESPONSES_TAKEN.values(), ids=RESPONSES_TAKEN)
def test_responses_requests_that_are_taken(respond, body):
    response = respond(
        body.get("input", "Hello"), **{k: v for k, v in body.items() if k != "input"}
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(("body", "complaint"), RESPONSES_REFUSED.values(), ids=RESPONSES_REFUSED)
def test_responses_requests_that_are_refused(respond, body, complaint):
    response = respond(
        body.get("input", "Hello"), **{k: v for k, v in body.items() if k != "input"}
    )
    assert response.status_code == 400
    assert complaint in response.json()["message"]


@pytest.mark.parametrize("body", CHAT_TAKEN.values(), ids=CHAT_TAKEN)
def test_the_published_schema_takes_what_the_emulator_takes(spec, body):
    request = {"model": "openai/gpt-5-1", "messages": [USER], **body}
    spec("gpt-5-1.chat.request").validate(request)


# What the schema cannot say: it has no rules between fields and hardly any lengths.
BEYOND_CHAT_SCHEMA = {
    "no messages", "unanswered call", "unanswered call, then user", "answer without call",
    "answered twice", "empty tools", "129 tools", "tool name", "unknown choice",
    "choice without tools", "parallel without tools", "logprobs missing", "options without stream",
    "unasked json", "no content", "bad url", "bad image type",
}  # fmt: skip


@pytest.mark.parametrize("name", CHAT_REFUSED)
def test_the_published_schema_refuses_what_the_emulator_refuses(spec, name):
    body = {"model": "openai/gpt-5-1", "messages": [USER], **CHAT_REFUSED[name][0]}
    assert spec("gpt-5-1.chat.request").is_valid(body) == (name in BEYOND_CHAT_SCHEMA)


@pytest.mark.parametrize("name", RESPONSES_TAKEN)
def test_the_published_responses_schema_takes_what_the_emulator_takes(spec, name):
    body = {"model": "openai/gpt-5-1-chat-latest", "input": "x", **RESPONSES_TAKEN[name]}
    if name == "reasoning":
        body["model"] = "openai/gpt-5-1"
    spec(f"{body['model'].removeprefix('openai/')}.responses.request").validate(body)


@pytest.mark.parametrize("name", RESPONSES_REFUSED)
def test_the_published_responses_schema_refuses_what_the_emulator_refuses(spec, name):
    body = {"model": "openai/gpt-5-1", "input": "x", **RESPONSES_REFUSED[name][0]}
    beyond = {"unanswered", "unasked", "empty tools", "unknown choice", "required without tools"}
    beyond |= {"unasked json"}
    assert spec("gpt-5-1.responses.request").is_valid(body) == (name in beyond)


def test_rules_differ_by_model(chat, respond):
    latest, codex = "openai/gpt-5-1-chat-latest", "openai/gpt-5-1-codex"
    shell = [{"type": "local_shell"}]
    assert chat(model=latest, temperature=9, reasoning_effort="none").status_code == 200
    assert chat(model=latest, seed=0).status_code == 400
    assert respond([USER, REASONING], model=latest).status_code == 400
    assert respond(model=latest, reasoning={"effort": "x"}).status_code == 200
    assert respond(model=codex, tools=shell).status_code == 200
    assert respond(model=codex, temperature=9).status_code == 200
    assert respond(model=codex, reasoning={"effort": "x"}).status_code == 400
    interpreter = [{"type": "code_interpreter", "container": "c"}]
    assert respond(model=codex, tools=interpreter).status_code == 400


def test_all_complaints_come_at_once_in_the_flat_shape(chat):
    error = chat(seed=0, top_p=0).json()
    assert len(error["message"].split("\n")) == 3
    assert (error["statusCode"], error["path"]) == (400, "/v1/chat/completions")
    assert error["requestId"].startswith("inf_")


def test_a_function_output_may_answer_a_stored_call(emulator, respond):
    from langchain_aimlapi.emulator import Reply, ToolCall

    emulator.script(Reply(tool_calls=[ToolCall("f", {}, id="c1")]))
    first = respond("Call f.", tools=[FLAT], store=True).json()
    follow = {"previous_response_id": first["id"], "tools": [FLAT]}
    assert respond([OUTPUT_ITEM], **follow).status_code == 200
    assert respond("And?", **follow).status_code == 400


@pytest.mark.parametrize("junk", [None, 5, "x", [1], {"role": 3}, [{"role": "user", "content": 3}]])
def test_without_validation_nothing_is_refused(junk):
    emulator = Emulator(validate=False)
    keyed = {"authorization": "Bearer emulator-key"}
    with emulator.client(base_url="https://api.aimlapi.com", headers=keyed) as http:
        for path, key in (("/v1/chat/completions", "messages"), ("/v1/responses", "input")):
            body = {"model": "openai/gpt-5-1", key: junk, "tools": junk, "response_format": junk}
            assert http.post(path, content=json.dumps(body)).status_code == 200
