"""However a stream is cut, and whatever is in it: the same message, or an error of ours."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk, HumanMessage, message_chunk_to_message

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.call_facts import CallFacts, unreadable
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._messages.tool_calls import without_mark
from langchain_aimlapi._wire.json import SHAPE_ERRORS
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
few = settings(max_examples=30, phases=set(Phase) - {Phase.explain})
many = settings(few, max_examples=80)


# --- from a reply to what goes over the wire ----------------------------------------------------


def wire(reply: Any, endpoint: str, *, stream: bool) -> list[dict[str, Any]]:
    """Return the body, or all events of the stream, with which the emulator answers."""
    path = PATHS[endpoint]
    emulator = Emulator(seed=0, clock=lambda: NOW, validate=False).script(reply)
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
    with parser.keeping_partial():
        for event in events:
            chunks += [generation.message for generation in parser.feed(event)]
            if parser.done:
                break
        chunks += [generation.message for generation in parser.close()]
    return chunks


def read_whole(endpoint: str, body: Any, facts: CallFacts = FACTS) -> Any:
    """Read a whole reply as a turn does."""
    try:
        return DIALECTS[endpoint].parse_response(body, facts).generations[0].message
    except SHAPE_ERRORS as error:
        raise unreadable(error, facts) from error


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
calls = st.lists(st.tuples(names, arguments), max_size=3)


@st.composite
def pieces_of(draw: st.DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, empty pieces included."""
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=3))
    edges = [0, *sorted(cuts), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def fragments_of(
    draw: st.DrawFn, number: int, name: str, args: Any, indexed: str, *, repeats: bool
) -> list[dict[str, Any]]:
    """Cut one tool call into fragments, numbered and named in one of the ways that exist."""
    index = {"normal": number, "gaps": number * 2 + 1, "null": None, "zero": 0}
    fragments = []
    for position, part in enumerate(draw(pieces_of(json.dumps(args)))):
        fragment: dict[str, Any] = {"function": {"arguments": part}}
        if position == 0 or repeats:
            fragment = {"id": f"call_{number}", "type": "function"}
            fragment["function"] = {"name": name, "arguments": part}
        elif draw(st.booleans()):
            fragment |= draw(st.sampled_from([{"id": None}, {"id": ""}, {"type": "function"}]))
            fragment["function"]["name"] = draw(st.sampled_from([None, ""]))
        if indexed in index:
            fragment["index"] = index[indexed]
        fragments.append(fragment)
    return fragments


@st.composite
def call_deltas(draw: st.DrawFn, made: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Make the deltas of some calls, one after the other or side by side."""
    indexed = draw(st.sampled_from(["normal", "missing", "null", "zero", "gaps"]))
    repeats = draw(st.booleans())
    cut = [
        draw(fragments_of(number, name, args, indexed, repeats=repeats))
        for number, (name, args) in enumerate(made)
    ]
    if indexed not in {"normal", "gaps"} or draw(st.booleans()):
        return [{"tool_calls": [fragment]} for fragments in cut for fragment in fragments]
    # Each call begins in its turn, then they grow in any order.
    deltas = [{"tool_calls": [fragments.pop(0) for fragments in cut]}]
    while rest := [fragments for fragments in cut if fragments]:
        deltas.append({"tool_calls": [draw(st.sampled_from(rest)).pop(0)]})
    return deltas


ENVELOPE = {"id": "chatcmpl-1", "model": "gpt-5.1", "created": 1}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
META = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}
_EXTRAS = [{}, {"content": None}, {"role": "assistant"}, {"tool_calls": None}, {"x": 1}]


@st.composite
def chat_events(draw: st.DrawFn, deltas: list[dict[str, Any]], reason: str) -> list[Any]:
    """Put deltas into chunks that say more or less besides, and end the stream."""
    events = []
    for delta in [{"role": "assistant", "content": ""}, *deltas]:
        choice = {
            "index": 0,
            "delta": {**draw(st.sampled_from(_EXTRAS)), **delta},
            "finish_reason": None,
        }
        event: dict[str, Any] = {**ENVELOPE, "choices": [choice], "usage": None}
        for key in draw(st.sets(st.sampled_from(list(ENVELOPE)))):
            event[key] = None
        for key in draw(st.sets(st.sampled_from([*ENVELOPE, "usage"]))):
            del event[key]
        events.append(event)
    last = {"index": 0, "delta": draw(st.sampled_from([{}, None])), "finish_reason": reason}
    ending: dict[str, Any] = {**ENVELOPE, "choices": [last]}
    bill: list[dict[str, Any]] = draw(
        st.sampled_from(
            [
                [{**ENVELOPE, "choices": [], "usage": USAGE, "meta": META}],
                [{"choices": [], "usage": USAGE}, {"meta": META}],
                [{"usage": USAGE, "meta": META, "choices": None}],
            ]
        )
    )
    together = [{**ending, "usage": USAGE, "meta": META}]
    return events + (together if draw(st.booleans()) else [ending, *bill])


@st.composite
def chat_streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make a stream of chat completions, and the whole reply that says the same."""
    text, reasoning, refusal, made = draw(words), draw(words), draw(words), draw(calls)
    reasoning_key = draw(st.sampled_from(["reasoning_content", "reasoning"]))
    deltas: list[dict[str, Any]] = [{reasoning_key: p} for p in draw(pieces_of(reasoning))]
    deltas += [{"content": piece} for piece in draw(pieces_of(text))]
    deltas += [{"refusal": piece} for piece in draw(pieces_of(refusal))]
    deltas += draw(call_deltas(made))
    reason = "tool_calls" if made else "stop"
    message = {
        "role": "assistant",
        "content": text or None,
        "refusal": refusal or None,
        reasoning_key: reasoning,
        "tool_calls": [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(args)},
            }
            for number, (name, args) in enumerate(made)
        ],
    }
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = {**ENVELOPE, "choices": [choice], "usage": USAGE, "meta": META}
    return draw(chat_events(deltas, reason)), body


