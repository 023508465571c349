"""What calls cost: every way to call, nested trackers, answers without a price, and limits."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import dataclasses
import pickle
import random
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import ModelError
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.graph import START, MessagesState, StateGraph

from langchain_aimlapi import ChatAIMLAPI, errors
from langchain_aimlapi._http import connections
from langchain_aimlapi._messages.usage import cost_from
from langchain_aimlapi.account import UsageLogEntry
from langchain_aimlapi.cost import CostTracker, SpendLimitExceeded
from langchain_aimlapi.cost.spend import Spend, may_be_billed, spend_of
from langchain_aimlapi.emulator import Answer, Emulator, Fault, Reply, ToolCall

if TYPE_CHECKING:
    from langchain_core.tracers.schemas import Run

pytestmark = pytest.mark.filterwarnings("ignore:.*v3.* is in beta")

ENDPOINTS = {"chat_completions": False, "responses": True}
WAYS = ("invoke", "ainvoke", "stream", "astream", "batch", "abatch", "stream_events", "generate")
PRICE = 1_000  # credits
LIMIT_USD = 0.001  # 2,000 credits

endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)
ways = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def llm(emulator: Emulator) -> ChatAIMLAPI:
    return ChatAIMLAPI(max_retries=0, **emulator.connection())


def fixed_price(emulator: Emulator, price: int = PRICE) -> None:
    emulator.respond_with(lambda _: Reply("An answer.", cost=price))


def ledger_sum(emulator: Emulator) -> int:
    return sum(entry.credits for entry in emulator.ledger)


async def call(llm: ChatAIMLAPI, way: str, **config: Any) -> int:
    """Call the model in some way; return how many calls that is."""
    if way == "invoke":
        llm.invoke("Hello", config)
    elif way == "ainvoke":
        await llm.ainvoke("Hello", config)
    elif way == "stream":
        list(llm.stream("Hello", config))
    elif way == "astream":
        [chunk async for chunk in llm.astream("Hello", config)]
    elif way == "batch":
        llm.batch(["one", "two", "three"], config)
        return 3
    elif way == "abatch":
        await llm.abatch(["one", "two", "three"], config)
        return 3
    elif way == "stream_events":
        _ = llm.stream_events("Hello", config, version="v3").output
    else:
        llm.generate([[HumanMessage("one")], [HumanMessage("two")]], **config)
        return 2
    return 1


# --- every call is counted ------------------------------------------------------------------------


@ways
@endpoints
@pytest.mark.parametrize("around", [True, False], ids=["with", "callbacks"])
async def test_every_way_to_call_is_counted(emulator, way, endpoint, around):
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    tracker = CostTracker()
    if around:
        with tracker:
            calls = await call(llm, way)
    else:
        calls = await call(llm, way, callbacks=[tracker])
    assert tracker.total.billed == tracker.total.calls == calls
    assert tracker.credits == ledger_sum(emulator) > 0
    assert tracker.usd == tracker.credits / 2_000_000
    assert tracker.running == 0


def test_sums_are_kept_for_each_model_as_it_was_asked_for(emulator):
    connection = emulator.connection()
    with CostTracker() as tracker:
        for name in ("openai/gpt-5-1", "openai/gpt-5-1-codex-mini", "openai/gpt-5-1"):
            ChatAIMLAPI(model=name, **connection).invoke("Hello")
        ChatAIMLAPI(**connection).invoke("Hello", model="openai/gpt-5-1-codex")
    billed: dict[str, int] = {}
    for entry in emulator.ledger:
        billed[entry.model] = billed.get(entry.model, 0) + entry.credits
    assert {name: spend.credits for name, spend in tracker.by_model.items()} == billed
    assert tracker.by_model["openai/gpt-5-1"].billed == 2
    entries = [entry for entry in emulator.ledger if entry.model == "openai/gpt-5-1"]
    assert tracker.by_model["openai/gpt-5-1"].input_tokens == sum(
        entry.usage.input_tokens for entry in entries
    )


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


async def run_agent(agent: Any, way: str, config: Any = None) -> None:
    question = {"messages": [("user", "What is 6 times 7?")]}
    if way == "invoke":
        agent.invoke(question, config)
    elif way == "ainvoke":
        await agent.ainvoke(question, config)
    elif way == "stream":
        list(agent.stream(question, config, stream_mode="messages"))
    else:
        agent.batch([question], config)


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "batch"])
async def test_an_agent(emulator, llm, way):
    emulator.script(Reply(tool_calls=[ToolCall("multiply", {"a": 6, "b": 7})]), Reply("42."))
    agent = create_agent(llm, [multiply])
    with CostTracker() as tracker:
        await run_agent(agent, way)
    assert tracker.total.billed == 2
    assert tracker.credits == ledger_sum(emulator)


async def test_chains_and_graphs(emulator, llm):
    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await llm.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("first", node)
    builder.add_node("second", node)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    with CostTracker() as tracker:
        await builder.compile().ainvoke({"messages": [("user", "Hello")]})
        (RunnableLambda(str.upper) | llm).batch(["one", "two"])
    assert tracker.total.billed == 4
    assert tracker.credits == ledger_sum(emulator)


async def test_tasks_started_inside_count_and_others_do_not(emulator, llm):
    inside, go = [], asyncio.Event()

    async def later() -> None:
        await go.wait()
        await llm.ainvoke("Hello")

    outside = asyncio.create_task(later())
    await asyncio.sleep(0)
    with CostTracker() as tracker:
        inside = [asyncio.create_task(later()) for _ in range(3)]
        go.set()
        await asyncio.gather(outside, *inside)
    assert tracker.total.billed == 3
    assert len(emulator.ledger) == 4


def test_threads_need_a_copied_context_or_the_tracker_as_a_handler(llm):
    with CostTracker() as tracker, ThreadPoolExecutor(2) as pool:
        pool.submit(llm.invoke, "not seen").result()
        assert tracker.total.calls == 0
        pool.submit(contextvars.copy_context().run, llm.invoke, "seen").result()
        assert tracker.total.calls == 1
        pool.submit(llm.invoke, "seen", {"callbacks": [tracker]}).result()
        assert tracker.total.calls == 2


def test_calls_outside_the_block_are_not_counted(llm):
    llm.invoke("before")
    with CostTracker() as tracker:
        llm.invoke("inside")
    llm.invoke("after")
    assert tracker.total.calls == 1


def test_models_of_other_providers_are_not_counted():
    with CostTracker(limit_usd=0) as tracker:
        FakeListChatModel(responses=["free"]).invoke("Hello")
    assert tracker.total == Spend()


# --- nesting --------------------------------------------------------------------------------------


def test_an_inner_tracker_tells_the_outer_ones(emulator, llm):
    with CostTracker() as outer:
        llm.invoke("one")
        with CostTracker() as middle, CostTracker() as inner:
            llm.invoke("two")
        llm.invoke("three")
    assert (outer.total.billed, middle.total.billed, inner.total.billed) == (3, 1, 1)
    assert outer.credits == ledger_sum(emulator)
    assert inner.credits == middle.credits == emulator.ledger[1].credits


@endpoints
async def test_a_call_counts_once_however_a_tracker_learns_of_it(emulator, endpoint):
    tracker, other = CostTracker(), CostTracker()
    llm = ChatAIMLAPI(
        use_responses_api=ENDPOINTS[endpoint], callbacks=[tracker], **emulator.connection()
    )

    def node(text: str) -> str:
        with other, tracker:
            return llm.invoke(text, {"callbacks": [tracker, other]}).text

    with tracker, other, tracker:
        RunnableLambda(node).invoke("Hello", {"callbacks": [other, tracker]})
    assert tracker.total == other.total
    assert tracker.total.billed == 1
    assert tracker.credits == ledger_sum(emulator)


def test_leaving_in_another_order(llm):
    first, second = CostTracker(), CostTracker()
    first.__enter__()
    second.__enter__()
    first.__exit__()
    llm.invoke("one")
    second.__exit__()
    llm.invoke("two")
    assert (first.total.billed, second.total.billed) == (0, 1)


def test_leaving_in_a_foreign_context(llm):
    tracker = CostTracker()
    context = contextvars.copy_context()
    context.run(tracker.__enter__)
    with CostTracker() as here:
        tracker.__exit__()
        llm.invoke("here")
    context.run(llm.invoke, "there")
    context.run(tracker.__exit__)
    context.run(llm.invoke, "afterwards")
    assert (tracker.total.billed, here.total.billed) == (1, 1)


def test_a_generator_may_hold_the_block_open(llm):
    def steps():
        with CostTracker() as tracker:
            yield tracker
            llm.invoke("inside")
            yield tracker

    generator = steps()
    tracker = contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(generator.close)
    assert tracker.total.calls == 0  # that context never had the tracker


def test_copies_are_the_tracker_itself():
    tracker = CostTracker()
    assert copy.copy(tracker) is tracker
    assert copy.deepcopy({"callbacks": [tracker]})["callbacks"][0] is tracker


# --- counted apart --------------------------------------------------------------------------------


def test_a_cached_answer_costs_nothing(emulator):
    llm = ChatAIMLAPI(cache=InMemoryCache(), **emulator.connection())
    with CostTracker() as tracker:
        first, second = llm.invoke("Hello"), llm.invoke("Hello")
    assert second.response_metadata["cost"] == {"usd": 0.0, "credits": 0}
    assert first.response_metadata["cost"]["credits"] == emulator.ledger[0].credits
    assert (tracker.total.billed, tracker.total.cached) == (1, 1)
    assert tracker.credits == ledger_sum(emulator) > 0
    assert tracker.total.input_tokens == first.usage_metadata["input_tokens"]


@ways
@endpoints
async def test_an_answer_without_a_price(emulator, way, endpoint):
    emulator.respond_with(lambda _: Reply("An answer.", cost=None))
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    with CostTracker() as tracker:
        calls = await call(llm, way)
    assert (tracker.total.unpriced, tracker.total.billed) == (calls, 0)
    assert tracker.credits == 0
    ids = {call.inference_id for call in tracker.unpriced_calls}
    assert ids == {entry.inference_id for entry in emulator.ledger}
    assert tracker.total.output_tokens > 0


def pausing(answer: Answer, _: Any) -> Answer:
    """Wait longer than any test does before the fourth event."""
    first, fourth, rest = answer.pieces[:3], answer.pieces[3], answer.pieces[4:]
    return dataclasses.replace(answer, pieces=(*first, fourth._replace(delay=4.0), *rest))


async def stop_stream(llm: ChatAIMLAPI, how: str) -> None:
    if how == "closed":
        stream = llm.stream("Tell me a long story of many words")
        [next(stream) for _ in range(3)]
        stream.close()
    elif how == "closed async":
        astream = llm.astream("Tell me a long story of many words")
        [await anext(astream) for _ in range(3)]
        await astream.aclose()
    elif how == "stop sequence":
        list(llm.stream("Hello", stop=["the"]))
    elif how == "cancelled":
        seen = asyncio.Event()

        async def read() -> None:
            async for _ in llm.astream("Hello"):
                seen.set()

        task = asyncio.create_task(read())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with pytest.raises(errors.AIMLAPIError):
            list(llm.stream("Hello"))


@pytest.mark.parametrize(
    ("how", "step"),
    [
        ("closed", None),
        ("closed async", None),
        ("cancelled", Fault("pausing()", spoil=pausing)),
        ("stop sequence", Reply("This is the end of it.")),
        ("cut", Fault.cut(4)),
        ("cut before output", Fault.cut(1)),
        ("reset", Fault.reset(4)),
        ("error event", Fault.error_event(4)),
    ],
)
@endpoints
async def test_a_stream_that_was_cut_or_stopped(emulator, how, step, endpoint):
    if step is not None:
        emulator.script(step)
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], max_retries=0, **emulator.connection())
    with CostTracker() as tracker:
        await stop_stream(llm, how)
    assert tracker.total._replace(input_tokens=0, output_tokens=0) == Spend(unpriced=1)
    (unpriced,) = tracker.unpriced_calls
    request = emulator.requests[-1]
    assert unpriced.inference_id == request.inference_id
    assert unpriced.client_request_id == request.client_request_id
    assert unpriced.model == "openai/gpt-5-1"


@pytest.mark.parametrize(
    "fault", [Fault.status(401), Fault.status(400), Fault.status(500), Fault.out_of_credits()]
)
@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_a_refused_call_is_not_billed(emulator, llm, fault, way):
    emulator.script(fault)
    with CostTracker() as tracker, pytest.raises(errors.AIMLAPIError):
        await call(llm, way)
    assert tracker.total == Spend(failed=1)
    assert tracker.unpriced_calls == []


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (errors.AIMLAPIConfigurationError("no"), False),
        (errors.AIMLAPIRateLimitError("no", status_code=429), False),
        (errors.AIMLAPIServerError("no", status_code=500, request_id="inf"), False),
        (SpendLimitExceeded("no"), False),
        (errors.AIMLAPIConnectionError("refused"), False),
        (errors.AIMLAPIConnectionError("broken inside the body", request_id="inf"), True),
        (errors.AIMLAPIStreamInterruptedError("cut"), True),
        (errors.AIMLAPIStreamInterruptedError("error event", status_code=500), True),
        (errors.AIMLAPIProtocolError("a web page", status_code=200), True),
        (errors.AIMLAPIProtocolError("no HTTP"), True),
        (errors.AIMLAPIProtocolError("redirect", status_code=307), False),
        *((errors.AIMLAPITimeoutError("slow", phase=phase), False)
          for phase in ("connect", "pool", "status")),
        *((errors.AIMLAPITimeoutError("slow", phase=phase), True)
          for phase in ("write", "read", "idle", "deadline")),
        (asyncio.CancelledError(), True),
        (KeyboardInterrupt(), True),
        (GeneratorExit(), True),
        (ValueError("in a callback"), False),
    ],
)  # fmt: skip
def test_which_errors_leave_the_bill_open(error, billed):
    assert may_be_billed(error) is billed
    assert spend_of(None, error) == (Spend(unpriced=1) if billed else Spend(failed=1))


@pytest.mark.parametrize("way", ["ainvoke", "streaming", "abatch", "agenerate", "chain"])
async def test_a_cancelled_call_is_over_and_unpriced(emulator, llm, way):
    arrived = threading.Event()

    def stay(_: Any) -> Fault:
        arrived.set()
        return Fault.delay(4)

    emulator.respond_with(stay)
    calls = {
        "ainvoke": lambda: llm.ainvoke("Hello"),
        "streaming": lambda: llm.ainvoke("Hello", stream=True),
        "abatch": lambda: llm.abatch(["Hello"]),
        "agenerate": lambda: llm.agenerate([[HumanMessage("Hello")]]),
        "chain": lambda: (RunnableLambda(lambda text: text) | llm).ainvoke("Hello"),
    }
    with CostTracker() as outer, CostTracker(limit_usd=1, reserve_usd=0.6) as tracker:
        task = asyncio.ensure_future(calls[way]())
        while not arrived.is_set():  # noqa: ASYNC110 - the emulator answers without an event
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for each in (outer, tracker):
            assert (each.running, each.total.unpriced, each.total.calls) == (0, 1, 1)
            assert len(each.unpriced_calls) == 1
        emulator.respond_with(lambda _: Reply("An answer."))
        with pytest.raises(SpendLimitExceeded, match=r"\(1 unpriced.*write_off\(\)"):
            await llm.ainvoke("Hello")
        assert tracker.write_off() == 1
        assert tracker.unpriced_calls == outer.unpriced_calls == []
        assert tracker.total.unpriced == 1
        assert (await llm.ainvoke("Hello")).text
        assert tracker.write_off() == 0


WAITS: dict[str, tuple[Any, Spend]] = {
    "a limiter": (Reply("An answer."), Spend(failed=1)),
    "a slot": (Reply("An answer."), Spend(failed=1)),
    "an answer": (Fault.delay(4), Spend(unpriced=1)),
    "the next try after a refusal": (Fault.status(503, retry_after=60), Spend(failed=1)),
    "the next try after a reset": (Fault.reset(), Spend(unpriced=1, failed=1, resent=1)),
}


@pytest.mark.parametrize("way", ["ainvoke", "astream", "abatch", "streaming"])
@pytest.mark.parametrize("wait", WAITS)
async def test_a_cancelled_call_counts_by_what_was_sent(emulator, monkeypatch, way, wait):
    step, spend = WAITS[wait]
    emulator.respond_with(lambda _: step)
    options = {**emulator.connection(), "client_request_id": "job-7-"}
    if wait == "a limiter":
        options["rate_limiter"] = InMemoryRateLimiter(requests_per_second=0.001)
    if wait == "a slot":
        monkeypatch.setattr(connections, "most_open", lambda: 0)
        options = {"api_key": "k", "base_url": "http://127.0.0.1:9/v1"}
    llm = ChatAIMLAPI(**options)
    calls = {
        "ainvoke": lambda: llm.ainvoke("Hello"),
        "astream": lambda: anext(llm.astream("Hello")),
        "abatch": lambda: llm.abatch(["Hello"]),
        "streaming": lambda: llm.ainvoke("Hello", stream=True),
    }
    with CostTracker() as tracker:
        task = asyncio.ensure_future(calls[way]())
        for _ in range(50):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (tracker.running, tracker.total) == (0, spend)
    sent = [request.client_request_id for request in emulator.requests]
    assert [each.client_request_id for each in tracker.unpriced_calls] == sent[: spend.unpriced]
    await llm.aclose()


async def test_a_stream_behind_a_limiter_is_closed_with_its_reader(emulator):
    llm = ChatAIMLAPI(
        rate_limiter=InMemoryRateLimiter(requests_per_second=1000), **emulator.connection()
    )
    with CostTracker() as tracker:
        async with aclosing(llm.astream("Hello")) as stream:
            await anext(stream)
        assert (tracker.running, tracker.total.unpriced) == (0, 1)
        assert "".join([chunk.text async for chunk in llm.astream("Hello")])
    assert tracker.total.billed == 1


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_an_answer_from_the_cache_is_a_new_message(emulator, way):
    llm = ChatAIMLAPI(cache=InMemoryCache(), **emulator.connection())
    answers = [
        llm.invoke("Hello") if way == "invoke" else await llm.ainvoke("Hello") for _ in range(3)
    ]
    costs = [answer.response_metadata["cost"]["credits"] for answer in answers]
    assert costs == [emulator.ledger[0].credits, 0, 0]
    assert [answer.id for answer in answers[1:]] == [None, None]
    answers[1].response_metadata["cost"]["credits"] = 5
    assert answers[2].response_metadata["cost"]["credits"] == 0


@pytest.mark.parametrize("given", [{"background": True}, {"extra_body": {"background": True}}])
def test_a_call_in_the_background_is_refused_by_name(emulator, given):
    llm = ChatAIMLAPI(use_responses_api=True, **given, **emulator.connection())
    with pytest.raises(errors.AIMLAPIConfigurationError, match="background=True"):
        llm.invoke("Hello")
    assert emulator.requests == []


def log_row(inference_id: str | None, **fields: Any) -> UsageLogEntry:
    empty = dict.fromkeys(UsageLogEntry.__dataclass_fields__)
    known = {"inference_id": inference_id, "status": "succeeded", "credits": 7}
    return UsageLogEntry(**{**empty, **known, **fields})


def test_settling_tells_the_outer_trackers_too(emulator, llm):
    emulator.script(Reply("one", cost=None), Reply("two", cost=None), Reply("three", cost=None))
    with CostTracker() as outer, CostTracker() as inner:
        for _ in range(3):
            llm.invoke("Hello")
    first, second, third = (call.inference_id for call in inner.unpriced_calls)
    rows = [
        log_row("of another call", credits=1_000_000),
        log_row(first, credits=5),
        log_row(second, credits=0, status="failed"),
        log_row(third, credits=None),
    ]
    assert inner.settle(rows) == 2
    assert inner.settle(rows) == outer.settle(rows) == 0
    for tracker in (inner, outer):
        assert tracker.total._replace(input_tokens=0, output_tokens=0) == Spend(
            billed=1, failed=1, unpriced=1, credits=5
        )
        assert [call.inference_id for call in tracker.unpriced_calls] == [third]


def test_settling_by_the_sent_id_adds_its_requests_up(emulator, llm):
    emulator.script(Fault.stall(None))
    with CostTracker() as tracker, pytest.raises(errors.AIMLAPITimeoutError):
        llm.invoke("Hello")
    (unpriced,) = tracker.unpriced_calls
    assert unpriced.inference_id is None
    sent = unpriced.client_request_id
    assert sent == emulator.requests[-1].client_request_id
    rows = [log_row("a", client_request_id=sent), log_row("b", client_request_id=sent, credits=2)]
    assert tracker.settle(rows) == 1
    assert tracker.total == Spend(billed=1, credits=9)


async def test_settling_an_event_stream_that_was_closed(emulator, llm):
    with CostTracker() as tracker:
        stream = await llm.astream_events("Tell me a long story", version="v3")
        async for _ in stream.text:
            break
        await stream.aclose()
    (unpriced,) = tracker.unpriced_calls
    assert unpriced.inference_id is None  # LangChain does not pass it on here
    rows = await llm.ausage_log(client_request_id=str(unpriced.run_id))
    assert tracker.settle(rows) == 1
    assert tracker.credits == ledger_sum(emulator) > 0


# --- the books ------------------------------------------------------------------------------------


def answer(price: int | None) -> LLMResult:
    metadata: dict[str, Any] = {"model_provider": "aimlapi", "inference_id": "inf"}
    if price is not None:
        metadata["cost"] = {"usd": price / 2_000_000, "credits": price}
    message = AIMessage("An answer.", response_metadata=metadata)
    return LLMResult(generations=[[ChatGeneration(message=message)]])


FACTS = {"ls_provider": "aimlapi", "ls_model_name": "openai/gpt-5-1"}


def start(tracker: CostTracker, run_id: Any) -> None:
    tracker.on_chat_model_start({}, [], run_id=run_id, metadata=FACTS)


def test_events_that_come_twice_count_once():
    tracker, run_id = CostTracker(), uuid.uuid4()
    for _ in range(2):
        start(tracker, run_id)
    for _ in range(2):
        tracker.on_llm_end(answer(5), run_id=run_id)
        tracker.on_llm_error(ValueError(), run_id=run_id)
    assert tracker.total == Spend(billed=1, credits=5)
    tracker.on_llm_end(answer(5), run_id=uuid.uuid4())  # never began here
    assert tracker.total.calls == 1


def test_many_threads_lose_nothing():
    trackers = [CostTracker(), CostTracker()]

    def work() -> None:
        with trackers[0], trackers[1]:
            for price in range(500):
                run_id = uuid.uuid4()
                start(trackers[1], run_id)
                tracker = random.choice(trackers)  # both are told, in either order
                tracker.on_llm_end(answer(price), run_id=run_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tracker in trackers:
        assert tracker.total == Spend(billed=8 * 500, credits=8 * sum(range(500)))
        assert tracker.running == 0


def test_a_million_prices_add_up_to_the_credit():
    tracker = CostTracker()
    prices = random.Random(5).choices(range(1, 10_000_000), k=1_000)
    # As the gateway writes them: 2,000,000 credits are a dollar, in text of nine decimals.
    texts = [f"{price // 2_000_000}.{price % 2_000_000 * 500:09d}" for price in prices]
    costs = [cost_from({}, {"x-aimlapi-usd-spent": text}) for text in texts]
    assert [cost["credits"] for cost in costs] == prices
    spends = [spend_of(answer(cost["credits"]).generations[0][0].message) for cost in costs]
    for _ in range(1_000):
        for spend in spends:
            tracker._add("openai/gpt-5-1", spend)
    assert tracker.credits == 1_000 * sum(prices)
    assert tracker.total == Spend(billed=1_000_000, credits=1_000 * sum(prices))


def test_what_it_prints(emulator, llm):
    fixed_price(emulator, 2_480)
    tracker = CostTracker(limit_usd=1)
    with tracker:
        llm.invoke("Hello")
        ChatAIMLAPI(model="openai/gpt-5-1-codex", **emulator.connection()).invoke("Hello")
    tokens = emulator.ledger[0].usage
    heads = str(tracker).splitlines()[0].split()
    assert " ".join(heads) == "model billed cached unpriced failed in out credits USD"
    one, two = (row.split() for row in str(tracker).splitlines()[1:3])
    numbers = ["1", "0", "0", "0", str(tokens.input_tokens), str(tokens.output_tokens)]
    assert one == ["openai/gpt-5-1", *numbers, "2,480", "0.001240"]
    assert two == ["openai/gpt-5-1-codex", *numbers, "2,480", "0.001240"]
    assert str(tracker).splitlines()[3].split()[-2:] == ["4,960", "0.002480"]
    assert repr(tracker) == "CostTracker(usd=0.002480, calls=2, limit=1)"
    told = tracker.to_dict()
    assert told["credits"] == 4_960
    assert told["by_model"]["openai/gpt-5-1"]["usd"] == 0.00124
    assert str(CostTracker()).splitlines()[1].split() == ["total", *"0000000", "0.000000"]


# --- limits ---------------------------------------------------------------------------------------


def assert_closed(collector: RunCollectorCallbackHandler) -> list[Run]:
    """Check that every run of a trace has an end, and the refused call an error; return calls."""
    runs = list(collector.traced_runs)
    assert runs
    for run in runs:
        runs += run.child_runs
        assert run.end_time is not None
    models = [run for run in runs if run.run_type == "llm"]
    assert any("SpendLimitExceeded" in (run.error or "") for run in models)
    return models


@ways
@pytest.mark.parametrize("order", ["with", "tracker first", "tracer first"])
async def test_the_next_call_is_not_made(emulator, llm, way, order):
    fixed_price(emulator)
    collector = RunCollectorCallbackHandler()
    tracker = CostTracker(limit_usd=LIMIT_USD)
    with tracker:
        llm.invoke("one")
        llm.invoke("two")
    requests = len(emulator.requests)
    handlers: dict[str, list[Any]] = {
        "with": [collector],
        "tracker first": [tracker, collector],
        "tracer first": [collector, tracker],
    }
    with tracker if order == "with" else nullcontext(), pytest.raises(SpendLimitExceeded) as caught:
        await call(llm, way, callbacks=handlers[order])
    error = caught.value
    assert isinstance(error, errors.AIMLAPIError)
    assert isinstance(error, ModelError)
    assert error.is_retryable is False
    assert (error.spent_usd, error.limit_usd) == (0.001, LIMIT_USD)
    for word in ("0.001000 of 0.001 USD", "Nothing was sent", "limit_usd"):
        assert word in str(error)
    assert len(emulator.requests) == requests
    assert tracker.total == Spend(
        billed=2, credits=2_000, input_tokens=tracker.total.input_tokens,
        output_tokens=tracker.total.output_tokens,
    )  # fmt: skip
    if way != "generate":  # LangChain closes the first run of several only
        assert_closed(collector)
        assert tracker.running == 0


def test_the_error_can_be_pickled():
    error = SpendLimitExceeded("No more.", spent_usd=1.5, limit_usd=1.0)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.spent_usd, again.limit_usd) == ("No more.", 1.5, 1.0)
    assert again.is_retryable is False


@pytest.mark.parametrize("around", [True, False], ids=["with", "callbacks"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "batch"])
async def test_an_agent_stops_and_does_not_retry(emulator, llm, way, around):
    handed_on = way != "ainvoke" or sys.version_info >= (3, 11)
    if not (around or handed_on):
        pytest.skip("LangGraph hands callbacks on to async nodes from Python 3.11 only")
    looping = Reply(tool_calls=[ToolCall("multiply", {"a": 6, "b": 7})], cost=PRICE)
    emulator.respond_with(lambda _: looping)
    retry = ModelRetryMiddleware(max_retries=3, initial_delay=0.0, on_failure="continue")
    agent = create_agent(llm, [multiply], middleware=[retry])
    tracker, collector = CostTracker(limit_usd=LIMIT_USD), RunCollectorCallbackHandler()
    config: Any = {"callbacks": [collector, *([] if around else [tracker])], "recursion_limit": 20}
    with tracker if around else nullcontext(), pytest.raises(SpendLimitExceeded):
        await run_agent(agent, way, config)
    assert len(emulator.requests) == 2
    if handed_on:
        assert len(assert_closed(collector)) == 3


def test_a_copied_context_is_limited_and_a_bare_thread_is_not(emulator, llm):
    fixed_price(emulator)
    with CostTracker(limit_usd=0) as tracker, ThreadPoolExecutor(1) as pool:
        seen = pool.submit(contextvars.copy_context().run, llm.invoke, "Hello")
        assert isinstance(seen.exception(), SpendLimitExceeded)
        handed = pool.submit(llm.invoke, "Hello", {"callbacks": [tracker]})
        assert isinstance(handed.exception(), SpendLimitExceeded)
        assert len(emulator.requests) == 0
        assert pool.submit(llm.invoke, "Hello").exception() is None


def test_batch_gives_the_error_in_the_place_of_each_answer(emulator, llm):
    fixed_price(emulator)
    with CostTracker(limit_usd=LIMIT_USD, reserve_usd=0.0005):
        results = llm.batch(["Hello"] * 10, return_exceptions=True)
    refused = [result for result in results if isinstance(result, SpendLimitExceeded)]
    assert len(refused) == 8
    assert ledger_sum(emulator) == 2_000


def test_the_outer_limit_holds_inside(emulator, llm):
    fixed_price(emulator)
    with CostTracker(limit_usd=0.0005) as outer, CostTracker() as inner:
        llm.invoke("one")
        with pytest.raises(SpendLimitExceeded, match=r"0\.0005 USD"):
            llm.invoke("two")
    assert outer.total == inner.total
    assert inner.running == 0


@pytest.mark.parametrize("way", ["stream", "astream", "stream_events"])
async def test_two_calls_may_begin_before_either_runs(emulator, llm, way):
    fixed_price(emulator)
    with CostTracker(limit_usd=LIMIT_USD, reserve_usd=LIMIT_USD) as tracker:
        if way == "stream_events":
            first, second = (llm.stream_events("Hello", version="v3") for _ in range(2))
            assert first.output.content
            with pytest.raises(SpendLimitExceeded):
                _ = second.output
        elif way == "stream":
            one, two = llm.stream("Hello"), llm.stream("Hello")
            next(one)
            with pytest.raises(SpendLimitExceeded):
                next(two)
            list(one)
        else:
            aone, atwo = llm.astream("Hello"), llm.astream("Hello")
            await anext(aone)
            with pytest.raises(SpendLimitExceeded):
                await anext(atwo)
            [chunk async for chunk in aone]
    assert tracker.total.billed == 1
    assert len(emulator.requests) == 1


async def test_calls_in_flight_cannot_overshoot_what_is_reserved(emulator, llm):
    prices = random.Random(1)
    emulator.respond_with(lambda _: Reply("An answer.", cost=prices.randrange(100, PRICE + 1)))
    tracker = CostTracker(limit_usd=0.01, reserve_usd=PRICE / 2_000_000)
    with tracker:
        results = await asyncio.gather(
            *(llm.ainvoke("Hello") for _ in range(100)), return_exceptions=True
        )
    assert {type(result) for result in results} == {AIMessage, SpendLimitExceeded}
    assert tracker.credits == ledger_sum(emulator) <= 20_000
    assert tracker.total.billed >= 20


def test_a_call_without_a_price_keeps_its_reserve_until_it_is_settled(emulator, llm):
    emulator.respond_with(lambda _: Reply("An answer.", cost=None))
    with CostTracker(limit_usd=LIMIT_USD, reserve_usd=0.0006) as tracker:
        llm.invoke("one")
        with pytest.raises(SpendLimitExceeded, match=r"=0\.0006 .* and for each of 1"):
            llm.invoke("two")
        (unpriced,) = tracker.unpriced_calls
        tracker.settle([log_row(unpriced.inference_id, credits=100)])
        llm.invoke("three")


def test_cached_answers_are_given_beyond_the_limit(emulator):
    llm = ChatAIMLAPI(cache=InMemoryCache(), **emulator.connection())
    llm.invoke("Hello")
    with CostTracker(limit_usd=0) as tracker:
        llm.invoke("Hello")
        with pytest.raises(SpendLimitExceeded):
            llm.invoke("Something else")
    assert tracker.total == Spend()
    assert len(emulator.requests) == 1


def test_a_limit_may_be_raised(emulator, llm):
    fixed_price(emulator)
    with CostTracker(limit_usd=0) as tracker:
        with pytest.raises(SpendLimitExceeded):
            llm.invoke("Hello")
        tracker.limit_usd = 0.01
        llm.invoke("Hello")
        tracker.limit_usd = None
        llm.invoke("Hello")
    assert tracker.total.billed == 2


@pytest.mark.parametrize("amounts", [{"limit_usd": -1}, {"limit_usd": float("nan")},
                                     {"reserve_usd": float("inf")}])  # fmt: skip
def test_amounts_that_make_no_sense(amounts):
    with pytest.raises(errors.AIMLAPIConfigurationError, match=next(iter(amounts))):
        CostTracker(**amounts)
