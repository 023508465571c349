"""The model inside LangChain: agents, middleware, chains, graphs, events, caches.

The emulator plays the model by script, over both endpoints; what an agent sent shows in its
recorded requests.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    SummarizationMiddleware,
)
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import tool
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream
from pydantic import BaseModel

from langchain_aimlapi import (
    AIMLAPIAuthenticationError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIServerError,
    ChatAIMLAPI,
)
from langchain_aimlapi.emulator import Emulator, Fault, Reply, ToolCall, Usage
from tests.conftest import collect

needs_task_context = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="LangGraph hands callbacks on to async nodes from Python 3.11 only",
)

if TYPE_CHECKING:
    from langchain_aimlapi.emulator import RecordedRequest

MODEL = "openai/gpt-5-1"
OTHER = "openai/gpt-5-1-codex-mini"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def weather(city: str) -> dict[str, Any]:
    """Tell the weather in a city."""
    return {"city": city, "sky": "sunny"}


class Report(BaseModel):
    """A report on the weather."""

    city: str
    sunny: bool


@pytest.fixture(params=[False, True], ids=["chat_completions", "responses"])
def use_responses_api(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def llm(emulator: Emulator, use_responses_api: bool) -> ChatAIMLAPI:
    return ChatAIMLAPI(
        model=MODEL, use_responses_api=use_responses_api, max_retries=0, **emulator.connection()
    )


def asked(text: str = "What is the sum, and the weather?") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def results_sent(request: RecordedRequest) -> dict[str, str]:
    """Return the tool results of a request by the id of their call."""
    if request.dialect == "responses":
        items = [i for i in request.json["input"] if i.get("type") == "function_call_output"]
        return {item["call_id"]: item["output"] for item in items}
    turns = [m for m in request.json["messages"] if m["role"] == "tool"]
    return {turn["tool_call_id"]: turn["content"] for turn in turns}


def calls_sent(request: RecordedRequest) -> list[tuple[str, str, Any]]:
    """Return the calls of all assistant turns of a request: id, name, arguments."""
    if request.dialect == "responses":
        items = [i for i in request.json["input"] if i.get("type") == "function_call"]
        return [(i["call_id"], i["name"], json.loads(i["arguments"])) for i in items]
    calls = [call for m in request.json["messages"] for call in m.get("tool_calls", ())]
    return [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls]


TWO_ROUNDS = (
    Reply(
        "I look it up.",
        reasoning="Two tools at once.",
        tool_calls=[
            ToolCall("add", {"a": 1, "b": 2}, id="call_add"),
            ToolCall("weather", {"city": "Oslo"}, id="call_oslo"),
        ],
    ),
    Reply(tool_calls=[ToolCall("add", {"a": 3, "b": 4}, id="call_more")]),
    Reply("Seven, and sunny."),
)


def assert_two_rounds(emulator: Emulator) -> None:
    """Check that each turn brought back all calls and all results, and what was said."""
    emulator.assert_done()
    first, second, third = emulator.requests
    assert results_sent(first) == {}
    sunny = '{"city": "Oslo", "sky": "sunny"}'
    assert results_sent(second) == {"call_add": "3", "call_oslo": sunny}
    assert results_sent(third) == {**results_sent(second), "call_more": "7"}
    calls = [
        ("call_add", "add", {"a": 1, "b": 2}),
        ("call_oslo", "weather", {"city": "Oslo"}),
        ("call_more", "add", {"a": 3, "b": 4}),
    ]
    assert calls_sent(second) == calls[:2]
    assert calls_sent(third) == calls
    for request in (second, third):
        assert "I look it up." in json.dumps(request.json)
        assert "Two tools at once." in json.dumps(request.json)
        assert len(request.json["tools"]) == 2


# --- agents ---------------------------------------------------------------------------------------


def test_an_agent_of_several_steps(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    messages = create_agent(llm, [add, weather]).invoke(asked())["messages"]
    assert [message.type for message in messages] == [
        *("human", "ai", "tool", "tool", "ai", "tool", "ai"),
    ]
    assert messages[-1].text == "Seven, and sunny."
    assert_two_rounds(emulator)


async def test_an_async_agent_of_several_steps(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    state = await create_agent(llm, [add, weather]).ainvoke(asked())
    assert state["messages"][-1].text == "Seven, and sunny."
    assert_two_rounds(emulator)


def test_an_agent_whose_model_speaks_v1(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    agent = create_agent(llm.model_copy(update={"output_version": "v1"}), [add, weather])
    messages = agent.invoke(asked())["messages"]
    assert [block["type"] for block in messages[1].content] == [
        *("reasoning", "text", "tool_call", "tool_call"),
    ]
    assert_two_rounds(emulator)


def test_an_agent_without_tools(llm, emulator):
    emulator.script(Reply("Hello."))
    assert create_agent(llm).invoke(asked())["messages"][-1].text == "Hello."
    assert "tools" not in emulator.requests[0].json


def test_an_agent_mends_an_invalid_call(llm, emulator):
    """LangGraph answers it with an error, which has to follow a call on the wire."""
    broken = ToolCall("add", {"a": "one"}, id="call_1")
    emulator.script(Reply(tool_calls=[broken]), Reply("I cannot."))
    messages = create_agent(llm, [add]).invoke(asked())["messages"]
    assert messages[2].status == "error"
    assert list(results_sent(emulator.requests[1])) == ["call_1"]


def test_tool_strategy(llm, emulator):
    emulator.script(
        Reply(tool_calls=[ToolCall("weather", {"city": "Oslo"}, id="1")]),
        Reply(tool_calls=[ToolCall("Report", {"city": "Oslo", "sunny": True}, id="2")]),
    )
    agent = create_agent(llm, [weather], response_format=ToolStrategy(Report))
    state = agent.invoke(asked())
    assert state["structured_response"] == Report(city="Oslo", sunny=True)
    for request in emulator.requests:
        assert request.json["tool_choice"] == "required"
        assert len(request.json["tools"]) == 2


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("tools", [[], [weather]], ids=["alone", "with a tool"])
def test_provider_strategy(llm, emulator, strict, tools):
    answer = Reply('{"city": "Oslo", "sunny": true}')
    if tools:
        emulator.script(Reply(tool_calls=[ToolCall("weather", {"city": "Oslo"}, id="1")]))
    emulator.script(answer)
    agent = create_agent(llm, tools, response_format=ProviderStrategy(Report, strict=strict))
    state = agent.invoke(asked())
    assert state["structured_response"] == Report(city="Oslo", sunny=True)
    emulator.assert_done()
    for request in emulator.requests:
        sent = request.json
        named = (
            sent["text"]["format"]
            if request.dialect == "responses"
            else sent["response_format"]["json_schema"]
        )
        assert named.get("strict") is strict
        assert named["schema"].get("additionalProperties") is (False if strict else None)
        assert len(sent.get("tools", ())) == len(tools)


def test_a_bare_schema_as_response_format(llm, emulator):
    """LangChain chooses the strategy by the model's profile: the API's own structured output."""
    emulator.script(Reply('{"city": "Oslo", "sunny": true}'))
    state = create_agent(llm, response_format=Report).invoke(asked())
    assert state["structured_response"] == Report(city="Oslo", sunny=True)
    assert "tools" not in emulator.requests[0].json


# --- streams of agents and graphs -----------------------------------------------------------------


def test_stream_mode_messages(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    agent = create_agent(llm, [add, weather])
    pairs = list(agent.stream(asked(), stream_mode="messages"))
    spoken: dict[str, list[AIMessageChunk]] = {}
    for message, _ in pairs:
        if isinstance(message, AIMessageChunk):
            spoken.setdefault(message.id, []).append(message)
    first, _, last = (collect(chunks) for chunks in spoken.values())
    assert len(spoken) == 3
    assert len(list(spoken.values())[2]) > 2  # it came in pieces
    assert first.text == "I look it up."
    assert [call["name"] for call in first.tool_calls] == ["add", "weather"]
    assert last.text == "Seven, and sunny."
    assert all(request.json["stream"] for request in emulator.requests)
    assert_two_rounds(emulator)


@needs_task_context
async def test_async_stream_mode_messages(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    agent = create_agent(llm, [add, weather])
    text = ""
    async for message, _ in agent.astream(asked(), stream_mode="messages"):
        text += message.text if isinstance(message, AIMessageChunk) else ""
    assert text == "I look it up.Seven, and sunny."
    assert_two_rounds(emulator)


@needs_task_context
async def test_astream_events_v2(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    agent = create_agent(llm, [add, weather])
    events = [event async for event in agent.astream_events(asked(), version="v2")]
    ends = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
    assert [end.text for end in ends] == ["I look it up.", "", "Seven, and sunny."]
    chunks = [event for event in events if event["event"] == "on_chat_model_stream"]
    streamed = "".join(event["data"]["chunk"].text for event in chunks)
    assert streamed == "I look it up.Seven, and sunny."
    assert_two_rounds(emulator)


@pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental")
@needs_task_context
async def test_astream_events_v3_of_an_agent(llm, emulator):
    """In it a turn comes back to the model with v1 list content, calls and reasoning included."""
    emulator.script(*TWO_ROUNDS)
    stream = await create_agent(llm, [add, weather]).astream_events(asked(), version="v3")
    state = await stream.output()
    turns = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert isinstance(turns[0].content, list)
    assert [block["type"] for block in turns[0].content] == [
        *("reasoning", "text", "tool_call", "tool_call"),
    ]
    assert turns[-1].text == "Seven, and sunny."
    assert all(request.json["stream"] for request in emulator.requests)
    assert_two_rounds(emulator)


@pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental")
def test_stream_events_v3_of_an_agent(llm, emulator):
    emulator.script(*TWO_ROUNDS)
    stream = create_agent(llm, [add, weather]).stream_events(asked(), version="v3")
    turns = [message for message in stream.output["messages"] if isinstance(message, AIMessage)]
    assert isinstance(turns[0].content, list)
    assert turns[-1].text == "Seven, and sunny."
    assert_two_rounds(emulator)


ANSWER = Reply(
    "It is sunny.",
    reasoning="Look out of the window.",
    tool_calls=[ToolCall("weather", {"city": "Oslo"}, id="1"), ToolCall("add", "{}", id="2")],
)


def test_stream_events_v3(llm, emulator):
    emulator.script(ANSWER)
    stream = llm.bind_tools([weather, add]).stream_events("Hello", version="v3")
    assert_valid_event_stream(list(stream))
    assert_v3_output(stream.output)


async def test_astream_events_v3(llm, emulator):
    emulator.script(ANSWER)
    stream = await llm.bind_tools([weather, add]).astream_events("Hello", version="v3")
    assert_valid_event_stream([event async for event in stream])
    assert_v3_output(await stream.output)


def assert_v3_output(message: AIMessage) -> None:
    kinds = [block["type"] for block in message.content]
    assert kinds == ["reasoning", "text", "tool_call", "tool_call"]
    assert message.text == "It is sunny."
    assert message.content[0]["reasoning"] == "Look out of the window."
    assert [call["id"] for call in message.tool_calls] == ["1", "2"]
    assert message.usage_metadata is not None
    assert message.response_metadata["cost"]["credits"] > 0
    assert message.response_metadata["model_provider"] == "aimlapi"


# --- chains ---------------------------------------------------------------------------------------


def chain_of(llm: ChatAIMLAPI) -> Any:
    return ChatPromptTemplate.from_messages([("system", "Be {mood}."), ("human", "{x}")]) | llm


async def test_a_chain(llm, emulator):
    chain = chain_of(llm) | StrOutputParser()
    value = {"mood": "brief", "x": "Hi"}
    emulator.script(*[Reply("Good day to you.")] * 4)
    assert chain.invoke(value) == "Good day to you."
    assert await chain.ainvoke(value) == "Good day to you."
    pieces = list(chain.stream(value))
    assert len(pieces) > 2
    assert "".join(pieces) == "Good day to you."
    assert "".join([piece async for piece in chain.astream(value)]) == "Good day to you."
    for request in emulator.requests:
        turns = request.json.get("messages") or request.json["input"]
        assert turns == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ]


async def test_a_chain_in_batches(llm, emulator):
    chain = chain_of(llm) | StrOutputParser()
    emulator.respond_with(lambda request: Reply(said(request)))
    values = [{"mood": "brief", "x": f"Number {number}."} for number in range(6)]
    expected = [value["x"] for value in values]
    assert chain.batch(values, {"max_concurrency": 3}) == expected
    assert await chain.abatch(values, {"max_concurrency": 3}) == expected
    assert dict(chain.batch_as_completed(values)) == dict(enumerate(expected))
    assert {i: x async for i, x in chain.abatch_as_completed(values)} == dict(enumerate(expected))


def said(request: RecordedRequest) -> str:
    """Return the last thing that was said to the model."""
    turns = request.json.get("messages") or request.json["input"]
    return turns[-1]["content"]


def test_a_batch_in_which_one_fails(llm, emulator):
    emulator.respond_with(
        lambda request: Fault.status(400) if said(request) == "bad" else Reply("good")
    )
    one, two, three = llm.batch(["a", "bad", "b"], return_exceptions=True)
    assert (one.text, three.text) == ("good", "good")
    assert two.status_code == 400


def test_a_chain_with_a_json_parser(llm, emulator):
    emulator.script(*[Reply('{"city": "Oslo", "sunny": true}')] * 2)
    chain = chain_of(llm) | JsonOutputParser()
    value = {"mood": "brief", "x": "Hi"}
    assert chain.invoke(value) == {"city": "Oslo", "sunny": True}
    assert list(chain.stream(value))[-1] == {"city": "Oslo", "sunny": True}


def test_a_chain_with_a_schema(llm, emulator):
    emulator.script(*[Reply('{"city": "Oslo", "sunny": true}')] * 2)
    prompt = ChatPromptTemplate.from_template("{x}")
    chain = prompt | llm.with_structured_output(Report)
    assert chain.invoke({"x": "Hi"}) == Report(city="Oslo", sunny=True)
    assert list(chain.stream({"x": "Hi"}))[-1] == Report(city="Oslo", sunny=True)


# --- when a model fails ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Fault.status(503), Fault.out_of_credits(), Fault.status(429)], ids=repr
)
async def test_with_fallbacks(llm, emulator, fault):
    chain = llm.with_fallbacks([llm.model_copy(update={"model": OTHER})])
    for answer in (
        lambda: chain.invoke("Hello"),
        lambda: collect(chain.stream("Hello")),
        lambda: asyncio.run(chain.ainvoke("Hello")),
    ):
        emulator.reset()
        emulator.script(fault, Reply("From the other."))
        message = await asyncio.to_thread(answer)
        assert message.text == "From the other."
        assert [request.json["model"] for request in emulator.requests] == [MODEL, OTHER]


def test_fallbacks_that_all_fail(llm, emulator):
    chain = llm.with_fallbacks([llm.model_copy(update={"model": OTHER})])
    emulator.script(Fault.out_of_credits(), Fault.status(503))
    with pytest.raises(AIMLAPIOutOfCreditsError):
        chain.invoke("Hello")


def test_with_retry(llm, emulator):
    emulator.script(Fault.status(503), Reply("At last."))
    chain = llm.with_retry(
        retry_if_exception_type=(AIMLAPIServerError,), wait_exponential_jitter=False
    )
    assert chain.invoke("Hello").text == "At last."


def retrying(max_retries: int = 2, **settings: Any) -> ModelRetryMiddleware:
    return ModelRetryMiddleware(
        max_retries=max_retries, initial_delay=0, backoff_factor=0, jitter=False, **settings
    )


def test_retry_middleware_goes_on_where_the_client_gives_up(emulator, use_responses_api):
    llm = ChatAIMLAPI(use_responses_api=use_responses_api, max_retries=1, **emulator.connection())
    unavailable = Fault.status(503, retry_after=0)
    emulator.script(unavailable, unavailable, unavailable, Reply("At last."))
    agent = create_agent(llm, middleware=[retrying()])
    assert agent.invoke(asked())["messages"][-1].text == "At last."
    # Two requests of the first call, which then failed, and two of the second.
    assert len(emulator.requests) == 4


@pytest.mark.parametrize("fault", [Fault.status(401), Fault.out_of_credits()], ids=repr)
def test_retry_middleware_does_not_repeat_what_cannot_help(llm, emulator, fault):
    emulator.script(fault)
    agent = create_agent(llm, middleware=[retrying(on_failure="error")])
    with pytest.raises((AIMLAPIAuthenticationError, AIMLAPIOutOfCreditsError)):
        agent.invoke(asked())
    assert len(emulator.requests) == 1


def test_fallback_middleware(llm, emulator):
    emulator.script(Fault.status(503), Reply("From the other."))
    other = llm.model_copy(update={"model": OTHER})
    agent = create_agent(llm, [add], middleware=[ModelFallbackMiddleware(other)])
    assert agent.invoke(asked())["messages"][-1].text == "From the other."
    assert [request.json["model"] for request in emulator.requests] == [MODEL, OTHER]


def test_summarization_goes_on_after_a_context_overflow(llm, emulator):
    """The middleware knows an overflow by LangChain's own error, and asks with less."""
    emulator.script(
        Fault.context_overflow(), Reply("They talked a lot."), Reply("I go on from the summary.")
    )
    summarizing = SummarizationMiddleware(llm, trigger=("messages", 3), keep=("messages", 1))
    agent = create_agent(llm, middleware=[summarizing])
    history = [HumanMessage("One. " * 500), AIMessage("Two. " * 500), HumanMessage("Three.")]
    messages = agent.invoke({"messages": history})["messages"]
    assert messages[-1].text == "I go on from the summary."
    too_long, shorter, answered = emulator.requests
    assert len(shorter.body) < len(too_long.body)
    assert b"They talked a lot." in answered.body
    assert b"Two." not in answered.body


