"""What tracers see of a call: model, provider, tokens, endings, ids, and the bill where it fits."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from langchain_aimlapi import AIMLAPIInvalidRequestError, AIMLAPITracer, ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply, ToolCall, Usage
from tests.conftest import collect
from tests.unit_tests.test_readme import blocks

pytestmark = pytest.mark.enable_socket

MODEL = "openai/gpt-5-1"
USAGE = Usage(100, 20, cached_tokens=60, reasoning_tokens=5)
SCENES = {
    "text": Reply("Hello.", usage=USAGE),
    "tool": Reply(tool_calls=[ToolCall("f", {"a": 1})], usage=USAGE),
    "refusal": Reply(refusal="No.", usage=USAGE),
    "error": Fault.status(400),
}
PAGE = Path(__file__).resolve().parents[2] / "cookbook" / "tracing.md"

endpoints = pytest.mark.parametrize("endpoint", ["chat_completions", "responses"])
ways = pytest.mark.parametrize("way", ["invoke", "stream"])
scenes = pytest.mark.parametrize("scene", SCENES)


def perform(scene, way, endpoint, callbacks=()):
    """Make the call of a scene; return its message, or None for an error."""
    emulator = Emulator().script(SCENES[scene])
    llm = ChatAIMLAPI(
        model=MODEL,
        max_retries=0,
        use_responses_api=endpoint == "responses",
        **emulator.connection(),
    )
    config = {"callbacks": list(callbacks)}
    try:
        if way == "invoke":
            return llm.invoke("Hi", config)
        return collect(llm.stream("Hi", config))
    except AIMLAPIInvalidRequestError:
        assert scene == "error"
        return None


@pytest.fixture
def spans():
    """An exporter in memory and a provider that leads to it."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider


@endpoints
@ways
@scenes
@pytest.mark.needs("openinference.instrumentation.langchain", "opentelemetry.sdk")
def test_openinference(spans, scene, way, endpoint):
    from openinference.instrumentation.langchain import LangChainInstrumentor

    exporter, provider = spans
    LangChainInstrumentor().instrument(tracer_provider=provider)
    try:
        message = perform(scene, way, endpoint)
    finally:
        LangChainInstrumentor().uninstrument()
    (span,) = exporter.get_finished_spans()
    seen = span.attributes
    assert span.status.status_code.name == ("ERROR" if message is None else "OK")
    assert (seen["llm.provider"], seen["llm.model_name"]) == ("aimlapi", MODEL)
    if message is None:
        return
    assert seen["llm.token_count.prompt"] == 100
    assert seen["llm.token_count.completion"] == 20
    assert seen["llm.token_count.prompt_details.cache_read"] == 60
    assert seen["llm.token_count.completion_details.reasoning"] == 5
    output = seen["output.value"]
    assert message.response_metadata["inference_id"] in output
    assert f'"credits": {message.response_metadata["cost"]["credits"]}' in output
    if scene == "tool":
        key = "llm.output_messages.0.message.tool_calls.0.tool_call.function."
        assert (seen[f"{key}name"], json.loads(seen[f"{key}arguments"])) == ("f", {"a": 1})
    if scene == "refusal":
        assert "No." in output


@pytest.fixture(scope="session")
def instrumented():
    """OpenTelemetry's instrumentation, which works once a process; an exporter of its spans.

    A worker may leave this file and come back: it must not be undone before the end.
    """
    pytest.importorskip("opentelemetry.instrumentation.langchain")
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    LangchainInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    LangchainInstrumentor().uninstrument()


@endpoints
@ways
@scenes
@pytest.mark.needs("opentelemetry.instrumentation.langchain", "opentelemetry.sdk")
def test_opentelemetry(instrumented, scene, way, endpoint):
    instrumented.clear()
    message = perform(scene, way, endpoint)
    (span,) = instrumented.get_finished_spans()
    seen = span.attributes
    assert seen["gen_ai.request.model"] == MODEL
    assert seen["traceloop.association.properties.ls_provider"] == "aimlapi"
    if message is None:
        assert span.status.status_code.name == "ERROR"
        assert seen["error.type"] == "AIMLAPIInvalidRequestError"
        return
    assert (seen["gen_ai.usage.input_tokens"], seen["gen_ai.usage.output_tokens"]) == (100, 20)
    assert seen["gen_ai.usage.cache_read.input_tokens"] == 60
    ending = {"text": "stop", "tool": "tool_call", "refusal": "stop"}[scene]
    assert seen["gen_ai.response.finish_reasons"] == (ending,)
    # LangChain hands on no such place for streams.
    told = message.response_metadata["id"] if way == "invoke" else None
    assert seen.get("gen_ai.response.id") == told
    (said,) = json.loads(seen["gen_ai.output.messages"])
    if scene == "tool":
        assert [(part["name"], part["arguments"]) for part in said["parts"]] == [("f", {"a": 1})]


