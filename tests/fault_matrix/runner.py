"""Makes the call of one cell, and checks what must hold whatever the fault is.

No key in any text, log or pickle; errors that copy and pickle with all their fields, and count
their requests as the server does; answers that are whole; partial messages that say what was
shown; waits as the server asked for them; and every connection given back, or closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import pickle
import threading
import time
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from langchain_aimlapi import AIMLAPIError, ChatAIMLAPI, CostTracker
from langchain_aimlapi._http import connections, pool, transport
from tests.fault_matrix.gateways import KEY, SOON, Place, Scripted
from tests.fault_matrix.outcomes import ASYNC, BATCHED, CALLS, DIALECTS, Outcome
from tests.fault_matrix.rows import ROWS, Row
from tests.passing_time import Instead, let_it_pass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_core.messages import AIMessage

_PATIENCE = 20.0  # seconds that a wait may take which no fault is meant to prolong
_PROMPTS = ["Hello", "Hello again"]  # of a batch


class Cell(NamedTuple):
    """One call at one fault."""

    row: Row
    variant: str
    dialect: str
    call: str

    def __str__(self) -> str:
        """A name for the cell."""
        return (
            f"{' '.join(filter(None, (self.row.fault, self.variant)))}-{self.dialect}-{self.call}"
        )


CELLS = [
    Cell(row, variant, dialect, call)
    for row in ROWS
    for variant in row.variants
    for dialect in DIALECTS
    for call in CALLS
]


@dataclass
class Ended:
    """How one call ended: with a message or an error, and with what a stream had shown by then."""

    message: AIMessage | None = None
    error: BaseException | None = None
    shown: str | None = None


class Matrix:
    """Runs cells, one at a time, against one emulator."""

    def __init__(self, scripted: Scripted) -> None:
        """Take a served emulator."""
        self._scripted = scripted

    def run(self, cell: Cell) -> Outcome:
        """Make the call of a cell; return how it ended.

        Raises:
            AssertionError: Something does not hold that must whatever the fault is.
        """
        row = cell.row
        with contextlib.ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            log = stack.enter_context(_listening())
            waits = _without_sleep(patch)
            registry = pool._Registry()
            patch.setattr(pool, "_registry", registry)
            stack.callback(registry.threads.close_idle)
            _limit(patch, row.limits(cell.call))
            if row.prepare is not None:
                row.prepare(patch)
            steps = row.variants[cell.variant]
            place = stack.enter_context(
                contextlib.nullcontext(self._scripted.place(steps))
                if isinstance(steps, tuple)
                else steps(patch)
            )
            llm = ChatAIMLAPI(
                use_responses_api=cell.dialect == "responses",
                deadline=row.deadline,
                **place.settings,
            )
            if cell.call == "batch":
                _connect_together(patch)
            shown: list[str] = []
            if row.deadline is not None and row.deadline_passes:
                let_it_pass(patch, row.deadline, lambda: _is_met(cell, place, shown))
            with CostTracker() as tracker:
                ended = _call(llm, cell.call, shown, place, registry)
            outcomes = {_judge(each, row) for each in ended}
            assert len(outcomes) == 1, outcomes
            outcome = replace(*outcomes, unpriced=tracker.total.unpriced // len(ended))
            assert tracker.total.unpriced == outcome.unpriced * len(ended)
            assert tracker.total.calls == len(ended)
            _assert_counted(place, outcome.requests, len(ended))
            assert place.wait_for_connections(0), "a connection is left open"
        assert len(waits) == (outcome.requests - 1) * len(ended), waits
        shortest, longest = row.waits
        assert all(shortest <= wait <= longest for wait in waits), waits
        _assert_clean(*log.texts)
        assert log.warnings == []
        return outcome


# --- the call -------------------------------------------------------------------------------------


def _call(
    llm: ChatAIMLAPI, call: str, shown: list[str], place: Place, registry: Any
) -> list[Ended]:
    """Make a call, and see that its connections are given back and then closed.

    Args:
        llm: Whom to call.
        call: How.
        shown: Takes what a stream shows, as it comes.
        place: Where the call goes.
        registry: Has the connections.
    """
    if call in ASYNC:
        ended = asyncio.run(_acall(llm, call, shown, place, registry))
        assert registry.loops == {}
    else:
        ended = _CALLS[call](llm, shown)
        kept = registry.threads
        _assert_released(kept._slots._value, kept._free, place)
        llm.close()
    return ended


async def _acall(
    llm: ChatAIMLAPI, call: str, shown: list[str], place: Place, registry: Any
) -> list[Ended]:
    ended = await _ASYNC_CALLS[call](llm, shown)
    (kept,) = registry.loops.values()
    # Waiting for the server blocks the loop on purpose: whatever closes late has closed too late.
    _assert_released(kept._slots._free, kept._free, place)
    await llm.aclose()
    return ended


def _assert_released(slots: int, free: Any, place: Place) -> None:
    """Check that no call has a connection: each is idle and kept, or closed."""
    assert slots == connections.most_open(), "a call still has its slot"
    idle = [line.connection for lines in free._idle.values() for line in lines]
    assert all(connection.is_idle() for connection in idle)
    assert place.wait_for_connections(len(idle)), "a connection is neither kept nor closed"


def _assert_counted(place: Place, requests: int, calls: int) -> None:
    """Check the number of requests against what arrived, which may be some time after the call."""
    if place.arrived is None:
        return
    patience = time.monotonic() + SOON
    while sum(place.arrived()) < requests * calls and time.monotonic() < patience:
        time.sleep(0.01)
    arrived = place.arrived()
    if len(arrived) == 1:  # there, nobody tells the calls of a batch apart
        assert arrived == [requests * calls]
    else:
        assert arrived == [requests] * calls


def _invoke(llm: ChatAIMLAPI, _: list[str]) -> list[Ended]:
    try:
        return [Ended(message=llm.invoke("Hello"))]
    except Exception as error:  # noqa: BLE001 - the table shows what it is
        return [Ended(error=error)]


async def _ainvoke(llm: ChatAIMLAPI, _: list[str]) -> list[Ended]:
    try:
        return [Ended(message=await llm.ainvoke("Hello"))]
    except Exception as error:  # noqa: BLE001
        return [Ended(error=error)]


def _batch(llm: ChatAIMLAPI, _: list[str]) -> list[Ended]:
    return _of_batch(llm.batch(_PROMPTS, return_exceptions=True))


async def _abatch(llm: ChatAIMLAPI, _: list[str]) -> list[Ended]:
    return _of_batch(await llm.abatch(_PROMPTS, return_exceptions=True))


def _of_batch(results: Sequence[Any]) -> list[Ended]:
    return [
        Ended(error=result) if isinstance(result, BaseException) else Ended(message=result)
        for result in results
    ]


def _stream(llm: ChatAIMLAPI, shown: list[str]) -> list[Ended]:
    chunks: list[Any] = []
    try:
        for chunk in llm.stream("Hello"):
            chunks.append(chunk)
            shown.append(chunk.text)
    except Exception as error:  # noqa: BLE001
        return [Ended(error=error, shown="".join(shown))]
    return [Ended(message=sum(chunks[1:], chunks[0]), shown="".join(shown))]


async def _astream(llm: ChatAIMLAPI, shown: list[str]) -> list[Ended]:
    chunks: list[Any] = []
    try:
        async for chunk in llm.astream("Hello"):
            chunks.append(chunk)
            shown.append(chunk.text)
    except Exception as error:  # noqa: BLE001
        return [Ended(error=error, shown="".join(shown))]
    return [Ended(message=sum(chunks[1:], chunks[0]), shown="".join(shown))]


def _stream_events(llm: ChatAIMLAPI, shown: list[str]) -> list[Ended]:
    try:
        stream = llm.stream_events("Hello", version="v3")
        for event in stream:
            if event["event"] == "content-block-delta":
                shown.append(event["delta"]["text"])  # noqa: PERF401 - what came first counts
        return [Ended(message=stream.output, shown="".join(shown))]
    except Exception as error:  # noqa: BLE001
        return [Ended(error=error, shown="".join(shown))]


_CALLS = {
    "invoke": _invoke,
    "batch": _batch,
    "stream": _stream,
    "stream_events": _stream_events,
}
_ASYNC_CALLS = {"ainvoke": _ainvoke, "abatch": _abatch, "astream": _astream}


# --- what it ended in -----------------------------------------------------------------------------


def _judge(ended: Ended, row: Row) -> Outcome:
    """Check an answer or an error, and say which it was."""
    if ended.message is not None:
        message = ended.message
        assert message.text == row.text
        assert ended.shown in {None, row.text}
        _assert_clean(repr(message), pickle.dumps(message).decode("latin-1"))
        return Outcome(None, message.response_metadata["attempts"])
    error: Any = ended.error
    assert isinstance(error, AIMLAPIError), repr(error)
    partial = getattr(error, "partial_message", None)
    if partial is None:
        assert not ended.shown
    else:
        assert partial.text
        assert partial.text == ended.shown
        assert row.text.startswith(partial.text)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (again.args, vars(again)) == (error.args, vars(error))
        _assert_clean(*_texts_of(again))
    _assert_clean(*_texts_of(error), pickle.dumps(error).decode("latin-1"))
    return Outcome(type(error), error.attempts, error.is_retryable, partial is not None)


def _texts_of(error: BaseException) -> Iterator[str]:
    """All that can be read off an error and what it came from."""
    yield from traceback.format_exception(error)
    current: BaseException | None = error
    while current is not None:
        yield from (str(current), repr(current), repr(current.args), repr(vars(current)))
        current = current.__cause__ or current.__context__


def _assert_clean(*texts: str) -> None:
    """Check that no text has the key, not even cut at its beginning."""
    secret = KEY.removeprefix("sk-")
    for text in texts:
        at = text.find(secret)
        assert at < 0, f"the key shows: …{text[max(0, at - 200) : at]}…"


# --- time and logs --------------------------------------------------------------------------------


def _limit(patch: pytest.MonkeyPatch, limits: Mapping[str, float]) -> None:
    """Set single timeouts, which `ChatAIMLAPI` has no fields for; the others are not to strike."""
    waits = {
        **dict.fromkeys(("connect", "first_byte", "idle", "write", "pool"), _PATIENCE),
        **limits,
    }

    def of(_: object, call: float | None = None, __: float | None = None) -> transport.Timeouts:
        return transport.Timeouts(**waits, call=call)

    patch.setattr(transport.Timeouts, "of", of)


def _without_sleep(patch: pytest.MonkeyPatch) -> list[float]:
    """Note the waits between requests instead of waiting."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    patch.setattr(transport, "time", Instead(time, sleep=waits.append))
    patch.setattr(transport, "asyncio", Instead(asyncio, sleep=sleep))
    return waits