def test_summarization_by_reported_tokens(llm, emulator):
    """LangChain trusts the usage of a message whose provider is that of the model."""
    emulator.script(
        Reply("Two.", usage=Usage(90_000, 5)), Reply("A summary."), Reply("I go on from it.")
    )
    summarizing = SummarizationMiddleware(llm, trigger=("tokens", 80_000), keep=("messages", 1))
    agent = create_agent(llm, middleware=[summarizing])
    history = agent.invoke(asked("One."))["messages"]
    messages = agent.invoke({"messages": [*history, HumanMessage("Three.")]})["messages"]
    assert messages[-1].text == "I go on from it."
    assert b"A summary." in emulator.requests[2].body


# --- configuration --------------------------------------------------------------------------------


def test_configurable_fields(llm, emulator):
    chain = llm.configurable_fields(
        model=ConfigurableField(id="model"), max_tokens=ConfigurableField(id="most")
    )
    chain.invoke("Hello", {"configurable": {"model": OTHER, "most": 50}})
    chain.invoke("Hello")
    first, second = (request.json for request in emulator.requests)
    assert first["model"] == OTHER
    assert first.get("max_completion_tokens", first.get("max_output_tokens")) == 50
    assert second["model"] == MODEL
    assert not {"max_completion_tokens", "max_output_tokens"} & set(second)


