"""One model in many loops, threads and processes: each sees its own answers, and nothing is left.

Most of these are programs of their own, under `-X dev -W error`: a socket or a task that is left
open shows on stderr, which has to be empty. Each prompt holds a mark, and the answer repeats it.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest

from langchain_aimlapi import AIMLAPIRateLimitError, ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply
from tests.programs import command, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator.doors.server import EmulatorServer
    from langchain_aimlapi.emulator.exchange import RecordedRequest

pytestmark = [pytest.mark.usefixtures("own_connections"), pytest.mark.enable_socket]

DEV = ("-X", "dev")


def repeat(request: RecordedRequest) -> Reply | Fault:
    """Repeat the mark <...> of a prompt many times over, so that a stream of it is long."""
    mark = re.findall(r"<[^>]*>", request.body.decode())[-1]
    if mark == "<refuse>":
        return Fault.status(429, message="Not so fast.", retry_after=3600)
    return Reply(" ".join([mark] * 8))


@pytest.fixture
def server(monkeypatch) -> Iterator[EmulatorServer]:
    emulator = Emulator()
    emulator.respond_with(repeat)
    monkeypatch.setenv("AIMLAPI_API_KEY", emulator.api_key)
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        yield server


PRELUDE = """
import asyncio, functools, gc, logging, operator, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from langchain_aimlapi import ChatAIMLAPI
from tests.programs import open_files

# The dev mode's asyncio says at this level how long a step took, but at ERROR what was left.
logging.getLogger("asyncio").setLevel(logging.ERROR)
llms = [ChatAIMLAPI(use_responses_api=responses) for responses in (False, True)]

def collect(chunks):
    return functools.reduce(operator.add, chunks)

async def acollect(chunks):
    return collect([chunk async for chunk in chunks])

def check(answer, mark):
    assert set(answer.text.split()) == {mark}, (mark, answer.text)

def ask(who, n):
    mark, llm = f"<{who}-{n}>", llms[n % 2]
    check(llm.invoke(mark) if n % 3 else collect(llm.stream(mark)), mark)

async def aask(who, n):
    mark, llm = f"<{who}-{n}>", llms[n % 2]
    check(await (llm.ainvoke(mark) if n % 3 else acollect(llm.astream(mark))), mark)

async def crowd(who, count):
    await asyncio.gather(*(aask(who, n) for n in range(count)))
    assert asyncio.all_tasks() == {asyncio.current_task()}

def close():
    for llm in llms:
        llm.close()
    gc.collect()
"""


def run_script(script: str, *options: str) -> str:
    return run(command(PRELUDE + script, options=(*DEV, *options)))


# --- loops and threads ----------------------------------------------------------------------------

LOOPS = """
from {library} import run
run(crowd("first", 4))
ask("first", 0)
close()
files = open_files()
for n in range(20):
    run(crowd(n, 4))
    ask("between", n)
close()
assert open_files() == files, (files, open_files())
"""
THREADS = """
def in_a_loop_of_its_own(thread):
    run(crowd(thread, 4))
    ask(thread, 0)

with ThreadPoolExecutor(32) as threads:
    list(threads.map(in_a_loop_of_its_own, range(32)))
close()
assert open_files() == files, (files, open_files())
"""


def test_twenty_loops_and_thirty_two_threads(server):
    run_script(LOOPS.format(library="asyncio") + THREADS)
    assert len(server.emulator.requests) == 5 + 20 * 5 + 32 * 5


def test_twenty_loops_of_uvloop(server):
    pytest.importorskip("uvloop")
    run_script(LOOPS.format(library="uvloop"))
    assert len(server.emulator.requests) == 5 + 20 * 5


def test_a_loop_that_is_closed_without_ceremony(server):
    """It never finishes its generators, so its connections are left for the garbage collector."""
    run_script(
        """
asyncio.run(crowd("before", 4))
close()
files = open_files()
for n in range(3):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(crowd(n, 4))
    ask("between", n)
    loop.run_until_complete(crowd(n, 4))
    loop.close()
asyncio.run(crowd("orderly", 4))
close()
assert open_files() == files, (files, open_files())
""",
        "-W",
        "ignore:unclosed:ResourceWarning",
    )


def test_an_exit_that_closes_nothing(server):
    run_script(
        """
