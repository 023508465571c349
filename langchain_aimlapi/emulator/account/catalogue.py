"""The models that the emulator serves, and the catalogue it tells of them.

Source: AI/ML API documentation, models list and model pages (2026-08).
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.account.ledger import CREDITS_PER_USD, price_of
from langchain_aimlapi.emulator.exchange import Answer, dump, json_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from langchain_aimlapi.emulator.exchange import Dialect

_BOTH: tuple[Dialect, ...] = ("chat_completions", "responses")
_CHAT: tuple[Dialect, ...] = ("chat_completions",)
_RESPONSES: tuple[Dialect, ...] = ("responses",)

EMULATED_MODELS: Mapping[str, Collection[Dialect]] = {
    "openai/gpt-5-1": _BOTH,
    "openai/gpt-5-1-chat-latest": _BOTH,
    "openai/gpt-5-1-codex": _BOTH,
    "openai/gpt-5-1-codex-mini": _BOTH,
}
"""The four models and the APIs each is served on.

Sources disagree about codex: one page has it on Chat Completions, the vendor's model pages on
Responses only. The default lets a test use either.
"""

CODEX_ON_RESPONSES_ONLY: Mapping[str, Collection[Dialect]] = {
    **EMULATED_MODELS,
    "openai/gpt-5-1-codex": _RESPONSES,
    "openai/gpt-5-1-codex-mini": _RESPONSES,
}
"""The truth of the vendor's model pages."""

CHAT_ONLY: Mapping[str, Collection[Dialect]] = dict.fromkeys(EMULATED_MODELS, _CHAT)
"""All four on Chat Completions and nothing on Responses."""

_STATUSES = frozenset({"deprecated", "superseded", "withdrawn"})
_TYPES = {"chat_completions": "openai/chat-completions", "responses": "openai/responses/submit"}


def aliases(model: str) -> list[str]:
    """Other names of a model: the documentation's example has the bare name of a prefixed one."""
    name = model.rpartition("/")[2]
    return [name] if name != model else []


def served_on(models: Mapping[str, Collection[Dialect]], name: str) -> Collection[Dialect] | None:
    """The APIs that serve a model, by id or alias; `None` where there is no such model."""
    return next((apis for id_, apis in models.items() if name in {id_, *aliases(id_)}), None)


def _entry(model: str, dialects: Collection[Dialect]) -> dict[str, Any]:
    price = price_of(model)
    units = [
        {"name": name, "measure": "token", "price": amount / CREDITS_PER_USD, "per": 1_000_000}
        for name, amount in (("input", price.input), ("output", price.output))
    ]
    name = model.rpartition("/")[2]
    return {
        "id": model,
        "aliases": aliases(model),
        # How a model on two APIs is listed is not documented; one type is a guess.
        "type": _TYPES["chat_completions" if "chat_completions" in dialects else "responses"],
        "info": {"name": name, "developer": "OpenAI"},
        "tags": [],
        "modalities": {"input": ["text", "image", "file"], "output": ["text"]},
        "capabilities": ["function-calling", "vision"],
        "pricing": {"kind": "fixed", "units": units},
    }


def list_models(
    models: Mapping[str, Collection[Dialect]],
    query: Mapping[str, list[str]],
    if_none_match: str | None,
) -> Answer:
    """`GET /v1/models`: filtered, with an ETag, 304 where the caller has it already.

    A comma or a repeat in a filter is an OR, different filters are an AND, unknown ones nothing.
    """
    asked = _values(query, "include")
    details = bool({"true", "1"} & _values(query, "details"))
    entries = []
    for model, dialects in models.items():
        entry = _entry(model, dialects)
        if not _matches(entry, query):
            continue
        for extra in ("pricing", "modalities", "capabilities"):
            if not (details or asked & {extra, "all"}):
                del entry[extra]
        entries.append(entry)
    value = {"object": "list", "data": entries}
    etag = f'"{hashlib.sha256(dump(value)).hexdigest()[:32]}"'
    if if_none_match == etag:
        return Answer(304, {"etag": etag})
    return json_answer(200, value, {"etag": etag})


def deprecation(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of the feed of deprecations, with what was not given: withdrawn, no dates.

    Source: AI/ML API documentation, model deprecations, 2026-08.
    """
    return {
        "aliases": aliases(str(entry["id"])),
        "status": "withdrawn",
        "deprecated_at": None,
        "shutdown_at": None,
        "replaced_by": None,
        "reason": "unknown",
        **entry,
    }


def list_deprecations(
    entries: Iterable[Mapping[str, Any]],
    query: Mapping[str, list[str]],
    if_none_match: str | None,
    now: float,
) -> Answer:
    """`GET /v1/models/deprecations`: which models are going or gone; no key is asked for.

    Filters that it does not know, or whose values it does not, filter nothing.
    """
    feed = [deprecation(entry) for entry in entries]
    if wanted := {each.lower() for each in _values(query, "status")} & _STATUSES:
        feed = [entry for entry in feed if entry["status"] in wanted]
    since = query.get("since", [""])[0]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", since):
        feed = [entry for entry in feed if max(_dates(entry), default="") >= since]
    etag = f'W/"{hashlib.sha256(dump(feed)).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "public, max-age=300"}
    if if_none_match == etag:
        return Answer(304, headers)
    made = datetime.fromtimestamp(now, tz=timezone.utc).isoformat()
    return json_answer(200, {"object": "list", "generated_at": made, "data": feed}, headers)


def _dates(entry: Mapping[str, Any]) -> list[str]:
    return [date for key in ("deprecated_at", "shutdown_at") if (date := entry[key])]


def one_model(models: Mapping[str, Collection[Dialect]], name: str) -> Answer | None:
    """`GET /model/{id}` by id or alias; `None` where there is no such model."""
    for model, dialects in models.items():
        entry = _entry(model, dialects)
        if name == model or name in entry["aliases"]:
            return json_answer(200, {"object": "model", "data": entry})
    return None


def _values(query: Mapping[str, list[str]], key: str) -> set[str]:
    return {part for value in query.get(key, ()) for part in value.split(",") if part}


def _matches(entry: Mapping[str, Any], query: Mapping[str, list[str]]) -> bool:
    both = entry["modalities"]["input"] + entry["modalities"]["output"]
    offered = {
        "id": {entry["id"], *entry["aliases"]},
        "type": {entry["type"]},
        "tags": set(entry["tags"]),
        "capabilities": set(entry["capabilities"]),
        "modalities": set(both),
        "input_modalities": set(entry["modalities"]["input"]),
        "output_modalities": set(entry["modalities"]["output"]),
    }
    return all(
        not (wanted := _values(query, key)) or wanted & values for key, values in offered.items()
    )