def test_configurable_alternatives(llm, emulator):
    other = llm.model_copy(update={"model": OTHER})
    chain = llm.configurable_alternatives(ConfigurableField(id="llm"), small=other)
    chain.invoke("Hello")
    chain.with_config(configurable={"llm": "small"}).invoke("Hello")
    assert [request.json["model"] for request in emulator.requests] == [MODEL, OTHER]


def test_with_config_and_bind(llm, emulator):
    llm.with_config(tags=["a"], run_name="greet").bind(max_tokens=50).invoke("Hello")
    sent = emulator.requests[0].json
    assert sent.get("max_completion_tokens", sent.get("max_output_tokens")) == 50
    assert "tags" not in sent


class CountingLimiter(BaseRateLimiter):
    """Lets everything pass and counts."""

    def __init__(self) -> None:
        self.acquired = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.acquired += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire(blocking=blocking)


async def test_a_rate_limiter(llm):
    limiter = CountingLimiter()
    limited = llm.model_copy(update={"rate_limiter": limiter})
    limited.invoke("Hello")
    await limited.ainvoke("Hello")
    list(limited.stream("Hello"))
    assert [chunk async for chunk in limited.astream("Hello")]
    assert limiter.acquired == 4


# --- caching --------------------------------------------------------------------------------------


