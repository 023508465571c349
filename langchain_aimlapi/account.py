"""The account behind a key: its balance, the models it can call, and the log of its calls.

What is asked is a generator that yields requests, is sent the replies, and returns the result.
`ask` and `aask` carry it out, and are all the I/O there is. Personal data (the account's owner,
e-mail, payment settings) is neither asked for nor kept. Source of paths and fields: AI/ML API
documentation, models list, billing and usage logs, 2026-08.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar

from langchain_aimlapi._messages.usage import CREDITS_PER_USD
from langchain_aimlapi._wire.deprecations import Deprecation, parse_deprecations, remember
from langchain_aimlapi._wire.error_text import finite_number, host
from langchain_aimlapi._wire.refusals import protocol_error
from langchain_aimlapi.errors import AIMLAPIConfigurationError, AIMLAPIError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from typing_extensions import Unpack

    from langchain_aimlapi._http.transport import Reply, Transport

_PAGE_ROWS = 100
"""Rows of the usage log that one request may ask for."""
_MAX_PAGES = 50
"""Requests that one search may make; the log allows 200 a minute."""
_MAX_DAYS = 92
_MAX_CATALOGUES = 32

_T = TypeVar("_T")


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


# --- reading --------------------------------------------------------------------------------------


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


# --- asking ---------------------------------------------------------------------------------------


class Request(NamedTuple):
    """One GET, as `Transport.get` takes it: path from the API's root, query, headers."""

    path: str
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


def ask(transport: Transport, asking: Generator[Request, Reply, _T]) -> _T:
    """Carry out what is asked, and return its result.

    Raises:
        AIMLAPIError: As the class says: a wrong key (401), a key that may not ask this (403), no
            connection, a reply that is no answer.
    """
    try:
        request = next(asking)
        while True:
            try:
                reply = transport.get(*request)
            except AIMLAPIError as error:  # noqa: PERF203
                request = asking.throw(error)
            else:
                request = asking.send(reply)
    except StopIteration as done:
        result: _T = done.value
        return result


async def aask(transport: Transport, asking: Generator[Request, Reply, _T]) -> _T:
    """Carry out what is asked; see `ask`."""
    try:
        request = next(asking)
        while True:
            try:
                reply = await transport.aget(*request)
            except AIMLAPIError as error:  # noqa: PERF203
                request = asking.throw(error)
            else:
                request = asking.send(reply)
    except StopIteration as done:
        result: _T = done.value
        return result


def balance() -> Generator[Request, Reply, Balance]:
    """Ask for the balance; any answer also shows that the key is good."""
    reply = yield Request("/v2/billing")
    return parse_balance(reply.body)


_catalogues: dict[tuple[str | None, str], tuple[str, list[ModelInfo]]] = {}
"""ETag and models by address and query. The catalogue is the same for all keys."""


class CatalogueFilters(TypedDict, total=False):
    """What models must be to be listed: a text, or several of which any will do.

    The server passes over values that it does not know.
    """

    id: str | Collection[str]
    """Id or alias."""
    type: str | Collection[str]
    tags: str | Collection[str]
    modalities: str | Collection[str]
    input_modalities: str | Collection[str]
    output_modalities: str | Collection[str]
    capabilities: str | Collection[str]


def list_models(
    base_url: str | None = None, address: str = "", **filters: Unpack[CatalogueFilters]
) -> Generator[Request, Reply, list[ModelInfo]]:
    """Ask for the catalogue, which the server sends only if it has changed since the last time.

    Then for the models that are going or gone: errors of later calls name their successors.

    Args:
        base_url: The address that was given, for telling catalogues apart.
        address: The address that is asked.
        **filters: See `CatalogueFilters`; models that pass all of them are returned.
    """
    params: dict[str, str] = {"include": "all"}
    for name, wanted in filters.items():
        params[name] = wanted if isinstance(wanted, str) else ",".join(wanted)  # type: ignore[arg-type]
    key = base_url, repr(sorted(params.items()))
    etag, models = _catalogues.get(key, (None, []))
    reply = yield Request("/v1/models", params, {"If-None-Match": etag} if etag else None)
    if reply.status_code != HTTPStatus.NOT_MODIFIED:
        models = parse_models(reply.body)
        new_etag = reply.headers.get("etag", "")
        if new_etag and new_etag.isascii():  # no other could be sent back
            if len(_catalogues) >= _MAX_CATALOGUES:
                _catalogues.clear()
            _catalogues[key] = new_etag, models
    feed = yield from _deprecations(address)
    return [
        replace(model, deprecation=next((each for each in feed if each.is_called(model.id)), None))
        for model in models
    ]


def _deprecations(address: str) -> Generator[Request, Reply, list[Deprecation]]:
    """Ask which models are going or gone; an API that does not tell has none."""
    try:
        reply = yield Request("/v1/models/deprecations")
    except AIMLAPIError:
        return []
    feed = parse_deprecations(reply.body)
    remember(host(address), feed)
    return feed


