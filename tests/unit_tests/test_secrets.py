"""Keys and header values stay where they are: in no text, log, trace, dump or pickle."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import logging
import pickle
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import cloudpickle
import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from pydantic import SecretStr, ValidationError

from langchain_aimlapi import AIMLAPIConfigurationError, AIMLAPIError, ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Fault, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-aimlapi-0123456789abcdef"
TENANT = "tenant-secret-9876543210"
HEADERS = {"X-Tenant-Token": TENANT}
SECRETS = (KEY, TENANT)
ECHO = f"Refused: key {KEY} of {TENANT} (Authorization: Bearer {KEY})."


def assert_clean(shown: Any) -> None:
    """Check that a text, bytes or anything's `repr` holds no secret, not even encoded."""
    if isinstance(shown, bytes):
        shown = shown.decode("latin-1")
    text = shown if isinstance(shown, str) else repr(shown)
    for secret in SECRETS:
        assert secret not in text
        assert secret[3:] not in text  # cut or prefixed is no better
        assert base64.b64encode(secret.encode()).decode() not in text


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(api_key=KEY)


@pytest.fixture
def llm(emulator: Emulator) -> ChatAIMLAPI:
    return ChatAIMLAPI(max_retries=0, default_headers=HEADERS, **emulator.connection())


def test_the_secrets_do_travel(llm, emulator):
    """Else the rest of this file would prove nothing."""
    llm.invoke("Hello")
    sent = emulator.requests[0].headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["x-tenant-token"] == TENANT


# --- texts ----------------------------------------------------------------------------------------

SHOWN: dict[str, Callable[[ChatAIMLAPI], Any]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "pretty": lambda llm: list(llm.__repr_args__()),
    "bound": lambda llm: repr(llm.bind_tools([], temperature=0)),
    "structured": lambda llm: repr(llm.with_structured_output(method="json_mode")),
    "chain": lambda llm: repr(ChatPromptTemplate.from_template("{x}") | llm),
    "config": lambda llm: repr(llm.with_config(tags=["a"]).with_retry()),
    "fallbacks": lambda llm: repr(llm.with_fallbacks([llm])),
    "identifying": lambda llm: llm._identifying_params,
    "asdict": lambda llm: llm.asdict(),
    "ls params": lambda llm: llm._get_ls_params(),
    "cache key": lambda llm: llm._get_llm_string(),
    "model_dump": lambda llm: llm.model_dump(),
    "model_dump_json": lambda llm: llm.model_dump_json(),
    "dumps": dumps,
    "dumpd": dumpd,
    "to_json": lambda llm: llm.to_json(),
    "dumps of a chain": lambda llm: dumps(ChatPromptTemplate.from_template("{x}") | llm),
    "graph": lambda llm: llm.get_graph().to_json(with_schemas=True),
    "copy": lambda llm: repr(copy.copy(llm)),
    "model_copy": lambda llm: repr(llm.model_copy(update={"temperature": 1})),
}


@pytest.mark.parametrize("way", SHOWN)
def test_a_model_does_not_tell(llm, way):
    assert_clean(SHOWN[way](llm))


@pytest.mark.parametrize("key", [KEY, SecretStr(KEY)], ids=["str", "SecretStr"])
def test_the_key_is_held_as_a_secret(key):
    llm = ChatAIMLAPI(api_key=key)
    assert isinstance(llm.api_key, SecretStr)
    assert_clean(llm.api_key)


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=lambda library: library.__name__)
def test_pickles(llm, library, monkeypatch):
    prompt = ChatPromptTemplate.from_template("{x}")
    for kept in (llm, llm.bind_tools([]), prompt | llm, llm.with_fallbacks([llm])):
        pickled = library.dumps(kept)
        assert_clean(pickled)
    again = pickle.loads(library.dumps(llm))
    monkeypatch.setenv("AIMLAPI_API_KEY", "key-of-the-worker")
    assert again._key().get_secret_value() == "key-of-the-worker"
    assert not again.default_headers


def test_messages_do_not_tell(llm):
    message = llm.invoke("Hello")
    chunks = list(llm.stream("Hello"))
    assert_clean([message, *chunks])
    assert_clean(dumps([message, *chunks]))
    assert_clean(pickle.dumps([message, *chunks]))


