"""Lines of JSON for each call, and prices in LangSmith."""

from __future__ import annotations

import asyncio
import copy
import inspect
import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.tracers.langchain import LangChainTracer
from langsmith import Client

from langchain_aimlapi import ChatAIMLAPI, errors
from langchain_aimlapi.callbacks import AIMLAPITracer, JSONLinesHandler
from langchain_aimlapi.cost import CostTracker, SpendLimitExceeded
from langchain_aimlapi.emulator import Fault, Reply, ToolCall, Usage
from tests.conftest import acollect, collect

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:.*v3.* is in beta")

ENDPOINTS = {"chat_completions": False, "responses": True}
WAYS = ("invoke", "ainvoke", "stream", "astream", "stream_events")

endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS)
ways = pytest.mark.parametrize("way", WAYS)


async def call(llm: ChatAIMLAPI, way: str, *handlers: Any) -> Any:
    config: Any = {"callbacks": list(handlers)}
    if way == "invoke":
        return llm.invoke("Hello", config)
    if way == "ainvoke":
        return await llm.ainvoke("Hello", config)
    if way == "stream":
        return collect(llm.stream("Hello", config))
    if way == "astream":
        return await acollect(llm.astream("Hello", config))
    return llm.stream_events("Hello", config, version="v3").output


def lines(file: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


# --- JSON lines -----------------------------------------------------------------------------------


@ways
@endpoints
async def test_a_line_for_each_call(emulator, way, endpoint):
    usage = Usage(20, 30, cached_tokens=5, reasoning_tokens=7)
    emulator.script(Fault.status(500, retry_after=0), Reply("An answer.", usage=usage, cost=2480))
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    file, before = io.StringIO(), datetime.now(timezone.utc)
    message = await call(llm, way, JSONLinesHandler(file))
    (line,) = lines(file)
    assert before <= datetime.fromisoformat(line["time"]) <= datetime.now(timezone.utc)
    first_token, latency = line["first_token_s"], line["latency_s"]
    assert latency >= (first_token or 0) >= 0
    assert (first_token is None) is (way in {"invoke", "ainvoke"})
    assert uuid.UUID(line["run_id"])
    del line["time"], line["first_token_s"], line["latency_s"], line["run_id"]
    assert line == {
        "status": "ok",
        "error": None,
        "status_code": None,
        "model": "openai/gpt-5-1",
        "endpoint": endpoint,
        "input_tokens": 20,
        "output_tokens": 30,
        "cached_tokens": 5,
        "reasoning_tokens": 7,
        "cost_usd": 0.00124,
        "cost_credits": 2480,
        "from_cache": False,
        "attempts": 2,
        "unpriced": 0,
        "inference_id": emulator.requests[-1].inference_id,
        "client_request_id": message.response_metadata["client_request_id"],
        "parent": None,
    }


@ways
@endpoints
async def test_a_line_for_a_call_that_failed(emulator, way, endpoint):
    emulator.script(Fault.status(429, message="Slow down, person@example.com"))
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], max_retries=0, **emulator.connection())
    file = io.StringIO()
    with pytest.raises(errors.AIMLAPIRateLimitError):
        await call(llm, way, JSONLinesHandler(file, include_text=True))
    (line,) = lines(file)
    assert (line["status"], line["error"]) == ("error", "AIMLAPIRateLimitError")
    assert (line["status_code"], line["attempts"]) == (429, 1)
    request = emulator.requests[-1]
    assert line["inference_id"] == request.inference_id
    assert line["client_request_id"] == request.client_request_id
    assert line["cost_credits"] is line["input_tokens"] is line["first_token_s"] is None
    assert line["answer"] is None
    assert "Slow down" not in file.getvalue()


@endpoints
def test_a_line_for_a_stream_that_was_cut(emulator, endpoint):
    emulator.script(Fault.cut(9))
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    file = io.StringIO()
    stream = llm.stream("Hello", {"callbacks": [JSONLinesHandler(file, include_text=True)]})
    with pytest.raises(errors.AIMLAPIStreamInterruptedError) as caught:
        list(stream)
    (line,) = lines(file)
    assert line["error"] == "AIMLAPIStreamInterruptedError"
    assert line["inference_id"] == emulator.ledger[0].inference_id
    assert line["cost_credits"] is None
    assert line["first_token_s"] > 0
    assert line["answer"]["data"]["content"] == caught.value.partial_message.content != ""


def test_a_line_for_a_call_that_a_limit_forbade(llm):
    file = io.StringIO()
    config: Any = {"callbacks": [JSONLinesHandler(file)]}
    with CostTracker(limit_usd=0), pytest.raises(SpendLimitExceeded):
        llm.invoke("Hello", config)
    (line,) = lines(file)
    assert (line["error"], line["attempts"]) == ("SpendLimitExceeded", 0)


