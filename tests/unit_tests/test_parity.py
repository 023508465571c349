"""One reply is one message, whichever way it comes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage

from langchain_aimlapi.emulator import Reply, StreamStyle, ToolCall
from tests.conftest import acollect, collect
from tests.unit_tests.scenarios import (
    SCENARIOS,
    Scenario,
    blocks_of,
    project,
    reply,
    text,
    without_bill,
    without_endpoint,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*v3.* is in beta")

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
MESSAGES = [HumanMessage("Hello")]
ENDPOINTS = {"chat_completions": False, "responses": True}
WAYS = ("ainvoke", "stream", "astream", "stream_events", "astream_events", "streaming")
STREAMED = frozenset(WAYS) - {"ainvoke"}

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)


async def get(way: str, scenario: Scenario, endpoint: str, **fields: Any) -> Any:
    if way == "streaming":
        fields["streaming"] = True
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint], **fields)
    keywords = scenario.keywords
    match way:
        case "invoke" | "streaming":
            message = llm.invoke(MESSAGES, **keywords)
        case "ainvoke":
            message = await llm.ainvoke(MESSAGES, **keywords)
        case "stream":
            message = collect(llm.stream(MESSAGES, **keywords))
        case "astream":
            message = await acollect(llm.astream(MESSAGES, **keywords))
        case "stream_events":
            message = llm.stream_events(MESSAGES, version="v3", **keywords).output
        case "astream_events":
            events = await llm.astream_events(MESSAGES, version="v3", **keywords)
            message = await events.output
    return message


@scenarios
@endpoints
async def test_the_whole_reply_is_read_right(scenario, endpoint):
    message = await get("invoke", scenario, endpoint)
    found = project(message)
    assert message.content == scenario.content
    assert found["tool_calls"] == list(scenario.tool_calls)
    assert found["invalid_tool_calls"] == list(scenario.invalid_tool_calls)
    kwargs = without_endpoint(found)["additional_kwargs"]
    assert kwargs == scenario.kwargs
    assert found["usage_metadata"] == scenario.usage
    metadata = message.response_metadata
    assert metadata.get("cost") == scenario.cost
    assert metadata["finish_reason"] == scenario.finish_reason
    assert metadata["endpoint"] == endpoint
    assert metadata["model_provider"] == "aimlapi"
    assert metadata["attempts"] == 1
    assert metadata["created"] == 1_763_000_000


@scenarios
@endpoints
async def test_content_blocks(scenario, endpoint):
    expected = list(scenario.blocks) or ([text(scenario.content)] if scenario.content else [])
    assert blocks_of(await get("invoke", scenario, endpoint)) == expected
    assert blocks_of(await get("stream", scenario, endpoint)) == expected


@scenarios
@endpoints
@pytest.mark.parametrize("way", WAYS)
async def test_every_way_gives_the_same_message(scenario, endpoint, way):
    whole = project(await get("invoke", scenario, endpoint))
    other = project(await get(way, scenario, endpoint))
    if way in STREAMED and not scenario.is_billed_when_streamed:
        assert other["usage_metadata"] is None
        assert "cost" not in other["response_metadata"]
        whole, other = without_bill(whole), without_bill(other)
    if "events" in way:
        # LangChain's event stream does not add metadata up: of a list the last piece stays.
        whole["response_metadata"].pop("logprobs", None)
        other["response_metadata"].pop("logprobs", None)
        # Its `.output` may leave a refusal's block out, which stays in `additional_kwargs`.
        for message in (whole, other):
            message["blocks"] = [block for block in message["blocks"] if not _is_refusal(block)]
    assert other == whole


@endpoints
async def test_events_show_a_refusal(endpoint):
    (scenario,) = [each for each in SCENARIOS if each.name == "text and refusal"]
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint])
    events = list(llm.stream_events(MESSAGES, version="v3"))
    finished = [e["content"] for e in events if e["event"] == "content-block-finish"]
    assert [each["refusal"] for each in map(_plain, finished) if "refusal" in each] == ["No."]
    assert events[-1]["additional_kwargs"]["refusal"] == "No."


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block as cores have it that know its type."""
    return block["value"] if block["type"] == "non_standard" else block


def _is_refusal(block: dict[str, Any]) -> bool:
    return _plain(block)["type"] == "refusal"


@scenarios
@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_both_endpoints_give_the_same_message(scenario, way):
    chat = without_endpoint(project(await get(way, scenario, "chat_completions")))
    responses = without_endpoint(project(await get(way, scenario, "responses")))
    assert responses == chat


@scenarios
@endpoints
async def test_ids_are_the_same_whole_and_streamed(scenario, endpoint):
    whole = await get("invoke", scenario, endpoint)
    streamed = await get("astream", scenario, endpoint)
    # LangChain gives the message its own id: some gateways repeat theirs.
    for message in (whole, streamed):
        assert message.id.startswith("lc_run--")
    for key in ("id", "inference_id", "created", "attempts"):
        assert streamed.response_metadata[key] == whole.response_metadata[key]


@scenarios
@endpoints
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_each_fact_rides_on_one_chunk(scenario, endpoint, asynchronous):
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint])
    if asynchronous:
        chunks = [chunk async for chunk in llm.astream(MESSAGES, **scenario.keywords)]
    else:
        chunks = list(llm.stream(MESSAGES, **scenario.keywords))
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    assert all(isinstance(chunk.content, str) for chunk in chunks)
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert all(chunk.response_metadata["model_provider"] == "aimlapi" for chunk in chunks)
    keys = Counter(key for chunk in chunks for key in chunk.response_metadata)
    del keys["model_provider"], keys["logprobs"]
    assert set(keys.values()) == {1}
    for key in ("id", "inference_id", "client_request_id"):
        assert key in chunks[0].response_metadata
    for key in ("finish_reason", "model_name", "created", "endpoint", "attempts"):
        assert key in chunks[-1].response_metadata
    billed = [chunk for chunk in chunks if chunk.usage_metadata]
    assert len(billed) == bool(scenario.usage and scenario.is_billed_when_streamed)
    priced = [chunk for chunk in chunks if "cost" in chunk.response_metadata]
    assert len(priced) == bool(scenario.cost and scenario.is_billed_when_streamed)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert sum("refusal" in chunk.additional_kwargs for chunk in chunks) <= 1