@pytest.fixture
def cached(llm: ChatAIMLAPI) -> ChatAIMLAPI:
    return llm.model_copy(update={"cache": InMemoryCache()})


async def test_a_cached_answer(cached, emulator):
    emulator.script(Reply("Hello."))
    first = cached.invoke("Hi")
    second = await cached.ainvoke("Hi")
    assert first.text == second.text == "Hello."
    assert len(emulator.requests) == 1
    # Sums of costs count what was billed once.
    assert first.response_metadata["cost"]["credits"] > 0
    assert second.response_metadata["cost"] == {"usd": 0.0, "credits": 0}
    assert second.usage_metadata["total_cost"] == 0


CHANGES = [
    {"model": OTHER},
    {"temperature": 0.5},
    {"max_tokens": 50},
    {"reasoning_effort": "low"},
    {"stop": ["STOP"]},
    {"model_kwargs": {"verbosity": "low"}},
    {"extra_body": {"ttl": 5}},
    {"base_url": "https://gateway.example/v1"},
]


@pytest.mark.parametrize("change", CHANGES, ids="".join)
@pytest.mark.parametrize("copied", [True, False], ids=["model_copy", "attribute"])
def test_a_changed_model_is_not_answered_from_the_cache(cached, emulator, change, copied):
    emulator.script(Reply("old"), Reply("new"))
    assert cached.invoke("Hi").text == "old"
    changed = cached
    if copied:
        changed = cached.model_copy(update=change)
    else:
        [(name, value)] = change.items()
        setattr(changed, name, value)
    assert changed.invoke("Hi").text == "new"
    assert changed.invoke("Hi").text == "new"
    emulator.assert_done()