async def leave():
    await crowd("loop", 4)
    async for _ in llms[0].astream("<a>"):
        break

asyncio.run(leave())
with ThreadPoolExecutor(4) as threads:
    list(threads.map(ask, "abcd", range(4)))
stream = llms[0].stream("<b>")
next(stream)
"""
    )


# --- forks ----------------------------------------------------------------------------------------

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

FORK = """
def fork(work):
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child

def join(child):
    assert os.waitpid(child, 0)[1] == 0

def family(who):
    for n in range(12):
        ask(who, n)
    asyncio.run(crowd(who, 12))
"""


@needs_fork
def test_parent_child_and_grandchild(server):
    run_script(
        FORK
        + """
asyncio.run(crowd("before", 4))
for n in range(4):
    ask("before", n)

def parent_and_child():
    grandchild = fork(lambda: family("grandchild"))
    family("child")
    join(grandchild)

child = fork(parent_and_child)
family("parent")
join(child)
close()
"""
    )


@needs_fork
def test_a_fork_amid_streams(server):
    run_script(
        FORK
        + """
def child(stream):
    ask("child", 0)
    stream.close()  # the child's copy; the parent reads on
    ask("child", 1)

async def main():
    astream = llms[0].astream("<async>")
    began = await anext(astream)
    stream = llms[1].stream("<sync>")
    first = next(stream)
    join(fork(lambda: child(stream)))
    check(collect([first, *stream]), "<sync>")
    check(collect([began, *[chunk async for chunk in astream]]), "<async>")
    await aask("parent", 0)

asyncio.run(main())
close()
"""
    )


@needs_fork
def test_forks_while_threads_call(server):
    run_script(
        FORK
        + """
for n in range(6):  # nobody is importing any more when the forks come
    ask("before", n)
stop = threading.Event()

def busy(thread):
    while not stop.is_set():
        ask(thread, 0)
        ask(thread, 1)

threads = [threading.Thread(target=busy, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
try:
    for child in [fork(lambda: family(n)) for n in range(3)]:
        join(child)
finally:
    stop.set()
for thread in threads:
    thread.join()
close()
""",
        "-W",
        "ignore:This process:DeprecationWarning",
    )


# --- copies and other processes -------------------------------------------------------------------


def test_a_pool_of_processes(server):
    llm = ChatAIMLAPI()
    llm.invoke("<before>")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        answers = [pool.submit(llm.invoke, f"<{n}>") for n in range(10)]
        refused = pool.submit(llm.invoke, "<refuse>")
        for n, answer in enumerate(answers):
            assert set(answer.result().text.split()) == {f"<{n}>"}
            assert answer.result().response_metadata["cost"]["credits"] > 0
        with pytest.raises(AIMLAPIRateLimitError, match="Not so fast") as caught:
            refused.result()
    assert caught.value.retry_after == 3600
    llm.close()


COPIES = {
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "cloudpickle": lambda llm: cloudpickle.loads(cloudpickle.dumps(llm)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
}


@pytest.mark.parametrize("made", COPIES.values(), ids=COPIES)
def test_a_copy_calls_and_closes_for_itself(server, made):
    llm = ChatAIMLAPI()
    stream = llm.stream("<original>")
    next(stream)
    twin = made(llm)
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda n: (llm, twin)[n % 2].invoke(f"<{n}>"), range(16))
        for n, answer in enumerate(answers):
            assert set(answer.text.split()) == {f"<{n}>"}
    twin.close()
    assert next(stream).text
    stream.close()
    assert llm.invoke("<after>").text.startswith("<after>")
    llm.close()
    assert server.wait_for_connections(0)


def test_a_chain_in_another_interpreter(server):
    """As a task queue would do it: by value, with the key from the worker's environment."""
    llm = ChatAIMLAPI()
    llm.invoke("<before>")
    llm.close()

    def work(mark: str) -> Any:
        return (llm | (lambda answer: answer.text.split()[0])).batch([mark] * 3)

    printed = run(
        command(
            """
            import pickle, sys
            print(pickle.load(sys.stdin.buffer)("<worker>"))
            """,
            options=DEV,
        ),
        stdin=cloudpickle.dumps(work),
    )
    assert printed == "['<worker>', '<worker>', '<worker>']\n"
