"""Calls that are cancelled: LangChain tells no handler of their end, so the model does."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from uuid import UUID

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun

_Chunk = TypeVar("_Chunk")


class Watch:
    """A block for the calls of one `agenerate`: told to handlers if it is cancelled."""

    def __init__(self) -> None:
        """Know of no call yet."""
        self._calls: list[tuple[UUID, Callable[[BaseException, bool], None]]] = []
        self._ends: dict[UUID | None, BaseException | None] = {}

    def add(self, run_id: UUID, end: Callable[[BaseException, bool], None]) -> None:
        """Have `end` called if the call is cancelled: with the error, and whether it had begun."""
        self._calls.append((run_id, end))

    def ended(self, run_id: UUID | None, error: BaseException | None) -> None:
        """Note how a call ended; None stands for any run that is not known."""
        self._ends[run_id] = error

    def __enter__(self) -> None:
        """Watch what begins from now on."""
        self._token = _watch.set(self)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """End all calls that have not ended, if nobody else will."""
        _watch.reset(self._token)
        calls, ends = self._calls, self._ends
        # The context of the block outlives it, in asyncio's timers: they need not keep the errors.
        self._calls, self._ends = [], {}
        if error is None or isinstance(error, Exception):  # LangChain tells handlers of these
            return
        for run_id, end in calls:
            known = run_id if run_id in ends else None
            end(ends.get(known) or error, known in ends)


_watch: ContextVar[Watch | None] = ContextVar("aimlapi_watched_calls", default=None)


async def watching_first(chunks: AsyncGenerator[_Chunk, None]) -> AsyncIterator[_Chunk]:
    """Watch a stream until its first chunk; from then on LangChain tells handlers itself."""
    async with contextlib.aclosing(chunks):
        with Watch():
            first = await anext(chunks, None)
        if first is not None:
            yield first
            async for chunk in chunks:
                yield chunk


def watch_call(run_id: UUID, end: Callable[[BaseException, bool], None]) -> None:
    """Have a handler hear of a call that is cancelled; see `Watch.add`."""
    if (watch := _watch.get()) is not None:
        watch.add(run_id, end)


class NotingEnd:
    """A block for one call: notes how it ends."""

    def __init__(self, run_manager: AsyncCallbackManagerForLLMRun | None) -> None:
        """Take the call's run."""
        self._run_id = run_manager.run_id if run_manager is not None else None

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Tell who watches."""
        if (watch := _watch.get()) is not None:
            watch.ended(self._run_id, error)