@endpoints
@ways
@scenes
@pytest.mark.needs("langfuse", "opentelemetry.sdk")
def test_langfuse(spans, scene, way, endpoint):
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler
    from opentelemetry.sdk.trace import TracerProvider

    exporter, _ = spans
    client = Langfuse(
        public_key=f"pk-{scene}-{way}-{endpoint}",
        secret_key="sk",
        base_url="http://127.0.0.1:9",
        tracer_provider=TracerProvider(),
        span_exporter=exporter,
    )
    handler = CallbackHandler(public_key=f"pk-{scene}-{way}-{endpoint}")
    message = perform(scene, way, endpoint, [handler])
    client.flush()
    (span,) = exporter.get_finished_spans()
    seen = {
        key.removeprefix("langfuse.observation."): value for key, value in span.attributes.items()
    }
    assert (seen["model.name"], seen["metadata.ls_provider"]) == (MODEL, '"aimlapi"')
    if message is None:
        assert seen["level"] == "ERROR"
        assert "Body validation error" in seen["status_message"]
        return
    usage = json.loads(seen["usage_details"])
    assert (usage["input"], usage["input_cache_read"]) == (40, 60)
    assert (usage["output"], usage["output_reasoning"], usage["total"]) == (15, 5, 120)
    output = json.loads(seen["output"])
    if scene == "tool":
        assert output["tool_calls"][0]["args"] == {"a": 1}
    if scene == "refusal":
        assert output["additional_kwargs"]["refusal"] == "No."


@pytest.fixture
def langsmith():
    """LangSmith's HTTP border: an address, and the runs that come there."""
    runs: dict[str, dict] = {}

    class Border(BaseHTTPRequestHandler):
        def do_POST(self):
            run = json.loads(self.rfile.read(int(self.headers["content-length"])))
            runs.setdefault(run.get("id") or self.path.rpartition("/")[2], {}).update(run)
            self.send_response(202)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PATCH = do_POST  # noqa: N815 - the name is the standard library's

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Border)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", runs
    server.shutdown()
    server.server_close()
    thread.join()


@endpoints
@ways
@scenes
def test_langsmith_with_prices(langsmith, scene, way, endpoint):
    from langsmith import Client

    address, runs = langsmith
    client = Client(api_url=address, api_key="key", auto_batch_tracing=False)
    message = perform(scene, way, endpoint, [AIMLAPITracer(client=client)])
    (run,) = runs.values()
    metadata = run["extra"]["metadata"]
    assert (metadata["ls_provider"], metadata["ls_model_name"]) == ("aimlapi", MODEL)
    if message is None:
        assert "AIMLAPIInvalidRequestError" in run["error"]
        return
    sent = run["outputs"]["generations"][0][0]["message"]["kwargs"]
    for usage in (sent["usage_metadata"], metadata["usage_metadata"]):
        assert (usage["input_tokens"], usage["output_tokens"]) == (100, 20)
        assert usage["input_token_details"]["cache_read"] == 60
        assert usage["output_token_details"]["reasoning"] == 5
    assert metadata["usage_metadata"]["total_cost"] == message.response_metadata["cost"]["usd"]
    for name in ("inference_id", "cost", "finish_reason"):
        if name in message.response_metadata:
            assert sent["response_metadata"][name] == message.response_metadata[name]


@endpoints
@ways
@pytest.mark.needs("opentelemetry.sdk")
def test_what_was_billed_on_the_current_span(spans, way, endpoint):
    exporter, provider = spans
    (recipe,) = [b for b in blocks("python", PAGE.read_text()) if "class BilledOnSpan" in b]
    session: dict = {}
    exec(recipe, session)
    with provider.get_tracer("test").start_as_current_span("greet"):
        message = perform("text", way, endpoint, [session["BilledOnSpan"]()])
    (span,) = exporter.get_finished_spans()
    assert span.attributes["aimlapi.usd"] == message.response_metadata["cost"]["usd"]
    assert span.attributes["aimlapi.inference_id"] == message.response_metadata["inference_id"]


@pytest.mark.needs(
    "openinference.instrumentation.langchain", "opentelemetry.instrumentation.langchain", "langfuse"
)
@pytest.mark.parametrize("page", ["README.md", "cookbook/tracing.md"])
def test_the_printed_lines_of_set_up_run(page):
    """In a process of their own, since they change the whole one."""
    text = (PAGE.parents[1] / page).read_text(encoding="utf-8")
    set_up = [b for b in blocks("python", text) if "Instrumentor" in b or "langfuse" in b]
    assert len(set_up) >= 2
    model = (
        "from langchain_aimlapi import ChatAIMLAPI\n"
        "from langchain_aimlapi.emulator import Emulator\n"
        "llm = ChatAIMLAPI(**Emulator().connection())\n"
    )
    script = "\n".join([model, *map(str.strip, set_up)])
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)