def test_a_model_changed_in_place_is_not_answered_from_the_cache(cached, emulator):
    cached.stop = ["one"]
    cached.invoke("Hi")
    cached.stop.append("two")
    cached.invoke("Hi")
    cached.model_kwargs["verbosity"] = "low"
    cached.invoke("Hi")
    assert len(emulator.requests) == 3


def test_a_call_of_other_parameters_is_not_answered_from_the_cache(cached, emulator):
    cached.invoke("Hi")
    cached.invoke("Hi", max_tokens=50)
    cached.invoke("Hi", stop=["STOP"])
    cached.bind_tools([add]).invoke("Hi")
    cached.invoke("Hi there")
    assert len(emulator.requests) == 5


def test_an_id_for_each_call_does_not_keep_it_from_the_cache(cached, emulator):
    first = cached.invoke("Hi", client_request_id="order-1")
    second = cached.bind(client_request_id="order-2").invoke("Hi")
    assert len(emulator.requests) == 1
    assert emulator.requests[0].client_request_id == "order-1"
    assert second.text == first.text
    assert second.response_metadata["client_request_id"] == "order-1"


def test_streams_do_not_use_the_cache(cached, emulator):
    cached.invoke("Hi")
    list(cached.stream("Hi"))
    assert len(emulator.requests) == 2


def test_tool_results_are_part_of_the_key(cached, emulator):
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "1"}
    turns = [HumanMessage("Hi"), AIMessage("", tool_calls=[call])]
    cached.invoke([*turns, ToolMessage("3", tool_call_id="1")])
    cached.invoke([*turns, ToolMessage("4", tool_call_id="1")])
    assert len(emulator.requests) == 2