async def test_a_cancelled_call_has_its_line(emulator):
    llm = ChatAIMLAPI(**emulator.connection())
    emulator.respond_with(lambda _: Fault.delay(4))
    file = io.StringIO()
    config: Any = {"callbacks": [JSONLinesHandler(file)]}
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(llm.ainvoke("Hello", config), 0.2)
    (line,) = lines(file)
    assert (line["status"], line["error"]) == ("error", "CancelledError")


def test_a_cached_answer_is_not_paid_twice(emulator):
    file = io.StringIO()
    handler = JSONLinesHandler(file)
    llm = ChatAIMLAPI(cache=InMemoryCache(), callbacks=[handler], **emulator.connection())
    llm.invoke("Hello")
    llm.invoke("Hello")
    first, second = lines(file)
    assert (first["from_cache"], second["from_cache"]) == (False, True)
    assert sum(line["cost_credits"] for line in (first, second)) == emulator.ledger[0].credits
    assert second["cost_usd"] == 0
    assert first["inference_id"] == second["inference_id"]


@pytest.mark.parametrize("include_text", [False, True])
def test_text_only_if_asked_for_and_never_the_key(emulator, include_text):
    emulator.script(Reply("The answer is a mystery.", reasoning="Secretly thinking."))
    headers = {"X-Tenant": "tenant-secret-value"}
    llm = ChatAIMLAPI(default_headers=headers, **emulator.connection())
    file = io.StringIO()
    handler = JSONLinesHandler(file, include_text=include_text)
    llm.invoke("What is the quéstion?", {"callbacks": [handler]})
    (line,) = lines(file)
    for text in ("mystery", "quéstion", "Secretly"):
        assert (text in file.getvalue()) is include_text
    for text in (emulator.api_key, "tenant-secret-value", "Bearer"):
        assert text not in file.getvalue()
    if include_text:
        assert line["prompt"][0]["data"]["content"] == "What is the quéstion?"
        assert line["answer"]["data"]["content"] == "The answer is a mystery."


def test_the_run_around_it_is_named(emulator, llm):
    file = io.StringIO()
    config: Any = {"callbacks": [JSONLinesHandler(file)], "run_name": "My chain"}
    (RunnableLambda(str.upper) | llm).invoke("hello", config)

    @tool
    def consult(question: str) -> str:
        """Ask an expert."""
        return llm.invoke(question).text

    emulator.script(Reply(tool_calls=[ToolCall("consult", {"question": "Why?"})]))
    agent = create_agent(llm, [consult])
    agent.invoke({"messages": [("user", "Hello")]}, {"callbacks": config["callbacks"]})
    assert [line["parent"] for line in lines(file)] == ["My chain", "model", "consult", "model"]
    handler = config["callbacks"][0]
    assert handler._names == handler._calls == {}


def test_names_are_forgotten_when_runs_fail(llm):
    handler = JSONLinesHandler(io.StringIO())

    @tool
    def fail(text: str) -> str:
        """Fail."""
        raise ValueError(text)

    for runnable in (fail, RunnableLambda(fail.func)):
        with pytest.raises(ValueError, match="oops"):
            runnable.invoke("oops", {"callbacks": [handler]})
    assert handler._names == {}


def test_models_of_other_providers_have_no_line():
    file = io.StringIO()
    FakeListChatModel(responses=["Hi"], callbacks=[JSONLinesHandler(file)]).invoke("Hello")
    assert file.getvalue() == ""


async def test_many_threads_and_tasks_write_whole_lines(emulator, tmp_path):
    path = tmp_path / "calls.jsonl"
    handler = JSONLinesHandler(path, include_text=True)
    llm = ChatAIMLAPI(callbacks=[handler], **emulator.connection())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(llm.invoke, ["word " * 500] * 60))
    await asyncio.gather(*(llm.ainvoke("word " * 500) for _ in range(60)))
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(line["cost_credits"] for line in written) == sum(
        entry.credits for entry in emulator.ledger
    )
    assert len({line["inference_id"] for line in written}) == 120


def test_a_file_may_be_a_text_and_is_appended_to(llm, tmp_path):
    path = tmp_path / "calls.jsonl"
    for _ in range(2):
        llm.invoke("Hello", {"callbacks": [JSONLinesHandler(str(path))]})
    path.rename(tmp_path / "calls.1.jsonl")
    llm.invoke("Hello", {"callbacks": [JSONLinesHandler(path)]})
    assert len(path.read_text().splitlines()) == 1


def test_a_disk_that_is_full_does_not_break_the_call(llm, tmp_path, caplog):
    handler = JSONLinesHandler(tmp_path / "missing" / "calls.jsonl")
    assert llm.invoke("Hello", {"callbacks": [handler]}).content
    assert "JSONLinesHandler.on_llm_end" in caplog.text


def test_copies_are_the_handler_itself():
    handler = JSONLinesHandler(io.StringIO())
    assert copy.copy(handler) is copy.deepcopy(handler) is handler


# --- LangSmith ------------------------------------------------------------------------------------


