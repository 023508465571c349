"""The tracker and the emulator's ledger agree to the credit, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import AIMLAPIError, ChatAIMLAPI
from langchain_aimlapi.cost import CostTracker
from langchain_aimlapi.emulator import Emulator, Fault, Reply, Usage

if TYPE_CHECKING:
    from langchain_aimlapi.emulator import RecordedRequest

CALLS = 1_000


class Weather:
    """Makes the emulator answer well, badly, or not at all, the same way each time."""

    def __init__(self) -> None:
        self.random = random.Random(20)
        self.done = {"answered": 0, "unpriced": 0, "retried": 0, "refused": 0, "cut": 0}

    def __call__(self, request: RecordedRequest) -> Reply | Fault:
        usage = Usage(self.random.randrange(1, 5_000), self.random.randrange(1, 2_000))
        reply = Reply("A reply of some words, for streams to be cut in.", usage=usage)
        kind = self.random.choices(
            ["answered", "unpriced", "retried", "refused", "cut"], [70, 5, 15, 5, 15]
        )[0]
        if kind == "cut" and not request.json.get("stream"):
            kind = "answered"
        self.done[kind] += 1
        if kind == "unpriced":
            return Reply("A reply.", usage=usage, cost=None)
        if kind == "retried":
            return Fault.status(self.random.choice([429, 500, 503]), retry_after=0)
        if kind == "refused":
            return Fault.status(400)
        if kind == "cut":
            cut = self.random.choice([Fault.cut, Fault.reset, Fault.error_event])
            return cut(self.random.randrange(1, 12), reply=reply)
        return reply


async def work(llm: ChatAIMLAPI, number: int) -> int:
    """Make calls in one of the ways there are; return how many."""
    way = number % 6
    with contextlib.suppress(AIMLAPIError):
        if way == 0:
            llm.invoke("Hello")
        elif way == 1:
            await llm.ainvoke("Hello")
        elif way == 2:
            list(llm.stream("Hello"))
        elif way == 3:
            [chunk async for chunk in llm.astream("Hello")]
        elif way == 4:
            llm.batch(["one", "two"], return_exceptions=True)
        else:
            stream = llm.stream("Hello")
            [next(stream) for _ in range(2)]
            stream.close()
    return 2 if way == 4 else 1


async def test_a_thousand_calls(emulator: Emulator):
    weather = Weather()
    emulator.balance_usd = 1_000.0
    emulator.respond_with(weather)
    connection: dict[str, Any] = {**emulator.connection(), "max_retries": 4}
    models = [
        ChatAIMLAPI(use_responses_api=False, **connection),
        ChatAIMLAPI(use_responses_api=True, **connection),
        ChatAIMLAPI(model="openai/gpt-5-1-codex-mini", use_responses_api=True, **connection),
    ]
    made = 0
    with CostTracker() as outer:
        while made < CALLS // 2:
            made += await work(models[made % 3], made)
        with CostTracker() as inner:
            jobs = [work(models[number % 3], number) for number in range(CALLS - made)]
            made += sum(await asyncio.gather(*jobs))

    assert made >= CALLS
    assert outer.total.calls == made
    assert 0 < inner.total.calls < made
    assert min(weather.done.values()) > 10
    assert len(emulator.requests) > made  # some were sent again

    # What is missing are the prices of cut and stopped streams, and those that were not told.
    billed = {entry.inference_id: entry for entry in emulator.ledger}
    unpriced = {call.inference_id for call in outer.unpriced_calls}
    missing = sum(billed[name].credits for name in unpriced & set(billed))
    assert missing > 0
    assert outer.credits + missing == sum(entry.credits for entry in emulator.ledger)

    # The usage log knows them.
    ids = [call.inference_id for call in outer.unpriced_calls if call.inference_id]
    assert len(ids) == len(outer.unpriced_calls)
    assert outer.settle(await models[0].ausage_log(inference_id=ids)) == len(ids)
    inner.settle(models[0].usage_log(inference_id=ids))
    assert outer.unpriced_calls == inner.unpriced_calls == []
    assert outer.credits == sum(entry.credits for entry in emulator.ledger)
    assert round((1_000.0 - emulator.balance_usd) * 2_000_000) == outer.credits
    assert outer.total.calls == made

    by_model: dict[str, int] = {}
    for entry in emulator.ledger:
        by_model[entry.model] = by_model.get(entry.model, 0) + entry.credits
    assert {model: spend.credits for model, spend in outer.by_model.items()} == by_model
    assert outer.total.billed == len(emulator.ledger)
    tokens = sum(entry.usage.input_tokens for entry in emulator.ledger)
    assert 0 < outer.total.input_tokens < tokens  # cut streams have told none


async def test_a_cut_streams_price_is_in_the_log(emulator: Emulator, llm: ChatAIMLAPI):
    emulator.script(Fault.cut(6))
    with CostTracker() as tracker, contextlib.suppress(AIMLAPIError):
        list(llm.stream("Tell me something"))
    (cut,) = tracker.unpriced_calls
    (entry,) = llm.usage_log(inference_id=cut.inference_id)
    assert entry.credits == emulator.ledger[0].credits > 0
    assert tracker.settle([entry]) == 1
    assert (tracker.credits, tracker.total.unpriced) == (entry.credits, 0)
