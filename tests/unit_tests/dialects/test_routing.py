"""Which endpoint a call goes to, and what is learned from a refusal."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._dialects import routing
from langchain_aimlapi.emulator import (
    CHAT_ONLY,
    CODEX_ON_RESPONSES_ONLY,
    Emulator,
    Fault,
    Reply,
)
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
)
from tests.conftest import MODELS, WAYS, acollect, call, collect, two_ways, ways

if TYPE_CHECKING:
    from collections.abc import Callable

CODEX = ("openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini")
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
codex = pytest.mark.parametrize("model", CODEX)


def model_on(emulator: Emulator, model: str = CODEX[0], **fields: Any) -> ChatAIMLAPI:
    return ChatAIMLAPI(**{"model": model, **emulator.connection(), **fields})


def paths(emulator: Emulator) -> list[str]:
    return [request.path for request in emulator.requests]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time stands still here, so that no wait ends by itself, however busy the machine is."""
    clock = Clock()
    monkeypatch.setattr(routing, "_clock", clock)
    return clock


@pytest.fixture
def responses_only() -> Emulator:
    return Emulator(models=CODEX_ON_RESPONSES_ONLY)


# --- where a model is served --------------------------------------------------------------------


@ways
@pytest.mark.parametrize("model", MODELS)
async def test_chat_completions_come_first(emulator, way, model):
    message = await call(model_on(emulator, model), way)
    assert paths(emulator) == [CHAT]
    assert message.response_metadata["endpoint"] == "chat_completions"


@two_ways
@codex
@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("shape", ["flat", "title", "openai", "text"])
async def test_a_model_that_is_refused_there_is_asked_on_responses(way, model, status, shape):
    emulator = Emulator(
        models=CODEX_ON_RESPONSES_ONLY, model_error_status=status, error_shape=shape
    )
    llm = model_on(emulator, model, max_retries=0)
    message = await call(llm, way)
    assert paths(emulator) == [CHAT, RESPONSES]
    assert message.content.startswith("The emulator")
    assert message.response_metadata["endpoint"] == "responses"
    assert message.response_metadata["attempts"] == 2
    assert len(emulator.ledger) == 1
    ids = {request.headers["x-client-request-id"] for request in emulator.requests}
    assert ids == {message.response_metadata["client_request_id"]}


@pytest.mark.parametrize("first", WAYS)
async def test_what_was_learned_is_remembered(responses_only, first):
    await call(model_on(responses_only), first)
    for way in WAYS:
        message = await call(model_on(responses_only), way)
        assert message.response_metadata["attempts"] == 1
    assert paths(responses_only) == [CHAT, *[RESPONSES] * 5]


async def test_what_was_learned_counts_for_one_model_and_address(responses_only):
    await call(model_on(responses_only), "invoke")
    await call(model_on(responses_only, CODEX[1]), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES] * 2
    # A client of the user's own, for one of the emulator's asks no other address.
    inner = responses_only.connection()["http_client"]._transport
    client = httpx.Client(transport=httpx.MockTransport(inner.handle_request))
    other = {"base_url": "https://gateway.example/v1", "http_client": client}
    await call(model_on(responses_only, http_async_client=None, **other), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES] * 3
    await call(model_on(responses_only, "openai/gpt-5-1"), "invoke")
    assert paths(responses_only)[-1] == CHAT


async def test_one_address_in_two_spellings(responses_only):
    for address in ("https://api.aimlapi.com/v1", "https://api.aimlapi.com", None):
        fields = {"base_url": address}
        await call(model_on(responses_only, **fields), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES, RESPONSES, RESPONSES]


async def test_a_new_process_asks_again(responses_only):
    await call(model_on(responses_only), "invoke")
    routing.forget()
    await call(model_on(responses_only), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES] * 2


@codex
@ways
async def test_a_model_that_is_served_on_both(emulator, model, way):
    llm = model_on(emulator, model)
    for _ in range(2):
        await call(llm, way)
    assert paths(emulator) == [CHAT, CHAT]


