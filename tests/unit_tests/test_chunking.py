"""However a stream is cut, and whatever is in it: the same message, or an error of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk, HumanMessage, message_chunk_to_message

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.dialects.base import CallFacts, keeping_partial, reading
from langchain_aimlapi.dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi.dialects.responses import ResponsesDialect
from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, ToolCall, Usage
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
)
from tests.conftest import acollect, collect
from tests.unit_tests.scenarios import NOW, SCENARIOS, project, without_bill

DIALECTS = {"chat_completions": ChatCompletionsDialect(), "responses": ResponsesDialect()}
PATHS = {"chat_completions": "/v1/chat/completions", "responses": "/v1/responses"}
MESSAGES = [HumanMessage("Hello")]
FACTS = CallFacts(endpoint="test", client_request_id="id-1", headers={"x-inference-id": "inf-1"})

endpoints = pytest.mark.parametrize("endpoint", DIALECTS)
few = settings(max_examples=60, deadline=None)
many = settings(max_examples=300, deadline=None)


# --- from a reply to what goes over the wire ----------------------------------------------------


def wire(reply: Any, endpoint: str, *, stream: bool) -> list[dict[str, Any]]:
    """Return the body, or all events of the stream, with which the emulator answers."""
    path = PATHS[endpoint]
    emulator = Emulator(clock=lambda: NOW, validate=False).script(reply)
    payload = {"model": "openai/gpt-5-1", "messages": [], "input": "x", "stream": stream}
    payload["include"] = ["reasoning.encrypted_content"]
    with emulator.client(base_url="https://api.aimlapi.com") as client:
        answer = client.post(path, json=payload, headers={"Authorization": "Bearer emulator-key"})
    if not stream:
        return [answer.json()]
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n")]
    return [json.loads(line) for line in lines if line.startswith("{")]


def read_stream(endpoint: str, events: list[Any], facts: CallFacts = FACTS) -> list[AIMessageChunk]:
    """Read a stream as the chat model does."""
    parser = DIALECTS[endpoint].stream_parser(facts)
    chunks = []
    with keeping_partial(parser):
        for event in events:
            chunks += [generation.message for generation in parser.feed(event)]
            if parser.done:
                break
        chunks += [generation.message for generation in parser.close()]
    return chunks


def read_whole(endpoint: str, body: Any, facts: CallFacts = FACTS) -> Any:
    with reading():
        return DIALECTS[endpoint].parse_response(body, facts).generations[0].message


# --- any chunks of bytes, any style -------------------------------------------------------------

styles = st.builds(
    StreamStyle,
    delta_size=st.sampled_from([None, 1, 2, 3, 7, 100]),
    tool_index=st.sampled_from(["normal", "missing", "null", "zero"]),
    repeat_ids=st.booleans(),
    whole_calls=st.booleans(),
    repeat_role=st.booleans(),
    null_content=st.booleans(),
    usage=st.sampled_from(["asked", "always"]),
    price=st.sampled_from([None, "own_chunk", "with_usage"]),
    done=st.sampled_from([None, True, False]),
    event_lines=st.booleans(),
    comments=st.sampled_from([0, 1, 3]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    space=st.booleans(),
    multiline=st.booleans(),
    bom=st.booleans(),
)

_RICH = next(scenario for scenario in SCENARIOS if scenario.name == "reasoning, text and call")


def cutter(sizes: list[int]) -> Any:
    """Make a function that cuts bytes into pieces of these sizes, over and over."""

    def cut(data: bytes) -> list[bytes]:
        pieces, position, turn = [], 0, 0
        while position < len(data):
            size = sizes[turn % len(sizes)]
            pieces.append(data[position : position + size])
            position += size
            turn += 1
        return pieces

    return cut


@endpoints
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@few
@given(
    scenario=st.sampled_from(SCENARIOS),
    style=styles,
    sizes=st.lists(st.sampled_from([1, 2, 3, 5, 64, 4096]), min_size=1, max_size=6),
)
@example(scenario=_RICH, style=StreamStyle(bom=True, line_end="\r\n", comments=1), sizes=[1])
@example(scenario=_RICH, style=StreamStyle(line_end="\r", multiline=True), sizes=[1, 2])
async def test_bytes_may_be_cut_anywhere(endpoint, asynchronous, scenario, style, sizes):
    fields = {"use_responses_api": endpoint == "responses"}
    whole = project(scenario.model(**fields).invoke(MESSAGES, **scenario.keywords))
    llm = scenario.model(style, **fields, chunk_size=cutter(sizes))
    if asynchronous:
        message = await acollect(llm.astream(MESSAGES, **scenario.keywords))
    else:
        message = collect(llm.stream(MESSAGES, **scenario.keywords))
    streamed = project(message)
    if not scenario.is_billed_when_streamed:
        whole, streamed = without_bill(whole), without_bill(streamed)
    assert streamed == whole


@endpoints
@pytest.mark.parametrize("place", ["own_chunk", "with_usage", "none"])
@pytest.mark.parametrize("usage", ["always", "asked", "never"])
def test_usage_and_price_wherever_they_are(endpoint, place, usage):
    style = StreamStyle(price=place, usage=usage)
    message = collect(_RICH.model(style, use_responses_api=endpoint == "responses").stream("x"))
    assert bool(message.usage_metadata) is (usage != "never")
    told = place != "none"
    assert message.response_metadata.get("cost") == (_RICH.cost if told else None)


def test_empty_ids_leave_the_message_without_a_provider_id():
    llm = _RICH.model(StreamStyle(empty_ids=True))
    message = collect(llm.stream("x"))
    assert "id" not in message.response_metadata
    assert message.id.startswith("lc_run-")
    assert project(message)["tool_calls"] == list(_RICH.tool_calls)


def test_usage_is_not_asked_for_with_stream_usage_off():
    llm = _RICH.model(StreamStyle(usage="asked"), stream_usage=False)
    assert collect(llm.stream("x")).usage_metadata is None


# --- any split into deltas ----------------------------------------------------------------------

names = st.sampled_from(["search", "clock", "f"])
words = st.text(max_size=12)
arguments = st.dictionaries(st.text(max_size=4), st.integers() | words, max_size=3)
calls = st.lists(st.tuples(names, arguments), max_size=4)


@st.composite
def pieces_of(draw: st.DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, empty pieces included."""
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=5))
    edges = [0, *sorted(cuts), len(text)]
    return [text[start:end] for start, end in zip(edges, edges[1:], strict=False)]


