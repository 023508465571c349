"""The responses endpoint: what its output becomes, and what of it is sent back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.call_facts import CallFacts
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi.emulator import Emulator, Reply, StreamStyle, ToolCall, Usage
from langchain_aimlapi.errors import (
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
)
from tests import conftest
from tests.conftest import MODELS, collect, ways
from tests.unit_tests.scenarios import blocks_of, project

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
FACTS = CallFacts(endpoint="responses", client_request_id="id-1", headers={"x-inference-id": "i"})
REASONING_MODELS = [model for model in MODELS if "chat-latest" not in model]


async def call(llm: Any, way: str, prompt: Any = "Hello", **keywords: Any) -> Any:
    return message_chunk_to_message(await conftest.call(llm, way, prompt, **keywords))


def model_on(emulator: Emulator, model: str = "openai/gpt-5-1", **fields: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(
        **{"model": model, "use_responses_api": True, **emulator.connection(), **fields}
    )


def text_part(text: str, *annotations: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": list(annotations)}


def message_item(*parts: Any, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": list(parts),
    }


def citation(start: int, end: int, url: str = "https://e.example") -> dict[str, Any]:
    places = {"start_index": start, "end_index": end}
    return {"type": "url_citation", "url": url, "title": "E", **places}


REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}, {"type": "summary_text", "text": "Aha."}],
    "encrypted_content": "c2VjcmV0",
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a":1}',
}
BUILTIN = [
    {"id": "ws_1", "type": "web_search_call", "status": "completed"},
    {
        "id": "mcp_1",
        "type": "mcp_call",
        "server_label": "s",
        "name": "look",
        "arguments": "{}",
        "output": "found",
    },
    {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "s", "tools": []},
]
INTERPRETER = {
    "id": "ci_1",
    "type": "code_interpreter_call",
    "status": "completed",
    "code": "1 + 1",
    "container_id": "cntr_1",
    "outputs": [{"type": "logs", "logs": "2"}],
}
SHELL = {
    "id": "lsh_1",
    "type": "local_shell_call",
    "status": "completed",
    "call_id": "call_sh",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
}


def body_of(*output: Any, **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "model": "gpt-5.1",
        "parallel_tool_calls": True,
        "output": list(output),
        **fields,
    }


def read(body: dict[str, Any]) -> AIMessage:
    return ResponsesDialect().parse_response(body, FACTS).generations[0].message


def read_events(*events: dict[str, Any]) -> AIMessageChunk:
    parser = ResponsesDialect().stream_parser(FACTS)
    chunks = []
    with parser.keeping_partial():
        for event in events:
            chunks += [part.message for part in parser.feed(copy.deepcopy(event))]
        chunks += [part.message for part in parser.close()]
    return collect(chunks)


# --- published replies --------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "in a stream"])
def test_published_samples(model, streamed):
    path = SAMPLES / f"{model.removeprefix('openai/')}.responses.response.json"
    if not path.exists():
        pytest.skip(f"the vendor's samples are not here: {path}")
    body = json.loads(path.read_text())
    end = {"type": "response.completed", "response": body}
    message = read_events(end) if streamed else read(body)
    assert message.content == body["output_text"]
    assert message.content.startswith("Hello")
    assert message.response_metadata["id"] == body["id"]
    assert message.usage_metadata["total_tokens"] == body["usage"]["total_tokens"]
    assert message.usage_metadata["output_token_details"] == {"reasoning": 0}
    metadata = message.response_metadata
    assert metadata["finish_reason"] == "stop"
    assert metadata["model_name"] == body["model"]
    assert metadata["created"] == body["created_at"]
    kinds = [item["type"] for item in message.additional_kwargs["output_items"]]
    assert kinds == [item["type"] for item in body["output"]]


# --- the message --------------------------------------------------------------------------------


def test_reasoning_with_summaries():
    message = read(body_of(REASONING, message_item(text_part("Hi."))))
    assert message.additional_kwargs["reasoning_content"] == "Hm.\n\nAha."
    assert message.additional_kwargs["output_items"][0] == REASONING
    assert blocks_of(message) == [
        {"type": "reasoning", "reasoning": "Hm.\n\nAha."},
        {"type": "text", "text": "Hi."},
    ]


def test_reasoning_without_a_summary_shows_nothing_and_is_kept():
    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    message = read(body_of(item, message_item(text_part("Hi."))))
    assert "reasoning_content" not in message.additional_kwargs
    assert message.additional_kwargs["output_items"][0] == item


def test_raw_reasoning_text():
    item = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Raw."}],
    }
    assert read(body_of(item)).additional_kwargs["reasoning_content"] == "Raw."


def test_function_calls():
    bad = {**CALL, "id": "fc_2", "call_id": "call_2", "arguments": "not json"}
    message = read(body_of(CALL, bad))
    assert message.tool_calls == [
        {"name": "f", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}
    ]
    assert message.invalid_tool_calls[0]["args"] == "not json"
    assert message.invalid_tool_calls[0]["id"] == "call_2"
    assert message.response_metadata["finish_reason"] == "tool_calls"
    assert message.content == ""


def test_a_call_of_a_custom_tool():
    item = {
        "id": "ctc_1",
        "type": "custom_tool_call",
        "call_id": "c",
        "name": "f",
        "input": '{"a":1}',
    }
    message = read(body_of(item))
    assert message.tool_calls[0]["args"] == {"__arg1": '{"a":1}'}
    assert message.tool_calls[0]["id"] == "c"


@ways
async def test_refusals(emulator, way):
    emulator.script(Reply(refusal="I will not."))
    message = await call(model_on(emulator), way)
    assert message.additional_kwargs["refusal"] == "I will not."
    assert message.content == ""
    assert message.response_metadata["finish_reason"] == "stop"


FILE = {"type": "file_path", "file_id": "x", "index": 0}
PARTS = (
    message_item(
        text_part("The cat sat. ", citation(4, 7, "cat")),
        text_part("A dog ran. ", citation(2, 5, "dog"), FILE),
    ),
    REASONING,
    message_item(text_part("Two birds flew.", citation(4, 9, "birds")), number=2),
)


@ways
async def test_citations_point_into_the_whole_text(emulator, way):
    emulator.script(Reply(raw_output=PARTS, stream=StreamStyle(delta_size=3)))
    message = await call(model_on(emulator), way)
    assert message.content == "The cat sat. A dog ran. Two birds flew."
    cited = {
        note["url"]: message.content[note["start_index"] : note["end_index"]]
        for note in message.additional_kwargs["annotations"]
        if note["type"] == "url_citation"
    }
    assert cited == {"cat": "cat", "dog": "dog", "birds": "birds"}
    assert FILE in message.additional_kwargs["annotations"]
    [block] = [block for block in blocks_of(message) if block["type"] == "text"]
    assert len(block["annotations"]) == 4


@pytest.mark.parametrize("item", [*BUILTIN, INTERPRETER], ids=lambda item: item["type"])
@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_calls_of_builtin_tools_are_kept(emulator, item, way):
    emulator.script(Reply(raw_output=[item, message_item(text_part("Found."))]))
    message = await call(model_on(emulator), way)
    assert message.content == "Found."
    assert message.tool_calls == []
    assert message.additional_kwargs["output_items"][0] == item
    assert message.response_metadata["finish_reason"] == "stop"


def test_unknown_items_are_kept():
    item = {"id": "x_1", "type": "telepathy_call", "thought": {"of": [1, 2]}}
    message = read(body_of(item, message_item(text_part("Hi."))))
    assert message.additional_kwargs["output_items"][0] == item
    assert message.content == "Hi."


@ways
async def test_log_probabilities(emulator, way):
    emulator.script(Reply("One, two.", logprobs=True))
    message = await call(model_on(emulator), way)
    tokens = [entry["token"] for entry in message.response_metadata["logprobs"]["content"]]
    assert "".join(tokens) == "One, two."


# --- how it ends --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "output", "reason"),
    [
        ({}, [], "stop"),
        ({"status": "completed"}, [], "stop"),
        ({"status": "completed"}, [CALL], "tool_calls"),
        ({"incomplete_details": None}, [CALL], "tool_calls"),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, [], "length"),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, [CALL], "length"),
        ({"incomplete_details": {"reason": "content_filter"}}, [], "content_filter"),
        ({"incomplete_details": {"reason": "boredom"}}, [], "boredom"),
        ({"incomplete_details": {}}, [], "stop"),
        ({"status": "incomplete", "incomplete_details": None}, [], "length"),
        ({"status": "incomplete"}, [], "length"),
    ],
)
def test_finish_reasons(fields, output, reason):
    body = body_of(message_item(text_part("Hi.")), *output, **fields)
    assert read(body).response_metadata["finish_reason"] == reason
    kind = "incomplete" if fields.get("status") == "incomplete" else "completed"
    streamed = read_events({"type": f"response.{kind}", "response": body})
    assert streamed.response_metadata["finish_reason"] == reason


FAILURES = [
    ({"code": "server_error", "message": "It broke."}, AIMLAPIServerError),
    ({"code": "rate_limit_exceeded", "message": "Too many requests."}, AIMLAPIRateLimitError),
    ({"code": "invalid_prompt", "message": "Not that."}, AIMLAPIInvalidRequestError),
    (
        {"code": "context_length_exceeded", "message": "Your input exceeds the context window."},
        AIMLAPIContextOverflowError,
    ),
]


@ways
@pytest.mark.parametrize(("failure", "kind"), FAILURES)
async def test_a_failed_response_is_an_error_of_its_kind(emulator, way, failure, kind):
    emulator.script(Reply(failure=failure))
    with pytest.raises(AIMLAPIError) as caught:
        await call(model_on(emulator, max_retries=0), way)
    error = caught.value
    assert type(error) is kind
    assert failure["message"] in str(error)
    assert error.code == failure["code"]
    assert error.request_id == emulator.requests[0].inference_id
    assert error.client_request_id == emulator.requests[0].client_request_id
    assert error.attempts == 1


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_failed_response_is_not_a_success_to_be_parsed(emulator, way):
    emulator.script(Reply(failure={"code": "server_error", "message": "It broke."}), Reply("Yes."))
    message = await call(model_on(emulator), way)
    assert message.content == "Yes."
    assert message.response_metadata["attempts"] == 2


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failure_without_a_reason_is_no_answer(status):
    body = body_of(message_item(text_part("Hi.")), status=status, error=None)
    with pytest.raises(AIMLAPIError):
        read(body)
    with pytest.raises(AIMLAPIError):
        read_events({"type": "response.failed", "response": body})


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_failure_inside_a_stream_keeps_what_came(emulator, way):
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0}
    failure = body_of(status="failed", error={"code": "server_error", "message": "It broke."})
    events = [
        {"type": "response.created", "response": body_of()},
        {**delta, "delta": "Hel"},
        {**delta, "delta": "lo"},
        {"type": "response.failed", "response": failure},
    ]
    emulator.script(Reply(events=events))
    with pytest.raises(AIMLAPIStreamInterruptedError, match="It broke") as caught:
        await call(model_on(emulator), way)
    assert caught.value.partial_message.content == "Hello"
    assert isinstance(caught.value.__cause__, AIMLAPIServerError)


@ways
@pytest.mark.parametrize("status", ["queued", "in_progress"])
@pytest.mark.parametrize("text", ["", "Half of"])
async def test_a_response_that_goes_on_is_no_answer(emulator, way, status, text):
    output = [message_item(text_part(text))] if text else []
    emulator.respond_with(lambda _: Reply(body=body_of(*output, status=status)))
    with pytest.raises((AIMLAPIProtocolError, AIMLAPIStreamInterruptedError)) as caught:
        await call(model_on(emulator), way)
    assert f"still {status}" in str(caught.value) or caught.value.partial_message.text == text


@pytest.mark.parametrize("output", [None, []])
def test_output_text_counts_where_nothing_else_does(output):
    body = {**body_of(), "output": output, "output_text": "Hi."}
    assert read(body).content == "Hi."
    assert read_events({"type": "response.completed", "response": body}).content == "Hi."
    assert read(body_of(REASONING, output_text="Hi.")).content == "Hi."


def test_output_text_does_not_double_the_text():
    body = body_of(message_item(text_part("Hi.")), output_text="Hi.")
    assert read(body).content == "Hi."
    assert read(body_of(CALL, output_text="")).content == ""


@ways
@pytest.mark.parametrize("body", [{}, {"object": "response"}, {"output": None}, {"choices": []}])
async def test_a_body_without_output_is_no_answer(emulator, way, body):
    emulator.script(Reply(body=body))
    with pytest.raises(AIMLAPIProtocolError, match="no output") as caught:
        await call(model_on(emulator), way)
    assert caught.value.attempts == 1
    assert caught.value.client_request_id == emulator.requests[0].client_request_id


def test_usage_and_cost():
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 16},
        "total_tokens": 120,
    }
    meta = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}
    message = read(body_of(message_item(text_part("Hi.")), usage=usage, meta=meta))
    assert message.usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 64},
        "output_token_details": {"reasoning": 16},
    }
    assert message.response_metadata["cost"] == {"usd": 0.00124, "credits": 2480}
    bare = read(body_of(message_item(text_part("Hi."))))
    assert bare.usage_metadata is None
    assert "cost" not in bare.response_metadata


@pytest.mark.parametrize("place", ["event", "response", "own event", "created"])
def test_the_price_of_a_stream_wherever_it_is(place):
    meta = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}
    body = body_of(message_item(text_part("Hi.")))
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": body_of()},
        {"type": "response.completed", "response": body},
    ]
    match place:
        case "event":
            events[1]["meta"] = meta
        case "response":
            events[1]["response"] = {**body, "meta": meta}
        case "created":
            events[0]["response"]["meta"] = meta
        case _:
            events.append({"meta": meta})
    assert read_events(*events).response_metadata["cost"] == {"usd": 0.00124, "credits": 2480}


# --- events -------------------------------------------------------------------------------------

_AT = {"item_id": "i", "output_index": 0, "content_index": 0, "sequence_number": 3}
_STEPS = ("in_progress", "completed")
SILENT = [
    "response.queued",
    *(f"response.content_part.{step}" for step in ("added", "done")),
    *(f"response.reasoning_summary_part.{step}" for step in ("added", "done")),
    *(f"response.web_search_call.{step}" for step in (*_STEPS, "searching")),
    *(f"response.file_search_call.{step}" for step in (*_STEPS, "searching")),
    *(f"response.code_interpreter_call.{step}" for step in (*_STEPS, "interpreting")),
    *(f"response.code_interpreter_call_code.{step}" for step in ("delta", "done")),
    *(f"response.image_generation_call.{s}" for s in (*_STEPS, "generating", "partial_image")),
    *(f"response.mcp_call.{step}" for step in (*_STEPS, "failed")),
    *(f"response.mcp_call_arguments.{step}" for step in ("delta", "done")),
    *(f"response.mcp_list_tools.{step}" for step in (*_STEPS, "failed")),
    *(f"response.audio.{step}" for step in ("delta", "done")),
    *(f"response.audio.transcript.{step}" for step in ("delta", "done")),
    "response.of_the_future",
    "keepalive",
]


@pytest.mark.parametrize("kind", SILENT)
def test_events_that_say_nothing_new_are_passed_over(kind):
    event = {
        "type": kind,
        **_AT,
        "delta": "noise",
        "code": "noise",
        "part": text_part("noise"),
        "response": body_of(status="queued"),
    }
    parser = ResponsesDialect().stream_parser(FACTS)
    list(parser.feed({"type": "response.created", "response": body_of()}))
    assert list(parser.feed(event)) == []
    list(parser.feed({"type": "response.completed", "response": body_of(output_text="Hi.")}))
    [last] = parser.close()
    assert last.message.response_metadata["finish_reason"] == "stop"


def test_every_published_event_is_known_here():
    path = SAMPLES.parent / "spec" / "gpt-5-1.responses.event.schema.json"
    if not path.exists():
        pytest.skip(f"the vendor's schemas are not here: {path}")
    published = {
        form["properties"]["type"]["enum"][0] for form in _event_forms(json.loads(path.read_text()))
    }
    assert len(published) == 53
    handled = set(ResponsesDialect().stream_parser(FACTS)._HANDLERS)
    assert published - handled - set(SILENT) == {"error"}


def _event_forms(schema: dict[str, Any]) -> list[dict[str, Any]]:
    forms = []
    for listed in schema["oneOf"]:
        name = listed.get("$ref", "").rpartition("/")[2]
        form = schema["$defs"][name] if name else listed
        kind = form["properties"]["type"]
        kind.setdefault("enum", [kind["const"]] if "const" in kind else [])
        forms.append(form)
    return forms


TEXT = {"output_index": 0, "content_index": 0}


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "response.output_text.delta", **TEXT, "delta": part} for part in ("Hel", "lo")],
        [{"type": "response.output_text.done", **TEXT, "text": "Hello"}],
        [
            {"type": "response.output_text.delta", **TEXT, "delta": "Hel"},
            {"type": "response.output_text.done", **TEXT, "text": "Hello"},
        ],
        [
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": message_item(text_part("Hello")),
            }
        ],
        [],
    ],
    ids=["deltas", "done", "a delta and done", "item", "the end alone"],
)
@pytest.mark.parametrize("complete", [False, True])
def test_text_is_told_once(events, complete):
    output = [message_item(text_part("Hello"))] if complete or not events else []
    message = read_events(
        {"type": "response.created", "response": body_of()},
        *events,
        {"type": "response.completed", "response": body_of(*output)},
    )
    assert message.content == "Hello"


@pytest.mark.parametrize("seen", range(4))
def test_a_call_is_told_once(seen):
    events = [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**CALL, "arguments": "", "status": "in_progress"},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a"'},
        {
            "type": "response.function_call_arguments.done",
            "output_index": 0,
            "arguments": '{"a":1}',
        },
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
    ]
    message = read_events(
        *events[: seen + 1], {"type": "response.completed", "response": body_of(CALL)}
    )
    assert message.tool_calls == [
        {"name": "f", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}
    ]
    assert len(message.tool_call_chunks) == 1


def test_reasoning_deltas_of_both_kinds():
    summary = {"output_index": 0, "summary_index": 0}
    raw = {"output_index": 1, "content_index": 0}
    message = read_events(
        {"type": "response.reasoning_summary_text.delta", **summary, "delta": "H"},
        {"type": "response.reasoning_summary_text.delta", **summary, "delta": "m."},
        {"type": "response.reasoning_summary_text.done", **summary, "text": "Hm."},
        {"type": "response.reasoning_text.delta", **raw, "delta": "Ah"},
        {"type": "response.reasoning_text.done", **raw, "text": "Aha."},
        {"type": "response.completed", "response": body_of(output_text="Hi.")},
    )
    assert message.additional_kwargs["reasoning_content"] == "Hm.\n\nAha."
    assert message.content == "Hi."


def test_calls_that_grow_side_by_side():
    other = {**CALL, "id": "fc_2", "call_id": "call_2", "name": "g", "arguments": '{"b":2}'}
    kind = "response.function_call_arguments.delta"
    message = read_events(
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {**CALL, "arguments": ""},
        },
        {
            "type": "response.output_item.added",
            "output_index": 3,
            "item": {**other, "arguments": ""},
        },
        {"type": kind, "output_index": 3, "delta": '{"b"'},
        {"type": kind, "output_index": 1, "delta": '{"a"'},
        {"type": kind, "output_index": 3, "delta": ":2}"},
        {"type": kind, "output_index": 1, "delta": ":1}"},
        {
            "type": "response.completed",
            "response": body_of(REASONING, CALL, message_item(text_part("Hi.")), other),
        },
    )
    found = [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    assert found == [("call_1", "f", {"a": 1}), ("call_2", "g", {"b": 2})]
    assert message.content == "Hi."


# --- what is sent back --------------------------------------------------------------------------


def items_sent(emulator: Emulator) -> list[dict[str, Any]]:
    return emulator.requests[-1].json["input"]


@ways
@pytest.mark.parametrize("model", REASONING_MODELS)
async def test_items_go_back_as_they_came(emulator, way, model):
    output = [REASONING, BUILTIN[0], message_item(text_part("I look.", citation(2, 6))), CALL]
    emulator.script(Reply(raw_output=output, stream=StreamStyle(delta_size=2)))
    llm = model_on(emulator, model)
    message = await call(llm, way)
    assert emulator.requests[0].json["include"] == ["reasoning.encrypted_content"]
    result = ToolMessage("one", tool_call_id="call_1")
    await call(llm, way, [HumanMessage("Hello"), message, result])
    sent = items_sent(emulator)
    assert sent[0] == {"role": "user", "content": "Hello"}
    assert sent[-1] == {"type": "function_call_output", "call_id": "call_1", "output": "one"}
    assert sent[1:-1] == output


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_several_messages_and_parts_go_back(emulator, way):
    emulator.script(Reply(raw_output=PARTS, stream=StreamStyle(delta_size=3)))
    llm = model_on(emulator)
    message = await call(llm, way)
    await call(llm, way, [HumanMessage("Hello"), message, HumanMessage("Go on.")])
    first, reasoning, second = items_sent(emulator)[1:-1]
    assert (first["id"], second["id"]) == ("msg_1", "msg_2")
    assert reasoning == REASONING
    [part] = first["content"]
    assert part["text"] == "The cat sat. A dog ran. "
    cited = [part["text"][n["start_index"] : n["end_index"]] for n in part["annotations"][:2]]
    assert cited == ["cat", "dog"]
    assert second["content"] == PARTS[2]["content"]


async def test_chat_latest_gets_no_reasoning_items(emulator):
    emulator.script(Reply(raw_output=[REASONING, message_item(text_part("Hi."))]))
    llm = model_on(emulator, "openai/gpt-5-1-chat-latest")
    message = await call(llm, "invoke")
    await call(llm, "invoke", [HumanMessage("Hello"), message, HumanMessage("Go on.")])
    assert "include" not in emulator.requests[0].json
    assert [item.get("type") for item in items_sent(emulator)] == [None, "message", None]


async def test_reasoning_that_cannot_be_read_there_stays_here(emulator):
    """Without encrypted content its id means nothing where nothing was stored."""
    bare = {"id": "rs_1", "type": "reasoning", "summary": []}
    emulator.script(Reply(raw_output=[bare, message_item(text_part("Hi."))]))
    llm = model_on(emulator)
    message = await call(llm, "invoke")
    await call(llm, "invoke", [HumanMessage("Hello"), message, HumanMessage("Go on.")])
    assert "reasoning" not in [item.get("type") for item in items_sent(emulator)]


async def test_stored_responses_need_no_encrypted_content(emulator):
    bare = {"id": "rs_1", "type": "reasoning", "summary": []}
    emulator.script(Reply(raw_output=[bare, message_item(text_part("Hi."))]))
    llm = model_on(emulator, store=True)
    message = await call(llm, "invoke")
    await call(llm, "invoke", [HumanMessage("Hello"), message, HumanMessage("Go on.")])
    assert "include" not in emulator.requests[0].json
    assert emulator.requests[0].json["store"] is True
    assert bare in items_sent(emulator)


async def test_what_is_included_is_added_to(emulator):
    llm = model_on(emulator, include=["message.input_image.image_url"])
    await call(llm, "invoke")
    assert emulator.requests[0].json["include"] == [
        "message.input_image.image_url",
        "reasoning.encrypted_content",
    ]
    assert llm.include == ["message.input_image.image_url"]


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_a_refusal_goes_back_as_one(emulator, way):
    emulator.script(Reply(refusal="I will not."))
    llm = model_on(emulator)
    message = await call(llm, way)
    await call(llm, way, [HumanMessage("Hello"), message, HumanMessage("Please.")])
    assert items_sent(emulator)[1]["content"] == [{"type": "refusal", "refusal": "I will not."}]


async def test_a_changed_text_goes_without_the_old_ids(emulator):
    emulator.script(Reply(raw_output=[REASONING, message_item(text_part("Hi."))]))
    llm = model_on(emulator)
    message = await call(llm, "invoke")
    changed = message.model_copy(update={"content": "Another text."})
    await call(llm, "invoke", [HumanMessage("Hello"), changed, HumanMessage("Go on.")])
    assert {"role": "assistant", "content": "Another text."} in items_sent(emulator)
    assert "msg_1" not in json.dumps(items_sent(emulator))


async def test_a_changed_text_of_the_same_length(emulator):
    emulator.script(Reply(raw_output=[message_item(text_part("Hi."))]))
    llm = model_on(emulator)
    message = await call(llm, "invoke")
    changed = message.model_copy(update={"content": "No."})
    await call(llm, "invoke", [HumanMessage("Hello"), changed, HumanMessage("Go on.")])
    assert "No." in json.dumps(items_sent(emulator))
    assert "Hi." not in json.dumps(items_sent(emulator))


async def test_changed_and_removed_calls(emulator):
    """A person in the loop may change what is called, and strike calls out."""
    other = {**CALL, "id": "fc_2", "call_id": "call_2"}
    emulator.script(Reply(raw_output=[CALL, other]))
    llm = model_on(emulator)
    message = await call(llm, "invoke")
    changed = message.model_copy(
        update={"tool_calls": [{**message.tool_calls[0], "args": {"a": 2}}]}
    )
    result = ToolMessage("two", tool_call_id="call_1")
    await call(llm, "invoke", [HumanMessage("Hello"), changed, result])
    calls = [item for item in items_sent(emulator) if item.get("type") == "function_call"]
    assert [(item["call_id"], json.loads(item["arguments"])) for item in calls] == [
        ("call_1", {"a": 2})
    ]


async def test_added_calls_go_too(emulator):
    llm = model_on(emulator)
    message = AIMessage(
        "I look.",
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "call_9"}],
        response_metadata={"model_provider": "aimlapi"},
    )
    result = ToolMessage("one", tool_call_id="call_9")
    await call(llm, "invoke", [HumanMessage("Hello"), message, result])
    assert items_sent(emulator)[1:3] == [
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "call_9", "name": "f", "arguments": '{"a":1}'},
    ]


async def test_another_providers_items_are_not_sent(emulator):
    message = AIMessage(
        "Hi.",
        additional_kwargs={"output_items": [REASONING]},
        response_metadata={"model_provider": "other"},
    )
    await call(model_on(emulator), "invoke", [HumanMessage("a"), message, HumanMessage("b")])
    assert items_sent(emulator)[1] == {"role": "assistant", "content": "Hi."}
    assert "rs_1" not in json.dumps(items_sent(emulator))


async def test_a_conversation_may_change_the_endpoint(emulator):
    output = [REASONING, message_item(text_part("I look.")), CALL]
    emulator.script(Reply(raw_output=output))
    responses, chat = model_on(emulator), model_on(emulator, use_responses_api=False)
    conversation = [SystemMessage("Be brief."), HumanMessage("Hello")]
    conversation.append(await call(responses, "invoke", conversation))
    conversation.append(ToolMessage("one", tool_call_id="call_1"))
    emulator.script(Reply("Hm.", tool_calls=[ToolCall("g", {}, id="call_2")], reasoning="So."))
    conversation.append(await call(chat, "invoke", conversation))
    turn = emulator.requests[-1].json["messages"][2]
    assert set(turn) <= {"role", "content", "tool_calls", "reasoning_content"}
    assert turn["content"] == "I look."
    assert turn["tool_calls"][0]["id"] == "call_1"
    conversation.append(ToolMessage("two", tool_call_id="call_2"))
    await call(responses, "invoke", conversation)
    kinds = [item.get("type") or item["role"] for item in items_sent(emulator)]
    assert kinds == [
        *("system", "user", "reasoning", "message", "function_call", "function_call_output"),
        *("assistant", "function_call", "function_call_output"),
    ]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_items_survive_a_checkpoint(emulator, way):
    output = [REASONING, message_item(text_part("I look.")), CALL]
    emulator.script(Reply(raw_output=output))
    llm = model_on(emulator)
    message = await call(llm, way)
    stored = json.loads(json.dumps(dumpd(message)))
    again = load(stored, allowed_objects=[AIMessage])
    result = ToolMessage("one", tool_call_id="call_1")
    await call(llm, "invoke", [HumanMessage("Hello"), again, result])
    assert items_sent(emulator)[1:-1] == output


async def test_a_whole_agent_turn_by_the_emulators_rules(emulator):
    """The emulator's own rules: a call, then an answer that uses its result."""
    add = {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Add two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        },
    }
    llm = model_on(emulator, "openai/gpt-5-1-codex", reasoning={"summary": "auto"})
    agent = llm.bind_tools([add])
    conversation: list[Any] = [HumanMessage("Use add on 2 and 3.")]
    for way in ("stream", "invoke"):
        message = await call(agent, way, conversation)
        conversation.append(message)
        for made in message.tool_calls:
            assert made["args"] == {"a": 2, "b": 3}
            conversation.append(ToolMessage("5", tool_call_id=made["id"]))
    assert '"5"' in conversation[-1].content
    kinds = [item.get("type") for item in items_sent(emulator)]
    assert kinds == [None, "reasoning", "function_call", "function_call_output"]