@codex
async def test_a_model_that_is_served_on_chat_completions_only(model):
    emulator = Emulator(models=CHAT_ONLY)
    for way in WAYS:
        await call(model_on(emulator, model), way)
    assert paths(emulator) == [CHAT] * 4


@ways
async def test_both_refuse(way):
    emulator = Emulator(models={})
    with pytest.raises(AIMLAPINotFoundError) as caught:
        await call(model_on(emulator), way)
    assert paths(emulator) == [CHAT, RESPONSES]
    error = caught.value
    assert RESPONSES in str(error)
    assert isinstance(error.__cause__, AIMLAPINotFoundError)
    assert CHAT in str(error.__cause__)
    assert error.attempts == 2
    assert error.request_id == emulator.requests[1].inference_id
    assert error.__cause__.request_id == emulator.requests[0].inference_id


async def test_nothing_is_learned_where_both_refuse():
    emulator = Emulator(models={})
    for _ in range(2):
        with pytest.raises(AIMLAPINotFoundError):
            await call(model_on(emulator), "invoke")
    assert paths(emulator) == [CHAT, RESPONSES] * 2


async def test_a_model_that_moves_later_is_found_again(responses_only):
    await call(model_on(responses_only), "invoke")
    responses_only.models = CHAT_ONLY
    await call(model_on(responses_only), "invoke")
    await call(model_on(responses_only), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES, RESPONSES, CHAT, CHAT]


@ways
async def test_after_the_change_of_endpoint_faults_are_tried_again(responses_only, way):
    responses_only.script(Fault.status(503, retry_after=0), Reply("At last."))
    message = await call(model_on(responses_only), way)
    assert message.content == "At last."
    assert message.response_metadata["attempts"] == 3
    assert paths(responses_only) == [CHAT, RESPONSES, RESPONSES]


@ways
async def test_before_the_change_of_endpoint_faults_are_tried_again(emulator, way):
    refusal = Fault.status(404, message="Model not found")
    emulator.script(Fault.status(503, retry_after=0), refusal, Reply("At last."))
    message = await call(model_on(emulator), way)
    assert message.content == "At last."
    assert paths(emulator) == [CHAT, CHAT, RESPONSES]


@ways
async def test_the_same_turn_goes_to_the_other_endpoint(responses_only, way):
    llm = model_on(responses_only, max_tokens=64, reasoning_effort="low").bind_tools(
        [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    )
    await call(llm, way, [HumanMessage("Hello")])
    chat, responses = (request.json for request in responses_only.requests)
    assert chat["messages"] == [{"role": "user", "content": "Hello"}]
    assert chat["max_completion_tokens"] == responses["max_output_tokens"] == 64
    assert chat["reasoning_effort"] == responses["reasoning"]["effort"] == "low"
    assert chat["tools"][0]["function"]["name"] == responses["tools"][0]["name"] == "f"
    assert responses["input"] == [{"role": "user", "content": "Hello"}]
    assert "messages" not in responses
    assert "stream_options" not in responses


# --- models that chat completions documents ----------------------------------------------------

DOCUMENTED = ("openai/gpt-5-1", "openai/gpt-5-1-chat-latest", "openai/gpt-5.1", "another/model")


@pytest.mark.parametrize("model", DOCUMENTED)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "no healthy upstream"),
        (404, "Not Found"),
        (404, "No endpoints found that support tool use"),
        (405, "Method Not Allowed"),
        (400, "Could not fetch the image from the endpoint https://example.com/a.png"),
        (400, "This model is only supported in v1/responses and not in v1/chat/completions."),
        (422, "The model does not exist"),
    ],
)
@two_ways
async def test_a_documented_model_never_moves_by_itself(way, model, status, words):
    emulator = Emulator(models={model: ("chat_completions", "responses")})
    emulator.script(Fault.status(status, message=words), Reply("Here."))
    llm = model_on(emulator, model)
    with pytest.raises(AIMLAPIError, match=words.split()[0]):
        await call(llm, way)
    assert (await call(llm, way)).content == "Here."
    assert paths(emulator) == [CHAT, CHAT]


