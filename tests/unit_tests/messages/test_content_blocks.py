"""`content_blocks` of our messages, whole and in pieces."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages import content as core_content
from langchain_core.messages.block_translators import get_translator
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._messages.content_blocks import translate_content, translate_content_chunk
from langchain_aimlapi.emulator import Emulator, Reply, StreamStyle, ToolCall
from tests.conftest import collect
from tests.unit_tests.scenarios import SCENARIOS, blocks_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*v3.* is in beta"),
    pytest.mark.filterwarnings("ignore:The function `load` is in beta"),
]

ENDPOINTS = {"chat_completions": False, "responses": True}
OURS = {"model_provider": "aimlapi"}
CALL = {"name": "f", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}
INVALID = {
    "name": "g",
    "args": "{bad",
    "id": "call_2",
    "error": "Not good.",
    "type": "invalid_tool_call",
}
REFUSAL = {"type": "refusal", "refusal": "No."}
REFUSAL_BLOCK = (
    REFUSAL
    if "refusal" in core_content.KNOWN_BLOCK_TYPES
    else {"type": "non_standard", "value": REFUSAL}
)
NESTED = {
    "type": "url_citation",
    "url_citation": {"url": "https://e.example", "title": "E", "start_index": 0, "end_index": 2},
}
FLAT = {"type": "url_citation", **NESTED["url_citation"]}
CITATION = {"type": "citation", **NESTED["url_citation"]}

everything = AIMessage(
    "Hi.",
    additional_kwargs={"reasoning_content": "Hm.", "refusal": "No.", "annotations": [NESTED]},
    response_metadata=OURS,
    tool_calls=[CALL],
    invalid_tool_calls=[INVALID],
)


def test_our_translator_is_registered():
    translators = get_translator("aimlapi")
    assert translators["translate_content"] is translate_content
    assert translators["translate_content_chunk"] is translate_content_chunk


def test_all_kinds_in_their_order():
    assert everything.content_blocks == [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "Hi.", "annotations": [CITATION]},
        REFUSAL_BLOCK,
        {"type": "tool_call", "id": "call_1", "name": "f", "args": {"a": 1}},
        INVALID,
    ]


def test_nothing_has_no_blocks():
    assert AIMessage("", response_metadata=OURS).content_blocks == []


@pytest.mark.parametrize("annotation", [NESTED, FLAT], ids=["nested", "flat"])
def test_citations_of_either_endpoint(annotation):
    message = AIMessage(
        "Hi.", additional_kwargs={"annotations": [annotation]}, response_metadata=OURS
    )
    assert message.content_blocks == [{"type": "text", "text": "Hi.", "annotations": [CITATION]}]


def test_other_annotations_are_kept():
    other = {"type": "file_citation", "file_id": "file-1", "index": 3}
    message = AIMessage("Hi.", additional_kwargs={"annotations": [other]}, response_metadata=OURS)
    [block] = message.content_blocks
    assert block["annotations"] == [{"type": "non_standard_annotation", "value": other}]


def test_the_message_is_not_changed():
    before = everything.model_copy(deep=True)
    blocks = everything.content_blocks
    blocks[1]["annotations"].clear()
    blocks.clear()
    assert everything == before


def test_list_content_is_left_to_langchain():
    content = [{"type": "text", "text": "Hi."}, {"type": "reasoning", "reasoning": "Hm."}]
    message = AIMessage(content, response_metadata=OURS)
    assert message.content_blocks == content
    with pytest.raises(NotImplementedError):
        translate_content(message)


def test_pieces_carry_indices_that_langchain_adds_up():
    chunk = AIMessageChunk(
        "Hi",
        additional_kwargs={"reasoning_content": "Hm", "annotations": [NESTED]},
        response_metadata=OURS,
        tool_call_chunks=[
            {"name": "f", "args": '{"a"', "id": "call_1", "index": 0, "type": "tool_call_chunk"},
            {"name": None, "args": ": 1}", "id": None, "index": 1, "type": "tool_call_chunk"},
        ],
    )
    blocks = translate_content_chunk(chunk)
    assert [block["type"] for block in blocks] == [
        "reasoning",
        "text",
        "tool_call_chunk",
        "tool_call_chunk",
    ]
    indices = [block["index"] for block in blocks]
    assert all(isinstance(index, str) and index.startswith("lc_") for index in indices)
    assert len(set(indices)) == 4
    again = [block["index"] for block in translate_content_chunk(chunk)]
    assert again == indices


def test_the_sum_of_pieces_has_whole_calls():
    chunk = AIMessageChunk(
        "Hi.",
        additional_kwargs={"reasoning_content": "Hm."},
        response_metadata=OURS,
        tool_call_chunks=[
            {"name": "f", "args": '{"a": 1}', "id": "call_1", "index": 0, "type": "tool_call_chunk"}
        ],
    )
    last = AIMessageChunk("", chunk_position="last", response_metadata=OURS)
    kinds = [block["type"] for block in (chunk + last).content_blocks]
    assert kinds == ["reasoning", "text", "tool_call"]
    message = message_chunk_to_message(chunk + last)
    assert [block["type"] for block in message.content_blocks] == kinds


# --- through the model --------------------------------------------------------------------------


def model_on(reply: Reply, endpoint: str, **fields: Any) -> ChatAIMLAPI:
    connection = Emulator().script(reply).connection()
    return ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **connection, **fields)


RICH = Reply(
    "Let me look.",
    reasoning="First I think.",
    tool_calls=[ToolCall("f", {"a": 1}), ToolCall("g", {"b": [2, {"c": "é"}]})],
    stream=StreamStyle(delta_size=2),
)
endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)


@endpoints
def test_v1_blocks_do_not_run_into_each_other(endpoint):
    message = collect(model_on(RICH, endpoint, output_version="v1").stream("x"))
    kinds = [block["type"] for block in message.content]
    assert kinds == ["reasoning", "text", "tool_call", "tool_call"]
    assert message.content[0]["reasoning"] == "First I think."
    assert message.content[1]["text"] == "Let me look."
    assert message.content[3]["args"] == {"b": [2, {"c": "é"}]}
    assert message.text == "Let me look."


@endpoints
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_event_streams_are_valid(endpoint, scenario):
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint])
    events = list(llm.stream_events("x", version="v3", **scenario.keywords))
    assert_valid_event_stream(events)
    text = "".join(
        event["delta"]["text"]
        for event in events
        if event["event"] == "content-block-delta" and event["delta"]["type"] == "text-delta"
    )
    assert text == scenario.content


@endpoints
def test_projections_of_an_event_stream(endpoint):
    stream = model_on(RICH, endpoint).stream_events("x", version="v3")
    assert str(stream.text) == "Let me look."
    assert str(stream.reasoning) == "First I think."
    assert [call["name"] for call in stream.output.tool_calls] == ["f", "g"]


@endpoints
@pytest.mark.parametrize("version", [None, "v1"])
@pytest.mark.parametrize("way", ["invoke", "stream", "stream_events"])
def test_a_message_survives_a_checkpoint(endpoint, version, way):
    llm = model_on(RICH, endpoint, **({"output_version": version} if version else {}))
    if way == "invoke":
        message = llm.invoke("x")
    elif way == "stream":
        message = message_chunk_to_message(collect(llm.stream("x")))
    else:
        message = llm.stream_events("x", version="v3").output
    stored = json.loads(json.dumps(dumpd(message)))
    again = load(stored, allowed_objects=[AIMessage])
    assert again == message
    assert blocks_of(again) == blocks_of(message)


@endpoints
@pytest.mark.parametrize("version", [None, "v1"])
@pytest.mark.parametrize("way", ["invoke", "stream", "stream_events"])
def test_a_message_of_any_way_can_be_sent_back(endpoint, version, way):
    emulator = Emulator().script(RICH)
    llm = ChatAIMLAPI(
        use_responses_api=ENDPOINTS[endpoint],
        **emulator.connection(),
        **({"output_version": version} if version else {}),
    )
    if way == "invoke":
        message = llm.invoke("x")
    elif way == "stream":
        message = collect(llm.stream("x"))
    else:
        message = llm.stream_events("x", version="v3").output
    results = [ToolMessage("1", tool_call_id=call["id"]) for call in message.tool_calls]
    llm.invoke([HumanMessage("x"), message, *results])
    sent = emulator.requests[1].json
    if endpoint == "responses":
        calls = [item for item in sent["input"] if item.get("type") == "function_call"]
        found = [(call["call_id"], call["name"], json.loads(call["arguments"])) for call in calls]
        texts = [item for item in sent["input"] if item.get("role") == "assistant"]
        assert len(texts) == 1
        assert "Let me look." in json.dumps(texts)
    else:
        turn = sent["messages"][1]
        assert turn["content"] == "Let me look."
        found = [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in turn["tool_calls"]
        ]
    assert found == [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    assert len(found) == 2


# --- odd annotations of a paid answer -------------------------------------------------------------

ODD = [
    None,
    "a source",
    7,
    1.5,
    True,
    ["nested"],
    {},
    {"type": None},
    {"type": ["url_citation"]},
    {"type": "url_citation", "url_citation": "https://example.com"},
    {"type": "url_citation", "url_citation": ["https://example.com"]},
    {"type": "url_citation", "url_citation": 3},
]


def odd_block(annotation):
    return {"type": "non_standard_annotation", "value": annotation}


@pytest.mark.parametrize("annotation", ODD, ids=repr)
def test_odd_annotations_are_left_as_they_came(annotation):
    message = AIMessage(
        "Hi.", additional_kwargs={"annotations": [annotation, NESTED]}, response_metadata=OURS
    )
    (block,) = message.content_blocks
    assert block["annotations"] == [odd_block(annotation), CITATION]


@pytest.mark.parametrize("annotations", ["a source", 7, {"type": "other"}, NESTED], ids=repr)
def test_annotations_that_are_no_list_are_one(annotations):
    message = AIMessage(
        "Hi.", additional_kwargs={"annotations": annotations}, response_metadata=OURS
    )
    (block,) = message.content_blocks
    expected = CITATION if annotations is NESTED else odd_block(annotations)
    assert block["annotations"] == [expected]


def test_standard_annotations_stay_as_they_are():
    given = [CITATION, odd_block("x")]
    message = AIMessage("Hi.", additional_kwargs={"annotations": given}, response_metadata=OURS)
    (block,) = message.content_blocks
    assert block["annotations"] == given


def odd_server(annotations: Any, endpoint: str) -> httpx.MockTransport:
    """Answer any request with these annotations, whole or as a stream."""
    if endpoint == "responses":
        part = {"type": "output_text", "text": "Hi.", "annotations": annotations}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        whole = {"object": "response", "status": "completed", "output": [item]}
        events = [
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.output_text.annotation.added", "annotation": annotations}
            | {"output_index": 0, "content_index": 0},
            {"type": "response.completed", "response": whole},
        ]
    else:
        message = {"role": "assistant", "content": "Hi.", "annotations": annotations}
        choice = {"index": 0, "finish_reason": "stop"}
        whole = {"choices": [{**choice, "message": message}]}
        events = [{"choices": [{**choice, "delta": message}]}]

    def answer(request: httpx.Request) -> httpx.Response:
        if not json.loads(request.content).get("stream"):
            return httpx.Response(200, json=whole)
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return httpx.Response(
            200, text=f"{lines}data: [DONE]\n\n", headers={"content-type": "text/event-stream"}
        )

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("annotations", [*([odd] for odd in ODD), "a source", 7, {}], ids=repr)
@pytest.mark.parametrize("way", ["invoke", "stream"])
@endpoints
def test_odd_annotations_do_not_lose_a_paid_answer(annotations, way, endpoint):
    llm = ChatAIMLAPI(
        api_key="key",
        use_responses_api=ENDPOINTS[endpoint],
        http_client=httpx.Client(transport=odd_server(annotations, endpoint)),
    )
    message = llm.invoke("x") if way == "invoke" else collect(llm.stream("x"))
    assert message.text == "Hi."
    blocks = [block for block in message.content_blocks if block["type"] == "text"]
    expected = annotations if isinstance(annotations, list) else [annotations]
    assert blocks[0]["annotations"] == [odd_block(annotation) for annotation in expected]
    again = llm.invoke([("human", "x"), message, ("human", "y")])
    assert again.text == "Hi."
