"""Calls that are given up: the server sees the connection close, and nothing is left behind.

Whoever waits here for the server waits for an event; SOON is only a guard against hanging.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._http import connections, pool
from langchain_aimlapi.emulator import Emulator, Fault, Reply
from tests.conftest import call
from tests.programs import ROOT, command, open_files, run
from tests.raw_server import full_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_aimlapi.emulator.doors.server import EmulatorServer

pytestmark = [
    pytest.mark.usefixtures("own_connections"),
    pytest.mark.enable_socket,
    pytest.mark.parametrize("responses", [False, True], ids=["chat_completions", "responses"]),
]

SOON = 10.0  # seconds within which what must happen at once has happened
ANSWER = Reply("It is sunny in Oslo today, and it will rain in Bergen tomorrow.")
AMID = 8  # events of that answer as a stream after which there is text, and more to come


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with Emulator().serve() as server:
        yield server


@pytest.fixture
def llm(server, responses) -> Iterator[ChatAIMLAPI]:
    with ChatAIMLAPI(use_responses_api=responses, **server.connection()) as llm:
        yield llm


def stall(server: EmulatorServer, after: int | None = None) -> threading.Event:
    """Let the next request stall; tells when it is there."""
    arrived = threading.Event()

    def step(_: Any) -> Fault:
        arrived.set()
        return Fault.stall(after, reply=ANSWER)

    server.emulator.script(step)
    return arrived


def assert_closes(server: EmulatorServer, *, accepted: int = 1) -> None:
    """Wait until all connections are closed, as those of finished calls would not be."""
    assert server.wait_for_connections(0, SOON), "a connection is still open"
    assert server.accepted == accepted


async def aassert_closes(server: EmulatorServer, *, accepted: int = 1) -> None:
    await asyncio.to_thread(assert_closes, server, accepted=accepted)


async def wait_for(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, SOON)


def free_slots() -> int:
    """Return the free slots of the running loop."""
    return pool._registry.loops[asyncio.get_running_loop()]._slots._free


# --- leaving a stream -----------------------------------------------------------------------------


def test_a_closed_generator(llm, server):
    stall(server, AMID)
    stream = llm.stream("Hello")
    next(stream)
    stream.close()
    assert_closes(server)


def test_a_loop_that_is_left(llm, server):
    stall(server, AMID)
    for chunk in llm.stream("Hello"):
        if chunk.text:
            break
    assert_closes(server)


def test_a_stream_that_an_error_leaves(llm, server):
    stall(server, AMID)

    def read() -> None:
        with closing(llm.stream("Hello")) as stream:
            for chunk in stream:
                raise ValueError(chunk)

    with pytest.raises(ValueError, match="content"):
        read()
    assert_closes(server)


async def test_a_closed_async_generator(llm, server):
    stall(server, AMID)
    async with aclosing(llm.astream("Hello")) as stream:
        await anext(stream)
    await aassert_closes(server)


async def test_an_async_loop_that_is_left(llm, server):
    stall(server, AMID)
    async for chunk in llm.astream("Hello"):
        if chunk.text:
            break
    await aassert_closes(server)


@pytest.mark.filterwarnings("ignore::langchain_core._api.beta_decorator.LangChainBetaWarning")
async def test_an_async_stream_of_events_that_is_closed(llm, server):
    stall(server, AMID)
    stream = await llm.astream_events("Hello", version="v3")
    async for _ in stream:
        break
    await stream.aclose()
    await aassert_closes(server)


async def test_an_async_stream_of_older_events_that_is_left(llm, server):
    stall(server, AMID)
    async with aclosing(llm.astream_events("Hello", version="v2")) as events:
        async for event in events:
            if event["event"] == "on_chat_model_stream":
                break
    await aassert_closes(server)


# --- cancelling a task ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_a_task_that_waits_for_headers(llm, server, way):
    arrived = stall(server)
    task = asyncio.create_task(call(llm, way))
    await wait_for(arrived)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await aassert_closes(server)


async def test_a_task_amid_a_stream(llm, server):
    began = asyncio.Event()

    async def read(stream: AsyncIterator[Any]) -> None:
        async for _ in stream:
            began.set()

    stall(server, AMID)
    task = asyncio.create_task(read(llm.astream("Hello")))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await aassert_closes(server)


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
@pytest.mark.parametrize("after", [None, AMID])
async def test_a_timeout_of_the_caller(llm, server, way, after):
    arrived = stall(server, after)
    task = asyncio.create_task(call(llm, way))
    await wait_for(arrived)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(task, 0.01)
    await aassert_closes(server)


async def test_a_cancelled_batch(llm, server):
    arrivals = [stall(server) for _ in range(10)]
    task = asyncio.create_task(llm.abatch([f"Hello {n}" for n in range(10)]))
    for arrived in arrivals:
        await wait_for(arrived)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await aassert_closes(server, accepted=10)


async def test_a_task_that_waits_to_try_again(llm, server):
    refused = threading.Event()

    def refuse(_: Any) -> Fault:
        refused.set()
        return Fault.status(503, retry_after=60)

    server.emulator.script(refuse)
    task = asyncio.create_task(llm.ainvoke("Hello"))
    await wait_for(refused)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.emulator.requests) == 1
    await llm.aclose()
    await aassert_closes(server)


async def test_a_task_that_connects(responses):
    with full_queue() as port:
        llm = ChatAIMLAPI(
            api_key="k", base_url=f"http://127.0.0.1:{port}", use_responses_api=responses
        )
        before = open_files()
        task = asyncio.create_task(llm.ainvoke("Hello"))
        while open_files() == before:  # noqa: ASYNC110 - a socket comes without an event
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert open_files() == before
        assert free_slots() == connections.most_open()


async def test_tasks_that_wait_for_a_slot(llm, server, monkeypatch):
    monkeypatch.setattr(connections, "most_open", lambda: 1)
    arrived = stall(server)
    first = asyncio.create_task(llm.ainvoke("Hello"))
    await wait_for(arrived)
    waiting = [asyncio.create_task(llm.ainvoke("Hello")) for _ in range(100)]
    slots = pool._registry.loops[asyncio.get_running_loop()]._slots
    while len(slots._waiting) < 100:  # noqa: ASYNC110 - nor does a place in a queue
        await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    first.cancel()
    ends = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(end) for end in ends].count(asyncio.CancelledError) == 100
    assert ends[1].text
    assert slots._free == 1
    assert len(server.emulator.requests) == 2
    await llm.aclose()
    await aassert_closes(server, accepted=2)


# --- a thousand times, everywhere -----------------------------------------------------------------


class Watched(Coroutine):
    """A coroutine that tells before it waits."""

    def __init__(self, coroutine: Coroutine, before_waiting: Callable[[], None]) -> None:
        self._coroutine, self._before_waiting = coroutine, before_waiting

    def send(self, value: Any) -> Any:
        return self._wait(self._coroutine.send(value))

    def throw(self, *error: Any) -> Any:
        return self._wait(self._coroutine.throw(*error))

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        raise NotImplementedError  # only tasks run it

    def _wait(self, awaited: Any) -> Any:
        self._before_waiting()
        return awaited


async def cancelled_at(wait: int, times: int, coroutine: Coroutine) -> bool:
    """Run a call and cancel it at its n-th wait, whichever of its tasks it is that waits.

    Args:
        wait: Which, from 0.
        times: At how many waits in turn, so that the first cancellation's cleaning up is hit too.
        coroutine: The call.

    Returns:
        Whether it came to that wait at all.
    """
    waits = itertools.count()
    struck = False

    def count() -> None:
        nonlocal struck
        if wait <= next(waits) < wait + times:
            struck = True
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.set_task_factory(
        lambda loop, coroutine, **options: asyncio.Task(
            Watched(coroutine, count), loop=loop, **options
        )
    )
    try:
        task = loop.create_task(coroutine)
        await asyncio.wait({task})
    finally:
        loop.set_task_factory(None)
    assert task.cancelled() == struck
    return struck


SCRIPTS = {
    "answered": [ANSWER],
    "in pieces": [Fault.dribble(0.0001, 100, ANSWER)],
    "refused once": [Fault.dribble(0.0002, 30, Fault.status(429, retry_after=0)), ANSWER],
}


async def cancel_everywhere(*, responses: bool) -> None:
    """Cancel calls at each of their waits, five hundred times, and look for what is left behind."""
    with Emulator().serve() as server:
        llm = ChatAIMLAPI(use_responses_api=responses, **server.connection())
        await llm.ainvoke("Hello")
        await llm.aclose()
        await aassert_closes(server)
        files, tasks = open_files(), asyncio.all_tasks()
        struck = 0
        while struck < 500:
            struck += await cancel_each_once(llm, server)
        server.emulator.reset()
        # The server takes connections in their order: those of all cancelled calls before these.
        answers = await asyncio.gather(*(llm.ainvoke("Hello") for _ in range(20)))
        assert all(answer.response_metadata["attempts"] == 1 for answer in answers)
        await llm.aclose()
        assert await asyncio.to_thread(server.wait_for_connections, 0, SOON)
        assert open_files() == files
        assert asyncio.all_tasks() == tasks


async def cancel_each_once(llm: ChatAIMLAPI, server: EmulatorServer) -> int:
    """Cancel each kind of call at each of its waits; return how many that were."""
    struck = 0
    for is_kept, way, steps, times in itertools.product(
        [False, True], ["ainvoke", "astream"], SCRIPTS.values(), [1, 2]
    ):
        for wait in itertools.count():
            server.emulator.reset()
            if is_kept:
                await llm.ainvoke("Leave me a connection.")
            else:
                await llm.aclose()
            server.emulator.script(*steps)
            if not await cancelled_at(wait, times, call(llm, way)):
                break
            struck += 1
        assert free_slots() == connections.most_open()
    return struck


EVERYWHERE = """
    import asyncio, sys
    from tests.integration_tests.test_cancellation import cancel_everywhere

    asyncio.run(cancel_everywhere(responses=sys.argv[1] == "True"))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_cancellations_at_every_wait_of_a_call(responses):
    """In a process of its own, where all files are of these calls."""
    run(command(EVERYWHERE, responses), timeout=280)