def _connect_together(patch: pytest.MonkeyPatch) -> None:
    """Let no call of a batch begin when another is over: it would be sent on a kept connection.

    What fails there is sent again for nothing, so fewer requests would count.
    """
    have_met = threading.Event()
    gate = threading.Barrier(len(_PROMPTS), have_met.set)
    connect = connections.Connections._connect

    def wait_and_connect(self: connections.Connections, route: Any) -> Any:
        if not have_met.is_set():
            gate.wait(SOON)
        return connect(self, route)

    patch.setattr(connections.Connections, "_connect", wait_and_connect)


def _is_met(cell: Cell, place: Place, shown: Sequence[str]) -> bool:
    """Tell whether the fault is there: all requests came, and what is to be shown is shown."""
    if cell.row.expected(cell.call).keeps_partial:
        return any(shown)
    calls = len(_PROMPTS) if cell.call in BATCHED else 1
    return place.arrived is not None and sum(place.arrived()) >= calls


class _Log(logging.Handler):
    """Keeps the text of each record, and all that hangs on it. Nothing here deserves a warning."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(vars(record))]
        if record.levelno >= logging.WARNING:
            self.warnings.append(record.getMessage())


@contextlib.contextmanager
def _listening() -> Iterator[_Log]:
    """Hear all that is logged in a block, by whomever."""
    root, log = logging.getLogger(), _Log()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.setLevel(level)
        root.removeHandler(log)