class UsageLogQuery(TypedDict, total=False):
    """Which requests to return from the usage log."""

    inference_id: str | Collection[str]
    """The gateway's id or ids of the requests to find."""
    client_request_id: str | Collection[str]
    """The sent id or ids of the requests to find, beside those of `inference_id`."""
    start: datetime | timedelta
    """A time with its zone, or how long before `end`: at most 92 days, by default one."""
    end: datetime
    """A time with its zone, by default now."""
    model: str
    """Only requests to this model."""
    status: str
    """`succeeded` or `failed`: only these."""
    limit: int
    """Most entries to return, by default 1,000."""


def usage_log(**asked: Unpack[UsageLogQuery]) -> Generator[Request, Reply, list[UsageLogEntry]]:
    """Ask for requests in the usage log, such as those whose price never arrived.

    The log cannot be asked for an id, so its pages are looked through, 50 of 100 rows at most;
    narrow the time or the model where an account is busy. It may lag behind a call a little.

    Args:
        **asked: See `UsageLogQuery`; without an id, all requests of the time.

    Raises:
        AIMLAPIConfigurationError: Times that the log does not take.
    """
    query = _window(asked.get("start", timedelta(days=1)), asked.get("end"))
    query |= {name: asked[name] for name in ("model", "status") if name in asked}
    limit = asked.get("limit", 1000)
    by_inference = _ids(asked.get("inference_id"))
    by_request = _ids(asked.get("client_request_id"))
    takes_all = not (by_inference or by_request)
    missing = set(by_inference)
    found: list[UsageLogEntry] = []
    for page in range(_MAX_PAGES):
        params = {**query, "limit": _PAGE_ROWS, "offset": page * _PAGE_ROWS}
        reply = yield Request("/v2/logs", params)
        rows = parse_usage_log(reply.body)
        for row in rows:
            if takes_all or row.inference_id in by_inference or row.client_request_id in by_request:
                found.append(row)
                missing.discard(row.inference_id or "")
        # A sent id may stand in several rows, so a search for one ends with the log.
        is_complete = bool(by_inference) and not missing and not by_request
        if len(rows) < _PAGE_ROWS or len(found) >= limit or is_complete:
            break
    return found[:limit]


def _ids(given: str | Collection[str] | None) -> frozenset[str]:
    return frozenset([given] if isinstance(given, str) else given or ())


def _window(start: datetime | timedelta, end: datetime | None) -> dict[str, Any]:
    until = datetime.now(timezone.utc) if end is None else end
    since = until - start if isinstance(start, timedelta) else start
    if since.tzinfo is None or until.tzinfo is None:
        raise AIMLAPIConfigurationError(
            "start and end need a time zone, as in datetime.now(timezone.utc)."
        )
    if not timedelta(0) <= until - since <= timedelta(days=_MAX_DAYS):
        raise AIMLAPIConfigurationError(
            f"The usage log is asked for {_MAX_DAYS} days at most, with start before end."
        )
    return {"start": _iso(since), "end": _iso(until)}


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


class AccountMethods:
    """The methods of `ChatAIMLAPI` that ask about the account behind its key.

    All raise an `AIMLAPIError` where the key is wrong or may not ask, or no answer comes.
    """

    if TYPE_CHECKING:
        base_url: str | None

        def _address(self) -> str: ...

        def _transport(self) -> Transport: ...

    def balance(self) -> Balance:
        """Return what is left on the account."""
        return ask(self._transport(), balance())

    async def abalance(self) -> Balance:
        """Return what is left on the account."""
        return await aask(self._transport(), balance())

    def list_models(self, **filters: Unpack[CatalogueFilters]) -> list[ModelInfo]:
        """Return the models that the API serves now, with their limits and prices.

        Errors of later calls in this process name what replaces a model that is gone.

        Args:
            **filters: See `CatalogueFilters`; models that pass all of them are returned.
        """
        return ask(self._transport(), list_models(self.base_url, self._address(), **filters))

    async def alist_models(self, **filters: Unpack[CatalogueFilters]) -> list[ModelInfo]:
        """Return the models that the API serves now; see `list_models`."""
        return await aask(self._transport(), list_models(self.base_url, self._address(), **filters))

    def usage_log(self, **asked: Unpack[UsageLogQuery]) -> list[UsageLogEntry]:
        """Return requests from the usage log, such as those whose price never arrived.

        ```python
        llm.usage_log(inference_id=message.response_metadata["inference_id"])
        ```

        The log cannot be asked for an id, so its pages are looked through, 50 of 100 rows at most;
        narrow the time or the model where an account is busy. It may lag behind a call a little.

        Args:
            **asked: See `UsageLogQuery`; without an id, all requests of the time.

        Raises:
            AIMLAPIConfigurationError: Times that the log does not take.
        """
        return ask(self._transport(), usage_log(**asked))

    async def ausage_log(self, **asked: Unpack[UsageLogQuery]) -> list[UsageLogEntry]:
        """Return requests from the usage log; see `usage_log`."""
        return await aask(self._transport(), usage_log(**asked))
