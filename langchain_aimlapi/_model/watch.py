"""Calls that are cancelled: LangChain tells no handler of their end, so the model does."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID


class Watch:
    """The calls of one `agenerate`. LangChain tells no handler when such a call is cancelled."""

    def __init__(self) -> None:
        self._ends: list[tuple[UUID, Callable[[BaseException, bool], None]]] = []
        self._sent: set[UUID | None] = set()

    def add(self, run_id: UUID, end: Callable[[BaseException, bool], None]) -> None:
        """Have `end` called if the call is cancelled: with the error, and whether it was sent."""
        self._ends.append((run_id, end))

    def note_sent(self, run_id: UUID | None) -> None:
        """Note that a request of a call has been made; None stands for any of them."""
        self._sent.add(run_id)

    def cancelled(self, error: BaseException) -> None:
        """End all calls that have not ended."""
        for run_id, end in self._ends:
            end(error, not self._sent.isdisjoint({run_id, None}))


_watch: ContextVar[Watch | None] = ContextVar("aimlapi_watched_calls", default=None)


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Tell handlers of calls that begin in the block, and that it is cancelled with."""
    token = _watch.set(watch := Watch())
    try:
        yield
    except Exception:  # LangChain tells handlers of these
        raise
    except BaseException as error:
        watch.cancelled(error)
        raise
    finally:
        _watch.reset(token)


def watch_call(run_id: UUID, end: Callable[[BaseException, bool], None]) -> None:
    """Have a handler hear of a call that is cancelled; see `Watch.add`."""
    if (watch := _watch.get()) is not None:
        watch.add(run_id, end)


def note_sent(run_id: UUID | None) -> None:
    """Note that a request of this call is made: cancelled from here on, it may be billed."""
    if (watch := _watch.get()) is not None:
        watch.note_sent(run_id)
