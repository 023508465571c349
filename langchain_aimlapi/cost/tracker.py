"""The tracker: which calls it counts, what they add up to, and when it admits no more."""

# ruff: noqa: SLF001 - trackers keep each other's books

from __future__ import annotations

import functools
import math
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook
from typing_extensions import Self, override

from langchain_aimlapi._model.watch import watch_call
from langchain_aimlapi._wire.account import CREDITS_PER_USD
from langchain_aimlapi.cost.spend import (
    Spend,
    Unpriced,
    UnpricedCall,
    own_message,
    spend_of,
    table,
)
from langchain_aimlapi.errors import AIMLAPIConfigurationError, AIMLAPIError
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import LLMResult
    from typing_extensions import Unpack

    from langchain_aimlapi.account import UsageLogEntry
    from langchain_aimlapi.errors import ErrorDetails


class SpendLimitExceeded(AIMLAPIError):  # noqa: N818 - the name says it
    """A call was not made, because a `CostTracker` has no more to spend.

    Never retryable.

    Attributes:
        spent_usd: What was billed so far, in USD.
        limit_usd: The tracker's limit, in USD.
    """

    def __init__(
        self,
        message: str,
        *,
        spent_usd: float = 0.0,
        limit_usd: float = 0.0,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Keep the amounts; the rest is as in `AIMLAPIError`."""
        super().__init__(message, **details)
        self.spent_usd = spent_usd
        self.limit_usd = limit_usd


class _Call(NamedTuple):
    """A call that has begun."""

    model: str
    trackers: tuple[CostTracker, ...]
    """All that count it."""


class CostTracker(BaseCallbackHandler):
    """Adds up what calls of the AI/ML API cost.

    ```python
    with CostTracker(limit_usd=0.50) as tracker:
        agent.invoke({"messages": [("user", "Plan my week")]})
    print(tracker)  # a table; tracker.usd, tracker.credits, tracker.by_model
    ```

    A `with` block counts every call made inside: by chains, agents, LangGraph, `batch`, and asyncio
    tasks started there. Blocks nest, and a call counts once in each. Threads that you start
    yourself do not see the block: run their work in `contextvars.copy_context()`, or pass the
    tracker like any other handler, `config={"callbacks": [tracker]}` (which LangGraph hands on to
    async nodes from Python 3.11 only). Calls of other providers' models are not counted.

    Some answers have no price: streams that were cut, stopped, or closed early, calls that were
    cancelled, and answers of gateways that do not tell. They are counted as unpriced, and
    `unpriced_calls` has their ids; `settle` adds their prices once the usage log knows them. Until
    then, or until `write_off`, each keeps its reserve. Calls that were cancelled before a request
    was made have failed. A request that was sent whole and got no byte back may have been billed
    too, and counts as unpriced by itself, also where the next one was answered.

    With a limit, the next call raises `SpendLimitExceeded` in place of a request once that much has
    been billed; answers from the cache are still given. Calls in flight can overshoot the limit,
    unless `reserve_usd` sets aside what one of them may cost. The limit holds in one process:
    give each worker an allowance of its own.

    A tracker may be used by many threads and tasks at once, and again after its block.

    Attributes:
        limit_usd: What may be spent, in USD; None for no limit. May be changed at any time.
        reserve_usd: What is set aside, in USD, for each call that runs or has no price yet.
    """

    raise_error = True
    """A tracker that cannot count is an error, not a line in a log."""
    run_inline = True
    """In async code too, in the context of the call."""

    def __init__(self, *, limit_usd: float | None = None, reserve_usd: float = 0.0) -> None:
        """Start at zero.

        Args:
            limit_usd: What may be spent, in USD; None for no limit.
            reserve_usd: What to set aside for each call in flight, in USD.

        Raises:
            AIMLAPIConfigurationError: An amount that is negative or no number.
        """
        for name, amount in (("limit_usd", limit_usd or 0.0), ("reserve_usd", reserve_usd)):
            if not (math.isfinite(amount) and amount >= 0):
                raise AIMLAPIConfigurationError(f"{name} takes USD, 0 or more, not {amount}.")
        self.limit_usd = limit_usd
        self.reserve_usd = reserve_usd
        self._lock = threading.Lock()
        self._sums: dict[str, list[int]] = {}
        self._credits = 0
        self._open: dict[UUID, _Call] = {}
        self._unpriced: dict[UUID, tuple[_Call, Unpriced]] = {}

    # --- what it knows ----------------------------------------------------------------------------

    @property
    def credits(self) -> int:
        """What was billed, in credits."""
        return self._credits

    @property
    def usd(self) -> float:
        """What was billed, in USD."""
        return self._credits / CREDITS_PER_USD

    @property
    def by_model(self) -> dict[str, Spend]:
        """The sums of each model, under the name that was asked for."""
        with self._lock:
            return {model: Spend(*sums) for model, sums in self._sums.items()}

    @property
    def total(self) -> Spend:
        """The sums over all models."""
        total = Spend()
        for spend in self.by_model.values():
            total = total.plus(spend)
        return total

    @property
    def running(self) -> int:
        """Calls that have begun and not ended."""
        return len(self._open)

    @property
    def unpriced_calls(self) -> list[UnpricedCall]:
        """The calls with a request of which no price came, oldest first."""
        with self._lock:
            return [each.ids for _, each in self._unpriced.values()]

    def to_dict(self) -> dict[str, Any]:
        """Return all sums as values that JSON can hold."""
        by_model = {model: spend.to_dict() for model, spend in self.by_model.items()}
        return {
            **self.total.to_dict(),
            "running": self.running,
            "limit_usd": self.limit_usd,
            "by_model": by_model,
        }

    def __repr__(self) -> str:
        """Say the sum in a line."""
        return f"CostTracker(usd={self.usd:.6f}, calls={self.total.calls}, limit={self.limit_usd})"

    def __str__(self) -> str:
        """Return a table with a row for each model, and their total."""
        return table(self.by_model, self.total)

    def settle(self, entries: Iterable[UsageLogEntry]) -> int:
        """Add the prices of calls that came without one, here and in the trackers around.

        ```python
        ids = [call.inference_id for call in tracker.unpriced_calls]
        tracker.settle(llm.usage_log(inference_id=ids))
        ```

        Args:
            entries: Rows of the usage log, in any order; those of other calls are passed over. A
                call is known by its inference id, else by its client request id, else its run id.

        Returns:
            How many calls were settled.
        """
        by_id: dict[str, list[UsageLogEntry]] = {}
        for entry in entries:
            for name in {entry.inference_id, entry.client_request_id} - {None}:
                by_id.setdefault(str(name), []).append(entry)
        with self._lock:
            unpriced = list(self._unpriced.values())
        settled = 0
        for call, each in unpriced:
            if (known := each.settled_by(by_id)) is None:
                continue
            for tracker in call.trackers:
                tracker._settle_one(each.ids, known)
            settled += 1
        return settled

    def write_off(self) -> int:
        """Give up waiting for prices: unpriced calls hold no reserve any more.

        They stay counted as unpriced, here and in the trackers around, and can no longer be
        settled.

        Returns:
            How many calls were written off.
        """
        with self._lock:
            unpriced = list(self._unpriced.items())
        for run_id, (call, _) in unpriced:
            for tracker in call.trackers:
                tracker._write_off_one(run_id)
        return len(unpriced)

    # --- as a context manager ---------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Count what is called from here on, in this context and those copied from it."""
        _set_stack((*_stack.get(), self))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting in this context; in another one than was entered there is nothing to do."""
        stack = list(reversed(_stack.get()))
        if self in stack:
            stack.remove(self)
            _set_stack(tuple(reversed(stack)))

    def __copy__(self) -> Self:
        """Return the tracker itself: copies of a configuration count together."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the tracker itself: copies of a configuration count together."""
        return self

    # --- as a callback handler --------------------------------------------------------------------

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note that a call begins, and decide whether it may."""
        facts = metadata or {}
        if facts.get("ls_provider") != MODEL_PROVIDER or run_id in _refused:
            return
        _started.set(run_id)
        trackers = tuple(dict.fromkeys((self, *_stack.get())))
        call = _Call(str(facts.get("ls_model_name")), trackers)
        for at, tracker in enumerate(trackers):
            if refusal := tracker._admit(run_id, call):
                for admitted in trackers[:at]:
                    admitted._forget(run_id)
                _refused[run_id] = refusal
                return
        watch_call(run_id, functools.partial(self._end_cancelled, run_id))

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Add the price of a call that ended well."""
        self._end(run_id, own_message(response), None)

    @override
    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        response: LLMResult | None = None,
        **kwargs: Any,
    ) -> None:
        """Count a call that failed: as unpriced if it may have been billed."""
        self._end(run_id, own_message(response), error)

    def _end_cancelled(self, run_id: UUID, error: BaseException, sent: bool) -> None:  # noqa: FBT001
        self._end(run_id, None, error, sent=sent)

    def _end(
        self,
        run_id: UUID,
        message: AIMessage | None,
        error: BaseException | None,
        *,
        sent: bool = True,
    ) -> None:
        _refused.pop(run_id, None)
        call = self._open.get(run_id)
        if call is None:  # of another provider, refused, or counted already by an inner tracker
            return
        spend = spend_of(message, error, sent=sent)
        found = message.response_metadata if message is not None else {}
        inference_id = found.get("inference_id") or getattr(error, "request_id", None)
        is_priced = spend.unpriced == spend.resent
        ids = UnpricedCall(
            call.model,
            None if is_priced else inference_id,
            found.get("client_request_id") or getattr(error, "client_request_id", None),
            run_id,
        )
        answer = inference_id if is_priced else None
        ended = Unpriced(ids, spend.unpriced, spend.resent, answer)
        for tracker in call.trackers:
            tracker._close(ended, spend)

    # --- the books, one entry at a time -----------------------------------------------------------

    def _admit(self, run_id: UUID, call: _Call) -> SpendLimitExceeded | None:
        """Open a call, unless the limit forbids it; one that is open already stays so."""
        with self._lock:
            if run_id in self._open:
                return None
            if self.limit_usd is not None:
                limit, reserve = _credits(self.limit_usd), _credits(self.reserve_usd)
                others = len(self._open) + self._requests_unpriced()
                if self._credits >= limit or self._credits + reserve * (others + 1) > limit:
                    return self._refusal(self.limit_usd, others)
            self._open[run_id] = call
            return None

    def _refusal(self, limit_usd: float, others: int) -> SpendLimitExceeded:
        held = f", and reserve_usd={self.reserve_usd:g} is to be kept for this call"
        if others:
            held += f" and for each of {others} that are running or unpriced"
        if unpriced := self._requests_unpriced():
            held += (
                f" ({unpriced} unpriced, which may have been billed: settle() adds their prices, "
                "write_off() gives up their reserve)"
            )
        return SpendLimitExceeded(
            f"The spend limit is reached: {self.usd:.6f} of {limit_usd:g} USD spent"
            f"{held if self.reserve_usd else ''}. Nothing was sent. Raise the tracker's limit_usd, "
            "or start a new CostTracker.",
            spent_usd=self.usd,
            limit_usd=limit_usd,
        )

    def _forget(self, run_id: UUID) -> None:
        with self._lock:
            self._open.pop(run_id, None)

    def _requests_unpriced(self) -> int:
        return sum(each.requests for _, each in self._unpriced.values())

    def _close(self, ended: Unpriced, spend: Spend) -> None:
        ids = ended.ids
        with self._lock:
            call = self._open.pop(ids.run_id, None)
            if call is None:
                return
            self._add(ids.model, spend)
            if spend.unpriced:
                self._unpriced[ids.run_id] = call, ended

    def _settle_one(self, ids: UnpricedCall, known: Spend) -> None:
        with self._lock:
            if self._unpriced.pop(ids.run_id, None) is not None:
                self._add(ids.model, known)

    def _write_off_one(self, run_id: UUID) -> None:
        with self._lock:
            self._unpriced.pop(run_id, None)

    def _add(self, model: str, spend: Spend) -> None:
        sums = self._sums.setdefault(model, [0] * len(spend))
        for at, number in enumerate(spend):
            sums[at] += number
        self._credits += spend.credits


