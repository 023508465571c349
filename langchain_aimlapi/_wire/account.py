"""What the API tells of an account: balance, catalogue and usage log, read into records.

Source of the fields: AI/ML API documentation, models list, billing and usage logs, 2026-08.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._wire.error_text import finite_number
from langchain_aimlapi._wire.refusals import protocol_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._wire.deprecations import Deprecation

CREDITS_PER_USD = 2_000_000
"""AI/ML API documentation, pricing, 2026-08."""


@dataclass(frozen=True)
class Balance:
    """What is left on the account.

    Attributes:
        usd: The amount, in USD.
        currency: The currency that the server names, `"USD"`.
    """

    usd: float
    currency: str = "USD"


@dataclass(frozen=True)
class ModelInfo:
    """One model of the catalogue. What the catalogue does not say is None or empty.

    Attributes:
        id: The name to call it by.
        aliases: Other names of it.
        type: The endpoint that serves it, such as `openai/chat-completions`.
        name: The name to show.
        developer: Who made it.
        context_length: Tokens that it takes in.
        max_output_tokens: Tokens that it gives out at most.
        input_modalities: Such as `("text", "image")`.
        output_modalities: Such as `("text",)`.
        capabilities: Such as `("function-calling",)`.
        pricing: The prices as the catalogue has them; `response_metadata["cost"]` is what is
            billed.
        deprecation: When the API gives it up, and what replaces it; None for models that stay.
    """

    id: str
    aliases: tuple[str, ...] = ()
    type: str | None = None
    name: str | None = None
    developer: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    pricing: Mapping[str, Any] = field(default_factory=dict)
    deprecation: Deprecation | None = None

    def is_called(self, name: str) -> bool:
        """Tell whether `name` is the model's id or one of its aliases."""
        return name == self.id or name in self.aliases


@dataclass(frozen=True)
class UsageLogEntry:
    """One request in the usage log. What the log does not say is None.

    Attributes:
        inference_id: The gateway's id, as in `response_metadata["inference_id"]`.
        client_request_id: The id that was sent, as in `response_metadata["client_request_id"]`;
            requests that were sent again share it.
        request_id: Another id of the gateway's.
        model: The model that was asked.
        status: `"succeeded"` or `"failed"`.
        credits: What was billed; 2,000,000 credits are 1 USD.
        usd: The same in USD.
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer.
        total_tokens: Both.
    """

    inference_id: str | None
    client_request_id: str | None
    request_id: str | None
    model: str | None
    status: str | None
    credits: int | None
    usd: float | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None

    @property
    def succeeded(self) -> bool:
        """Whether the call was answered."""
        return self.status == "succeeded"


def parse_balance(body: Mapping[str, Any]) -> Balance:
    """Read the balance.

    Raises:
        AIMLAPIProtocolError: There is none in the body.
    """
    amount = body.get("current_balance")
    # An overdrawn account is below 0, which other numbers of the API never are.
    if not isinstance(amount, (int, float)) or isinstance(amount, bool):
        raise protocol_error("no current_balance", status_code=200, body=sorted(body))
    return Balance(float(amount), str(body.get("currency") or "USD"))


def parse_models(body: Mapping[str, Any]) -> list[ModelInfo]:
    """Read the catalogue; entries without an id are passed over.

    Raises:
        AIMLAPIProtocolError: The body holds no list.
    """
    entries = body.get("data")
    if not isinstance(entries, list):
        raise protocol_error("no list of models", status_code=200, body=body)
    return [_model(entry) for entry in entries if isinstance(entry, dict) and entry.get("id")]


def _model(entry: Mapping[str, Any]) -> ModelInfo:
    info, modalities = _block(entry, "info"), _block(entry, "modalities")
    return ModelInfo(
        id=str(entry["id"]),
        aliases=_texts(entry.get("aliases")),
        type=_text(entry.get("type")),
        name=_text(info.get("name")),
        developer=_text(info.get("developer")),
        context_length=_count(info.get("contextLength")),
        max_output_tokens=_count(info.get("outputMax")),
        input_modalities=_texts(modalities.get("input")),
        output_modalities=_texts(modalities.get("output")),
        capabilities=_texts(entry.get("capabilities")),
        pricing=_block(entry, "pricing"),
    )


def parse_usage_log(body: Mapping[str, Any]) -> list[UsageLogEntry]:
    """Read a page of the usage log.

    Raises:
        AIMLAPIProtocolError: The body holds no list.
    """
    # Rows are documented, what they are wrapped in is not: the only list of the body.
    lists = [value for value in body.values() if isinstance(value, list)]
    rows = body.get("data", lists[0] if len(lists) == 1 else None)
    if not isinstance(rows, list):
        raise protocol_error("no list of requests", status_code=200, body=sorted(body))
    return [_entry(row) for row in rows if isinstance(row, dict)]


def _entry(row: Mapping[str, Any]) -> UsageLogEntry:
    cost, tokens = _block(row, "cost"), _block(row, "tokens")
    amount, usd = finite_number(cost.get("credits")), finite_number(cost.get("usd"))
    if amount is None and usd is not None:
        amount = finite_number(usd * CREDITS_PER_USD)
    elif usd is None and amount is not None:
        usd = amount / CREDITS_PER_USD
    return UsageLogEntry(
        inference_id=_text(row.get("inference_id")),
        client_request_id=_text(row.get("client_request_id")),
        request_id=_text(row.get("request_id")),
        model=_text(row.get("model")),
        status=_text(row.get("status")),
        credits=None if amount is None else round(amount),
        usd=usd,
        input_tokens=_count(tokens.get("input")),
        output_tokens=_count(tokens.get("output")),
        total_tokens=_count(tokens.get("total")),
    )


def _block(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    block = value.get(key)
    return block if isinstance(block, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(text for text in found if isinstance(text, str))


def _count(value: object) -> int | None:
    number = finite_number(value)
    return None if number is None else int(number)
