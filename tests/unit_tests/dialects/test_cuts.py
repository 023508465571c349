"""Any answer, cut anywhere: what comes out is whole, or says that it is not.

Three things cannot be told, and are left out where a test makes them: plain text that ends early
under a good ending, a call that is cut before its first argument under a good ending, and a second
call that never came.
"""

from __future__ import annotations

import functools
import json
import operator
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._messages.tool_calls import without_mark
from langchain_aimlapi.emulator import Emulator, Reply, StreamStyle, ToolCall
from langchain_aimlapi.errors import AIMLAPIError
from tests.conftest import acollect, collect
from tests.half_answers import SCHEMA

pytestmark = pytest.mark.filterwarnings("ignore:.*v3.* is in beta")

ENDPOINTS = {"chat_completions": False, "responses": True}
ASKED = [HumanMessage("Hello")]
GOOD = ("stop", "tool_calls")
CUTTING = ("length", "content_filter")

endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)
ways = pytest.mark.parametrize(
    "way", ["invoke", "ainvoke", "stream", "astream", "streaming", "handler", "events", "aevents"]
)
some = settings(max_examples=25, phases=set(Phase) - {Phase.explain})

strings = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
notes = st.fixed_dictionaries(
    {"text": strings, "tags": st.lists(strings | st.integers(-9, 9), max_size=3)}
)
spellings = st.builds(
    lambda value, is_ascii, indent: json.dumps(value, ensure_ascii=is_ascii, indent=indent),
    notes,
    st.booleans(),
    st.sampled_from([None, 1]),
)
styles = st.builds(StreamStyle, delta_size=st.sampled_from([None, 1, 3, 40]))


class Silent(BaseCallbackHandler):
    """A handler of tokens: with it LangChain streams inside of a whole call."""

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        """Take it."""


async def answer(llm: Any, way: str) -> Any:
    match way:
        case "invoke":
            message = llm.invoke(ASKED)
        case "ainvoke":
            message = await llm.ainvoke(ASKED)
        case "stream":
            message = collect(llm.stream(ASKED))
        case "astream":
            message = await acollect(llm.astream(ASKED))
        case "streaming":
            message = llm.model_copy(update={"streaming": True}).invoke(ASKED)
        case "handler":
            message = await llm.ainvoke(ASKED, {"callbacks": [Silent()]}, stream=True)
        case "events":
            message = llm.stream_events(ASKED, version="v3").output
        case _:
            message = await (await llm.astream_events(ASKED, version="v3")).output
    return message


# --- cut by the model: an ending that says so, or does not ---------------------------------------


def on_emulator(reply: Reply, endpoint: str) -> ChatAIMLAPI:
    emulator = Emulator(validate=False).script(*[reply] * 2)
    return ChatAIMLAPI(
        model="openai/gpt-5-1",
        use_responses_api=ENDPOINTS[endpoint],
        max_retries=0,
        **emulator.connection(),
    )


