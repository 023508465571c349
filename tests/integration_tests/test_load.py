"""More calls at once than there are connections, and many of them: see `tests/load`."""

from __future__ import annotations

import sys

import pytest

from langchain_aimlapi.emulator import Emulator, Reply
from tests.load.fates import FATES, ROUND, fate, uses_responses, way
from tests.programs import command, run

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow, pytest.mark.timeout(300)]

WHOLE = [sys.executable, "-W", "error", "-m", "tests.load"]


def test_every_fate_comes_to_every_way_and_endpoint():
    first, later = (
        sorted((fate(n).name, way(n), uses_responses(n)) for n in range(start, start + ROUND))
        for start in (0, 12_345)
    )
    assert len(set(first)) == len(FATES) * 4 * 2
    assert first == later
    faults = [n for n in range(ROUND) if fate(n).fault]
    assert len(faults) == ROUND * 0.05


def test_a_thousand_calls_and_five_hundred_streams_at_once():
    printed = run([*WHOLE, "--calls", str(ROUND)], timeout=280)
    assert f"{ROUND} calls in " in printed
    assert printed.endswith("\nok\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured in /proc")
def test_nothing_grows():
    assert run([*WHOLE, "--soak", "4"], timeout=280).endswith("\nok\n")


FEW_FILES = """
    import asyncio, resource, sys

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    from langchain_aimlapi import ChatAIMLAPI

    llms = [
        ChatAIMLAPI(
            api_key="emulator-key",
            base_url=sys.argv[1],
            use_responses_api=n == 1,
            max_retries=0,
            timeout=200,
        )
        for n in range(2)
    ]

    async def astream(llm, mark):
        return "".join([chunk.text async for chunk in llm.astream(mark)])

    async def main():
        calls = [llms[n % 2].ainvoke(f"<{n}>") for n in range(400)]
        streams = [astream(llms[n % 2], f"<{n}>") for n in range(400, 600)]
        answers = await asyncio.gather(*calls, *streams)
        texts = [getattr(answer, "text", answer) for answer in answers]
        assert texts == [f"<{n}>" for n in range(600)]

    asyncio.run(main())
    answers = llms[0].batch([f"<{n}>" for n in range(300)], {"max_concurrency": 300})
    assert [answer.text for answer in answers] == [f"<{n}>" for n in range(300)]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits can be set there")
def test_more_calls_than_files_wait_their_turn():
    emulator = Emulator()
    emulator.respond_with(
        lambda request: Reply(f"<{request.body.decode().rpartition('<')[2].partition('>')[0]}>")
    )
    with emulator.serve() as server:
        run(command(FEW_FILES, server.base_url), timeout=280)
        assert len(emulator.requests) == 900
        assert server.accepted <= 256