# --- what an argument that is refused says --------------------------------------------------------

BAD_ARGUMENTS: list[dict[str, Any]] = [
    *({name: "a wrong value"} for name in ("temperature", "top_p", "max_tokens", "n", "seed")),
    *({name: "a wrong value"} for name in ("logprobs", "top_logprobs", "timeout", "max_retries")),
    *({name: "a wrong value"} for name in ("streaming", "stream_usage", "send_stop")),
    *({name: "a wrong value"} for name in ("validate_params", "model_kwargs", "extra_body")),
    *({name: "a wrong value"} for name in ("retry_read_timeouts", "allow_http", "attribution")),
    *({name: "a wrong value"} for name in ("http_client", "http_async_client")),
    *({name: "a wrong value"} for name in ("use_responses_api", "disable_streaming", "metadata")),
    {"model": 5},
    {"stop": 5},
    {"max_retries": -1},
    {"reasoning_effort": 5},
    {"base_url": 5},
    {"client_request_id": 5},
    {"tags": 5},
    {"model_kwargs": {"temperature": 1}},
    {"model": "a", "model_name": "b"},
    {"api_key": [KEY]},
    {"api_key": {"key": KEY}},
    {"api_key": KEY.encode()},
    {"api_key": KEY, "aimlapi_api_key": KEY + "2"},
    {"default_headers": TENANT},
    {"default_headers": [("X-Tenant-Token", TENANT)]},
    {"default_headers": {"X-Tenant-Token": TENANT.encode()}},
    {"default_headers": {"X-Tenant-Token": [TENANT]}},
    {"default_headers": {"X-Tenant-Token": TENANT, "X-Number": 5}},
    {"default_header": HEADERS},
    {"headers": HEADERS},
    {"apikey": KEY},
    {"token": KEY},
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids="-".join)
def test_a_refused_argument_tells_no_other(arguments):
    with pytest.raises((ValidationError, TypeError, AIMLAPIConfigurationError)) as caught:
        ChatAIMLAPI(**{"api_key": KEY, "default_headers": HEADERS, **arguments})
    error = caught.value
    assert_clean(str(error))
    assert_clean(repr(error))
    assert_clean("".join(traceback.format_exception(error)))
    if isinstance(error, ValidationError):
        assert_clean(error.errors())
        assert_clean(error.json())


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": KEY + "\n" + KEY},
        {"api_key": KEY + "é"},
        {"default_headers": {"X-Tenant-Token": TENANT + "\r\nX-More: 1"}},
        {"default_headers": {"X-Tenant-Token": TENANT + "☃"}},
        {"default_headers": {"X Tenant": TENANT}},
    ],
    ids=["key of two lines", "key with é", "header of two lines", "header with ☃", "bad name"],
)
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_what_cannot_be_sent_is_not_shown(emulator, arguments, way):
    connection = {**emulator.connection(), "api_key": KEY, "default_headers": HEADERS}
    with pytest.raises(AIMLAPIError) as caught:
        run(ChatAIMLAPI(**{**connection, **arguments}), way)
    assert isinstance(caught.value, AIMLAPIConfigurationError)
    assert_clean(whole(caught.value))
    assert emulator.requests == []


@pytest.mark.parametrize("name", ["api_key", "aimlapi_api_key", "default_headers", "headers"])
def test_a_secret_in_a_call_is_refused_and_not_shown(llm, name):
    with pytest.raises(AIMLAPIConfigurationError) as caught:
        llm.invoke("Hello", **{name: KEY})
    assert_clean(whole(caught.value))


# --- errors of a call -----------------------------------------------------------------------------


def run(llm: ChatAIMLAPI, way: str, **config: Any) -> Any:
    if way == "invoke":
        return llm.invoke("Hello", config or None)
    if way == "stream":
        return list(llm.stream("Hello", config or None))
    if way == "ainvoke":
        return asyncio.run(llm.ainvoke("Hello", config or None))

    async def consume() -> list[Any]:
        return [chunk async for chunk in llm.astream("Hello", config or None)]

    return asyncio.run(consume())


