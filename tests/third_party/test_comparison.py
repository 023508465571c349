"""The README's comparison: what ChatOpenAI does on the shipped emulator, row by row."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from langchain_core.load import dumps

from langchain_aimlapi import AIMLAPIOutOfCreditsError, AIMLAPIStreamInterruptedError, ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, ToolCall
from tests.conftest import collect
from tests.half_answers import table

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
CALLS = Reply(
    tool_calls=[ToolCall("f", {"a": 1}), ToolCall("g", {"b": 2})],
    stream=StreamStyle(tool_index="missing"),
)

pytestmark = [pytest.mark.needs("langchain_openai"), pytest.mark.enable_socket]


@pytest.fixture(params=["ours", "theirs"])
def subject(request, emulator):
    """A model of each kind, on one emulator with a real socket."""
    with emulator.serve() as server:
        if request.param == "ours":
            yield True, ChatAIMLAPI(max_retries=0, **server.connection())
        else:
            from langchain_openai import ChatOpenAI

            yield False, ChatOpenAI(model="openai/gpt-5-1", max_retries=0, **server.connection())


def row(start: str) -> tuple[str, str]:
    """The two cells of a row."""
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {start} |")]
    _, ours, theirs = (cell.strip() for cell in line.strip("|").split("|"))
    return ours, theirs


def test_a_stream_that_is_cut_off(emulator: Emulator, subject):
    ours, llm = subject
    emulator.script(Fault.cut(after=4))
    if ours:
        with pytest.raises(AIMLAPIStreamInterruptedError) as caught:
            collect(llm.stream("Hello"))
        assert caught.value.partial_message.text
    else:
        assert collect(llm.stream("Hello")).text
    assert row("a stream that is cut off") == (
        "an error with the partial message",
        "half an answer, as a whole one",
    )


def test_cost_and_usage(emulator: Emulator, subject):
    ours, llm = subject
    told = [llm.invoke("Hello"), collect(llm.stream("Hello"))]
    assert [("cost" in message.response_metadata) for message in told] == [ours, ours]
    assert told[1].usage_metadata["output_tokens"] > 0
    emulator.script(Reply("Hi", stream=StreamStyle(usage="asked")))
    assert (collect(llm.stream("Hello")).usage_metadata is not None) is ours
    assert row("cost of the call") == ("always, streams included", "no")
    assert row("token usage in streams") == (
        "yes",
        "where the gateway sends it unasked, or with `stream_usage=True`",
    )


def test_reasoning_and_refusals_in_streams(emulator: Emulator, subject):
    ours, llm = subject
    emulator.script(Reply("Four.", reasoning="Two and two."), Reply(refusal="No."))
    said = collect(llm.stream("2+2?"))
    kinds = [block["type"] for block in said.content_blocks]
    refused = collect(llm.stream("Bad"))
    assert ("reasoning" in kinds) is ours
    assert ("No." in str(refused.additional_kwargs)) is ours
    assert row("reasoning text, refusals in streams") == ("yes", "no")


def test_streamed_calls_without_index(emulator: Emulator, subject):
    ours, llm = subject
    emulator.script(CALLS)
    calls = [(c["name"], c["args"]) for c in collect(llm.stream("Go")).tool_calls]
    assert (calls == [("f", {"a": 1}), ("g", {"b": 2})]) is ours
    assert row("streamed tool calls without `index`") == ("put together", "shredded")


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(subject, method):
    _, llm = subject
    schema = {
        "title": "Place",
        "description": "A place.",
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    }
    prompt = 'JSON with the key "name", please.'
    assert "name" in llm.with_structured_output(schema, method=method).invoke(prompt)
    assert row("structured output") == ("all three methods", "all three methods")


def test_out_of_credits(emulator: Emulator, subject):
    ours, llm = subject
    emulator.script(Fault.out_of_credits(), Fault.status(403))
    kinds = []
    for _ in range(2):
        with pytest.raises(Exception) as caught:
            llm.invoke("Hello")
        kinds.append(type(caught.value))
    assert (kinds[0] is not kinds[1]) is ours
    assert (kinds[0] is AIMLAPIOutOfCreditsError) is ours
    assert row("out of credits told from forbidden") == ("yes", "no")


def test_copies_and_pickles(subject):
    ours, llm = subject
    for attempt in (copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))):
        if ours:
            attempt(llm)
        else:
            with pytest.raises(Exception):  # noqa: B017
                attempt(llm)
    assert row("pickle, deepcopy") == ("yes, without the key", "no")


def test_headers_in_dumps():
    from langchain_openai import ChatOpenAI

    headers = {"default_headers": {"x-secret": "s3cret"}, "api_key": "key"}
    assert "s3cret" not in dumps(ChatAIMLAPI(**headers))
    assert "s3cret" in dumps(ChatOpenAI(model="m", **headers))
    assert row("headers stay out of dumps") == ("yes", "no")


def test_half_answers():
    page = Path(__file__).resolve().parents[2] / "cookbook" / "half-answers.md"
    assert table() in page.read_text(encoding="utf-8"), "run: python -m tests.half_answers"
