"""Requests that were sent and got no byte back: who counts them, and which of them are free."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_aimlapi import AIMLAPIConnectionError, ChatAIMLAPI, CostTracker
from langchain_aimlapi.callbacks import JSONLinesHandler
from langchain_aimlapi.emulator import Emulator, Fault, Reply
from tests.conftest import call, ways
from tests.raw_server import Peer, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.emulator import EmulatorServer

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("own_connections"),
    pytest.mark.parametrize("responses", [False, True], ids=["chat_completions", "responses"]),
]

LOST = pytest.mark.parametrize("lost", [Fault.reset(), Fault.disconnect()], ids=["reset", "closed"])


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with Emulator().serve() as server:
        yield server


class Books:
    """All who count a call."""

    def __init__(self) -> None:
        self.tracker, self._file = CostTracker(), io.StringIO()
        self.config: Any = {"callbacks": [self.tracker, JSONLinesHandler(self._file)]}

    @property
    def counted(self) -> dict[str, int]:
        """What the tracker and the last line of the file say."""
        total = self.tracker.total
        told = {name: getattr(total, name) for name in ("calls", "billed", "unpriced", "failed")}
        return {**told, "line": json.loads(self._file.getvalue().splitlines()[-1])["unpriced"]}


@LOST
@ways
async def test_one_that_was_lost_before_the_answer(server, responses, lost, way):
    books = Books()
    server.emulator.script(lost, Reply("Here."))
    with ChatAIMLAPI(use_responses_api=responses, **server.connection()) as llm:
        answer = await call(llm, way, config=books.config)
        await llm.aclose()
    told = answer.response_metadata
    assert (answer.text, told["attempts"], told["unpriced_attempts"]) == ("Here.", 2, 1)
    assert books.counted == {"calls": 1, "billed": 1, "unpriced": 1, "failed": 0, "line": 1}
    (lost_call,) = books.tracker.unpriced_calls
    assert lost_call.inference_id is None
    assert lost_call.client_request_id == told["client_request_id"]


@ways
async def test_all_of_a_call(server, responses, way):
    books = Books()
    server.emulator.respond_with(lambda _: Fault.reset())
    with ChatAIMLAPI(use_responses_api=responses, max_retries=1, **server.connection()) as llm:
        with pytest.raises(AIMLAPIConnectionError) as caught:
            await call(llm, way, config=books.config)
        await llm.aclose()
    error = caught.value
    assert (error.attempts, error.unpriced_attempts, error.may_be_billed) == (2, 1, True)
    assert books.counted == {"calls": 1, "billed": 0, "unpriced": 2, "failed": 0, "line": 2}


@ways
async def test_one_of_a_users_client(server, responses, way):
    books = Books()
    server.emulator.script(Fault.disconnect(), Reply("Here."))
    async with httpx.AsyncClient() as theirs:
        with httpx.Client() as others:
            llm = ChatAIMLAPI(
                use_responses_api=responses,
                http_client=others,
                http_async_client=theirs,
                **server.connection(),
            )
            answer = await call(llm, way, config=books.config)
    assert answer.response_metadata["unpriced_attempts"] == 1
    assert books.counted == {"calls": 1, "billed": 1, "unpriced": 1, "failed": 0, "line": 1}


@ways
async def test_one_on_a_kept_connection_is_sent_again_free(server, responses, way):
    """The server may have closed it before the request came."""
    books = Books()
    server.emulator.script(Reply("One."), Fault.reset(), Reply("Two."))
    with ChatAIMLAPI(use_responses_api=responses, max_retries=0, **server.connection()) as llm:
        assert (await call(llm, way)).text == "One."
        answer = await call(llm, way, config=books.config)
        await llm.aclose()
    told = answer.response_metadata
    assert (answer.text, told["attempts"], "unpriced_attempts" in told) == ("Two.", 2, False)
    assert books.counted == {"calls": 1, "billed": 1, "unpriced": 0, "failed": 0, "line": 0}


@ways
async def test_once_and_no_more(server, responses, way):
    books = Books()
    server.emulator.script(Reply("One."), Fault.reset(), Fault.reset(), Reply("Two."))
    with ChatAIMLAPI(use_responses_api=responses, max_retries=0, **server.connection()) as llm:
        await call(llm, way)
        with pytest.raises(AIMLAPIConnectionError) as caught:
            await call(llm, way, config=books.config)
        await llm.aclose()
    assert caught.value.attempts == 2
    assert books.counted == {"calls": 1, "billed": 0, "unpriced": 1, "failed": 0, "line": 1}


@ways
async def test_one_that_was_not_written_whole(responses, way):
    def hang_up(peer: Peer) -> None:
        peer.sock.recv(1024)
        peer.reset()

    books = Books()
    with Server(hang_up) as server:
        llm = ChatAIMLAPI(
            api_key="k", base_url=server.base_url, use_responses_api=responses, max_retries=1
        )
        with pytest.raises(AIMLAPIConnectionError) as caught:
            await call(llm, way, "word " * 4_000_000, config=books.config)
        await llm.aclose()
    error = caught.value
    assert (error.attempts, error.unpriced_attempts, error.may_be_billed) == (2, 0, False)
    assert books.counted == {"calls": 1, "billed": 0, "unpriced": 0, "failed": 1, "line": 0}


@ways
async def test_the_usage_log_tells_the_price(server, responses, way):
    """The log has a row of the answer, whose price is known, and one of what was lost."""
    books = Books()
    server.emulator.script(Fault.disconnect(), Reply("Here."))
    with ChatAIMLAPI(use_responses_api=responses, **server.connection()) as llm:
        answer = await call(llm, way, config=books.config)
        name = answer.response_metadata["client_request_id"]
        rows = llm.usage_log(client_request_id=name)
        told = answer.response_metadata["inference_id"]
        answered = [row for row in rows if row.inference_id == told]
        assert (len(rows), len(answered)) == (2, 1)
        lost = [replace(row, credits=7) for row in rows if row not in answered]
        before = books.tracker.credits
        assert [books.tracker.settle(each) for each in (answered, answered + lost)] == [0, 1]
        await llm.aclose()
    assert books.counted == {"calls": 1, "billed": 1, "unpriced": 0, "failed": 0, "line": 1}
    assert books.tracker.credits == before + 7
    assert books.tracker.unpriced_calls == []
