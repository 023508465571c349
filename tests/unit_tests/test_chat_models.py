"""`ChatAIMLAPI` as users and LangChain handle it: made, copied, called, closed, refused."""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cloudpickle
import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableLambda
from pydantic import PrivateAttr, SecretStr

from langchain_aimlapi import ChatAIMLAPI, ChatAimlapi
from langchain_aimlapi._http import pool
from langchain_aimlapi.emulator import Emulator, Fault, Reply, StreamStyle, Usage
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIConfigurationError,
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
)
from tests.conftest import MODELS, WAYS, acollect, call, collect, two_ways, ways

MODEL = "openai/gpt-5-1"
VARIABLES = ("AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY")


def model_on(emulator: Emulator, **fields: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(**{"model": MODEL, **emulator.connection(), **fields})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record waits instead of waiting."""
    recorded: list[float] = []
    let_others_run = asyncio.sleep

    def sleep(seconds: float) -> None:
        if seconds:
            recorded.append(seconds)

    async def asleep(seconds: float, *_: Any) -> None:
        sleep(seconds)
        await let_others_run(0)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", asleep)
    return recorded


# --- construction -------------------------------------------------------------------------------


def key_of(llm: ChatAIMLAPI) -> str:
    assert isinstance(llm.api_key, SecretStr)
    return llm.api_key.get_secret_value()


def test_a_key_and_nothing_else_is_needed():
    llm = ChatAIMLAPI(api_key="key-1")
    assert llm.model == llm.model_name == MODEL
    assert key_of(llm) == "key-1"
    assert llm.streaming is None


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("blank", ["", "  ", None])
def test_the_key_is_in_the_first_variable_that_is_not_blank(monkeypatch, number, blank):
    for name in VARIABLES[:number]:
        if blank is not None:
            monkeypatch.setenv(name, blank)
    for position, name in enumerate(VARIABLES[number:]):
        monkeypatch.setenv(name, f" key-{position}\n")
    assert key_of(ChatAIMLAPI()) == "key-0"


@pytest.mark.parametrize("given", [None, "", "  ", SecretStr("")])
def test_a_blank_key_means_look_it_up(monkeypatch, given):
    monkeypatch.setenv("AIML_API_KEY", "key-of-the-environment")
    assert key_of(ChatAIMLAPI(api_key=given)) == "key-of-the-environment"


@pytest.mark.parametrize("given", ["key-1", " key-1 ", SecretStr("key-1\n")])
def test_a_given_key_goes_before_the_environment(monkeypatch, given):
    monkeypatch.setenv("AIMLAPI_API_KEY", "key-of-the-environment")
    assert key_of(ChatAIMLAPI(api_key=given)) == "key-1"


def test_without_a_key_the_error_says_where_to_put_one():
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        ChatAIMLAPI()
    for name in VARIABLES:
        assert name in str(caught.value)
    assert "Emulator()" in str(caught.value)


def test_the_error_of_a_missing_key_has_a_line_that_works_when_pasted():
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        ChatAIMLAPI()
    session: dict = {}
    exec("from langchain_aimlapi import ChatAIMLAPI", session)
    exec(str(caught.value).splitlines()[-1], session)
    assert "emulator" in session["llm"].invoke("Hello").text


@pytest.mark.parametrize("key", [5, ["key"], b"key-1"])
def test_a_key_that_is_no_text(key):
    with pytest.raises(AIMLAPIConfigurationError, match="takes a str or SecretStr"):
        ChatAIMLAPI(api_key=key)


def test_the_address_of_the_environment(monkeypatch):
    def address() -> str | None:
        return ChatAIMLAPI(api_key="key-1").base_url

    monkeypatch.setenv("AIMLAPI_BASE_URL", "https://second.example/v1")
    assert address() == "https://second.example/v1"
    monkeypatch.setenv("AIMLAPI_API_BASE", "  ")
    assert address() == "https://second.example/v1"
    monkeypatch.setenv("AIMLAPI_API_BASE", "https://first.example/v1")
    assert address() == "https://first.example/v1"
    given = ChatAIMLAPI(api_key="key-1", base_url="https://given.example")
    assert given.base_url == "https://given.example"


def test_the_address_by_default(emulator):
    connection = emulator.connection()
    del connection["base_url"]
    ChatAIMLAPI(**connection).invoke("Hello")
    assert emulator.requests[0].headers["host"] == "emulator.invalid"
    assert emulator.requests[0].path == "/v1/chat/completions"


@pytest.mark.enable_socket
def test_the_address_of_the_environment_is_asked(monkeypatch, emulator):
    with emulator.serve() as server:
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        with ChatAIMLAPI(api_key=emulator.api_key) as llm:
            llm.invoke("Hello")
    assert emulator.requests[0].path == "/v1/chat/completions"


def test_aliases():
    llm = ChatAIMLAPI(
        model_name="m",
        aimlapi_api_key="key-1",
        aimlapi_api_base="https://a.example",
        max_completion_tokens=7,
        request_timeout=3,
        stop_sequences=["x"],
    )
    assert (llm.model, key_of(llm), llm.base_url) == ("m", "key-1", "https://a.example")
    assert (llm.max_tokens, llm.timeout, llm.stop) == (7, 3, ["x"])


def test_the_old_name_of_the_class():
    assert ChatAimlapi is ChatAIMLAPI


@pytest.mark.parametrize("value", [-1, 1.5, "many"])
def test_max_retries_is_a_count(value):
    with pytest.raises(Exception, match="max_retries") as caught:
        ChatAIMLAPI(api_key="key-of-mine", max_retries=value)
    assert "key-of-mine" not in str(caught.value)


def test_construction_connects_to_nothing():
    llm = ChatAIMLAPI(api_key="key-1")
    assert llm._kept.lease is None
    llm.close()


def test_calls_that_begin_at_once_share_what_close_gives_up(monkeypatch):
    class SlowLease(pool.Lease):
        def __init__(self) -> None:
            time.sleep(0.02)

    monkeypatch.setattr(pool, "Lease", SlowLease)
    llm = ChatAIMLAPI(api_key="key-1")
    with ThreadPoolExecutor(4) as threads:
        leases = set(threads.map(lambda _: llm._leased(), range(4)))
    assert leases == {llm._kept.lease}


# --- copies -------------------------------------------------------------------------------------


def test_model_copy_changes_what_is_asked(emulator):
    llm = model_on(emulator)
    llm.invoke("Hello")
    other = llm.model_copy(update={"model": "openai/gpt-5-1-codex", "max_tokens": 99})
    other.invoke("Hello")
    llm.invoke("Hello")
    asked = [
        (sent.json["model"], "max_completion_tokens" in sent.json) for sent in emulator.requests
    ]
    assert asked == [(MODEL, False), ("openai/gpt-5-1-codex", True), (MODEL, False)]


def test_a_changed_attribute_changes_what_is_asked(emulator):
    llm = model_on(emulator)
    llm.invoke("Hello")
    llm.temperature = 0.5
    llm.invoke("Hello")
    assert [sent.json.get("temperature") for sent in emulator.requests] == [None, 0.5]


async def test_a_configurable_model_still_streams(emulator):
    llm = model_on(emulator).configurable_fields(model=ConfigurableField(id="model"))
    for model in MODELS:
        config = {"configurable": {"model": model}}
        chunks = list(llm.stream("Hello", config))
        assert len([chunk for chunk in chunks if chunk.content]) > 1
        assert emulator.requests[-1].json["model"] == model
        assert len([c async for c in llm.astream("Hello", config) if c.content]) > 1
    made, _ = llm._prepare({"configurable": {"model": "openai/gpt-5-1-codex"}})
    assert made.streaming is None


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
    "deep model_copy": lambda llm: llm.model_copy(deep=True),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_keep_what_cannot_be_copied(emulator, way):
    handler, limiter = (
        BaseCallbackHandler(),
        InMemoryRateLimiter(requests_per_second=1000, max_bucket_size=1000),
    )
    cache, headers = InMemoryCache(), {"X-Team": "blue"}
    llm = model_on(
        emulator,
        temperature=0.5,
        callbacks=[handler],
        rate_limiter=limiter,
        cache=cache,
        default_headers=headers,
        client_request_id="team-",
    )
    copied = COPIES[way](llm)
    assert type(copied) is ChatAIMLAPI
    assert copied.callbacks[0] is handler
    for name in ("rate_limiter", "cache", "http_client", "http_async_client", "api_key"):
        assert getattr(copied, name) is getattr(llm, name)
    assert copied.temperature == 0.5
    assert copied.invoke("Hello").content.startswith("The emulator")
    sent = emulator.requests[-1].headers
    assert sent["x-team"] == "blue"
    assert sent["authorization"] == "Bearer emulator-key"
    assert sent["x-client-request-id"].startswith("team-")


def test_a_deepcopy_shares_no_parameters(emulator):
    llm = model_on(emulator, stop=["a"], model_kwargs={"logit_bias": {}})
    copied = copy.deepcopy(llm)
    copied.stop.append("b")
    copied.model_kwargs["logit_bias"]["50256"] = -100
    assert llm.stop == ["a"]
    assert llm.model_kwargs == {"logit_bias": {}}


def test_a_copy_has_a_lease_of_its_own(emulator):
    llm = model_on(emulator)
    llm.invoke("Hello")
    assert llm._kept.lease is not None
    for way, make in COPIES.items():
        copied = make(llm)
        copied.invoke("Hello")
        assert copied._kept.lease is not llm._kept.lease, way


def test_a_copy_knows_what_the_api_could_not_open(emulator):
    llm = model_on(emulator)
    llm._kept.refused_seals["rs_1"] = None
    for way, make in COPIES.items():
        assert make(llm)._kept.refused_seals == {"rs_1": None}, way


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=lambda library: library.__name__)
def test_pickles_find_their_key_where_they_are(monkeypatch, emulator, library):
    llm = model_on(
        emulator, temperature=0.5, default_headers={"X-Team": "blue"}, client_request_id="team-"
    )
    llm.invoke("Hello")
    data = library.dumps(llm)
    assert b"emulator-key" not in data
    assert b"blue" not in data
    monkeypatch.setenv("AIML_API_KEY", "key-of-the-worker")
    loaded = library.loads(data)
    assert type(loaded) is ChatAIMLAPI
    assert (loaded.model, loaded.temperature) == (MODEL, 0.5)
    assert loaded.base_url == llm.base_url
    for name in ("api_key", "default_headers", "http_client", "client_request_id", "callbacks"):
        assert getattr(loaded, name) is None
    loaded.http_client = Emulator(api_key="key-of-the-worker").client()
    assert loaded.invoke("Hello").content.startswith("The emulator")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_all_protocols_pickle(emulator, protocol):
    assert pickle.loads(pickle.dumps(model_on(emulator, n=2), protocol)).n == 2


def test_a_pickle_of_an_earlier_version_works(emulator):
    """Version 1.0.0 had fewer fields, and kept other things from call to call."""
    state = model_on(emulator, temperature=0.5).__getstate__()
    for name in ("response_format", "tools", "stream_options", "proxy", "default_query"):
        del state["__dict__"][name]
    state["__pydantic_private__"] = {"_lease": None, "_dumped": None}
    loaded = ChatAIMLAPI.__new__(ChatAIMLAPI)
    loaded.__setstate__(state)
    loaded.http_client, loaded.api_key = emulator.client(), SecretStr("emulator-key")
    assert loaded.invoke("Hello").content.startswith("The emulator")
    assert (loaded.temperature, loaded.tools, loaded.proxy) == (0.5, None, None)


class WithPrivateAttribute(ChatAIMLAPI):
    _team: str = PrivateAttr(default="red")


def test_pickles_keep_a_subclass_s_private_attributes(emulator):
    llm = WithPrivateAttribute(**emulator.connection())
    llm._team = "blue"
    assert pickle.loads(pickle.dumps(llm))._team == "blue"


async def test_a_pickle_without_a_key_names_the_variables(emulator):
    loaded = pickle.loads(pickle.dumps(model_on(emulator)))
    for way in WAYS:
        with pytest.raises(AIMLAPIConfigurationError, match="AIMLAPI_API_KEY"):
            await call(loaded, way)
    assert emulator.requests == []


def test_pickling_leaves_the_original_as_it_was(emulator):
    llm = model_on(emulator)
    pickle.dumps(llm)
    assert key_of(llm) == "emulator-key"
    llm.invoke("Hello")


# --- closing ------------------------------------------------------------------------------------


async def test_a_users_clients_are_used_and_not_closed(emulator):
    with emulator.client() as client:
        async with emulator.async_client() as async_client:
            fields = {"http_client": client, "http_async_client": async_client}
            with ChatAIMLAPI(api_key="emulator-key", **fields) as llm:
                llm.invoke("Hello")
                collect(llm.stream("Hello"))
            async with ChatAIMLAPI(api_key="emulator-key", **fields) as llm:
                await llm.ainvoke("Hello")
                await acollect(llm.astream("Hello"))
            llm.close()
            await llm.aclose()
            assert not client.is_closed
            assert not async_client.is_closed
            llm.invoke("Hello")
    assert len(emulator.requests) == 5


async def test_each_kind_of_call_uses_its_kind_of_client(emulator):
    other = Emulator()
    fields = {"http_client": emulator.client(), "http_async_client": other.async_client()}
    llm = ChatAIMLAPI(api_key="emulator-key", **fields)
    llm.invoke("Hello")
    assert (len(emulator.requests), len(other.requests)) == (1, 0)
    await llm.ainvoke("Hello")
    assert (len(emulator.requests), len(other.requests)) == (1, 1)


@pytest.mark.enable_socket
async def test_a_model_works_after_it_was_closed(emulator):
    with emulator.serve() as server:
        llm = ChatAIMLAPI(**server.connection())
        llm.close()
        with llm as entered:
            assert entered is llm
            llm.invoke("Hello")
        llm.invoke("Hello")
        llm.close()
        llm.close()
        async with llm as entered:
            assert entered is llm
            await llm.ainvoke("Hello")
        await llm.ainvoke("Hello")
        await llm.aclose()
        await llm.aclose()
    assert len(emulator.requests) == 4


@pytest.mark.enable_socket
async def test_closing_one_model_leaves_the_others_connected(emulator):
    with emulator.serve() as server:
        one, other = ChatAIMLAPI(**server.connection()), ChatAIMLAPI(**server.connection())
        stream = one.stream("Hello")
        next(stream)
        other.invoke("Hello")
        other.close()
        assert collect(stream).content
        one.invoke("Hello")
        one.close()


def test_a_stream_that_is_not_read_to_its_end_is_closed(emulator):
    llm = model_on(emulator)
    stream = llm.stream("Hello")
    next(stream)
    assert llm.http_client._transport.open_streams == 1
    stream.close()
    assert llm.http_client._transport.open_streams == 0


async def test_an_async_stream_that_is_not_read_to_its_end_is_closed(emulator):
    llm = model_on(emulator)
    stream = llm.astream("Hello")
    await anext(stream)
    assert llm.http_async_client._transport.open_streams == 1
    await stream.aclose()
    await asyncio.sleep(0)
    assert llm.http_async_client._transport.open_streams == 0


# --- ids ----------------------------------------------------------------------------------------


def sent_id(emulator: Emulator) -> str:
    return emulator.requests[-1].headers["x-client-request-id"]


@ways
async def test_the_id_on_the_wire_is_the_id_in_the_metadata(emulator, way):
    message = await call(model_on(emulator), way)
    metadata = message.response_metadata
    assert (
        metadata["client_request_id"] == sent_id(emulator) == emulator.ledger[0].client_request_id
    )
    assert metadata["inference_id"] == emulator.ledger[0].inference_id
    uuid.UUID(metadata["client_request_id"])


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_the_id_is_the_runs_own_where_langchain_tells_it(emulator, way):
    run_id = uuid.uuid4()
    await call(model_on(emulator), way, config={"run_id": run_id})
    assert sent_id(emulator) == str(run_id)


@pytest.mark.filterwarnings("ignore:.*v3.* is in beta")
async def test_the_id_of_an_event_stream_is_the_runs_own(emulator):
    run_id = uuid.uuid4()
    llm = model_on(emulator)
    assert llm.stream_events("Hello", {"run_id": run_id}, version="v3").output
    assert sent_id(emulator) == str(run_id)
    stream = await llm.astream_events("Hello", {"run_id": run_id}, version="v3")
    assert await stream.output
    assert sent_id(emulator) == str(run_id)


def test_the_id_is_the_runs_own_in_a_batch(emulator):
    llm = model_on(emulator)
    run_ids = [uuid.uuid4() for _ in range(3)]
    llm.batch(["a", "b", "c"], [{"run_id": run_id} for run_id in run_ids])
    sent = {request.headers["x-client-request-id"] for request in emulator.requests}
    assert sent == set(map(str, run_ids))


def test_each_call_has_an_id_of_its_own(emulator):
    llm = model_on(emulator)
    for _ in range(2):
        llm.invoke("Hello")
        collect(llm.stream("Hello"))
    assert len({request.headers["x-client-request-id"] for request in emulator.requests}) == 4


@ways
async def test_a_prefix(emulator, way):
    message = await call(model_on(emulator, client_request_id="team:blue-"), way)
    assert sent_id(emulator).startswith("team:blue-")
    uuid.UUID(sent_id(emulator).removeprefix("team:blue-"))
    assert message.response_metadata["client_request_id"] == sent_id(emulator)


@ways
async def test_a_function_that_makes_the_id(emulator, way):
    made = iter(["order.1", "order.2"])
    llm = model_on(emulator, client_request_id=lambda: next(made))
    await call(llm, way)
    assert sent_id(emulator) == "order.1"
    await call(llm, way)
    assert sent_id(emulator) == "order.2"


@ways
async def test_the_id_of_one_call(emulator, way):
    llm = model_on(emulator, client_request_id="prefix-")
    await call(llm, way, client_request_id="mine_1")
    assert sent_id(emulator) == "mine_1"
    await call(llm.bind(client_request_id="mine_2"), way)
    assert sent_id(emulator) == "mine_2"
    assert "client_request_id" not in emulator.requests[-1].json


@ways
@pytest.mark.parametrize(
    "bad", ["", "a b", "ü", "a\n", "x" * 129, "a/b"], ids=["empty", *"sünl", "slash"]
)
async def test_an_id_that_the_gateway_would_drop_is_refused(emulator, way, bad):
    llm = model_on(emulator)
    with pytest.raises(AIMLAPIConfigurationError, match="1 to 128"):
        await call(llm, way, client_request_id=bad)
    with pytest.raises(AIMLAPIConfigurationError, match="1 to 128"):
        await call(model_on(emulator, client_request_id=lambda: bad), way)
    assert emulator.requests == []


def test_an_id_that_is_no_text_is_refused(emulator):
    with pytest.raises(AIMLAPIConfigurationError, match="1 to 128"):
        model_on(emulator).invoke("Hello", client_request_id=7)
    with pytest.raises(AIMLAPIConfigurationError, match="1 to 128"):
        model_on(emulator, client_request_id="x" * 100).invoke("Hello")


def test_the_longest_id(emulator):
    model_on(emulator).invoke("Hello", client_request_id="x" * 128)
    assert emulator.ledger[0].client_request_id == "x" * 128


def test_ids_do_not_keep_calls_from_the_cache(emulator):
    llm = model_on(emulator, cache=InMemoryCache())
    for number in range(3):
        llm.invoke("Hello", client_request_id=f"call-{number}")
    assert len(emulator.requests) == 1


# --- retries ------------------------------------------------------------------------------------


@ways
@pytest.mark.parametrize(
    "fault",
    [
        *(Fault.status(code) for code in (408, 409, 429, 500, 502, 503, 504)),
        Fault.reset(),
        Fault.disconnect(),
    ],
    ids=repr,
)
async def test_what_may_pass_is_tried_again(emulator, waits, way, fault):
    emulator.script(fault, fault, Reply("At last."))
    message = await call(model_on(emulator), way)
    emulator.assert_done()
    assert message.content == "At last."
    assert message.response_metadata["attempts"] == 3
    assert len(emulator.requests) == 3
    ids = {request.headers["x-client-request-id"] for request in emulator.requests}
    assert ids == {message.response_metadata["client_request_id"]}
    assert len(waits) == 2
    assert 0.25 <= waits[0] <= 0.5
    assert 0.5 <= waits[1] <= 1


@ways
async def test_the_server_may_say_how_long_to_wait(emulator, waits, way):
    emulator.script(Fault.status(429, retry_after=7), Fault.status(503, retry_after="1.5"))
    message = await call(model_on(emulator), way)
    assert waits == [7, 1.5]
    assert message.response_metadata["attempts"] == 3


@ways
async def test_too_long_a_wait_is_the_callers_decision(emulator, waits, way):
    emulator.script(Fault.status(429, retry_after=3600))
    with pytest.raises(AIMLAPIRateLimitError) as caught:
        await call(model_on(emulator), way)
    assert caught.value.retry_after == 3600
    assert caught.value.attempts == 1
    assert waits == []


@ways
@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_max_retries_counts_what_follows_the_first(emulator, waits, way, retries):
    emulator.respond_with(lambda _: Fault.status(503))
    with pytest.raises(AIMLAPIServerError) as caught:
        await call(model_on(emulator, max_retries=retries), way)
    assert caught.value.attempts == len(emulator.requests) == retries + 1
    assert len(waits) == retries


@ways
async def test_a_timeout_is_tried_again_only_if_wanted(emulator, waits, way):
    fault = Fault.stall()
    emulator.script(fault, fault)
    with pytest.raises(AIMLAPITimeoutError) as caught:
        await call(model_on(emulator, timeout=5), way)
    assert caught.value.phase == "read"
    assert len(emulator.requests) == 1
    message = await call(model_on(emulator, timeout=5, retry_read_timeouts=True), way)
    assert message.response_metadata["attempts"] == 2


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("make", [Fault.cut, Fault.reset, Fault.error_event])
async def test_nothing_is_tried_again_after_the_first_chunk(emulator, waits, way, make):
    emulator.script(make(4, reply=Reply("One two three four five six")))
    with pytest.raises(AIMLAPIStreamInterruptedError):
        await call(model_on(emulator), way)
    assert len(emulator.requests) == 1
    assert waits == []


# --- errors -------------------------------------------------------------------------------------

ERRORS = [
    (Fault.status(400), AIMLAPIInvalidRequestError, 400),
    (Fault.status(401), AIMLAPIAuthenticationError, 401),
    (Fault.status(402), AIMLAPIOutOfCreditsError, 402),
    (Fault.status(403), AIMLAPIPermissionDeniedError, 403),
    (Fault.out_of_credits(), AIMLAPIOutOfCreditsError, 403),
    (Fault.out_of_credits("funds"), AIMLAPIOutOfCreditsError, 403),
    (Fault.free_tier(), AIMLAPIOutOfCreditsError, 429),
    (Fault.status(404), AIMLAPINotFoundError, 404),
    (Fault.status(405), AIMLAPINotFoundError, 405),
    (Fault.status(408), AIMLAPITimeoutError, 408),
    (Fault.status(409), AIMLAPIServerError, 409),
    (Fault.status(413), AIMLAPIInvalidRequestError, 413),
    (Fault.status(422), AIMLAPIInvalidRequestError, 422),
    (Fault.status(429), AIMLAPIRateLimitError, 429),
    (Fault.context_overflow(), AIMLAPIContextOverflowError, 400),
    (Fault.status(500), AIMLAPIServerError, 500),
    (Fault.status(504), AIMLAPIServerError, 504),
    (Fault.redirect("https://elsewhere.example"), AIMLAPIProtocolError, 307),
]


@two_ways
@pytest.mark.parametrize("shape", ["flat", "title", "openai", "html"])
@pytest.mark.parametrize("expected", ERRORS, ids=lambda expected: repr(expected[0]))
async def test_errors_are_of_their_kind_and_can_be_found_again(way, shape, expected):
    fault, kind, status = expected
    emulator = Emulator(error_shape=shape).script(fault)
    llm = model_on(emulator, max_retries=0, use_responses_api=False)
    with pytest.raises(AIMLAPIError) as caught:
        await call(llm, way)
    error = caught.value
    assert type(error) is kind
    assert error.status_code == status
    assert error.attempts == 1
    assert error.request_id == emulator.requests[0].inference_id
    assert error.client_request_id == sent_id(emulator)
    if not isinstance(error, AIMLAPIProtocolError):
        assert MODEL in str(error)


@ways
@pytest.mark.parametrize(
    "fault",
    [
        Fault.image_object(),
        Fault.html(),
        Fault.array(),
        Fault.malformed_json(),
        Reply(body={"choices": []}),
        Reply(body={"choices": None, "object": "chat.completion"}),
    ],
    ids=repr,
)
async def test_a_success_that_is_no_answer(emulator, way, fault):
    emulator.script(fault)
    with pytest.raises(AIMLAPIError) as caught:
        await call(model_on(emulator), way)
    error = caught.value
    assert error.request_id == emulator.requests[0].inference_id
    assert error.client_request_id == sent_id(emulator)
    assert error.attempts == len(emulator.requests) == 1
    assert type(error) is AIMLAPIProtocolError
    assert error.is_retryable is False


@ways
async def test_the_image_that_the_documentation_prints(emulator, way):
    emulator.script(Fault.image_object())
    with pytest.raises(AIMLAPIProtocolError, match="image"):
        await call(model_on(emulator), way)


@ways
async def test_an_error_inside_a_success(emulator, waits, way):
    emulator.script(Fault.error_in_200(), Reply("At last."))
    message = await call(model_on(emulator), way)
    assert message.content == "At last."
    assert message.response_metadata["attempts"] == 2


@ways
async def test_a_201_is_a_success(emulator, way):
    emulator.script(Reply("Created.", status=201))
    assert (await call(model_on(emulator), way)).content == "Created."


def test_a_reply_without_a_finish_reason_is_whole(emulator):
    message = {"role": "assistant", "content": "Done."}
    emulator.script(Reply(body={"choices": [{"message": message}]}))
    answer = model_on(emulator).invoke("Hello")
    assert answer.content == "Done."
    assert answer.response_metadata["finish_reason"] == "stop"


@ways
async def test_an_empty_balance(way):
    emulator = Emulator(balance_usd=0)
    with pytest.raises(AIMLAPIOutOfCreditsError, match="billing"):
        await call(model_on(emulator), way)
    assert len(emulator.requests) == 1


async def test_errors_reach_fallbacks(emulator):
    emulator.script(Fault.status(401))
    llm = model_on(emulator).with_fallbacks(
        [RunnableLambda(lambda _: AIMessage("Fallen back."))],
        exceptions_to_handle=(AIMLAPIAuthenticationError,),
    )
    assert llm.invoke("Hello").content == "Fallen back."


def test_a_batch_returns_errors_if_told(emulator):
    emulator.script(Fault.status(400), Fault.status(400))
    answers = model_on(emulator).batch(
        ["a", "b", "c"], {"max_concurrency": 1}, return_exceptions=True
    )
    kinds = [type(answer) for answer in answers]
    assert kinds == [AIMLAPIInvalidRequestError, AIMLAPIInvalidRequestError, AIMessage]


# --- streaming or not ---------------------------------------------------------------------------


class Tokens(BaseCallbackHandler):
    """Counts what LangChain tells of a call."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.ends: list[Any] = []

    def on_llm_new_token(self, token: str, **_: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, response: Any, **_: Any) -> None:
        self.ends.append(response)


def streamed(emulator: Emulator) -> bool:
    return emulator.requests[-1].json.get("stream") is True


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_invoke_streams_if_told(emulator, way):
    await call(model_on(emulator), way)
    assert not streamed(emulator)
    await call(model_on(emulator), way, stream=True)
    assert streamed(emulator)
    await call(model_on(emulator, streaming=True), way)
    assert streamed(emulator)
    await call(model_on(emulator, streaming=True), way, stream=False)
    assert not streamed(emulator)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_stream_does_not_if_told(emulator, way):
    message = await call(model_on(emulator), way)
    assert streamed(emulator)
    for fields in ({"streaming": False}, {"disable_streaming": True}):
        llm = model_on(emulator, **fields)
        message = await call(llm, way)
        assert not streamed(emulator)
        assert message.content.startswith("The emulator")
        assert "stream" not in emulator.requests[-1].json


async def test_streams_without_tools_only(emulator):
    llm = model_on(emulator, disable_streaming="tool_calling")
    collect(llm.stream("Hello"))
    assert streamed(emulator)
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    collect(llm.bind_tools([tool]).stream("Hello"))
    assert not streamed(emulator)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_each_token_is_told_once(emulator, way):
    tokens = Tokens()
    emulator.script(Reply("one two three", stream=StreamStyle(delta_size=None)))
    await call(model_on(emulator), way, config={"callbacks": [tokens]})
    assert "".join(tokens.tokens) == "one two three"
    assert len(tokens.ends) == 1
    message = tokens.ends[0].generations[0][0].message
    assert isinstance(message, AIMessageChunk)
    assert message.usage_metadata["output_tokens"] == 3


# --- usage --------------------------------------------------------------------------------------


def test_usage_of_several_answers_counts_once(emulator):
    from langchain_core.callbacks import UsageMetadataCallbackHandler

    counter = UsageMetadataCallbackHandler()
    usage = Usage(10, 6)
    emulator.script(Reply(choices=[Reply("a"), Reply("b")], usage=usage), Reply("c", usage=usage))
    llm = model_on(emulator)
    llm.generate([[HumanMessage("Hello")]], n=2, callbacks=[counter])
    llm.invoke("Hello", config={"callbacks": [counter]})
    assert counter.usage_metadata[MODEL]["total_tokens"] == 32


# --- tracing and LangChain's own questions ------------------------------------------------------


def test_langsmith_parameters():
    llm = ChatAIMLAPI(api_key="key-1", temperature=0.5, max_tokens=9, stop="x")
    assert llm._get_ls_params() == {
        "ls_provider": "aimlapi",
        "ls_model_name": MODEL,
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["x"],
    }
    given = llm._get_ls_params(
        ["y"], model="other", temperature=0.0, max_completion_tokens=3, stream=True
    )
    assert given["ls_model_name"] == "other"
    assert given["ls_temperature"] == 0.0
    assert given["ls_max_tokens"] == 3
    assert given["ls_stop"] == ["y"]


def test_langsmith_parameters_that_are_not_set_are_left_out():
    params = ChatAIMLAPI(api_key="key-1")._get_ls_params()
    assert set(params) == {"ls_provider", "ls_model_name", "ls_model_type"}


def test_the_provider_of_the_trace_is_that_of_the_message(emulator):
    llm = model_on(emulator)
    message = llm.invoke("Hello")
    assert message.response_metadata["model_provider"] == llm._get_ls_params()["ls_provider"]


class Started(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.seen = {"serialized": serialized, **kwargs}


def test_what_a_trace_tells(emulator):
    started = Started()
    llm = model_on(emulator, temperature=0.5, default_headers={"X-Team": "blue"})
    llm.invoke("Hello", config={"callbacks": [started]}, max_tokens=5)
    assert started.seen["metadata"]["ls_provider"] == "aimlapi"
    assert "langchain-aimlapi" in str(started.seen["metadata"])
    assert started.seen["invocation_params"]["model"] == MODEL
    assert started.seen["invocation_params"]["max_tokens"] == 5
    assert started.seen["invocation_params"]["_type"] == "aimlapi-chat"
    assert "emulator-key" not in repr(started.seen)
    assert "blue" not in repr(started.seen)


def test_identifying_parameters():
    llm = ChatAIMLAPI(
        api_key="key-1", temperature=0.0, stop=["x"], model_kwargs={"user": "me"}, top_p=1.0
    )
    assert llm._identifying_params == {
        "model": MODEL,
        "temperature": 0.0,
        "top_p": 1.0,
        "stop": ["x"],
        "user": "me",
    }
    assert llm._llm_type == "aimlapi-chat"


def test_other_models_pass_without_a_profile(emulator):
    llm = ChatAIMLAPI(model="vendor/other", api_key="key-1")
    assert not llm.profile
    given = ChatAIMLAPI(model="vendor/other", api_key="key-1", profile={"tool_calling": False})
    assert given.profile == {"tool_calling": False}


def test_a_changed_field_is_not_answered_from_the_cache(emulator):
    llm = model_on(emulator, cache=InMemoryCache())
    llm.invoke("Hello")
    llm.invoke("Hello")
    assert len(emulator.requests) == 1
    llm.model_copy(update={"temperature": 0.9}).invoke("Hello")
    assert len(emulator.requests) == 2
    llm.temperature = 0.1
    llm.invoke("Hello")
    assert len(emulator.requests) == 3
    llm.invoke("Hello", stop=["x"])
    assert len(emulator.requests) == 4


# --- stop, as a field and in a call -------------------------------------------------------------


@ways
@pytest.mark.parametrize("stop", ["STOP", ["STOP"], ["", "STOP"]])
async def test_stop_of_the_model(emulator, way, stop):
    emulator.script(Reply("One STOP two"), Reply("One STOP two"))
    llm = model_on(emulator, stop=stop)
    assert (await call(llm, way)).content == "One "
    assert "stop" not in emulator.requests[-1].json
    # A call's own goes before it.
    assert (await call(llm, way, stop=["two"])).content == "One STOP "


@ways
async def test_stop_is_sent_if_told(emulator, way):
    llm = model_on(emulator, send_stop=True)
    await call(llm, way, stop=["STOP"])
    assert emulator.requests[-1].json["stop"] == ["STOP"]
    await call(llm, way)
    assert "stop" not in emulator.requests[-1].json


# --- instances serve everybody ------------------------------------------------------------------


@pytest.mark.enable_socket
def test_one_model_serves_many_loops(emulator):
    with emulator.serve() as server:
        llm = ChatAIMLAPI(**server.connection())
        for _ in range(3):
            assert asyncio.run(llm.ainvoke("Hello")).content
        llm.close()
    assert len(emulator.requests) == 3


def test_clients_of_another_kind_are_refused():
    with pytest.raises(AIMLAPIConfigurationError, match="http_async_client"):
        ChatAIMLAPI(api_key="key-1", http_client=httpx.AsyncClient())
    with httpx.Client() as client, pytest.raises(AIMLAPIConfigurationError, match="http_client"):
        ChatAIMLAPI(api_key="key-1", http_async_client=client)


@pytest.mark.parametrize("copied", [False, True])
def test_the_dump_of_cache_keys_follows_each_change(llm, copied):
    dumps = [llm._serialized]
    assert llm._serialized is dumps[0]
    changed = llm.model_copy() if copied else llm
    for change in (
        lambda: setattr(changed, "temperature", 0.5),
        lambda: changed.model_kwargs.update(user="a"),
        lambda: changed.extra_body.update(a={"b": [1]}),
        lambda: changed.extra_body["a"]["b"].append(2),
    ):
        change()
        dumps.append(changed._serialized)
        assert dumps[-1] == dumpd(changed)
    assert all(left != right for left, right in itertools.pairwise(dumps))


def test_a_profile_of_the_users_own_is_checked():
    with pytest.warns(UserWarning, match="Unrecognized keys"):
        ChatAIMLAPI(api_key="k", profile={"nonsense": True})
