"""What a finished call counts as: billed, cached, unpriced or failed. Pure functions of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration

from langchain_aimlapi._wire.account import CREDITS_PER_USD
from langchain_aimlapi.errors import (
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
)
from langchain_aimlapi.errors.facts import UNBILLED_PHASES
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from langchain_core.outputs import LLMResult

    from langchain_aimlapi.account import UsageLogEntry


class Spend(NamedTuple):
    """Sums over calls.

    Attributes:
        billed: Calls with a price.
        cached: Answers from LangChain's cache; they cost nothing, and their old price is not added.
        unpriced: Requests that may have been billed, but of which no price came: the last one of a
            call, and those before it that were sent whole and got no byte back.
        failed: Calls that failed and were not billed.
        credits: What the billed calls cost; 2,000,000 credits are 1 USD.
        input_tokens: Of all calls that told it, the cached ones aside.
        output_tokens: The same.
        resent: Those of the unpriced after which the call went on, with another request.
    """

    billed: int = 0
    cached: int = 0
    unpriced: int = 0
    failed: int = 0
    credits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    resent: int = 0

    @property
    def usd(self) -> float:
        """What the billed calls cost, in USD."""
        return self.credits / CREDITS_PER_USD

    @property
    def calls(self) -> int:
        """All calls that have ended."""
        return self.billed + self.cached + self.unpriced + self.failed - self.resent

    def plus(self, other: Spend) -> Spend:
        """Add two sums up."""
        return Spend(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return numbers by name, `usd` among them."""
        return {"usd": self.usd, **self._asdict()}


class UnpricedCall(NamedTuple):
    """A call with a request of which no price came, and the ids by which to look it up.

    Attributes:
        model: The model that was asked.
        inference_id: The gateway's id; None if it did not come, or LangChain did not pass it on.
        client_request_id: The id that was sent; None in the same cases.
        run_id: LangChain's id of the run. Calls that know it send it as their client request id:
            all but `stream` and `astream`, unless the model was given ids of another kind.
    """

    model: str
    inference_id: str | None
    client_request_id: str | None
    run_id: UUID


class Unpriced(NamedTuple):
    """The requests of a call of which no price came.

    Attributes:
        ids: By which to look them up.
        requests: How many they are.
        resent: After how many of them the call went on.
        answer: The gateway's id of the call's answer, if its price is known.
    """

    ids: UnpricedCall
    requests: int
    resent: int
    answer: str | None

    def settled_by(self, rows_by_id: Mapping[str, Sequence[UsageLogEntry]]) -> Spend | None:
        """Return what the sums change by with the prices of the usage log; None without any.

        Args:
            rows_by_id: Its rows, each by its inference id and by its client request id.
        """
        ids = self.ids
        # The inference id is that of the last request alone.
        last = None if self.resent else ids.inference_id
        key = last or ids.client_request_id or ids.inference_id or str(ids.run_id)
        rows = [
            row
            for row in rows_by_id.get(key, ())
            if self.answer is None or row.inference_id != self.answer
        ]
        priced = [row.credits for row in rows if row.credits is not None]
        if not priced:
            return None
        known = Spend(unpriced=-self.requests, resent=-self.resent, credits=sum(priced))
        if self.requests == self.resent:  # how the call ended is counted already
            return known
        billed = any(row.succeeded for row in rows)
        return known._replace(billed=billed, failed=not billed)


def table(by_model: Mapping[str, Spend], total: Spend) -> str:
    """Write sums down, a row for each model and one for their total."""
    head = ("model", "billed", "cached", "unpriced", "failed", "in", "out", "credits", "USD")
    rows: list[tuple[str, ...]] = [head]
    for model, spend in (*by_model.items(), ("total", total)):
        counts = (spend.billed, spend.cached, spend.unpriced, spend.failed)
        tokens = (spend.input_tokens, spend.output_tokens)
        numbers = [f"{number:,}" for number in (*counts, *tokens, spend.credits)]
        rows.append((model, *numbers, f"{spend.usd:.6f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def own_message(response: LLMResult | None) -> AIMessage | None:
    """Return the message that a handler is told of, if a model of this package made it.

    An error's result may hold one that LangChain has made of the error.
    """
    for generations in response.generations if response is not None else ():
        for generation in generations:
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage):
                found = message.response_metadata.get("model_provider")
                return message if found == MODEL_PROVIDER else None
    return None


def is_cached(message: AIMessage) -> bool:
    """Tell whether LangChain has taken a message from its cache: it sets this price to an int 0."""
    total_cost = dict(message.usage_metadata or {}).get("total_cost")
    return total_cost == 0 and isinstance(total_cost, int)


def may_be_billed(error: BaseException) -> bool:
    """Tell whether a call that ended in this error may have been billed all the same.

    Refused calls are not charged (AI/ML API documentation, errors, 2026-08). What remains are
    answers that began, or of which nobody knows.
    """
    known: bool | None = getattr(error, "may_be_billed", None)
    if known is not None:
        return known
    if isinstance(error, AIMLAPITimeoutError):
        return error.phase not in UNBILLED_PHASES
    if isinstance(error, AIMLAPIProtocolError):
        # A success status, or what came could not be read at all. A redirect is neither.
        return error.status_code is None or error.status_code < 300  # noqa: PLR2004
    if isinstance(error, AIMLAPIConnectionError):
        return error.request_id is not None  # broke inside the answer, after its headers
    if isinstance(error, AIMLAPIError):
        return isinstance(error, AIMLAPIStreamInterruptedError)
    return not isinstance(error, Exception)  # stopped from outside: cancelled, closed, interrupted


def spend_of(
    message: AIMessage | None, error: BaseException | None = None, *, sent: bool = True
) -> Spend:
    """Say what a call that has ended counts as; one of which nothing was sent has failed."""
    resent: int = getattr(error, "unpriced_attempts", 0)
    if message is None:
        is_unknown = sent and (error is None or may_be_billed(error))
        return Spend(unpriced=is_unknown + resent, failed=not is_unknown, resent=resent)
    if is_cached(message):
        return Spend(cached=1)
    resent = resent or message.response_metadata.get("unpriced_attempts", 0)
    usage = message.usage_metadata
    tokens = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
    spend = Spend(unpriced=resent, resent=resent, input_tokens=tokens[0], output_tokens=tokens[1])
    cost = message.response_metadata.get("cost")
    if cost is None:
        return spend._replace(unpriced=1 + resent)
    return spend._replace(billed=1, credits=cost["credits"])