@ways
@pytest.mark.parametrize("words", ["No endpoints found", "0 endpoints out of 1 support this"])
async def test_what_to_leave_out_of_a_request_that_nobody_serves(emulator, way, words):
    emulator.script(Fault.status(404, message=words))
    with pytest.raises(AIMLAPINotFoundError) as caught:
        await call(model_on(emulator, "openai/gpt-5-1", temperature=1, seed=5), way)
    assert "leave out one of temperature, seed, or name another model." in str(caught.value)
    assert paths(emulator) == [CHAT]


# --- what is no refusal of the endpoint ---------------------------------------------------------

NOT_REFUSALS = [
    (Fault.status(404, message="no healthy upstream"), AIMLAPINotFoundError),
    (Fault.status(404, message="Image not found"), AIMLAPINotFoundError),
    (Fault.status(404, message="File file-123 was not found."), AIMLAPINotFoundError),
    (Fault.status(400, message="Could not fetch the image from the endpoint https://a.b/c"), None),
    (Fault.status(400, message="The endpoint of the file did not answer."), None),
    (
        Fault.status(400, message="Unsupported parameter: 'n' is not supported with this model"),
        None,
    ),
    (Fault.status(400, message="The responses of tool_1 and tool_2 are missing."), None),
    (Fault.status(400, message="The model produced invalid content. Not found: a tool."), None),
    (Fault.status(400, message="temperature: Number must be less than or equal to 2"), None),
    (
        Fault.status(
            400,
            message="Body validation error\nInvalid enum value. Expected 'low' | 'medium' | "
            "'high', received 'none'",
        ),
        AIMLAPIInvalidRequestError,
    ),
    (
        Fault.status(
            400, message="Unsupported value: 'messages[0].role' does not support 'system'."
        ),
        AIMLAPIInvalidRequestError,
    ),
    (Fault.status(400, message="Missing required parameter: 'messages'"), None),
    (Fault.context_overflow(), AIMLAPIContextOverflowError),
    (Fault.context_overflow("responses"), AIMLAPIContextOverflowError),
    (Fault.status(413), AIMLAPIInvalidRequestError),
    (Fault.status(422), AIMLAPIInvalidRequestError),
    (Fault.status(401), AIMLAPIAuthenticationError),
    (Fault.status(402), AIMLAPIOutOfCreditsError),
    (Fault.status(403), AIMLAPIPermissionDeniedError),
    (Fault.status(403, message="This model is not available on your plan."), None),
    (Fault.out_of_credits(), AIMLAPIOutOfCreditsError),
    (Fault.status(429), AIMLAPIRateLimitError),
    (Fault.status(500), AIMLAPIServerError),
    (Fault.status(500, message="The model is under maintenance"), AIMLAPIServerError),
    (Fault.status(503), AIMLAPIServerError),
    (Fault.status(504), AIMLAPIServerError),
    (Fault.stall(), None),
    (Fault.reset(), None),
    (Fault.html(), None),
    (Fault.image_object(), None),
]


@two_ways
@pytest.mark.parametrize("shape", ["flat", "title", "openai"])
@pytest.mark.parametrize("refused", NOT_REFUSALS, ids=[repr(f) for f, _ in NOT_REFUSALS])
async def test_other_errors_change_nothing(way, shape, refused):
    fault, kind = refused
    emulator = Emulator(error_shape=shape).script(fault)
    with pytest.raises(kind or AIMLAPIError):
        await call(model_on(emulator, max_retries=0, timeout=5), way)
    assert paths(emulator) == [CHAT]


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("after", [0, 1, 4])
async def test_nothing_changes_once_a_stream_has_begun(emulator, way, after):
    fault = Fault.error_event(after, "flat", status=404, message="Model not found")
    emulator.script(fault)
    with pytest.raises(AIMLAPIError):
        await call(model_on(emulator, max_retries=0), way)
    assert paths(emulator) == [CHAT]