# --- tools and formats --------------------------------------------------------------------------


async def test_builtin_tools_stand_beside_functions(emulator):
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    search = {"type": "web_search_preview", "search_context_size": "low"}
    llm = model_on(emulator, use_responses_api=None).bind_tools(
        [function, search], tool_choice="web_search_preview"
    )
    await call(llm, "invoke")
    assert emulator.requests[0].path == "/v1/responses"
    sent = emulator.requests[0].json
    assert sent["tools"] == [
        {
            "type": "function",
            "name": "f",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        search,
    ]
    assert sent["tool_choice"] == {"type": "web_search_preview"}


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
async def test_tool_choice_in_words(emulator, choice):
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    await call(model_on(emulator).bind_tools([function], tool_choice=choice), "invoke")
    assert emulator.requests[0].json["tool_choice"] == choice


async def test_a_schema_of_text_is_kept_beside_verbosity(emulator):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "title": "T"}
    llm = model_on(emulator).bind(response_format=schema, verbosity="low")
    await call(llm, "invoke")
    text = emulator.requests[0].json["text"]
    assert text["verbosity"] == "low"
    assert text["format"]["type"] == "json_schema"
    assert text["format"]["name"] == "T"


@pytest.mark.parametrize("tokens", [16, 1000])
async def test_the_token_limit_cuts(emulator, tokens):
    emulator.script(Reply("Cut.", finish_reason="length", usage=Usage(1, tokens)))
    message = await call(model_on(emulator, max_tokens=tokens), "invoke")
    assert emulator.requests[0].json["max_output_tokens"] == tokens
    assert message.response_metadata["finish_reason"] == "length"


