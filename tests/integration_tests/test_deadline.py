"""A deadline bounds a whole call, over real connections: whatever is slow, and however often."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler

from langchain_aimlapi import (
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
    ChatAIMLAPI,
)
from langchain_aimlapi.emulator import Emulator, Fault, Reply
from tests.conftest import call, ways
from tests.passing_time import let_it_pass
from tests.raw_server import full_queue

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.enable_socket

DEADLINE = 0.4
PATIENCE = 10.0
"""Seconds that a call takes at most, if its deadline holds at all; without one, forever."""

ENDPOINTS = pytest.mark.parametrize("use_responses_api", [False, True])


@contextmanager
def serving(*faults: Fault) -> Iterator[dict[str, object]]:
    """Serve faults over a socket; gives the arguments of a model with a deadline."""
    emulator = Emulator()
    emulator.script(*faults)
    with emulator.serve() as server:
        yield {
            "api_key": emulator.api_key,
            "base_url": server.base_url,
            "deadline": DEADLINE,
            "max_retries": 0,
        }


SLOW = {
    "headers": Fault.slow_headers(0.05),
    "first byte": Fault.delay(60),
    "nothing at all": Fault.stall(),
    "body": Fault.dribble(0.05),
    "silence in the body": Fault.stall(after=1),
}


@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
@ENDPOINTS
@ways
async def test_a_call_ends_at_its_deadline(fault, use_responses_api, way):
    with serving(fault) as settings:
        llm = ChatAIMLAPI(use_responses_api=use_responses_api, **settings)
        started = time.monotonic()
        with pytest.raises((AIMLAPITimeoutError, AIMLAPIStreamInterruptedError)) as caught:
            await call(llm, way)
        assert DEADLINE / 2 < time.monotonic() - started < PATIENCE
        await llm.aclose()
    error = caught.value
    timed_out = error.__cause__ if isinstance(error, AIMLAPIStreamInterruptedError) else error
    assert isinstance(timed_out, AIMLAPITimeoutError)
    assert timed_out.phase == "deadline"
    assert "deadline of 0.4 s" in str(error)
    assert error.attempts == 1


class Listener(BaseCallbackHandler):
    """Hears when the first text comes."""

    text = ""

    def on_llm_new_token(self, token: str, **_: object) -> None:
        self.text += token


@ways
async def test_what_came_before_the_deadline_is_kept(way, monkeypatch):
    listener = Listener()
    let_it_pass(monkeypatch, PATIENCE, lambda: bool(listener.text))
    with serving(Fault.pace(0.02, Reply("word " * 200))) as settings:
        llm = ChatAIMLAPI(**{**settings, "deadline": PATIENCE}, streaming=True)
        with pytest.raises(AIMLAPIStreamInterruptedError, match="deadline of 10 s") as caught:
            await call(llm, way, config={"callbacks": [listener]})
        await llm.aclose()
    assert caught.value.partial_message.text == listener.text
    assert not caught.value.is_retryable


@ways
async def test_connecting_counts(way):
    with full_queue() as port:
        llm = ChatAIMLAPI(
            api_key="k", base_url=f"http://127.0.0.1:{port}/v1", deadline=DEADLINE, max_retries=0
        )
        with pytest.raises(AIMLAPITimeoutError) as caught:
            await call(llm, way)
    assert caught.value.phase == "deadline"


@pytest.mark.parametrize("status", [429, 503])
@ways
async def test_a_pause_that_would_pass_the_deadline_is_not_begun(way, status):
    with serving(Fault.status(status, retry_after=50)) as settings:
        llm = ChatAIMLAPI(**{**settings, "deadline": 40, "max_retries": 5})
        with pytest.raises((AIMLAPIRateLimitError, AIMLAPIServerError)) as caught:
            await call(llm, way)
        await llm.aclose()
    assert caught.value.attempts == 1
    assert caught.value.retry_after == 50


@ways
async def test_a_call_that_is_quick_enough_knows_nothing_of_it(way):
    with serving(Fault.status(503, retry_after=0), Reply("Here."), Reply("Again.")) as settings:
        llm = ChatAIMLAPI(**{**settings, "deadline": 60, "max_retries": 1})
        assert (await call(llm, way)).text == "Here."
        assert (await call(llm, way)).text == "Again."
        await llm.aclose()


def test_each_call_has_its_own_time(monkeypatch):
    """A kept connection does not keep the deadline of the call before."""
    with serving(Reply("One."), Fault.stall(after=1, reply=Reply("Two."))) as settings:
        llm = ChatAIMLAPI(**{**settings, "deadline": 60})
        llm.invoke("Hello")
        llm.deadline = DEADLINE
        with pytest.raises(AIMLAPITimeoutError, match="deadline"):
            llm.invoke("Hello")
        llm.close()


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_users_client_is_bound_between_its_steps(way):
    with serving(Fault.dribble(0.02, reply=Reply("word " * 50))) as settings, httpx.Client() as own:
        llm = ChatAIMLAPI(**settings, http_client=own)
        with pytest.raises((AIMLAPITimeoutError, AIMLAPIStreamInterruptedError), match="deadline"):
            asyncio.run(call(llm, way))


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_a_users_async_client_is_bound_between_its_steps(way):
    with serving(Fault.dribble(0.02, reply=Reply("word " * 50))) as settings:
        async with httpx.AsyncClient() as own:
            llm = ChatAIMLAPI(**settings, http_async_client=own)
            with pytest.raises(
                (AIMLAPITimeoutError, AIMLAPIStreamInterruptedError), match="deadline"
            ):
                await call(llm, way)


def test_account_calls_are_bound_too():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        llm = ChatAIMLAPI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", deadline=DEADLINE)
        with pytest.raises(AIMLAPITimeoutError, match="deadline"):
            llm.balance()


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_deadline_is_in_the_future(seconds):
    with pytest.raises(ValueError, match="deadline"):
        ChatAIMLAPI(api_key="k", deadline=seconds)