@st.composite
def chat_streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make a stream of chat completions, and the whole reply that says the same."""
    text, reasoning, refusal = draw(words), draw(words), draw(words)
    made = draw(calls)
    reasoning_key = draw(st.sampled_from(["reasoning_content", "reasoning"]))
    indexed = draw(st.sampled_from(["normal", "missing", "null", "zero", "gaps"]))
    repeated = draw(st.booleans())
    deltas: list[dict[str, Any]] = [{reasoning_key: p} for p in draw(pieces_of(reasoning))]
    deltas += [{"content": piece} for piece in draw(pieces_of(text))]
    deltas += [{"refusal": piece} for piece in draw(pieces_of(refusal))]
    fragments = []
    for number, (name, args) in enumerate(made):
        identity = {"id": f"call_{number}", "type": "function"}
        parts = draw(pieces_of(json.dumps(args)))
        own = []
        for position, part in enumerate(parts):
            fragment: dict[str, Any] = {"function": {"arguments": part}}
            if position == 0 or repeated:
                fragment = {**identity, "function": {"name": name, "arguments": part}}
            elif draw(st.booleans()):
                fragment |= draw(st.sampled_from([{"id": None}, {"id": ""}, {"type": "function"}]))
                fragment["function"]["name"] = draw(st.sampled_from([None, ""]))
            match indexed:
                case "normal":
                    fragment["index"] = number
                case "gaps":
                    fragment["index"] = number * 2 + 1
                case "null":
                    fragment["index"] = None
                case "zero":
                    fragment["index"] = 0
            own.append(fragment)
        fragments.append(own)
    if indexed in {"normal", "gaps"} and draw(st.booleans()):
        # Parallel calls may grow side by side, each begun in its turn.
        begun = [own.pop(0) for own in fragments]
        rest = [own for own in fragments if own]
        together = [{"tool_calls": begun}] if begun else []
        while rest:
            own = draw(st.sampled_from(rest))
            together.append({"tool_calls": [own.pop(0)]})
            rest = [own for own in rest if own]
        deltas += together
    else:
        deltas += [{"tool_calls": [fragment]} for own in fragments for fragment in own]
    reason = "tool_calls" if made else "stop"
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    meta = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}
    envelope = {"id": "chatcmpl-1", "model": "gpt-5.1", "created": 1}
    events = []
    for delta in [{"role": "assistant", "content": ""}, *deltas]:
        extra = draw(
            st.sampled_from(
                [{}, {"content": None}, {"role": "assistant"}, {"tool_calls": None}, {"x": 1}]
            )
        )
        choice = {"index": 0, "delta": {**extra, **delta}, "finish_reason": None}
        event = {**envelope, "choices": [choice], "usage": None}
        for key in draw(st.sets(st.sampled_from(["id", "model", "created", "usage"]))):
            event[key] = None if draw(st.booleans()) else event[key]
            if event[key] is None and draw(st.booleans()):
                del event[key]
        events.append(event)
    last = {"index": 0, "delta": draw(st.sampled_from([{}, None])), "finish_reason": reason}
    ending: dict[str, Any] = {**envelope, "choices": [last]}
    match draw(st.sampled_from(["together", "usage chunk", "own chunks", "one chunk"])):
        case "together":
            events.append({**ending, "usage": usage, "meta": meta})
        case "usage chunk":
            events += [ending, {**envelope, "choices": [], "usage": usage, "meta": meta}]
        case "own chunks":
            events += [ending, {"choices": [], "usage": usage}, {"meta": meta}]
        case "one chunk":
            events += [ending, {"usage": usage, "meta": meta, "choices": None}]
    message = {"role": "assistant", "content": text or None, "refusal": refusal or None}
    message[reasoning_key] = reasoning
    message["tool_calls"] = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(args)},
        }
        for number, (name, args) in enumerate(made)
    ]
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return events, {**envelope, "choices": [choice], "usage": usage, "meta": meta}


@many
@given(chat_streams())
def test_chat_completions_deltas_may_be_split_anywhere(stream):
    events, body = stream
    whole = read_whole("chat_completions", body)
    streamed = collect(read_stream("chat_completions", events))
    assert project(streamed) == project(whole)
    assert streamed.id == whole.id == "chatcmpl-1"


replies = st.builds(
    Reply,
    text=st.none() | words,
    reasoning=st.none() | st.lists(words, max_size=3),
    refusal=st.none() | words,
    tool_calls=st.lists(st.builds(ToolCall, names, arguments), max_size=3),
    annotations=st.lists(
        st.fixed_dictionaries(
            {
                "url": words,
                "title": words,
                "start_index": st.integers(0, 9),
                "end_index": st.just(9),
            }
        ),
        max_size=2,
    ),
    finish_reason=st.sampled_from([None, "length", "content_filter"]),
    built_in_calls=st.lists(st.just({"type": "web_search_call"}), max_size=2),
    logprobs=st.booleans(),
    stream=st.builds(StreamStyle, delta_size=st.sampled_from([None, 1, 2, 5])),
)

_DELTAS = ("text.delta", "refusal.delta", "reasoning_summary_text.delta", "arguments.delta")
_ENDS = ("text.done", "refusal.done", "arguments.done", "part.added", "part.done", "in_progress")


@many
@given(reply=replies, data=st.data())
def test_responses_events_may_repeat_or_leave_out_what_others_say(reply, data):
    events = wire(reply, "responses", stream=True)
    # A gateway may send pieces, ends of parts, items, or nothing but the last event.
    dropped = data.draw(st.sets(st.sampled_from(["deltas", "ends", "items", "annotations"])))
    if "items" in dropped and "deltas" not in dropped:
        # Pieces of a call cannot be told whose they are without the item's beginning.
        dropped.discard("items")
    endings = {
        "deltas": (*_DELTAS, "annotation.added") if "annotations" in dropped else _DELTAS,
        "ends": _ENDS,
        "items": ("output_item.added", "output_item.done"),
        "annotations": ("annotation.added",),
    }
    unwanted = tuple(ending for kind in dropped for ending in endings[kind])
    kept = [event for event in events if not event["type"].endswith(unwanted or ("\0",))]
    streamed = project(collect(read_stream("responses", kept)))
    whole = project(read_whole("responses", wire(reply, "responses", stream=False)[0]))
    # With the deltas go their log probabilities, which the item repeats.
    assert streamed == whole


@endpoints
@few
@given(reply=replies)
def test_chat_and_responses_streams_fold_to_the_whole_reply(endpoint, reply):
    events = wire(reply, endpoint, stream=True)
    whole = read_whole(endpoint, wire(reply, endpoint, stream=False)[0])
    assert project(collect(read_stream(endpoint, events))) == project(whole)


# --- anything at all ----------------------------------------------------------------------------

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)

_ALL = Reply(
    "Hello",
    reasoning=["Think.", "More."],
    refusal="No.",
    tool_calls=[ToolCall("f", {"a": 1})],
    annotations=[{"url": "u", "title": "t", "start_index": 0, "end_index": 2}],
    built_in_calls=[{"type": "web_search_call"}],
    usage=Usage(3, 4, cached_tokens=1, reasoning_tokens=2),
    logprobs=True,
    stream=StreamStyle(delta_size=4),
)
VALID = {
    endpoint: (wire(_ALL, endpoint, stream=False)[0], wire(_ALL, endpoint, stream=True))
    for endpoint in DIALECTS
}


@st.composite
def mutations(draw: st.DrawFn, value: Any) -> Any:
    """Put something else in one place of a JSON value, or take it out."""
    if not isinstance(value, (dict, list)) or not value or draw(st.integers(0, 9)) == 0:
        return draw(json_values)
    copy = value.copy()
    key = draw(st.sampled_from(list(copy) if isinstance(copy, dict) else range(len(copy))))
    if draw(st.integers(0, 9)) == 0:
        del copy[key]
    else:
        copy[key] = draw(mutations(copy[key]))
    return copy


def survives_whole(endpoint: str, body: Any) -> None:
    try:
        message = read_whole(endpoint, body)
    except AIMLAPIError:
        return
    assert message.type == "ai"
    assert isinstance(message.content, str)


def survives_stream(endpoint: str, events: list[Any]) -> None:
    try:
        message = collect(read_stream(endpoint, events))
    except AIMLAPIError:
        return
    assert message.chunk_position == "last"
    assert isinstance(message.content, str)
    message_chunk_to_message(message)


@endpoints
@many
@given(body=st.dictionaries(st.text(max_size=6), json_values) | json_values)
def test_any_object_is_read_or_refused(endpoint, body):
    assume(isinstance(body, dict))
    survives_whole(endpoint, body)
    survives_stream(endpoint, [body])


@endpoints
@many
@given(data=st.data())
def test_a_valid_reply_with_something_else_in_it_is_read_or_refused(endpoint, data):
    body = data.draw(mutations(VALID[endpoint][0]))
    assume(isinstance(body, dict))
    survives_whole(endpoint, body)


@endpoints
@many
@given(data=st.data())
def test_a_valid_stream_with_something_else_in_it_is_read_or_refused(endpoint, data):
    events = VALID[endpoint][1].copy()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(events) - 1))
        event = data.draw(mutations(events[at]))
        assume(isinstance(event, dict))
        events[at] = event
    survives_stream(endpoint, events)


@endpoints
@few
@given(data=st.data())
def test_events_in_any_order_are_read_or_refused(endpoint, data):
    events = data.draw(st.lists(st.sampled_from(VALID[endpoint][1]), max_size=12))
    survives_stream(endpoint, events)