@many
@given(chat_streams())
def test_chat_completions_deltas_may_be_split_anywhere(stream):
    events, body = stream
    whole = read_whole("chat_completions", body)
    streamed = collect(read_stream("chat_completions", events))
    assert project(streamed) == project(whole)
    for message in (streamed, whole):
        assert message.response_metadata["id"] == "chatcmpl-1"


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
).map(
    # Without text there is no delta that could carry an empty list of probabilities.
    lambda reply: reply if reply.text else replace(reply, logprobs=False)
)

_DELTAS = ("text.delta", "refusal.delta", "reasoning_summary_text.delta", "arguments.delta")
_ENDS = ("text.done", "refusal.done", "arguments.done", "part.added", "part.done", "in_progress")


@many
@given(reply=replies, data=st.data())
def test_responses_events_may_repeat_or_leave_out_what_others_say(reply, data):
    events = wire(reply, "responses", stream=True)
    # A gateway may send pieces, ends of parts, items, or nothing but the last event.
    dropped = data.draw(st.sets(st.sampled_from(["deltas", "ends", "items", "annotations"])))
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
# Half of the keys are ones that the parsers look for.
keys = st.text(max_size=6) | st.sampled_from(
    [
        *("id", "type", "object", "choices", "delta", "message", "content", "tool_calls", "index"),
        *("function", "name", "arguments", "usage", "meta", "finish_reason", "logprobs", "refusal"),
        *("reasoning", "reasoning_details", "annotations", "output", "output_text", "response"),
        *("item", "output_index", "content_index", "text", "status", "incomplete_details"),
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
json_objects = st.dictionaries(keys, json_values, max_size=6)

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
@given(body=json_objects)
def test_any_object_is_read_or_refused(endpoint, body):
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


# --- streams that end too early -----------------------------------------------------------------


def shown(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    return collect(chunks) if chunks else AIMessageChunk("")


def facts_of(message: AIMessageChunk) -> dict[str, Any]:
    """Return what a partial message and the chunks that were shown must have in common."""
    kwargs = dict(message.additional_kwargs)
    return {
        "text": message.content,
        "reasoning": kwargs.get("reasoning_content"),
        # What is not whole is marked in a partial message, and a call without an argument yet has
        # not been shown.
        "calls": [
            (call["index"], call["id"], call["name"], args)
            for call in message.tool_call_chunks
            if (args := without_mark(call["args"] or ""))
        ],
    }


@endpoints
@pytest.mark.parametrize(
    "scenario", SCENARIOS[:18], ids=[scenario.name for scenario in SCENARIOS[:18]]
)
def test_every_cut_is_noticed(endpoint, scenario):
    events = wire(scenario.reply, endpoint, stream=True)
    finished = 0
    for cut in range(len(events) + 1):
        parser = DIALECTS[endpoint].stream_parser(FACTS)
        chunks = [part.message for event in events[:cut] for part in parser.feed(event)]
        output = any(
            chunk.content
            or chunk.tool_call_chunks
            or "reasoning_content" in chunk.additional_kwargs
            for chunk in chunks
        )
        error = None
        try:
            with parser.keeping_partial():
                last = [generation.message for generation in parser.close()]
        except AIMLAPIStreamInterruptedError as interrupted:
            error = interrupted
        if error is None:
            finished += 1
            assert collect([*chunks, *last]).content == scenario.content
            assert last[-1].response_metadata["finish_reason"] == scenario.finish_reason
            continue
        assert not finished
        partial = error.partial_message
        assert output <= (partial is not None)
        assert facts_of(AIMessageChunk("") if partial is None else partial) == facts_of(
            shown(chunks)
        )
        assert error.is_retryable is not output
        assert error.client_request_id == "id-1"
        assert error.request_id == "inf-1"
        assert error.attempts == 1
    # With the finish reason an answer is whole, though usage and price may still be to come.
    assert 1 <= finished <= 3


@endpoints
def test_a_refusal_and_text_that_was_held_back_are_in_the_partial_message(endpoint):
    facts = replace(FACTS, stop=["STOP"])
    reply = Reply("One STO", refusal="I will not.", stream=StreamStyle(delta_size=3))
    events = wire(reply, endpoint, stream=True)
    cut = next(i for i, event in enumerate(events) if '" no"' in json.dumps(event))
    with pytest.raises(AIMLAPIStreamInterruptedError) as caught:
        read_stream(endpoint, events[: cut + 1], facts)
    partial = caught.value.partial_message
    assert partial.content == "One STO"
    assert partial.additional_kwargs["refusal"].startswith("I will")
    assert caught.value.is_retryable is False


# --- errors inside a stream ---------------------------------------------------------------------

_TYPED = [
    (401, AIMLAPIAuthenticationError, False),
    (403, AIMLAPIOutOfCreditsError, False),
    (429, AIMLAPIRateLimitError, True),
    (500, AIMLAPIServerError, True),
]


LONG = "Hello there, my dear friend"


def failing(endpoint: str, *faults: Any, **fields: Any) -> ChatAIMLAPI:
    connection = Emulator().script(*faults).connection()
    fields = {"max_retries": 0, "use_responses_api": endpoint == "responses", **fields}
    return ChatAIMLAPI(model="openai/gpt-5-1", **connection, **fields)


async def error_of(llm: ChatAIMLAPI, *, asynchronous: bool) -> tuple[str, AIMLAPIError]:
    """Stream until it fails; return the text that was shown and the error."""
    text = ""
    try:
        if asynchronous:
            async for chunk in llm.astream("x"):
                text += chunk.content
        else:
            for chunk in llm.stream("x"):
                text += chunk.content
    except AIMLAPIError as error:
        return text, error
    pytest.fail(f"No error came, but {text!r}.")


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@endpoints
@both
@pytest.mark.parametrize("shape", ["flat", "title"])
@pytest.mark.parametrize("expected", _TYPED, ids=lambda expected: str(expected[0]))
async def test_an_error_that_begins_a_stream_is_of_its_kind(
    endpoint, asynchronous, shape, expected
):
    status, kind, retryable = expected
    words = "You've run out of credits." if status == 403 else None
    fault = Fault.error_event(0, shape, status=status, message=words)
    text, error = await error_of(failing(endpoint, fault), asynchronous=asynchronous)
    assert text == ""
    assert type(error) is kind
    assert error.is_retryable is retryable
    assert error.status_code == status
    assert error.attempts == 1
    assert error.request_id
    assert error.client_request_id


@endpoints
@both
@pytest.mark.parametrize("shape", ["openai", "responses"])
async def test_an_error_without_a_status_that_begins_a_stream(endpoint, asynchronous, shape):
    fault = Fault.error_event(0, shape, message="The engine is on fire.")
    text, error = await error_of(failing(endpoint, fault), asynchronous=asynchronous)
    assert text == ""
    assert type(error) is AIMLAPIServerError
    assert "The engine is on fire." in str(error)
    assert error.is_retryable is True


@endpoints
@both
@pytest.mark.parametrize("shape", ["openai", "flat", "title", "responses"])
async def test_an_error_after_output_interrupts_the_stream(endpoint, asynchronous, shape):
    style = StreamStyle(delta_size=3)
    reply = Reply(LONG, stream=style)
    fault = Fault.error_event(7, shape, message="The engine is on fire.", reply=reply)
    llm = failing(endpoint, fault, max_retries=2)
    text, error = await error_of(llm, asynchronous=asynchronous)
    assert text
    assert LONG.startswith(text)
    assert type(error) is AIMLAPIStreamInterruptedError
    assert "The engine is on fire." in str(error)
    assert error.partial_message.content == text
    assert error.is_retryable is False
    assert isinstance(error.__cause__, AIMLAPIServerError)
    assert error.attempts == 1
    assert error.request_id == error.partial_message.response_metadata["inference_id"]
    assert error.client_request_id == error.partial_message.response_metadata["client_request_id"]


@endpoints
@both
async def test_an_error_before_output_but_after_the_first_event(endpoint, asynchronous):
    fault = Fault.error_event(1, "flat", status=429, message="Too Many Requests")
    text, error = await error_of(failing(endpoint, fault), asynchronous=asynchronous)
    assert text == ""
    assert type(error) is AIMLAPIRateLimitError
    assert error.is_retryable is True


@endpoints
@both
@pytest.mark.parametrize(
    "make",
    [Fault.cut, Fault.reset, Fault.disconnect, Fault.bad_framing, Fault.stall],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("after", [0, 1, 7])
async def test_a_stream_that_breaks_off(endpoint, asynchronous, make, after):
    reply = Reply(LONG, stream=StreamStyle(delta_size=3))
    llm = failing(endpoint, make(after, reply=reply), timeout=5)
    text, error = await error_of(llm, asynchronous=asynchronous)
    assert bool(text) is (after == 7)
    assert error.attempts == 1
    assert error.client_request_id
    if text:
        assert type(error) is AIMLAPIStreamInterruptedError
        assert error.partial_message.content == text
        assert error.is_retryable is False
    elif make.__name__ == "bad_framing":
        assert type(error) is AIMLAPIProtocolError
    else:
        assert error.is_retryable is True


@endpoints
@both
@pytest.mark.parametrize("after", [1, 7])
async def test_garbage_inside_a_stream(endpoint, asynchronous, after):
    reply = Reply(LONG, stream=StreamStyle(delta_size=3))
    fault = Fault.invalid_utf8(after, reply=reply)
    text, error = await error_of(failing(endpoint, fault), asynchronous=asynchronous)
    if after == 1:
        assert type(error) is AIMLAPIProtocolError
    else:
        assert type(error) is AIMLAPIStreamInterruptedError
        assert error.partial_message.content == text
        assert isinstance(error.__cause__, AIMLAPIProtocolError)
    assert error.is_retryable is False


@endpoints
@both
async def test_half_of_the_last_event(endpoint, asynchronous):
    """Half an event tells nothing; on responses it is the one that says how it ended."""
    style = StreamStyle(price="with_usage", done=False)
    llm = failing(endpoint, Fault.truncated_json(Reply(LONG, stream=style)))
    if endpoint == "responses":
        text, error = await error_of(llm, asynchronous=asynchronous)
        assert type(error) is AIMLAPIStreamInterruptedError
        assert error.partial_message.content == text == LONG
        return
    message = await acollect(llm.astream("x")) if asynchronous else collect(llm.stream("x"))
    assert message.content == LONG
    assert message.usage_metadata is None


@endpoints
@both
@pytest.mark.parametrize("fault", [Fault.malformed_json(), Fault.html(), Fault.empty()], ids=repr)
async def test_a_success_that_is_no_stream(endpoint, asynchronous, fault):
    _, error = await error_of(failing(endpoint, fault), asynchronous=asynchronous)
    if fault.name.startswith("empty"):
        assert type(error) is AIMLAPIStreamInterruptedError
        assert error.is_retryable is True
    else:
        assert type(error) is AIMLAPIProtocolError
        assert error.is_retryable is False


@endpoints
@both
async def test_a_whole_reply_in_place_of_a_stream(endpoint, asynchronous):
    body = wire(_RICH.reply, endpoint, stream=False)[0]
    llm = failing(endpoint, Reply(body=body))
    message = await acollect(llm.astream("x")) if asynchronous else collect(llm.stream("x"))
    assert message.content == _RICH.content
    assert message.tool_calls == list(_RICH.tool_calls)
    assert message.additional_kwargs["reasoning_content"] == _RICH.kwargs["reasoning_content"]
    assert message.usage_metadata == _RICH.usage