REFUSALS = [
    (404, "Not Found"),
    (404, "404 page not found"),
    (404, "The requested resource was not found on this server."),
    (404, "Cannot POST /v1/chat/completions"),
    (404, "Invalid URL (POST /v1/chat/completions)"),
    (404, "no Route matched with those values"),
    (404, "No endpoints found for openai/gpt-5-1-codex."),
    (404, "0 endpoints out of 1 support this request"),
    (404, "The model `openai/gpt-5-1-codex` does not exist or you do not have access to it."),
    (400, "openai/gpt-5-1-codex is not a valid model ID"),
    (400, "The requested model 'openai/gpt-5.1-codex' is currently not supported"),
    (400, "Tools are not supported in /v1/chat/completions for it; use /v1/responses instead"),
    (405, "Method Not Allowed"),
    (404, "Model 'openai/gpt-5-1-codex' not found"),
    (400, "Model openai/gpt-5-1-codex is not available on /v1/chat/completions"),
    (400, "This model is only supported in v1/responses and not in v1/chat/completions."),
    (400, "This is not a chat model and thus not supported in the v1/chat/completions endpoint."),
    (422, "The model `openai/gpt-5-1-codex` does not exist"),
    (400, "Invalid enum value. Expected 'openai/gpt-4o', received 'openai/gpt-5-1-codex'"),
]


@two_ways
@pytest.mark.parametrize("shape", ["flat", "title", "openai", "text"])
@pytest.mark.parametrize(("status", "words"), REFUSALS)
async def test_wordings_of_a_refusal(way, shape, status, words):
    emulator = Emulator(error_shape=shape).script(Fault.status(status, message=words))
    await call(model_on(emulator), way)
    assert paths(emulator) == [CHAT, RESPONSES]


# --- the user decides ---------------------------------------------------------------------------


@ways
@pytest.mark.parametrize("model", MODELS)
async def test_the_users_word_goes(emulator, way, model):
    await call(model_on(emulator, model, use_responses_api=True), way)
    await call(model_on(emulator, model, use_responses_api=False), way)
    assert paths(emulator) == [RESPONSES, CHAT]


@ways
async def test_the_users_word_is_not_corrected(responses_only, way):
    with pytest.raises(AIMLAPINotFoundError) as caught:
        await call(model_on(responses_only, use_responses_api=False), way)
    assert caught.value.__cause__ is None
    assert paths(responses_only) == [CHAT]
    emulator = Emulator(models=CHAT_ONLY)
    with pytest.raises(AIMLAPINotFoundError):
        await call(model_on(emulator, use_responses_api=True), way)
    assert paths(emulator) == [RESPONSES]


async def test_what_was_learned_does_not_go_over_the_users_word(responses_only):
    await call(model_on(responses_only), "invoke")
    with pytest.raises(AIMLAPINotFoundError):
        await call(model_on(responses_only, use_responses_api=False), "invoke")
    assert paths(responses_only) == [CHAT, RESPONSES, CHAT]


@ways
@pytest.mark.parametrize(
    "keywords",
    [
        {"tools": [{"type": "web_search_preview"}]},
        {"include": ["reasoning.encrypted_content"]},
        {"reasoning": {"summary": "auto"}},
        {"reasoning": {"effort": "low", "summary": "auto"}},
        {"truncation": "auto"},
        {"store": True},
        {"text": {"format": {"type": "text"}}},
    ],
    ids="-".join,
)
async def test_what_only_responses_has_selects_it(emulator, way, keywords):
    await call(model_on(emulator, "openai/gpt-5-1"), way, **keywords)
    assert paths(emulator) == [RESPONSES]


async def test_the_field_of_the_class_selects_it_too(emulator):
    llm = model_on(emulator, "openai/gpt-5-1", reasoning={"summary": "auto"})
    message = await call(llm, "invoke")
    assert paths(emulator) == [RESPONSES]
    assert "reasoning summary" in message.additional_kwargs["reasoning_content"]


async def test_a_response_can_be_continued(emulator):
    llm = model_on(emulator, "openai/gpt-5-1", store=True)
    first = await call(llm, "invoke")
    await call(llm, "invoke", previous_response_id=first.response_metadata["id"])
    assert paths(emulator) == [RESPONSES, RESPONSES]
    sent = emulator.requests[1].json["previous_response_id"]
    assert sent == first.response_metadata["id"]


