"""Streams of chat completions that say things twice, or more than one answer."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.call_facts import CallFacts
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi.emulator import Emulator, Reply
from tests.conftest import call

ARGUMENTS = '{"a": 1}'
CITATION = {"type": "url_citation", "url_citation": {"url": "https://example.com", "title": "E"}}

streamed = pytest.mark.parametrize("way", ["stream", "astream"])


def event(
    delta: Any = None, ending: str | None = None, *, index: Any = 0, **more: Any
) -> dict[str, Any]:
    numbered = {} if index is None else {"index": index}
    choice = {**numbered, "delta": delta or {}, "finish_reason": ending, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}


def usage(prompt: int, completion: int, credits_used: int) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    price = {"credits_used": credits_used, "usd_spent": credits_used / 2_000_000}
    return {
        "choices": [],
        "usage": {**counts, "total_tokens": prompt + completion},
        "meta": {"usage": price},
    }


def fragment(name: str | None, arguments: str) -> dict[str, Any]:
    identity = {"id": f"call_{name}", "type": "function"} if name else {}
    return {**identity, "function": {"name": name, "arguments": arguments}}


async def answer(events: list[Any], way: str) -> Any:
    emulator = Emulator().script(Reply(events=events))
    return await call(ChatAIMLAPI(model="openai/gpt-5-1", **emulator.connection()), way)


@streamed
async def test_zeros_that_close_a_stream_replace_no_counts(way):
    events = [event({"content": "Hi"}), event(None, "stop"), usage(3, 4, 2480), usage(0, 0, 0)]
    message = await answer(events, way)
    assert message.usage_metadata["total_tokens"] == 7
    assert message.response_metadata["token_usage"]["prompt_tokens"] == 3
    assert message.response_metadata["cost"]["credits"] == 2480


@streamed
async def test_zeros_alone_are_what_was_told(way):
    message = await answer([event({"content": "Hi"}), event(None, "stop"), usage(0, 0, 0)], way)
    assert message.usage_metadata["total_tokens"] == 0
    assert message.response_metadata["cost"]["credits"] == 0


@streamed
@pytest.mark.parametrize("closing", ["Hello, world", "Hello, world\n", " Hello, world"])
async def test_a_whole_message_at_the_end_does_not_double_the_text(way, closing):
    whole = {"role": "assistant", "content": closing, "annotations": [CITATION]}
    events = [
        event({"content": "Hello, "}),
        event({"content": "world", "annotations": [CITATION]}),
        event(None, "stop", message=whole),
    ]
    message = await answer(events, way)
    assert message.content.strip() == "Hello, world"
    assert len(message.additional_kwargs["annotations"]) == 1


@streamed
async def test_a_whole_message_at_the_end_tells_what_no_delta_did(way):
    calls = [fragment("read", ARGUMENTS), fragment("write", '{"b": 2}')]
    events = [
        event({"reasoning_content": "Hm."}),
        event({"content": "Let me"}),
        event({"tool_calls": [{"index": 0, **fragment("read", '{"a"')}]}),
        event(
            None,
            "tool_calls",
            message={"content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": calls},
        ),
    ]
    message = await answer(events, way)
    assert message.content == "Let me see."
    assert message.additional_kwargs["reasoning_content"] == "Hm."
    assert [(made["name"], made["args"]) for made in message.tool_calls] == [
        ("read", {"a": 1}),
        ("write", {"b": 2}),
    ]


@streamed
async def test_messages_in_place_of_deltas(way):
    pieces = [event(None, message={"content": text}) for text in ("Hel", "lo")]
    assert (await answer([*pieces, event(None, "stop")], way)).content == "Hello"


@streamed
@pytest.mark.parametrize("ending", ["stop", "length"])
async def test_two_answers_are_never_mixed(way, ending):
    events = [
        event({"content": "A"}),
        event({"content": "B"}, index=1),
        event({"tool_calls": [{"index": 0, **fragment("write", '{"b": 2')}]}, index=1),
        event({"tool_calls": [{"index": 0, **fragment("read", ARGUMENTS)}]}),
        event(None, "tool_calls", index=1),
        event({"content": "a"}),
        event(None, ending),
    ]
    message = await answer(events, way)
    assert message.content == "Aa"
    assert [made["args"] for made in message.tool_calls] == [{"a": 1}]
    assert message.response_metadata["finish_reason"] == ending


@streamed
@pytest.mark.parametrize("numbers", [(None, None, None), (1, 1, None), ("0", 0, 0.0)])
async def test_one_answer_however_it_is_numbered(way, numbers):
    first, second, last = numbers
    events = [
        event({"content": "A"}, index=first),
        event({"content": "B"}, index=second),
        event(None, "stop", index=last),
    ]
    assert (await answer(events, way)).content == "AB"


@streamed
async def test_two_answers_in_one_event(way):
    both = [event({"content": text}, "stop", index=n) for n, text in enumerate("AB")]
    choices = [choice for one in both for choice in one["choices"]]
    assert (await answer([{**both[0], "choices": choices}], way)).content == "A"
    for choice in choices:
        del choice["index"]
    assert (await answer([{**both[0], "choices": choices}], way)).content == "A"


@pytest.mark.parametrize("choices", [None, [], "x", ["x"], [None]])
def test_a_reply_without_a_choice_is_no_answer(choices):
    assert ChatCompletionsDialect().lacks({"choices": choices}) == "no choices"


@pytest.mark.parametrize(
    "deltas",
    [
        [
            {"content": piece}
            for piece in ("", "naïve ", "caf\ud83d", "\ude00", "", " STOP ", "more")
        ],
        [
            {"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f"}}]},
            *({"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in ARGUMENTS),
            {"tool_calls": [{"index": 1, "id": "call_2", "function": {"name": "g"}}]},
            {"tool_calls": [{"function": {"arguments": {"a": "\ud83d"}}}, None]},
            {
                "tool_calls": [
                    {"index": 0, "custom": {"input": " "}},
                    {"index": 1, "arguments": " "},
                ]
            },
        ],
        [
            {"reasoning": "Hm."},
            {"tool_calls": None},
            {"content": [{"text": "a"}]},
            {"content": "b"},
        ],
    ],
    ids=["texts", "calls", "others"],
)
def test_one_thing_alone_is_read_as_beside_others(deltas):
    def chunks(beside: dict[str, Any]) -> list[Any]:
        parser = ChatCompletionsDialect().stream_parser(CallFacts("", stop=["STOP"]))
        events = [event({**delta, **beside}) for delta in deltas]
        return [chunk.model_dump() for each in events for chunk in parser.feed(each)]

    assert chunks({}) == chunks({"role": "assistant"})