WAYS = ["invoke", "stream", "ainvoke", "astream"]


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def whole(error: BaseException) -> str:
    """Put together what can be read off an error and its causes."""
    parts = list(traceback.format_exception(error))
    for each in chain_of(error):
        assert not isinstance(each, httpx.HTTPError), "its request has the key"
        parts += [repr(each), str(each), repr(each.args), repr(vars(each))]
        if isinstance(each, AIMLAPIError):
            parts.append(repr((each.message, each.body, each.code, each.request_id)))
            if each.response is not None:
                parts += [repr(each.response), each.response.text, repr(each.response.headers)]
                parts.append(_json_of(each.response))
    return "\n".join(parts)


def _json_of(response: Any) -> str:
    try:
        return json.dumps(response.json())
    except ValueError:
        return ""


STATUSES = (400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504)
SHAPES = ("flat", "title", "openai", "responses", "html", "text", "docs")
FAULTS: dict[str, Fault] = {
    **{f"{code}": Fault.status(code, message=ECHO) for code in STATUSES},
    **{f"400 {shape}": Fault.status(400, shape, message=ECHO) for shape in SHAPES},
    **{f"500 {shape}": Fault.status(500, shape, message=ECHO) for shape in SHAPES},
    **{f"200 {shape}": Fault.error_in_200(shape, ECHO) for shape in SHAPES[:4]},
    **{f"event {shape}": Fault.error_event(1, shape, message=ECHO) for shape in SHAPES[:4]},
    **{f"first event {shape}": Fault.error_event(0, shape, message=ECHO) for shape in SHAPES[:4]},
    "code": Fault.status(400, "openai", message="No.", error_code=KEY),
    "out of credits": Fault.out_of_credits(f"You've run out of credits. {ECHO}"),
    "context overflow": Fault.context_overflow(f"This model's maximum context length: {ECHO}"),
    "redirect": Fault.redirect(f"https://other.example/{KEY}?tenant={TENANT}"),
    "html": Fault.body(f"<html><title>{ECHO}</title></html>".encode(), "text/html"),
    "text": Fault.body(ECHO.encode(), "text/plain"),
    "no JSON": Fault.body(f'{{"message": "{ECHO}'.encode()),
    "another object": Fault.body(json.dumps({"object": "image", "prompt": ECHO}).encode()),
    "its names": Fault.body(json.dumps({KEY: 1, TENANT: 2}).encode()),
    "array": Fault.body(json.dumps([ECHO]).encode()),
    "wrong types": Fault.body(json.dumps({"choices": [ECHO]}).encode()),
    "empty": Fault.empty(),
    "gzip garbage": Fault.gzip_garbage(),
    "malformed JSON": Fault.malformed_json(),
    "invalid UTF-8": Fault.invalid_utf8(),
    "truncated": Fault.truncated_json(),
    "reset": Fault.reset(),
    "reset inside": Fault.reset(2),
    "disconnect": Fault.disconnect(),
    "disconnect inside": Fault.disconnect(2),
    "bad framing": Fault.bad_framing(2),
    "stall": Fault.stall(),
    "stall inside": Fault.stall(2),
}
# Of a stream that is cut in its last event, the answer has come by then.
CASES = [
    (name, way) for name in FAULTS for way in WAYS if (name, way[-6:]) != ("truncated", "stream")
]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_an_error_does_not_tell(emulator, name, way):
    llm = ChatAIMLAPI(
        max_retries=0,
        timeout=1,
        use_responses_api=False,
        default_headers=HEADERS,
        **emulator.connection(),
    )
    emulator.script(FAULTS[name])
    with pytest.raises(AIMLAPIError) as caught:
        run(llm, way)
    error = caught.value
    assert_clean(whole(error))
    assert_clean(pickle.dumps(error))
    assert_clean(whole(pickle.loads(pickle.dumps(error))))
    assert_clean(whole(copy.copy(error)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["401", "200 flat", "event responses", "no JSON", "reset"])
def test_an_error_of_responses_does_not_tell(emulator, name, way):
    llm = ChatAIMLAPI(
        max_retries=0, use_responses_api=True, default_headers=HEADERS, **emulator.connection()
    )
    emulator.script(FAULTS[name])
    with pytest.raises(AIMLAPIError) as caught:
        run(llm, way)
    assert_clean(whole(caught.value))


def test_a_failed_response_does_not_tell(emulator):
    llm = ChatAIMLAPI(
        max_retries=0, use_responses_api=True, default_headers=HEADERS, **emulator.connection()
    )
    for way in WAYS:
        emulator.script(Reply(failure={"code": "server_error", "message": ECHO}))
        with pytest.raises(AIMLAPIError) as caught:
            run(llm, way)
        assert_clean(whole(caught.value))


@pytest.mark.enable_socket
@pytest.mark.parametrize("way", WAYS)
def test_a_real_connection_that_fails_does_not_tell(emulator, way):
    with emulator.serve() as server:
        llm = ChatAIMLAPI(max_retries=0, default_headers=HEADERS, **server.connection())
        for fault in (Fault.reset(), Fault.disconnect(1), Fault.status(401, message=ECHO)):
            emulator.script(fault)
            with pytest.raises(AIMLAPIError) as caught:
                run(llm, way)
            assert_clean(whole(caught.value))
    with pytest.raises(AIMLAPIError) as caught:
        run(llm, way)
    assert_clean(whole(caught.value))


def test_a_key_in_the_address_is_refused_and_not_shown():
    with pytest.raises(AIMLAPIError, match="base_url") as caught:
        ChatAIMLAPI(api_key="k" * 20, base_url=f"http://user:{KEY}@127.0.0.1:9/v1")
    assert_clean(whole(caught.value))


# --- logs and traces ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "door", ["memory", pytest.param("socket", marks=pytest.mark.enable_socket)]
)
def test_logs_do_not_tell(emulator, caplog, way, door):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "langchain_aimlapi", "langchain_core", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    server = emulator.serve() if door == "socket" else None
    connection = server.connection() if server else emulator.connection()
    llm = ChatAIMLAPI(max_retries=1, default_headers=HEADERS, **connection)
    emulator.script(Fault.status(503, message=ECHO, retry_after=0), Reply("Hello."))
    run(llm, way)
    emulator.script(Fault.status(401, message=ECHO))
    with pytest.raises(AIMLAPIError):
        run(llm, way)
    if server:
        server.close()
    for record in caplog.records:
        assert_clean(record.getMessage())
        assert_clean(record.__dict__)
    assert_clean(caplog.text)