class LangSmith(requests.adapters.BaseAdapter):
    """Takes the requests of LangSmith's client in the place of its server."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, dict[str, Any]] = {}
        session = requests.Session()
        self.client = Client(
            api_url="https://langsmith.invalid",
            api_key="key",
            session=session,
            auto_batch_tracing=False,
        )
        session.mount("https://", self)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Keep what is said of a run; later requests add to it."""
        run = json.loads(request.body or b"{}")
        self.runs.setdefault(run["id"], {}).update(run)
        response = requests.Response()
        response.status_code, response._content, response.request = 200, b"{}", request
        return response

    def close(self) -> None:
        """Do nothing."""

    def usages(self) -> list[dict[str, Any] | None]:
        """Return the usage of each call, which is where LangSmith looks for costs."""
        runs = [run for run in self.runs.values() if run.get("run_type") == "llm"]
        return [run["extra"]["metadata"].get("usage_metadata") for run in runs]


@pytest.fixture
def langsmith() -> Iterator[LangSmith]:
    server = LangSmith()
    yield server
    server.client.session.close()


@ways
@endpoints
async def test_langsmith_is_told_the_price(emulator, langsmith, way, endpoint):
    llm = ChatAIMLAPI(use_responses_api=ENDPOINTS[endpoint], **emulator.connection())
    tracer = AIMLAPITracer(client=langsmith.client, project_name="a project")
    with get_usage_metadata_callback() as usage:
        messages = [await call(llm, way, tracer) for _ in range(3)]
    assert langsmith.usages() == [
        {"total_cost": entry.usd, **message.usage_metadata}
        for entry, message in zip(emulator.ledger, messages, strict=True)
    ]
    # The messages are as they were, so LangChain's own sums still work.
    for message in messages:
        assert "total_cost" not in message.usage_metadata
    (total,) = usage.usage_metadata.values()
    assert total["input_tokens"] == sum(entry.usage.input_tokens for entry in emulator.ledger)
    assert total["output_tokens"] == sum(entry.usage.output_tokens for entry in emulator.ledger)


def test_a_price_without_token_counts(emulator, langsmith):
    emulator.script(
        Reply(body={"choices": [{"message": {"content": "Hi"}}],
                    "meta": {"usage": {"credits_used": 10, "usd_spent": 0.000005}}})
    )  # fmt: skip
    llm = ChatAIMLAPI(**emulator.connection())
    assert llm.invoke("Hello", {"callbacks": [AIMLAPITracer(client=langsmith.client)]}).content
    assert langsmith.usages() == [{"total_cost": 0.000005}]


def test_no_price_is_no_price(emulator, langsmith):
    emulator.script(Reply("An answer.", cost=None), Fault.status(400))
    llm = ChatAIMLAPI(callbacks=[AIMLAPITracer(client=langsmith.client)], **emulator.connection())
    message = llm.invoke("Hello")
    with pytest.raises(errors.AIMLAPIInvalidRequestError):
        llm.invoke("Hello")
    assert langsmith.usages() == [message.usage_metadata, None]


def test_a_cached_answer_stays_free(emulator, langsmith):
    tracer = AIMLAPITracer(client=langsmith.client)
    llm = ChatAIMLAPI(cache=InMemoryCache(), callbacks=[tracer], **emulator.connection())
    llm.invoke("Hello")
    llm.invoke("Hello")
    assert [usage["total_cost"] for usage in langsmith.usages()] == [emulator.ledger[0].usd, 0]


def test_inside_a_chain_only_the_call_has_the_price(emulator, llm, langsmith):
    chain = RunnableLambda(str.upper) | llm
    chain.invoke("hello", {"callbacks": [AIMLAPITracer(client=langsmith.client)]})
    runs = langsmith.runs.values()
    assert sorted(run["run_type"] for run in runs) == ["chain", "chain", "llm"]
    assert [usage["total_cost"] for usage in langsmith.usages()] == [emulator.ledger[0].usd]
    told = [run for run in runs if "total_cost" in json.dumps(run["extra"])]
    assert [run["run_type"] for run in told] == ["llm"]


def test_it_takes_the_place_of_the_tracer_that_the_environment_asks_for(
    emulator, llm, langsmith, monkeypatch
):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "key")
    llm.invoke("Hello", {"callbacks": [AIMLAPITracer(client=langsmith.client)], "tags": ["a tag"]})
    (run,) = langsmith.runs.values()
    assert run["tags"] == ["a tag"]
    assert langsmith.usages()[0]["total_cost"] == emulator.ledger[0].usd


def test_other_providers_runs_are_left_alone(langsmith):
    tracer = AIMLAPITracer(client=langsmith.client)
    FakeListChatModel(responses=["Hi"], callbacks=[tracer]).invoke("Hello")
    assert langsmith.usages() == [None]


def test_arguments_are_those_of_langchains_tracer(langsmith):
    assert inspect.signature(AIMLAPITracer) == inspect.signature(LangChainTracer)
    copied = AIMLAPITracer(client=langsmith.client).copy_with_metadata_defaults(tags=["a"])
    assert type(copied) is AIMLAPITracer
    assert copied.client is langsmith.client