@scenarios
@endpoints
async def test_v1_content_is_the_same_whole_and_streamed(scenario, endpoint):
    whole = await get("invoke", scenario, endpoint, output_version="v1")
    streamed = await get("stream", scenario, endpoint, output_version="v1")
    assert isinstance(whole.content, list)
    assert isinstance(streamed.content, list)
    assert whole.response_metadata["output_version"] == "v1"
    assert streamed.response_metadata["output_version"] == "v1"
    if scenario.invalid_tool_calls:
        # LangChain leaves the block of an invalid call as it streamed, a chunk.
        kept = [block for block in streamed.content if block["type"] == "tool_call_chunk"]
        assert [block["id"] for block in kept] == ["call_broken"]
        kept[0]["type"] = "invalid_tool_call"
    assert blocks_of(streamed) == blocks_of(whole)
    assert blocks_of(whole) == blocks_of(await get("invoke", scenario, endpoint))
    whole, streamed = project(whole), project(streamed)
    if not scenario.is_billed_when_streamed:
        whole, streamed = without_bill(whole), without_bill(streamed)
    assert streamed == whole


@endpoints
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if scenario.stop],
    ids=lambda scenario: scenario.name,
)
async def test_a_stop_sequence_may_lie_across_deltas(scenario, endpoint, size):
    style = StreamStyle(delta_size=size)
    whole = without_bill(project(await get("invoke", scenario, endpoint)))
    streamed = without_bill(project(await get("stream", scenario, endpoint, style=style)))
    assert streamed == whole


@endpoints
async def test_a_matched_stop_sequence_closes_the_stream(endpoint):
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "stop, matched")
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint])
    collect(llm.stream(MESSAGES, stop=scenario.stop))
    assert llm.http_client._transport.open_streams == 0


@endpoints
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_text_comes_piece_by_piece(endpoint, way):
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "text")
    llm = scenario.model(use_responses_api=ENDPOINTS[endpoint])
    if way == "stream":
        pieces = [chunk.content for chunk in llm.stream(MESSAGES)]
    else:
        pieces = [chunk.content async for chunk in llm.astream(MESSAGES)]
    assert [piece for piece in pieces if piece] == ["Hello", " there", ",", " world", "."]


# --- published replies --------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gpt-5-1", "gpt-5-1-chat-latest"])
@pytest.mark.parametrize("way", ["invoke", "astream"])
async def test_published_samples(model, way):
    """The documentation's replies; in place of a stream they serve as well."""
    path = SAMPLES / f"{model}.chat.response.json"
    if not path.exists():
        pytest.skip(f"the vendor's samples are not here: {path}")
    body = json.loads(path.read_text())
    message = await get(way, Scenario("sample", Reply(body=body)), "chat_completions")
    assert message.content == body["choices"][0]["message"]["content"]
    assert message.response_metadata["id"] == body["id"]
    assert message.response_metadata["model_name"] == body["model"]
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata["total_tokens"] == body["usage"]["total_tokens"]


@pytest.mark.parametrize("size", [None, 1, 7, 1000])
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_the_published_stream(way, size):
    path = SAMPLES / "gpt-4o.chat.stream.sse"
    if not path.exists():
        pytest.skip(f"the vendor's samples are not here: {path}")
    data = path.read_bytes()
    events = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: {")]
    style = StreamStyle(done=False)
    sample = Scenario("sample", Reply(events=[data], stream=style))
    message = await get(way, sample, "chat_completions", chunk_size=size)
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert message.content == "".join(delta.get("content", "") for delta in deltas)
    assert len(message.content) > 100
    assert message.usage_metadata["total_tokens"] == events[-1]["usage"]["total_tokens"]
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["system_fingerprint"] == events[0]["system_fingerprint"]


# --- several answers ----------------------------------------------------------------------------


def several() -> Scenario:
    choices = [Reply("One."), Reply(refusal="No."), Reply(tool_calls=[ToolCall("f", {"a": 1})])]
    return Scenario("several answers", reply(choices=choices), call={"n": 3})


async def test_invoke_with_several_answers_returns_the_first():
    scenario = several()
    for way in ("invoke", "ainvoke"):
        message = await get(way, scenario, "chat_completions")
        assert message.content == "One."
        assert message.usage_metadata["total_tokens"] == 18
        assert message.response_metadata["cost"]["credits"] == 2480


async def test_generate_gives_all_answers_and_the_bill_once():
    scenario = several()
    result = scenario.model().generate([MESSAGES], n=3)
    messages = [generation.message for generation in result.generations[0]]
    assert [message.content for message in messages] == ["One.", "", ""]
    assert messages[1].additional_kwargs["refusal"] == "No."
    assert messages[2].tool_calls[0]["args"] == {"a": 1}
    assert [bool(message.usage_metadata) for message in messages] == [True, False, False]
    assert ["cost" in m.response_metadata for m in messages] == [True, False, False]
    reasons = [message.response_metadata["finish_reason"] for message in messages]
    assert reasons == ["stop", "stop", "tool_calls"]
    assert len({message.id for message in messages}) == 3