async def test_reasoning_effort_alone_selects_nothing(emulator):
    await call(model_on(emulator, "openai/gpt-5-1"), "invoke", reasoning_effort="low")
    assert paths(emulator) == [CHAT]


async def test_a_selecting_parameter_is_not_sent_where_it_has_no_place():
    emulator = Emulator(models=CHAT_ONLY)
    llm = model_on(emulator, "openai/gpt-5-1")
    with pytest.raises(AIMLAPINotFoundError):
        await call(llm, "invoke", reasoning={"summary": "auto"})
    assert paths(emulator) == [RESPONSES]


# --- many calls at once -------------------------------------------------------------------------


def refused_requests(emulator: Emulator) -> int:
    return paths(emulator).count(CHAT)


@pytest.mark.parametrize("streamed", [False, True], ids=["invoke", "stream"])
async def test_a_burst_of_async_calls_costs_one_refused_request(responses_only, streamed):
    llm = model_on(responses_only)

    async def one() -> AIMessage:
        return await acollect(llm.astream("x")) if streamed else await llm.ainvoke("x")

    messages = await asyncio.gather(*(one() for _ in range(20)))
    assert all(message.content for message in messages)
    assert refused_requests(responses_only) == 1
    assert len(responses_only.ledger) == 20


@pytest.mark.parametrize("streamed", [False, True], ids=["invoke", "stream"])
def test_a_burst_of_threads_costs_one_refused_request(responses_only, streamed):
    llm = model_on(responses_only)

    def one(_: int) -> AIMessage:
        return collect(llm.stream("x")) if streamed else llm.invoke("x")

    with ThreadPoolExecutor(8) as pool:
        messages = list(pool.map(one, range(20)))
    assert all(message.content for message in messages)
    assert refused_requests(responses_only) == 1
    assert len(responses_only.ledger) == 20