def _credits(usd: float) -> int:
    return round(usd * CREDITS_PER_USD)


# --- how trackers meet calls ----------------------------------------------------------------------

_stack: ContextVar[tuple[CostTracker, ...]] = ContextVar("aimlapi_cost_trackers", default=())
_innermost: ContextVar[CostTracker | None] = ContextVar("aimlapi_cost_tracker", default=None)
"""The last of the stack. LangChain adds it to the handlers of each run; it serves the others."""
register_configure_hook(_innermost, inheritable=True)


def _set_stack(stack: tuple[CostTracker, ...]) -> None:
    _stack.set(stack)
    _innermost.set(stack[-1] if stack else None)


_started: ContextVar[UUID | None] = ContextVar("aimlapi_started_run", default=None)
"""The call that began last in this context. `_stream` and `_astream` are not told their run."""
_refused: dict[UUID, SpendLimitExceeded] = {}
"""Calls that trackers do not admit, until the model asks."""


def check_spend_limit(run_id: UUID | None) -> None:
    """Raise if a tracker refused the call that is about to be made; the model asks this first.

    Raised by the handler itself, the error would leave the run open in a trace that was told of it
    before.

    Args:
        run_id: The call's run; None for the one that began last in this context.

    Raises:
        SpendLimitExceeded: The limit is reached.
    """
    if _refused and (run_id := run_id or _started.get()) in _refused:
        raise _refused.pop(run_id)