# --- interrupts -----------------------------------------------------------------------------------

INTERRUPTED = """
    import asyncio, signal, sys
    from langchain_aimlapi import ChatAIMLAPI
    from langchain_aimlapi._http import connections, pool
    from tests.conftest import call

    # A shell that runs the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    llm = ChatAIMLAPI(
        api_key="emulator-key", base_url=sys.argv[1], use_responses_api=sys.argv[2] == "True"
    )
    for line in sys.stdin:
        way = line.strip()
        try:
            if way.startswith("a"):
                asyncio.run(call(llm, way))
            else:
                call(llm, way).send(None)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    assert llm.invoke("Hello").text
    assert asyncio.run(llm.ainvoke("Hello")).text
    assert pool._registry.threads._slots._value == connections.most_open()
    assert pool._registry.loops == {}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be sent a SIGINT there")
def test_a_keyboard_interrupt(server, responses):
    with (
        subprocess.Popen(
            command(INTERRUPTED, server.base_url, responses),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as process,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(process.kill)  # else a failure would wait for its end
        for way, after in itertools.product(
            ["invoke", "stream", "ainvoke", "astream"], [None, AMID]
        ):
            arrived = stall(server, after)
            process.stdin.write(f"{way}\n")
            process.stdin.flush()
            assert arrived.wait(100)  # the first after all that is imported
            # Into the wait for more. A signal may strike between any two lines: where asyncio takes
            # data in it complains, and what httpx has in its hands there only the collector closes.
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            assert server.wait_for_connections(0, SOON)
        server.emulator.reset()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