def test_a_batch_over_several_instances(responses_only):
    instances = [model_on(responses_only) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        messages = list(pool.map(lambda llm: llm.invoke("x"), instances))
    assert all(message.content for message in messages)
    assert refused_requests(responses_only) == 1


async def test_a_burst_where_chat_completions_serve(emulator):
    llm = model_on(emulator)
    await asyncio.gather(*(llm.ainvoke("x") for _ in range(20)))
    assert paths(emulator) == [CHAT] * 20


async def test_a_first_call_that_fails_holds_nobody_up(emulator):
    emulator.script(Fault.status(401))
    llm = model_on(emulator)
    results = await asyncio.gather(*(llm.ainvoke("x") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(result, AIMLAPIAuthenticationError) for result in results) == 1
    assert sum(isinstance(result, AIMessage) for result in results) == 5


@pytest.mark.parametrize("streamed", [False, True], ids=["ainvoke", "astream"])
async def test_a_first_call_that_is_cancelled_holds_nobody_up(emulator, streamed):
    asked = asyncio.Event()

    def take_long(_: Any) -> Fault:
        asked.set()
        return Fault.delay(60)

    emulator.script(take_long)
    llm = model_on(emulator)
    first = asyncio.create_task(acollect(llm.astream("x")) if streamed else llm.ainvoke("x"))
    await asked.wait()
    waiting = [asyncio.create_task(llm.ainvoke("x")) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    messages = await asyncio.gather(*waiting)
    # The task and the frames that its error holds are alive.
    with pytest.raises(asyncio.CancelledError):
        await first
    assert all(message.content for message in messages)
    assert refused_requests(emulator) == 4


def all_in_flight(calls: int) -> Callable[[Any], Reply]:
    """Make a reply that comes when as many requests wait for it: nobody waits for an answer."""
    barrier = threading.Barrier(calls, timeout=30)

    def reply(_: Any) -> Reply:
        barrier.wait()
        return Reply("At last.")

    return reply


def test_nobody_waits_for_an_answer_where_chat_completions_refuse(responses_only):
    responses_only.script(*[all_in_flight(8)] * 8)
    llm = model_on(responses_only)
    with ThreadPoolExecutor(8) as pool:
        assert [message.content for message in pool.map(llm.invoke, "12345678")] == ["At last."] * 8
    assert refused_requests(responses_only) == 1


def test_nobody_waits_for_an_answer_where_chat_completions_serve(emulator, monkeypatch):
    monkeypatch.setattr(routing, "_PATIENCE", 0.0)
    emulator.script(*[all_in_flight(8)] * 8)
    llm = model_on(emulator)
    with ThreadPoolExecutor(8) as pool:
        assert [message.content for message in pool.map(llm.invoke, "12345678")] == ["At last."] * 8
    assert paths(emulator) == [CHAT] * 8


def test_threads_and_loops_learn_from_one_refusal(responses_only):
    responses_only.script(*[all_in_flight(9)] * 9)
    llm = model_on(responses_only)

    def some_thread(number: int) -> AIMessage:
        # The in-memory door of async calls answers in the loop, which the barrier holds up: one
        # call a loop.
        return llm.invoke("x") if number % 3 else asyncio.run(llm.ainvoke("x"))

    with ThreadPoolExecutor(9) as pool:
        messages = list(pool.map(some_thread, range(9)))
    assert {message.content for message in messages} == {"At last."}
    assert refused_requests(responses_only) == 1


def routes(count: int, model: str = CODEX[0]) -> list[routing.Route]:
    return [routing.Route("https://a.example/v1", model, {}, None) for _ in range(count)]


REFUSED = AIMLAPINotFoundError("Not Found", status_code=404, body='{"message": "Not Found"}')


def test_all_who_wait_go_when_the_first_is_refused():
    first, *others = routes(8)
    assert first.wait() == 0
    assert all(route.wait() > 0 for route in others)
    assert first.refused(REFUSED)
    assert [route.wait() for route in others] == [0] * 7
    assert {route.dialect.name for route in (first, *others)} == {"responses"}


def test_all_who_wait_go_together_half_a_second_after_the_first_began(clock):
    first, *others = routes(8)
    first.wait()
    clock.now = 0.3
    late, *_ = routes(1)
    clock.now = 0.49
    assert all(route.wait() > 0 for route in (*others, late))
    clock.now = 0.5
    assert [route.wait() for route in (*others, late)] == [0] * 8
    clock.now = 60.0
    assert routes(1)[0].wait() == 0
    assert {route.dialect.name for route in (first, *others, late)} == {"chat_completions"}


@pytest.mark.parametrize("end", [routing.Route.over, routing.Route.accepted])
def test_all_who_wait_go_when_the_first_is_over(end):
    first, *others = routes(8)
    first.wait()
    assert all(route.wait() > 0 for route in others)
    end(first)
    assert [route.wait() for route in others] == [0] * 7


def test_the_end_of_another_call_is_not_the_end_of_the_first():
    first, second, third = routes(3)
    first.wait()
    second.wait()
    second.over()
    assert third.wait() > 0


def test_who_comes_after_a_first_call_that_told_nothing_is_a_first_call():
    first, *others = routes(3)
    first.wait()
    first.over()
    assert others[0].wait() == 0
    assert others[1].wait() > 0


@pytest.mark.parametrize("model", DOCUMENTED)
def test_calls_to_documented_models_do_not_wait(model):
    assert [route.wait() for route in routes(3, model)] == [0, 0, 0]


# --- what is said -------------------------------------------------------------------------------


@ways
async def test_the_switch_is_logged_once(responses_only, way, caplog):
    with caplog.at_level(logging.INFO, logger="langchain_aimlapi"):
        for _ in range(3):
            await call(model_on(responses_only), way)
    told = [record for record in caplog.records if record.name == "langchain_aimlapi"]
    assert len(told) == 1
    assert told[0].levelno == logging.INFO
    assert CODEX[0] in told[0].getMessage()
    assert "responses" in told[0].getMessage()


async def test_nothing_is_logged_where_nothing_changes(emulator, caplog):
    with caplog.at_level(logging.INFO, logger="langchain_aimlapi"):
        await call(model_on(emulator), "invoke")
        await call(model_on(emulator, use_responses_api=True), "invoke")
    assert [record for record in caplog.records if record.name == "langchain_aimlapi"] == []
