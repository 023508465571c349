"""Money: what a call costs, and the record of what was billed.

Credits are integers, so sums are exact to the credit.
"""

from __future__ import annotations

import threading
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.exchange import Dialect

CREDITS_PER_USD = 2_000_000
"""AI/ML API documentation, billing, 2026-08."""


class Price(NamedTuple):
    """Credits for one million tokens. One USD for a million tokens is 2,000,000 credits here.

    Attributes:
        input: A prompt token.
        output: A generated token.
        cached: A prompt token that came from a cache.
    """

    input: int
    output: int
    cached: int


# Example figures so that calls cost something, not the truth: prices move. They are those of the
# vendor's Dify plugin (2026): 1.625/13, 3.25/26 and 0.325/2.6 USD. None is published for
# chat-latest. A tenth for cached tokens is the upstream's usual rate, the gateway's is unknown.
EXAMPLE_PRICES = {
    "openai/gpt-5-1": Price(3_250_000, 26_000_000, 325_000),
    "openai/gpt-5-1-chat-latest": Price(3_250_000, 26_000_000, 325_000),
    "openai/gpt-5-1-codex": Price(6_500_000, 52_000_000, 650_000),
    "openai/gpt-5-1-codex-mini": Price(650_000, 5_200_000, 65_000),
}


@dataclass(frozen=True)
class Usage:
    """Token counts of one call.

    Attributes:
        input_tokens: All prompt tokens, cached ones included.
        output_tokens: All generated tokens, reasoning included.
        cached_tokens: How many of the prompt tokens came from a cache.
        reasoning_tokens: How many of the generated tokens were reasoning.
    """

    input_tokens: int
    output_tokens: int
    _: KW_ONLY
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and generated tokens together."""
        return self.input_tokens + self.output_tokens


def price_of(model: str) -> Price:
    """The example price of `model`, by id or bare name; for others that of `openai/gpt-5-1`."""
    prices = (EXAMPLE_PRICES.get(name) for name in (model, f"openai/{model}", "openai/gpt-5-1"))
    return next(price for price in prices if price is not None)


def credits_for(model: str, usage: Usage) -> int:
    """What a call costs, in whole credits, rounded up (how the gateway rounds is unknown)."""
    price = price_of(model)
    fresh = usage.input_tokens - usage.cached_tokens
    millionths = (
        fresh * price.input
        + usage.cached_tokens * price.cached
        + usage.output_tokens * price.output
    )
    return -(-millionths // 1_000_000)


def to_usd(amount: int) -> float:
    """Credits in USD."""
    return amount / CREDITS_PER_USD


@dataclass(frozen=True)
class LedgerEntry:
    """One inference request: what was billed for it, if anything.

    Attributes:
        inference_id: The id in the `x-inference-id` header.
        client_request_id: The caller's own id, where it sent a valid one.
        model: The requested model.
        endpoint: Which of the two APIs.
        status: The HTTP status answered.
        usage: Token counts; `None` where the call failed.
        credits: Credits billed; 0 where nothing was.
        created: Unix time in seconds.
    """

    inference_id: str
    client_request_id: str | None
    model: str
    endpoint: Dialect
    status: int
    usage: Usage | None
    credits: int
    created: float

    @property
    def usd(self) -> float:
        """What was billed, in USD."""
        return to_usd(self.credits)

    @property
    def succeeded(self) -> bool:
        """Whether the call was answered by the model."""
        return self.usage is not None


class Account:
    """The balance and the log of requests, safe for use by several threads.

    Args:
        balance_usd: What is on the account, in USD.

    Attributes:
        credits: What is left, in credits.
    """

    def __init__(self, balance_usd: float) -> None:
        """Open an account without any requests."""
        self._lock = threading.Lock()
        self._log: list[LedgerEntry] = []
        self.credits = 0
        self.set_balance(balance_usd)

    def set_balance(self, usd: float) -> None:
        """Set what is left, in USD."""
        with self._lock:
            self.credits = round(usd * CREDITS_PER_USD)

    def record(self, entry: LedgerEntry) -> None:
        """Log a request, and take what it costs."""
        with self._lock:
            self._log.append(entry)
            self.credits -= entry.credits

    @property
    def log(self) -> list[LedgerEntry]:
        """Every inference request, oldest first."""
        with self._lock:
            return list(self._log)

    @property
    def billed(self) -> list[LedgerEntry]:
        """The requests that were answered and billed, oldest first."""
        return [entry for entry in self.log if entry.succeeded]
