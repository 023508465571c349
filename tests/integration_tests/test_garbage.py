"""A call that is over leaves memory at once: nothing of it waits for Python's collector.

What was sent can be an image of many megabytes, and a collection of all that LangChain loads takes
a tenth of a second in which nothing else runs.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from langchain_aimlapi import AIMLAPIError, ChatAIMLAPI
from langchain_aimlapi._model.watch import Watch
from langchain_aimlapi.emulator import Emulator, Fault
from tests.conftest import ways

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]

_WATCHED = ("langchain_aimlapi.", "httpx.", "httpcore.")
endpoints = pytest.mark.parametrize("on_responses", [False, True], ids=["chat", "responses"])


class Place(BaseModel):
    """A place on earth."""

    name: str
    people: int


def _left_over() -> list[str]:
    """Return the types of what only the collector can free, the emulator's own aside."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        types = {f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    emulator = "langchain_aimlapi.emulator"
    return sorted(t for t in types if t.startswith(_WATCHED) and not t.startswith(emulator))


@pytest.fixture
def collector() -> Iterator[None]:
    """Keep the collector from running by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def _ask(llm: Any, way: str) -> None:
    """Ask, and keep neither the answer nor the error."""
    try:
        match way:
            case "invoke":
                llm.invoke("Hello")
            case "ainvoke":
                await llm.ainvoke("Hello")
            case "stream":
                list(llm.stream("Hello"))
            case _:
                [_ async for _ in llm.astream("Hello")]
    except AIMLAPIError:
        pass


async def _left_by(llm: Any, way: str) -> list[str]:
    """Return what the second of two calls leaves: the first one loads what others find."""
    await _ask(llm, way)
    gc.collect()
    await _ask(llm, way)
    return _left_over()


@endpoints
@ways
@pytest.mark.parametrize("kind", ["text", "tool", "json_schema", "function_calling"])
async def test_an_answer_leaves_nothing(collector, way, on_responses, kind):
    with Emulator().serve() as server:
        llm: Any = ChatAIMLAPI(**server.connection(), use_responses_api=on_responses)
        if kind == "tool":
            llm = llm.bind_tools([Place], tool_choice="Place")
        elif kind != "text":
            llm = llm.with_structured_output(Place, method=kind)
        assert await _left_by(llm, way) == []


@endpoints
@pytest.mark.parametrize("way", ["invoke", "stream", "astream"])
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize(
    "fault", [Fault.status(503, retry_after=0), Fault.cut(after=3)], ids=["refused", "cut"]
)
async def test_an_error_leaves_nothing(collector, way, on_responses, retries, fault):
    """But of `ainvoke`: LangChain's `agenerate` keeps the error in the frame that raises it."""
    emulator = Emulator().script(*[fault] * 4)
    with emulator.serve() as server:
        llm = ChatAIMLAPI(
            **server.connection(), use_responses_api=on_responses, max_retries=retries
        )
        assert await _left_by(llm, way) == []


def test_a_watch_that_is_over_keeps_no_errors():
    """Asyncio's timers keep the context of a call, with its watch, for many minutes."""
    watch, error = Watch(), AIMLAPIError("Too late.")
    with watch:
        watch.ended(None, error)
    assert error not in gc.get_referents(*vars(watch).values())
