"""Balance, catalogue and usage log: what is asked, what is read, and what goes wrong."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLAPI, account, errors
from langchain_aimlapi._wire import deprecations
from langchain_aimlapi._wire.deprecations import Deprecation, parse_deprecations
from langchain_aimlapi.account import (
    Balance,
    ModelInfo,
    UsageLogEntry,
    parse_balance,
    parse_models,
    parse_usage_log,
)
from langchain_aimlapi.emulator import CODEX_ON_RESPONSES_ONLY, Emulator, Fault, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

asynchronous = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@pytest.fixture(autouse=True)
def _fresh_catalogues() -> Iterator[None]:
    account._catalogues.clear()
    deprecations._feeds.clear()
    yield
    account._catalogues.clear()
    deprecations._feeds.clear()


async def ask(llm: ChatAIMLAPI, name: str, *, asynchronous: bool, **asked: Any) -> Any:
    if asynchronous:
        return await getattr(llm, f"a{name}")(**asked)
    return getattr(llm, name)(**asked)


# --- balance --------------------------------------------------------------------------------------


@asynchronous
async def test_balance(emulator, llm, asynchronous):
    emulator.balance_usd = 12.5
    assert await ask(llm, "balance", asynchronous=asynchronous) == Balance(12.5, "USD")
    (request,) = emulator.requests
    # Not the page with the owner's name and e-mail.
    assert (request.method, request.path, request.query) == ("GET", "/v2/billing", {})


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        ({"current_balance": 3}, Balance(3.0)),
        ({"current_balance": -0.25, "currency": "USD"}, Balance(-0.25)),
        ({"current_balance": 1.5, "currency": "EUR", "email": "a@b.c"}, Balance(1.5, "EUR")),
    ],
)
def test_reading_a_balance(body, balance):
    assert parse_balance(body) == balance
    assert isinstance(parse_balance(body).usd, float)


@pytest.mark.parametrize("amount", ["12", None, True, [1]])
def test_a_body_without_a_balance(amount):
    with pytest.raises(errors.AIMLAPIProtocolError, match="current_balance") as caught:
        parse_balance({"current_balance": amount, "email": "owner@example.com"})
    assert "owner@example.com" not in str(caught.value)
    assert "owner@example.com" not in (caught.value.body or "")


@asynchronous
@pytest.mark.parametrize("name", ["balance", "usage_log"])
async def test_a_wrong_key(emulator, name, asynchronous):
    llm = ChatAIMLAPI(**{**emulator.connection(), "api_key": "wrong-key-of-someone"})
    with pytest.raises(errors.AIMLAPIAuthenticationError, match=r"https://aimlapi\.com") as caught:
        await ask(llm, name, asynchronous=asynchronous)
    assert "wrong-key-of-someone" not in repr(vars(caught.value))


# --- catalogue ------------------------------------------------------------------------------------


def statuses(emulator: Emulator) -> list[int | None]:
    """Return the statuses of the requests for the catalogue."""
    return [asked.status for asked in emulator.requests if asked.path == "/v1/models"]


@asynchronous
async def test_the_catalogue_is_sent_once(emulator, llm, asynchronous):
    first = await ask(llm, "list_models", asynchronous=asynchronous)
    assert [model.id for model in first] == list(emulator.models)
    assert first[0] == ModelInfo(
        id="openai/gpt-5-1",
        aliases=("gpt-5-1",),
        type="openai/chat-completions",
        name="gpt-5-1",
        developer="OpenAI",
        input_modalities=("text", "image", "file"),
        output_modalities=("text",),
        capabilities=("function-calling", "vision"),
        pricing=first[0].pricing,
    )
    assert first[0].pricing["units"][0]["price"] == 1.625
    first.clear()  # the caller's own list
    again = await ask(llm, "list_models", asynchronous=asynchronous)
    assert statuses(emulator) == [200, 304]
    assert len(again) == 4
    emulator.models = CODEX_ON_RESPONSES_ONLY
    changed = await ask(llm, "list_models", asynchronous=asynchronous)
    assert statuses(emulator)[-1] == 200
    assert changed[3].type == "openai/responses/submit"


@asynchronous
async def test_filters(emulator, llm, asynchronous):
    wanted = ["gpt-5-1", "openai/gpt-5-1-codex"]
    by_id = await ask(llm, "list_models", asynchronous=asynchronous, id=wanted)
    assert [model.id for model in by_id] == ["openai/gpt-5-1", "openai/gpt-5-1-codex"]
    none = await ask(llm, "list_models", asynchronous=asynchronous, type="images")
    assert none == []
    assert statuses(emulator) == [200, 200]  # each has its own tag
    assert emulator.requests[0].query == {"include": ["all"], "id": [",".join(wanted)]}


def test_catalogues_are_kept_apart_by_address_and_do_not_pile_up(emulator, llm):
    llm.list_models()
    other = llm.model_copy(update={"base_url": "https://elsewhere.example/v1"})
    other.list_models()
    assert statuses(emulator) == [200, 200]
    for number in range(100):
        llm.list_models(tags=str(number))
    assert len(account._catalogues) <= 32


RETIRED = {
    "id": "openai/gpt-4",
    "aliases": ["gpt-4", "#g1_gpt-4"],
    "status": "withdrawn",
    "deprecated_at": "2026-08-01",
    "shutdown_at": "2026-08-10",
    "replaced_by": "openai/gpt-5-1",
    "reason": "provider_delisted",
}
GOING = {"id": "openai/gpt-5-1-codex", "status": "deprecated", "shutdown_at": "2027-01-31"}


@asynchronous
@pytest.mark.parametrize("name", ["openai/gpt-4", "gpt-4"])
@pytest.mark.parametrize("status", [404, 400])
async def test_an_error_names_what_replaces_a_model_that_is_gone(asynchronous, name, status):
    emulator = Emulator(deprecations=[RETIRED, GOING], model_error_status=status)
    llm = ChatAIMLAPI(**emulator.connection(), model=name)
    with pytest.raises(errors.AIMLAPIError) as before:
        llm.invoke("Hello")
    assert "withdrawn" not in str(before.value)
    assert [asked.path for asked in emulator.requests] == ["/v1/chat/completions"]
    models = await ask(llm, "list_models", asynchronous=asynchronous)
    with pytest.raises(errors.AIMLAPIError) as caught:
        llm.invoke("Hello")
    assert str(caught.value).endswith(
        "The API has withdrawn 'openai/gpt-4' on 2026-08-10. Use 'openai/gpt-5-1' instead."
    )
    assert [model.deprecation for model in models if model.deprecation] == [
        Deprecation(
            "openai/gpt-5-1-codex",
            ("gpt-5-1-codex",),
            deprecated_at=None,
            shutdown_at="2027-01-31",
        )
    ]


@asynchronous
async def test_an_api_without_a_feed_of_deprecations(monkeypatch, emulator, llm, asynchronous):
    monkeypatch.setattr("langchain_aimlapi.emulator.gateway._DEPRECATIONS", ())
    models = await ask(llm, "list_models", asynchronous=asynchronous)
    assert len(models) == 4
    assert [asked.status for asked in emulator.requests] == [200, 404]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": "a"}, "The API is giving up 'a'. Name another model."),
        ({"id": "a", "status": "withdrawn", "replaced_by": 5}, "The API has withdrawn 'a'."),
        (
            {"id": "a", "status": "superseded", "replaced_by": "b"},
            "'a' is served as 'b' now: use that name.",
        ),
        (
            {"id": "a", "shutdown_at": "2027-01-31", "replaced_by": "b", "aliases": None},
            "The API is giving up 'a' on 2027-01-31. Use 'b' instead.",
        ),
    ],
)
def test_what_is_told_of_a_deprecation(entry, told):
    [read] = parse_deprecations({"data": [{}, None, {"id": 5}, entry]})
    assert read.told().startswith(told)
    assert parse_deprecations({"data": "none"}) == parse_deprecations({}) == []


def test_names_of_a_model():
    model = ModelInfo("openai/gpt-5-1", aliases=("gpt-5-1",))
    assert model.is_called("gpt-5-1")
    assert model.is_called("openai/gpt-5-1")
    assert not model.is_called("gpt-5")


def test_reading_a_catalogue_takes_what_is_there():
    full = {
        "id": "a",
        "info": {"contextLength": 400_000, "outputMax": "128000", "name": "A"},
        "aliases": ["b", 3],
        "modalities": {"input": ["text"], "output": None},
    }
    odd = {"id": "c", "info": None, "aliases": "d", "type": 5, "pricing": [], "capabilities": {}}
    models = parse_models({"data": [full, odd, {"info": {}}, None, "e"]})
    assert models == [
        ModelInfo(
            id="a",
            aliases=("b",),
            name="A",
            context_length=400_000,
            max_output_tokens=128_000,
            input_modalities=("text",),
        ),
        ModelInfo(id="c"),
    ]


@pytest.mark.parametrize("parse", [parse_models, parse_usage_log])
@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": 1}}])
def test_a_body_without_a_list(parse, body):
    with pytest.raises(errors.AIMLAPIProtocolError, match="no list of"):
        parse(body)


# --- usage log ------------------------------------------------------------------------------------


@asynchronous
async def test_the_price_of_a_call_is_found_by_its_id(emulator, llm, asynchronous):
    emulator.respond_with(lambda _: Reply("An answer.", cost=None))
    messages = [llm.invoke("Hello") for _ in range(3)]
    metadata = messages[1].response_metadata
    billed = emulator.ledger[1]
    for name in ("inference_id", "client_request_id"):
        (entry,) = await ask(llm, "usage_log", asynchronous=asynchronous, **{name: metadata[name]})
        assert entry == UsageLogEntry(
            inference_id=metadata["inference_id"],
            client_request_id=metadata["client_request_id"],
            request_id=metadata["inference_id"],
            model="openai/gpt-5-1",
            status="succeeded",
            credits=billed.credits,
            usd=billed.usd,
            input_tokens=billed.usage.input_tokens,
            output_tokens=billed.usage.output_tokens,
            total_tokens=billed.usage.total_tokens,
        )
        assert entry.succeeded
    assert await ask(llm, "usage_log", asynchronous=asynchronous, inference_id="unknown") == []


def test_several_ids_at_once_and_all_requests_of_one(emulator, llm):
    emulator.script(Fault.status(500), Reply("one"), Reply("two"), Fault.status(400))
    first, second = llm.invoke("Hello"), llm.invoke("Hello")
    with pytest.raises(errors.AIMLAPIInvalidRequestError):
        llm.invoke("Hello")
    assert len(llm.usage_log()) == 4
    by_sent = llm.usage_log(client_request_id=first.response_metadata["client_request_id"])
    assert [entry.status for entry in by_sent] == ["succeeded", "failed"]
    ids = {message.response_metadata["inference_id"] for message in (first, second)}
    assert {entry.inference_id for entry in llm.usage_log(inference_id=ids)} == ids
    assert len(llm.usage_log(status="failed")) == 2
    assert llm.usage_log(model="openai/gpt-5-1-codex") == []
    assert len(llm.usage_log(limit=3)) == 3


@asynchronous
async def test_a_search_turns_pages_until_it_has_found(emulator, llm, asynchronous):
    first = llm.invoke("Hello").response_metadata
    llm.batch(["Hello"] * 250)
    before = len(emulator.requests)
    (entry,) = await ask(
        llm, "usage_log", asynchronous=asynchronous, inference_id=first["inference_id"]
    )
    assert entry.client_request_id == first["client_request_id"]
    pages = emulator.requests[before:]
    assert [request.query["offset"] for request in pages] == [["0"], ["100"], ["200"]]
    assert len({request.query["end"][0] for request in pages}) == 1  # rows do not move meanwhile
    last = emulator.ledger[-1].inference_id
    await ask(llm, "usage_log", asynchronous=asynchronous, inference_id=[last])
    assert len(emulator.requests) == before + 4


def test_the_time_that_is_asked_for(emulator, llm):
    start = datetime(2026, 8, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert llm.usage_log(start=start, end=start + timedelta(days=2)) == []
    assert llm.usage_log(start=timedelta(hours=1)) == []
    one, two = (request.query for request in emulator.requests)
    assert (one["start"], one["end"]) == (["2026-08-01T10:00:00Z"], ["2026-08-03T10:00:00Z"])
    moments = [datetime.fromisoformat(two[key][0][:-1]) for key in ("start", "end")]
    assert moments[1] - moments[0] == timedelta(hours=1)


@pytest.mark.parametrize(
    "asked",
    [
        {"start": datetime(2026, 8, 1)},  # noqa: DTZ001
        {"start": timedelta(days=93)},
        {"start": timedelta(days=-1)},
        {"start": datetime(9999, 1, 1, tzinfo=timezone.utc)},
    ],
)
def test_times_that_the_log_does_not_take(emulator, llm, asked):
    with pytest.raises(errors.AIMLAPIConfigurationError, match="start"):
        llm.usage_log(**asked)
    assert emulator.requests == []


def test_reading_a_log_takes_what_is_there():
    rows = [
        {"inference_id": "a", "cost": {"credits": "10"}, "tokens": {"input": 1.0}},
        {"inference_id": None, "cost": {"usd": 0.0000005}, "status": "failed"},
        {"cost": None, "tokens": "many"},
        "no row",
    ]
    empty = UsageLogEntry(**dict.fromkeys(UsageLogEntry.__dataclass_fields__))
    entries = [
        dataclasses.replace(empty, inference_id="a", credits=10, usd=0.000005, input_tokens=1),
        dataclasses.replace(empty, status="failed", credits=1, usd=0.0000005),
        empty,
    ]
    assert parse_usage_log({"data": rows}) == parse_usage_log({"logs": rows}) == entries
    assert not entries[1].succeeded


def test_two_lists_are_not_guessed_between():
    with pytest.raises(errors.AIMLAPIProtocolError, match="no list of requests"):
        parse_usage_log({"one": [], "two": []})


@pytest.mark.enable_socket
def test_an_emulator_on_a_port(emulator: Emulator):
    with emulator.serve() as server:
        llm = ChatAIMLAPI(base_url=server.base_url, api_key=emulator.api_key)
        with llm:
            assert llm.balance().usd == 100.0
            assert [len(llm.list_models()) for _ in range(2)] == [4, 4]
    assert statuses(emulator) == [200, 304]