@ways
async def test_stop_sequences_go_over_parts_and_messages(emulator, way):
    output = [
        message_item(text_part("One ST"), text_part("OP two")),
        message_item(text_part("three"), number=2),
    ]
    emulator.script(Reply(raw_output=output))
    message = await call(model_on(emulator), way, stop=["STOP"])
    assert message.content == "One "


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_a_message_that_was_cut_at_a_stop_sequence_goes_back(emulator, way):
    emulator.script(Reply("One STOP two", reasoning=["Hm."]))
    llm = model_on(emulator)
    message = await call(llm, way, stop=["STOP"])
    await call(llm, "invoke", [HumanMessage("Hello"), message, HumanMessage("Go on.")])
    sent = json.dumps(items_sent(emulator))
    assert "One " in sent
    assert "two" not in sent


@pytest.mark.parametrize("model", MODELS)
def test_whole_and_streamed_give_the_same_items(model):
    reply = Reply(
        "I look.",
        reasoning=["Hm.", "Aha."],
        tool_calls=[ToolCall("f", {"a": 1})],
        built_in_calls=[{"type": "web_search_call"}],
        annotations=[{"url": "u", "title": "t", "start_index": 2, "end_index": 6}],
    )
    whole = model_on(Emulator(seed=0).script(reply), model).invoke("x")
    streamed = collect(model_on(Emulator(seed=0).script(reply), model).stream("x"))
    left, right = project(whole), project(streamed)
    left["response_metadata"].pop("cost"), right["response_metadata"].pop("cost")
    assert left == right
    assert len(whole.additional_kwargs["output_items"]) == 4