@endpoints
@ways
@some
@given(data=st.data(), style=styles, ending=st.sampled_from([*GOOD, *CUTTING, "error_of_theirs"]))
async def test_a_call_is_whole_or_invalid(endpoint, way, data, style, ending):
    arguments = data.draw(st.lists(spellings, min_size=1, max_size=3))
    first = 1 if ending in GOOD else 0  # nothing of the arguments is an exemption there
    at = data.draw(st.integers(first, len(arguments[-1])))
    *before, cut = *arguments[:-1], arguments[-1][:at]
    calls = [ToolCall("write", part) for part in (*before, cut)]
    message = await answer(
        on_emulator(Reply(tool_calls=calls, finish_reason=ending, stream=style), endpoint), way
    )
    assert isinstance(message, AIMessage)
    is_whole = cut == arguments[-1] or (not cut.strip() and ending not in CUTTING)
    valid = [call["args"] for call in message.tool_calls]
    assert valid == [json.loads(part or "{}") for part in (*before, *([cut] if is_whole else []))]
    invalid = [without_mark(call["args"] or "") for call in message.invalid_tool_calls]
    assert invalid == ([] if is_whole else [cut])
    ids = [call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    assert None not in ids
    assert len(set(ids)) == len(ids)


async def outputs(chain: Any, way: str) -> list[Any]:
    match way:
        case "invoke":
            return [chain.invoke(ASKED)]
        case "ainvoke":
            return [await chain.ainvoke(ASKED)]
        case "stream":
            return list(chain.stream(ASKED))
        case _:
            return [each async for each in chain.astream(ASKED)]


@endpoints
@pytest.mark.parametrize("method", ["json_schema", "json_mode", "function_calling"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
@some
@given(data=st.data(), ending=st.sampled_from([*GOOD, *CUTTING, "MAX_TOKENS", "SAFETY"]))
async def test_an_object_is_whole_or_an_error(endpoint, method, way, data, ending):
    text = data.draw(spellings)
    at = data.draw(st.just(len(text)) | st.integers(0, len(text)))
    if method == "function_calling":
        reply = Reply(tool_calls=[ToolCall("Note", text[:at])], finish_reason=ending)
    else:
        reply = Reply(text[:at], finish_reason=ending)
    llm = on_emulator(reply, endpoint)
    # On responses a status tells the ending, and the emulator has one for these two alone.
    ends_well = ending in GOOD if endpoint == "chat_completions" else ending not in CUTTING
    is_whole = text[:at] == text and ends_well
    if method == "function_calling" and not text[:at].strip() and ending not in CUTTING:
        return  # a call without arguments, for all that can be told
    structured = llm.with_structured_output(SCHEMA, method=method)
    try:
        found = await outputs(structured, way)
    except (AIMLAPIError, OutputParserException):
        assert not is_whole
    else:
        assert is_whole
        assert found[-1] == json.loads(text)
    raw = llm.with_structured_output(SCHEMA, method=method, include_raw=True)
    result = functools.reduce(operator.add, await outputs(raw, way))
    assert (result.get("parsing_error") is None) is is_whole
    assert result.get("parsed") == json.loads(text) if is_whole else not result.get("parsed")


# --- cut on the way: the connection ends early ----------------------------------------------------

REPLY = Reply(
    "Résumé 😀",
    tool_calls=[ToolCall("write", '{"text": "é😀", "tags": [1]}')],
    reasoning="Hm.",
)


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that ends without a word."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Any:
        yield self._data

    async def __aiter__(self) -> Any:
        yield self._data


def bytes_of(endpoint: str, *, stream: bool) -> bytes:
    """Return what the emulator answers, as bytes."""
    emulator = Emulator(seed=1, validate=False).script(REPLY)
    payload = {"model": "openai/gpt-5-1", "messages": [], "input": "x", "stream": stream}
    path = "/v1/responses" if ENDPOINTS[endpoint] else "/v1/chat/completions"
    headers = {"Authorization": f"Bearer {emulator.api_key}"}
    with httpx.Client(
        transport=emulator.connection()["http_client"]._transport, base_url="https://x"
    ) as client:
        return client.post(path, json=payload, headers=headers).content


def on_bytes(data: bytes, endpoint: str, *, stream: bool) -> ChatAIMLAPI:
    kind = "text/event-stream" if stream else "application/json"

    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": kind}, stream=Pieces(data))

    async def areply(request: httpx.Request) -> httpx.Response:
        return reply(request)

    return ChatAIMLAPI(
        model="openai/gpt-5-1",
        api_key="not-a-key",
        use_responses_api=ENDPOINTS[endpoint],
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(reply)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(areply)),
    )


def facts(message: AIMessage) -> tuple[Any, ...]:
    return message.text, message.tool_calls, message.invalid_tool_calls


@endpoints
@ways
@pytest.mark.parametrize("unit", ["byte", "event"])
@some
@given(data=st.data())
async def test_an_answer_that_ends_early_is_an_error(endpoint, way, unit, data):
    is_streamed = way not in {"invoke", "ainvoke"}
    everything = bytes_of(endpoint, stream=is_streamed)
    if unit == "byte":
        sent = everything[: data.draw(st.integers(0, len(everything)))]
    else:
        events = everything.split(b"\n\n")
        sent = b"\n\n".join(events[: data.draw(st.integers(0, len(events)))]) + b"\n\n"
    whole = await answer(on_bytes(everything, endpoint, stream=is_streamed), way)
    assert whole.text == "Résumé 😀"
    assert len(whole.tool_calls) == 1
    try:
        message = await answer(on_bytes(sent, endpoint, stream=is_streamed), way)
    except AIMLAPIError:
        assert len(sent) < len(everything)
    else:
        assert facts(message) == facts(whole)
