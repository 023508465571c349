"""The account behind a key: its balance, the models it can call, and the log of its calls.

What to ask and how to read the reply is decided here, without I/O; the model's own methods
(`balance`, `list_models`, `usage_log`) send it. Personal data (the account's owner, e-mail, payment
settings) is neither asked for nor kept. Source of the paths: AI/ML API documentation, models list,
billing and usage logs, 2026-08.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from langchain_aimlapi._wire.account import (
    Balance,
    ModelInfo,
    UsageLogEntry,
    parse_balance,
    parse_models,
    parse_usage_log,
)
from langchain_aimlapi._wire.deprecations import Deprecation, parse_deprecations, remember
from langchain_aimlapi._wire.error_text import host
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_aimlapi._http.transport import Reply

__all__ = [
    "Balance",
    "CatalogueFilters",
    "Deprecation",
    "ModelInfo",
    "UsageLogEntry",
    "UsageLogQuery",
]

_PAGE_ROWS = 100
"""Rows of the usage log that one request may ask for."""
_MAX_PAGES = 50
"""Requests that one search may make; the log allows 200 a minute."""
_MAX_DAYS = 92
_MAX_CATALOGUES = 32


class Request(NamedTuple):
    """One GET, as `Transport.get` takes it: path from the API's root, query, headers."""

    path: str
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


BALANCE = Request("/v2/billing")
"""Any answer to it also shows that the key is good."""


def read_balance(reply: Reply) -> Balance:
    """Return what is left on the account."""
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


class CatalogueQuery:
    """One question for the catalogue, which the server sends only if it has changed.

    Attributes:
        request: What to ask for the catalogue.
    """

    def __init__(self, base_url: str | None, filters: CatalogueFilters) -> None:
        """Prepare the request.

        Args:
            base_url: The address that was given, for telling catalogues apart.
            filters: Models that pass all of them are returned.
        """
        params: dict[str, str] = {"include": "all"}
        for name, wanted in filters.items():
            params[name] = wanted if isinstance(wanted, str) else ",".join(wanted)  # type: ignore[arg-type]
        self._key = base_url, repr(sorted(params.items()))
        known: tuple[str | None, list[ModelInfo]] = _catalogues.get(self._key, (None, []))
        etag, self._known = known
        self.request = Request("/v1/models", params, {"If-None-Match": etag} if etag else None)

    def read(self, reply: Reply) -> list[ModelInfo]:
        """Return the models, those of the last time if nothing has changed."""
        if reply.status_code == HTTPStatus.NOT_MODIFIED:
            return list(self._known)
        models = parse_models(reply.body)
        etag = reply.headers.get("etag", "")
        if etag and etag.isascii():  # no other could be sent back
            if len(_catalogues) >= _MAX_CATALOGUES:
                _catalogues.clear()
            _catalogues[self._key] = etag, models
        return list(models)


DEPRECATIONS = Request("/v1/models/deprecations")


def read_deprecations(reply: Reply, address: str) -> list[Deprecation]:
    """Return the models that are going or gone, and remember them for errors from `address`."""
    feed = parse_deprecations(reply.body)
    remember(host(address), feed)
    return feed


def with_deprecations(models: list[ModelInfo], feed: list[Deprecation]) -> list[ModelInfo]:
    """Return the models, each with what the feed tells of it."""
    return [
        replace(model, deprecation=next((each for each in feed if each.is_called(model.id)), None))
        for model in models
    ]


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


class UsageLogSearch:
    """A search through the pages of the usage log.

    Attributes:
        request: The page to ask for next; None once the search is over.
        found: The rows that were looked for, so far.
    """

    def __init__(self, asked: UsageLogQuery) -> None:
        """Start before the first page.

        Raises:
            AIMLAPIConfigurationError: Times that the log does not take.
        """
        self.found: list[UsageLogEntry] = []
        self._query = _window(asked.get("start", timedelta(days=1)), asked.get("end"))
        self._query |= {name: asked[name] for name in ("model", "status") if name in asked}
        self._limit = asked.get("limit", 1000)
        self._by_inference = _ids(asked.get("inference_id"))
        self._by_request = _ids(asked.get("client_request_id"))
        self._missing = set(self._by_inference)
        self._page = 0
        self.request: Request | None = self._next()

    def _next(self) -> Request:
        params = {**self._query, "limit": _PAGE_ROWS, "offset": self._page * _PAGE_ROWS}
        return Request("/v2/logs", params)

    def read(self, reply: Reply) -> None:
        """Take a page, and see whether there must be another."""
        rows = parse_usage_log(reply.body)
        for row in rows:
            if self._is_wanted(row):
                self.found.append(row)
                self._missing.discard(row.inference_id or "")
        # A sent id may stand in several rows, so a search for one ends with the log.
        is_complete = bool(self._by_inference) and not self._missing and not self._by_request
        self._page += 1
        is_over = len(rows) < _PAGE_ROWS or len(self.found) >= self._limit or is_complete
        self.request = None if is_over or self._page == _MAX_PAGES else self._next()
        del self.found[self._limit :]

    def _is_wanted(self, row: UsageLogEntry) -> bool:
        return (
            not (self._by_inference or self._by_request)
            or row.inference_id in self._by_inference
            or row.client_request_id in self._by_request
        )


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
