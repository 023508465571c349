"""A call that is over leaves memory at once: nothing of it waits for Python's collector.

What was sent can be an image of many megabytes, and a collection of all that LangChain loads takes
a tenth of a second in which nothing else runs. A program of its own, for what instruments a process
(Sentry does, in tests of hooks) keeps the errors that it reports.
"""

from __future__ import annotations

import gc

import pytest

from langchain_aimlapi import AIMLAPIError
from langchain_aimlapi._model.watch import Watch
from tests.conftest import WAYS
from tests.programs import command, run

PROGRAM = """
    import asyncio, contextlib, gc, itertools, sys

    from pydantic import BaseModel

    from langchain_aimlapi import AIMLAPIError, ChatAIMLAPI
    from langchain_aimlapi.emulator import Emulator, Fault

    class Place(BaseModel):
        "A place on earth."

        name: str
        people: int

    async def ask(llm, way):
        with contextlib.suppress(AIMLAPIError):
            if way == "invoke":
                llm.invoke("Hello")
            elif way == "ainvoke":
                await llm.ainvoke("Hello")
            elif way == "stream":
                list(llm.stream("Hello"))
            else:
                [_ async for _ in llm.astream("Hello")]

    def left_over():
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = {f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage}
        gc.set_debug(0)
        gc.garbage.clear()
        ours = ("langchain_aimlapi.", "httpx.", "httpcore.")
        emulator = "langchain_aimlapi.emulator"
        return sorted(k for k in kinds if k.startswith(ours) and not k.startswith(emulator))

    async def left_by(llm, way):
        await ask(llm, way)  # loads what others find
        gc.collect()
        await ask(llm, way)
        return left_over()

    def answers(llm):
        yield "text", llm
        yield "tool", llm.bind_tools([Place], tool_choice="Place")
        for method in ("json_schema", "function_calling"):
            yield method, llm.with_structured_output(Place, method=method)

    async def main(responses, *ways):
        model = dict(use_responses_api=responses == "True")
        with Emulator().serve() as server:
            for kind, llm in answers(ChatAIMLAPI(**server.connection(), **model)):
                for way in ways:
                    print(kind, way, await left_by(llm, way))
        ways = [way for way in ways if way != "ainvoke"]  # LangChain's own keeps its errors
        for kind, fault in ("refused", Fault.status(503, retry_after=0)), ("cut", Fault.cut(3)):
            for way, retries in itertools.product(ways, (0, 1)):
                with Emulator().script(*[fault] * 4).serve() as server:
                    llm = ChatAIMLAPI(**server.connection(), **model, max_retries=retries)
                    print(kind, way, await left_by(llm, way))

    gc.disable()
    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.enable_socket
@pytest.mark.parametrize("use_responses_api", [False, True])
def test_a_call_leaves_nothing(use_responses_api):
    """But a failed `ainvoke`: LangChain's `agenerate` keeps the error in the frame that raises."""
    lines = run(command(PROGRAM, use_responses_api, *WAYS)).splitlines()
    assert len(lines) == 4 * 4 + 2 * 3 * 2
    assert [line for line in lines if not line.endswith(" []")] == []


def test_a_watch_that_is_over_keeps_no_errors():
    """Asyncio's timers keep the context of a call, with its watch, for many minutes."""
    watch, error = Watch(), AIMLAPIError("Too late.")
    with watch:
        watch.ended(None, error)
    assert error not in gc.get_referents(*vars(watch).values())