def test_a_switch_of_the_endpoint_is_logged_without_secrets(caplog):
    models = {"openai/gpt-5-1-codex": ("responses",)}
    emulator = Emulator(api_key=KEY, models=models)
    caplog.set_level(logging.DEBUG)
    llm = ChatAIMLAPI(
        model="openai/gpt-5-1-codex", default_headers=HEADERS, **emulator.connection()
    )
    llm.invoke("Hello")
    told = [r for r in caplog.records if r.name.startswith("langchain_aimlapi")]
    assert [record.levelno for record in told] == [logging.INFO]
    assert_clean(caplog.text)


class Recorder(BaseCallbackHandler):
    """Keeps what callbacks are given."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.names: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def record(*args: Any, **kwargs: Any) -> None:
            self.names.add(name)
            self.seen.append((args, kwargs))
            for value in (*args, *kwargs.values()):
                if isinstance(value, BaseException):
                    self.seen.append(whole(value))

        return record


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fails", [False, True])
def test_traces_do_not_tell(emulator, llm, way, fails):
    # Only the async callback manager looks for coroutine functions; it runs plain ones in threads.
    recorder, collector = Recorder(), RunCollectorCallbackHandler()
    if fails:
        emulator.script(Fault.status(401, message=ECHO))
        with pytest.raises(AIMLAPIError):
            run(llm, way, callbacks=[recorder, collector], metadata={"team": "a"})
    else:
        run(llm, way, callbacks=[recorder, collector], metadata={"team": "a"})
    assert "on_chat_model_start" in recorder.names
    assert ("on_llm_error" if fails else "on_llm_end") in recorder.names
    assert_clean(recorder.seen)
    [traced] = collector.traced_runs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert_clean({name: getattr(traced, name) for name in type(traced).model_fields})
    assert traced.serialized
    assert (traced.error is not None) == fails


def test_on_llm_error_is_given_the_servers_answer_without_secrets(emulator, llm):
    recorder = Recorder()
    emulator.script(Fault.status(429, message=ECHO, retry_after=7))
    with pytest.raises(AIMLAPIError):
        llm.invoke("Hello", {"callbacks": [recorder]})
    [(args, kwargs)] = [
        seen for seen in recorder.seen if isinstance(seen, tuple) and "response" in seen[1]
    ]
    told = kwargs["response"].generations[0][0].message.response_metadata
    assert told["status_code"] == 429
    assert told["headers"]["retry-after"] == "7"
    assert "Refused: key" in json.dumps(told["body"])
    assert_clean((args, kwargs))


def test_events_do_not_tell(llm):
    async def events(version: Any) -> list[Any]:
        return [event async for event in llm.astream_events("Hello", version=version)]

    assert_clean(asyncio.run(events("v2")))
    stream = llm.stream_events("Hello", version="v3")
    assert_clean(list(stream))
    assert_clean(stream.output)


# --- what is no secret ----------------------------------------------------------------------------

LABELS = {
    "X-Env": "production",
    "X-Team": "openai",
    "X-Tenant": "max_tokens",
    "X-App": "tokenizer-service",
    "X-Author": "Shakespeare",
    "X-Monkey": "banana-split",
    "X-Max-Tokens": "at most a few",
    "X-Cluster": "eu-west-1-cluster-0000000007",
    "X-Trace-Id": "0af7651916cd43dd8448eb211c80319c",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "X-Request": "123e4567-e89b-12d3-a456-426614174000",
    "HTTP-Referer": "https://example.com/some/application",
    "Accept-Language": "en-GB, en;q=0.9",
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("way", ["default_headers", "http_client"])
def test_labels_in_headers_are_not_cut_out_of_errors(emulator, name, way):
    headers = {name: LABELS[name]}
    words = f"The {LABELS[name]} cluster of openai/gpt-5-1 has no capacity."
    emulator.script(Fault.status(400, message=words))
    connection = emulator.connection()
    if way == "http_client":
        connection["http_client"].headers.update(headers)
        headers = {}
    with pytest.raises(AIMLAPIError) as caught:
        ChatAIMLAPI(default_headers=headers, **connection).invoke("x")
    assert words in str(caught.value)


HIDDEN = {
    "Authorization-Extra": "Bearer abcdef",
    "X-Api-Key": "abcdef",
    "X-Auth": "user:abcdef",
    "Cookie": "theme=dark; session=abcdef",
    "Ocp-Apim-Subscription-Key": "abcdef",
    "X-Whatever": "Zm9vYmFyYmF6MTIzNDU2",
    "X-Own": "sk-abcdef",
    "X-Pwd": "abcdef",
    "X-AuthToken": "abcdef",
    "Api-Keys": "abcdef",
    "X-Session-Id": "abcdef",
    "X-Note": "secret: abcdef",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_secrets_in_headers_are_cut_out_of_errors(emulator, name):
    secret = HIDDEN[name].rpartition("=")[2].removeprefix("Bearer ")
    emulator.script(Fault.status(400, message=f"{secret} was seen ({HIDDEN[name]})."))
    connection = emulator.connection()
    with pytest.raises(AIMLAPIError) as caught:
        ChatAIMLAPI(default_headers={name: HIDDEN[name]}, **connection).invoke("x")
    assert secret not in f"{caught.value}{vars(caught.value)}"


# --- where a key that is refused came from --------------------------------------------------------


@pytest.mark.parametrize("variable", ["AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY", None])
@pytest.mark.parametrize("way", ["call", "account"])
def test_a_refused_key_is_looked_for_where_it_came_from(emulator, monkeypatch, variable, way):
    connection = {**emulator.connection(), "api_key": "wrong-key-of-someone"}
    if variable is not None:
        monkeypatch.setenv(variable, f" {connection.pop('api_key')} ")
    else:
        monkeypatch.setenv("AIMLAPI_API_KEY", "another-key-altogether")
    llm = ChatAIMLAPI(**connection)
    with pytest.raises(AIMLAPIError) as caught:
        llm.invoke("x") if way == "call" else llm.balance()
    source = f"in {variable}" if variable else "that was passed as api_key"
    assert f"Check the API key {source};" in str(caught.value)
    if variable is None:
        assert "AIMLAPI_API_KEY" not in str(caught.value)
