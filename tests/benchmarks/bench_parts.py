"""The parts alone, without a network: `pytest -n 0 tests/benchmarks/bench_parts.py`.

The name keeps them out of the test run. Times are for comparing one commit with another on one
machine (`--benchmark-autosave`, `--benchmark-compare`); none of them decides a test.
"""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects.call_facts import CallFacts
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._http.sse import SSEDecoder
from langchain_aimlapi._wire.json import dumps, loads
from tests.benchmarks.server import BLOCK, WORD, answer

pytest.importorskip("pytest_benchmark")
pytestmark = pytest.mark.benchmark(disable_gc=True)

CHUNKS = 1000
PARAMS = {"model": "openai/gpt-5-1"}
FACTS = CallFacts("chat_completions", client_request_id="run-1", headers={"x-inference-id": "inf"})
dialect = ChatCompletionsDialect()


def body_of(scenario: str) -> bytes:
    """Return a stream's body without its framing."""
    whole = b"".join(answer(scenario).pieces)
    return b"".join(part for part in whole.split(b"\r\n") if part.startswith(b"data:"))


def read(events: list[dict]) -> list:
    parser = dialect.stream_parser(FACTS)
    chunks = [chunk for event in events for chunk in parser.feed(event)]
    return [*chunks, *parser.close()]


def decoded(body: bytes) -> list[dict]:
    return [json.loads(event.data) for event in SSEDecoder().feed(body) if event.data != "[DONE]"]


def test_construct(benchmark):
    assert benchmark(ChatAIMLAPI, api_key="k").model == PARAMS["model"]


@pytest.mark.parametrize("messages", [2, 400])
def test_conversation_to_bytes(benchmark, messages):
    turns = [HumanMessage("Why? " * 500), AIMessage("Thus. " * 417)] * (messages // 2)
    body = benchmark(lambda: dumps(dialect.build_payload(turns, PARAMS)))
    assert len(json.loads(body)["messages"]) == messages


def test_events_from_bytes(benchmark):
    body = body_of(f"each-{CHUNKS}")
    blocks = [body[start : start + BLOCK] for start in range(0, len(body), BLOCK)]

    def feed() -> int:
        decoder = SSEDecoder()
        return sum(len(decoder.feed(block)) for block in blocks)

    assert benchmark(feed) == CHUNKS + 4


def test_text_chunks(benchmark):
    events = decoded(body_of(f"each-{CHUNKS}"))
    chunks = benchmark(read, events)
    assert "".join(chunk.text for chunk in chunks) == WORD * CHUNKS


def test_tool_chunks(benchmark):
    events = decoded(body_of(f"tool-{CHUNKS}"))
    chunks = benchmark(read, events)
    pieces = [call["args"] for chunk in chunks for call in chunk.message.tool_call_chunks]
    assert json.loads("".join(pieces)) == {"text": "word " * CHUNKS}


@pytest.mark.parametrize("size", [40, 1_000_000])
def test_whole_reply(benchmark, size):
    body = answer(f"reply-{size}").pieces[0].partition(b"\r\n\r\n")[2]
    result = benchmark(lambda: dialect.parse_response(loads(body), FACTS))
    assert len(result.generations[0].text) == size
