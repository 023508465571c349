"""The account's endpoints: balance, usage logs, transactions.

Source: AI/ML API documentation, billing and usage logs (2026-08); what is marked a guess is not
documented.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.account.ledger import to_usd
from langchain_aimlapi.emulator.errors import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_aimlapi.emulator.account.ledger import Account, LedgerEntry

_DAY = 86_400.0
_SECONDS = {"m": 60.0, "h": 3_600.0, "d": _DAY}
_LONGEST = 92 * _DAY
_MOST_ROWS = 100


ACCOUNT_PATHS = frozenset(
    {
        "/v1/billing/balance",
        "/v2/billing",
        "/v2/billing/detail",
        "/v2/billing/transactions",
        "/v2/logs",
    }
)
"""Paths that `account_page` answers."""


def account_page(
    path: str, account: Account, query: Mapping[str, list[str]], now: float
) -> dict[str, Any]:
    """The body for one of `ACCOUNT_PATHS`.

    Args:
        path: The request's path.
        account: Balance and log.
        query: The request's query.
        now: Unix time in seconds.

    Raises:
        RefusalError: With 400, for parameters that are wrong.
    """
    if path == "/v2/logs":
        return usage_logs(account.log, query, now)
    if path == "/v2/billing/transactions":
        return transactions(account.billed)
    if path == "/v1/billing/balance":
        return legacy_balance(account.credits, now)
    detailed = path == "/v2/billing/detail"
    return balance_detail(account.credits) if detailed else balance(account.credits)


def balance(amount: int) -> dict[str, Any]:
    """`GET /v2/billing`: the balance in USD."""
    return {"current_balance": to_usd(amount), "currency": "USD"}


def balance_detail(amount: int) -> dict[str, Any]:
    """`GET /v2/billing/detail`: the same with personal data, here made up."""
    return {
        **balance(amount),
        "user_id": "emulated-user",
        "email": "nobody@example.com",
        "autotopup_settings": None,
    }


def legacy_balance(amount: int, now: float) -> dict[str, Any]:
    """`GET /v1/billing/balance`: the balance in credits."""
    return {
        "balance": amount,
        "lowBalance": amount <= 0,
        "lowBalanceThreshold": 0,
        "lastUpdated": _iso(now),
        "autoDebitStatus": "disabled",
        "status": "current",
        "statusExplanation": "This balance is the emulator's.",
    }


def transactions(ledger: Sequence[LedgerEntry]) -> dict[str, Any]:
    """`GET /v2/billing/transactions`: bills, newest first (field names partly guessed)."""
    rows = [
        {
            "reference_id": entry.inference_id,
            "amount": {"usd": -entry.usd, "credits": -entry.credits},
            "created_at": _iso(entry.created),
        }
        for entry in reversed(ledger)
    ]
    return {"data": rows, "next_cursor": None}


def usage_logs(
    log: Sequence[LedgerEntry], query: Mapping[str, list[str]], now: float
) -> dict[str, Any]:
    """`GET /v2/logs`: one row a request, newest first.

    Args:
        log: Every inference request.
        query: `period`, or `start` and `end`; `model`, `status`, `limit`, `offset`.
        now: Unix time in seconds.

    Raises:
        RefusalError: With 400, for parameters that are wrong.
    """
    start, end = _window(query, now)
    limit = _number(query, "limit", 50, least=1, most=_MOST_ROWS)
    offset = _number(query, "offset", 0, least=0)
    models, statuses = query.get("model"), query.get("status")
    rows = [
        entry
        for entry in reversed(log)
        if start <= entry.created <= end
        and (not models or entry.model in models)
        and (not statuses or _status(entry) in statuses)
    ]
    # The envelope is a guess; the rows' fields are documented.
    page = [_row(entry) for entry in rows[offset : offset + limit]]
    return {"data": page, "total": len(rows), "limit": limit, "offset": offset}


def _status(entry: LedgerEntry) -> str:
    return "succeeded" if entry.succeeded else "failed"


def _row(entry: LedgerEntry) -> dict[str, Any]:
    usage = entry.usage
    return {
        "inference_id": entry.inference_id,
        "client_request_id": entry.client_request_id,
        "request_id": entry.inference_id,
        "model": entry.model,
        "endpoint": entry.endpoint,
        "status": _status(entry),
        "status_code": entry.status,
        "created_at": _iso(entry.created),
        "cost": {"usd": entry.usd, "credits": entry.credits},
        "tokens": {
            "input": usage.input_tokens if usage else 0,
            "output": usage.output_tokens if usage else 0,
            "total": usage.total_tokens if usage else 0,
        },
    }


def _window(query: Mapping[str, list[str]], now: float) -> tuple[float, float]:
    period, start, end = (query.get(key, [None])[0] for key in ("period", "start", "end"))
    if period is not None:
        if start is not None or end is not None:
            raise RefusalError(400, "Give either period or start and end")
        # The form of a period is a guess: 15m, 24h, 30d.
        found = re.fullmatch(r"(\d+)([mhd])", period)
        if found is None:
            raise RefusalError(400, f"Unknown period {period!r}")
        length = int(found[1]) * _SECONDS[found[2]]
        return _checked(now - length, now)
    if start is None or end is None:
        raise RefusalError(400, "Give period, or start and end")
    return _checked(_time(start), _time(end))


def _checked(start: float, end: float) -> tuple[float, float]:
    if not 0 <= end - start <= _LONGEST:
        raise RefusalError(400, "The range must not be longer than 92 days")
    return start, end


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise RefusalError(400, f"{text!r} is no date") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def _number(
    query: Mapping[str, list[str]], key: str, default: int, *, least: int, most: int = 10**9
) -> int:
    text = query.get(key, [str(default)])[0]
    if not text.isdecimal() or not least <= int(text) <= most:
        raise RefusalError(400, f"{key} must be between {least} and {most}")
    return int(text)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=timezone.utc).isoformat()
