from __future__ import annotations

import copy
import importlib.util
import inspect
import json
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core import exceptions as core
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_aimlapi import errors as module
from langchain_aimlapi._wire.error_text import redact
from langchain_aimlapi._wire.refusals import error_from_event, error_from_response, protocol_error
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIContentFilterError,
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPINoToolCallError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIRefusalError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
    AIMLAPITruncatedOutputError,
    ErrorResponse,
)

KEY = "sk-0123456789abcdef"


def body(**fields):
    return json.dumps(fields).encode()


# ---------------------------------------------------------------------------------- the tree

TREE = [
    (AIMLAPIError, core.ModelError, False),
    (AIMLAPIConfigurationError, AIMLAPIError, False),
    (AIMLAPIAuthenticationError, core.ModelAuthenticationError, False),
    (AIMLAPIPermissionDeniedError, core.ModelPermissionDeniedError, False),
    (AIMLAPIOutOfCreditsError, AIMLAPIPermissionDeniedError, False),
    (AIMLAPINotFoundError, core.ModelNotFoundError, False),
    (AIMLAPIInvalidRequestError, core.ModelInvalidRequestError, False),
    (AIMLAPIContextOverflowError, core.ContextOverflowError, False),
    (AIMLAPIContextOverflowError, AIMLAPIInvalidRequestError, False),
    (AIMLAPIRateLimitError, core.ModelRateLimitError, True),
    (AIMLAPIServerError, core.ModelAPIError, True),
    (AIMLAPIConnectionError, core.ModelConnectionError, True),
    (AIMLAPITimeoutError, core.ModelTimeoutError, True),
    (AIMLAPIProtocolError, core.ModelAPIError, False),
    (AIMLAPIStreamInterruptedError, core.ModelConnectionError, True),
    (AIMLAPITruncatedOutputError, AIMLAPIError, False),
    (AIMLAPIContentFilterError, AIMLAPIError, False),
    (AIMLAPINoToolCallError, core.OutputParserException, False),
    (AIMLAPIRefusalError, getattr(core, "ModelRefusalError", core.ModelError), False),
]
CLASSES = sorted({kind for kind, _, _ in TREE}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize(("kind", "parent", "is_retryable"), TREE)
def test_tree(kind, parent, is_retryable):
    error = kind("message")
    assert isinstance(error, AIMLAPIError)
    assert isinstance(error, parent)
    assert error.is_retryable is is_retryable
    assert kind("message", is_retryable=not is_retryable).is_retryable is not is_retryable
    # A ValueError raised in a validator would become a report that prints the key.
    # LangChain's parsing errors are ValueErrors, but no validator parses an answer.
    assert isinstance(error, ValueError) is (kind is AIMLAPINoToolCallError)


def test_the_table_and_the_drawing_name_every_class():
    defined = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, AIMLAPIError)
    ]
    assert sorted(defined, key=lambda kind: kind.__name__) == CLASSES
    for kind in CLASSES:
        assert kind.__name__ in module.__doc__
        assert kind.__name__ in module.__all__


def test_all_is_sorted_and_true():
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_fields_of_a_bare_error():
    error = AIMLAPIError("message")
    assert str(error) == error.message == "message"
    assert vars(error) == {
        "message": "message",
        "status_code": None,
        "code": None,
        "request_id": None,
        "client_request_id": None,
        "retry_after": None,
        "attempts": 0,
        "body": None,
        "response": None,
    }


FIELDS = {
    "status_code": 429,
    "code": "rate",
    "request_id": "inf-1",
    "client_request_id": "run-1",
    "retry_after": 2.5,
    "attempts": 3,
    "body": "{}",
    "response": ErrorResponse(429, {"x-inference-id": "inf-1"}, "{}"),
    "is_retryable": True,
}
OWN_FIELDS = {
    AIMLAPITimeoutError: {"phase": "idle"},
    AIMLAPIStreamInterruptedError: {"partial_message": AIMessageChunk(content="Hel")},
    AIMLAPITruncatedOutputError: {"raw_message": AIMessage(content='{"a":')},
    AIMLAPIContentFilterError: {"raw_message": AIMessage(content='{"a":')},
    AIMLAPINoToolCallError: {"llm_output": "No.", "raw_message": AIMessage(content="No.")},
    AIMLAPIRefusalError: {"refusal": "No.", "raw_message": AIMessage(content="")},
}


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_copies_and_pickles_keep_every_field(kind, duplicate):
    fields = {**FIELDS, **OWN_FIELDS.get(kind, {})}
    error = kind("message", **fields)
    twin = duplicate(error)
    assert type(twin) is kind
    assert str(twin) == "message"
    assert twin.args == error.args
    assert vars(twin) == vars(error)
    assert {name: getattr(twin, name) for name in fields} == fields


def test_a_message_that_the_error_made_itself_survives_pickling():
    error = AIMLAPITruncatedOutputError(max_tokens=256, raw_message=AIMessage(content="x"))
    assert "cut at max_tokens=256" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_truncated_output_without_a_known_limit():
    assert "cut at the token limit: raise max_tokens" in str(AIMLAPITruncatedOutputError())


def test_refusal():
    raw = AIMessage(content="")
    error = AIMLAPIRefusalError(refusal="I cannot help with that", raw_message=raw)
    assert "refused: I cannot help with that. " in str(error)
    assert error.raw_message is raw
    assert "no reason given" in str(AIMLAPIRefusalError())


def test_refusal_is_the_neutral_refusal_of_a_newer_core(monkeypatch):
    class ModelRefusalError(core.ModelError):
        """The shape of langchain-core 1.7.5 and later."""

        def __init__(self, message="refused", *, raw_message=None):
            self.raw_message = raw_message
            super().__init__(message)

        @classmethod
        def from_refusal(cls, refusal, *, raw_message):
            return cls(refusal["refusal"], raw_message=raw_message)

    monkeypatch.setattr(core, "ModelRefusalError", ModelRefusalError, raising=False)
    spec = importlib.util.spec_from_file_location("errors_on_newer_core", module.__file__)
    newer = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, newer)
    spec.loader.exec_module(newer)
    raw = AIMessage(content="")
    error = newer.AIMLAPIRefusalError(refusal="No.", raw_message=raw, attempts=1)
    assert isinstance(error, ModelRefusalError)
    assert isinstance(error, newer.AIMLAPIError)
    assert (error.refusal, error.raw_message, error.attempts) == ("No.", raw, 1)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
    assert newer.AIMLAPIRefusalError.from_refusal({"refusal": "No."}, raw_message=raw).raw_message


def test_an_interrupted_stream_is_retryable_only_before_output():
    assert AIMLAPIStreamInterruptedError("x").is_retryable
    partial = AIMessageChunk(content="Hel")
    error = AIMLAPIStreamInterruptedError("x", partial_message=partial)
    assert not error.is_retryable
    assert error.partial_message is partial
    assert not AIMLAPIStreamInterruptedError("x", is_retryable=False).is_retryable


# ------------------------------------------------------------------------------ which class

OVERFLOWS = [
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "This model's maximum context length is 128000 tokens. However, you asked for 140000 tokens.",
    "Please reduce the length of the messages or completion.",
    "Input tokens exceed the configured limit of 272000 tokens.",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "litellm.ContextWindowExceededError: too much",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "the request exceeds the available context size",
    "Range of input length should be [1, 30720]",
    "context_length_exceeded",
    "The input is over the context window and truncation is disabled",
]

STATUSES = [
    # The documented statuses and messages, and those that users of the API reported.
    (400, "Body validation error\nInvalid enum value. Expected 'low', received 'x'", "Invalid"),
    (400, "Unsupported value: 'messages[0].role' does not support 'system'", "Invalid"),
    (400, "max_tokens is too large: 300000. This model supports at most 128000", "Invalid"),
    *((400, text, "ContextOverflow") for text in OVERFLOWS),
    (413, "prompt is too long", "ContextOverflow"),
    (413, "Payload Too Large", "Invalid"),
    (422, "maximum context length exceeded", "ContextOverflow"),
    (422, "messages: field required", "Invalid"),
    (401, "The request needs a valid API key. Get one at https://aimlapi.com/app/keys", "Auth"),
    (402, "", "OutOfCredits"),
    (402, "Payment Required: api key", "OutOfCredits"),
    (403, "You have run out of credits. Top up at https://aimlapi.com/app/billing", "OutOfCredits"),
    (403, "You've run out of funds. Please top up your balance", "OutOfCredits"),
    (403, "Insufficient balance", "OutOfCredits"),
    (403, "Update your subscription to use this model", "OutOfCredits"),
    (403, "Complete the verification of your account", "Permission"),
    (403, "This API key may not use the billing endpoints", "Permission"),
    (403, "Token has no access to billing", "Permission"),
    (403, "", "Permission"),
    (404, "Cannot POST /v1/v1/chat/completions", "NotFound"),
    (404, "", "NotFound"),
    (405, "Method Not Allowed", "NotFound"),
    (408, "", "Timeout"),
    (409, "Conflict", "Server"),
    (410, "Gone", "Invalid"),
    (418, "", "Invalid"),
    (429, "Too Many Requests", "RateLimit"),
    (429, "", "RateLimit"),
    (429, "Rate limit reached. Upgrade your subscription for more", "RateLimit"),
    (429, "Too many requests: raise your balance to send more requests per minute", "RateLimit"),
    (429, "Free-tier limit: you have reached your free limit for the hour", "OutOfCredits"),
    (429, "You exceeded your current quota, check your plan and billing details", "OutOfCredits"),
    (500, "Internal server error", "Server"),
    (500, "Something wrong with the server. Try again later", "Server"),
    (500, "The model is under maintenance, contact help@aimlapi.com", "Server"),
    (500, "Coupon code not found", "Server"),
    (500, "Invalid input", "Invalid"),
    (500, "Body validation error", "Invalid"),
    (500, "Your input exceeds the context window of this model", "ContextOverflow"),
    (502, "Bad Gateway", "Server"),
    (503, "Service unavailable", "Server"),
    (504, "Generation timeout", "Server"),
    (524, "", "Server"),
    (599, "", "Server"),
]
KINDS = {
    "Auth": AIMLAPIAuthenticationError,
    "ContextOverflow": AIMLAPIContextOverflowError,
    "Invalid": AIMLAPIInvalidRequestError,
    "NotFound": AIMLAPINotFoundError,
    "OutOfCredits": AIMLAPIOutOfCreditsError,
    "Permission": AIMLAPIPermissionDeniedError,
    "RateLimit": AIMLAPIRateLimitError,
    "Server": AIMLAPIServerError,
    "Timeout": AIMLAPITimeoutError,
}


def forms(status, message):
    """The four forms that the gateway's error bodies come in."""
    return [
        # Form 1 names the status as text.
        body(message=message, path="/v1/x", requestId="r", statusCode=str(status), timestamp="t"),
        body(title="Title", status=status, message=message),
        body(error={"message": message}),
        body(error=message),
        body(message=message.split("\n")),
        message.encode(),
    ]


@pytest.mark.parametrize(("status", "message", "kind"), STATUSES)
def test_status_and_words_decide_in_every_form(status, message, kind):
    for raw in forms(status, message) if message else [b"", b"{}", b"[]", b"<html></html>"]:
        error = error_from_response(status, {}, raw)
        assert type(error) is KINDS[kind]
        assert error.status_code == status
        for line in message.split("\n"):
            assert line.rstrip(".") in str(error)
        assert str(error).startswith(f"HTTP {status}: ")
        assert str(error).endswith(type(error).next_step)
        assert type(error).next_step


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_overflow_by_code(status):
    raw = body(error={"message": "Too much.", "code": "context_length_exceeded"})
    error = error_from_response(status, {}, raw)
    assert type(error) is AIMLAPIContextOverflowError
    assert error.code == "context_length_exceeded"


def test_the_http_status_decides_and_not_the_body():
    error = error_from_response(503, {}, body(message="x", statusCode="401"))
    assert type(error) is AIMLAPIServerError
    assert error.status_code == 503


def test_408_is_a_timeout_of_the_server():
    assert error_from_response(408, {}, b"").phase == "status"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (body(error={"message": "inner"}, message="outer", title="t"), "inner"),
        (body(error={"code": 3}, message="outer", title="t"), "outer"),
        (body(message=["one", 2, "two"]), "one; two"),
        (body(message="", error="word", title="t"), "word"),
        (body(message={"a": 1}, title="t"), "t"),
        (body(unknown="x"), '{"unknown": "x"}'),
        ("\ufeff".encode() + body(message="marked"), "marked"),
        (b'{"message": "no commas" "statusCode": "429"}', "no commas"),
        (b"plain\n  text", "plain text"),
        (b"<html><TITLE>502 Bad</TITLE>", "an HTML page titled '502 Bad'"),
        (b"  <!DOCTYPE html>", "an HTML page"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", "Bad Gateway"),
        (body(message="x" * 5_000), "x" * 1_000),
    ],
)
def test_the_words_that_are_heard(raw, said):
    message = str(error_from_response(502, {}, raw))
    assert message == f"HTTP 502: {said}. {AIMLAPIServerError.next_step}"


FINDING = {"path": ["max_tokens"], "message": "must be positive"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (body(message="Invalid.", meta=[FINDING]), "Invalid. max_tokens: must be positive."),
        (body(message="Invalid", errors=[FINDING]), "Invalid. max_tokens: must be positive."),
        (body(error={"message": "No", "details": [FINDING]}), "No. max_tokens: must be positive."),
        (
            body(error={"message": "No", "issues": [{**FINDING, "path": ["tools", 0, "name"]}]}),
            "No. tools.0.name: must be positive.",
        ),
        (
            body(detail=[{"loc": ["body", "max_tokens"], "msg": "too small"}]),
            "body.max_tokens: too small.",
        ),
        (body(title="Bad Request", detail="n is too large", status=400), "n is too large."),
        (
            body(title="Bad", **{"invalid-params": [{"name": "n", "reason": "too large"}]}),
            "Bad. n: too large.",
        ),
        (
            body(message="No", meta={"fieldErrors": {"n": ["too large", "odd"], "seed": []}}),
            "No. n: too large; n: odd.",
        ),
        (body(error={"message": "No such value", "param": "n"}), "No such value. parameter: n."),
        (
            body(error={"message": "Upstream error", "metadata": {"raw": "n is too large"}}),
            "Upstream error. n is too large.",
        ),
        (
            body(message="No", meta={"body": {"issues": [FINDING]}, "errors": [FINDING, FINDING]}),
            "No. max_tokens: must be positive.",
        ),
        (body(message="n: too large", errors=["n: too large"]), "n: too large."),
        (body(message="No", errors={"n": "too large"}), "No. n: too large."),
        (body(detail={"n": "too large", "top": {"p": ["odd"]}}), "n: too large; top.p: odd."),
        (body(message="No", meta={"_errors": [], "n": {"_errors": ["odd"]}}), "No. n: odd."),
        (body(message="No", meta={"provider": "x", "model": "y"}), "No."),
        (body(error=[FINDING]), "max_tokens: must be positive."),
        (body(errors=[{"source": {"pointer": "/n"}, "detail": "odd"}]), "/n: odd."),
        (body(message="No", meta=[{"instancePath": "/n", "message": "odd"}]), "No. /n: odd."),
        (body(message="No", validation={"body": {"message": "n is odd"}}), "No. body: n is odd."),
        (
            body(message="No", meta=[{**FINDING, "unionErrors": [{"issues": [FINDING]}]}]),
            "No. max_tokens: must be positive.",
        ),
        (body(message="No", meta={"usage": {"credits_used": 0}}, details=[1, None]), "No."),
        (body(message="No", errors=["e" * 2_000]), "No. " + "e" * 500 + "."),
    ],
)
def test_what_a_validator_found_is_told(raw, said):
    message = str(error_from_response(400, {}, raw))
    assert message == f"HTTP 400: {said} {AIMLAPIInvalidRequestError.next_step}"


def test_what_a_validator_found_is_bounded():
    found = {"message": "end"}
    for _ in range(50):
        found = {"errors": [found]}
    many = [{"path": [str(number)], "message": "bad"} for number in range(100)]
    message = str(error_from_response(400, {}, body(message="No", errors=[*many, found])))
    assert message.count("bad") == 8


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("gpt-5.1", "openai/gpt-5-1"),
        ("gpt-5-1", "openai/gpt-5-1"),
        ("GPT 5.1", "openai/gpt-5-1"),
        ("openai/gpt-5.1", "openai/gpt-5-1"),
        ("openai/gpt-5.1-codex", "openai/gpt-5-1-codex"),
        ("gpt-5.1-codex-mini", "openai/gpt-5-1-codex-mini"),
        ("codex-mini", "openai/gpt-5-1-codex-mini"),
        ("openai/gpt-5-1-chat", "openai/gpt-5-1-chat-latest"),
        ("openai/gpt-5.1-chat-latest", "openai/gpt-5-1-chat-latest"),
        ("chat-latest", "openai/gpt-5-1-chat-latest"),
        ("something", None),
    ],
)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "Not Found"),
        (404, "Model not found"),
        (400, "The model does not exist"),
        (422, "Invalid enum value. Expected 'a' | 'b', received '{model}'"),
    ],
)
def test_an_unknown_model_names_the_four_nearest_first(model, first, status, words):
    raw = body(message=words.format(model=model))
    message = str(error_from_response(status, {}, raw, model=model))
    _, _, listed = message.partition("This package knows ")
    names = listed.partition(". ")[0].split(", ")
    assert sorted(names) == sorted(PROFILES)
    assert first in (names[0], None)


@pytest.mark.parametrize(
    ("status", "model", "words"),
    [
        (404, "openai/gpt-5-1", "Not Found"),
        (404, None, "Not Found"),
        (400, "gpt-5.1", "temperature: Number must be less than or equal to 2"),
        (500, "gpt-5.1", "The model is unavailable"),
        (401, "gpt-5.1", "No key"),
    ],
)
def test_other_errors_name_no_models(status, model, words):
    assert "This package" not in str(
        error_from_response(status, {}, body(message=words), model=model)
    )


def test_a_status_without_a_name():
    assert "HTTP 599: no reason given." in str(error_from_response(599, {}, b""))


@pytest.mark.parametrize(
    ("headers", "raw", "request_id"),
    [
        ({"x-inference-id": "inf", "x-request-id": "req"}, body(requestId="own"), "own"),
        ({"X-Inference-ID": "inf", "x-request-id": "req"}, body(requestId=None), "inf"),
        ({"x-request-id": "req"}, body(requestId=7), "req"),
        ({}, b"", None),
    ],
)
def test_request_id(headers, raw, request_id):
    error = error_from_response(500, headers, raw)
    assert error.request_id == request_id
    assert (f"[request id {request_id}]" in str(error)) is (request_id is not None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"error": {"code": "a", "type": "b"}, "code": "c"}, "a"),
        ({"error": {"code": 429, "type": "b"}}, "b"),
        ({"error": {"code": None}, "code": "c"}, "c"),
        ({"message": "x"}, None),
    ],
)
def test_code(fields, code):
    assert error_from_response(500, {}, body(**fields)).code == code


def test_what_is_kept_of_the_response():
    headers = {
        "Retry-After": "7",
        "X-Inference-ID": "inf",
        "X-Client-Request-Id": "run-1",
        "X-AIMLAPI-Credits-Used": "1",
        "Date": "today",
        "Content-Type": "application/json",
        "Set-Cookie": "session=1",
        "Authorization": "Bearer x",
        "Server": "cdn",
    }
    raw = body(message="m" * 3_000)
    error = error_from_response(429, headers, raw)
    assert error.response == ErrorResponse(
        429,
        {
            "retry-after": "7",
            "x-inference-id": "inf",
            "x-client-request-id": "run-1",
            "x-aimlapi-credits-used": "1",
            "date": "today",
            "content-type": "application/json",
        },
        raw.decode()[:2_000],
    )
    assert error.body == error.response.text
    assert error.retry_after == 7.0
    assert error.client_request_id == "run-1"
    with pytest.raises(ValueError):
        error.response.json()


def test_the_response_is_what_tracing_reads():
    response = error_from_response(400, {}, body(message="x")).response
    assert response.status_code == 400
    assert response.json() == {"message": "x"}
    assert dict(response.headers) == {}


def test_model_and_address_are_named():
    url = "https://user:pass@proxy.example:8443/v1/v1/chat/completions?key=1#f"
    error = error_from_response(404, {}, b"", url=url, model="openai/gpt-5-1")
    assert str(error).startswith(
        "HTTP 404 for model 'openai/gpt-5-1' at https://proxy.example:8443/v1/v1/chat/completions: "
    )
    assert "pass" not in str(error)
    assert "proxy" not in str(error_from_response(500, {}, b"", url=url))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://user:pass@other.example/path?token=1", "other.example"),
        ("https://other.example:8443/", "other.example:8443"),
        ("/v2/chat", "another address"),
        ("https://[broken", "another address"),
        ("https://host:port/", "another address"),
        (None, "another address"),
    ],
)
def test_a_redirect_names_the_host_only(location, target):
    headers = {} if location is None else {"Location": location}
    error = error_from_response(307, headers, b"moved to /path?token=1")
    assert type(error) is AIMLAPIProtocolError
    assert f"redirects to {target}. " in str(error)
    assert not error.is_retryable
    for hidden in ("pass", "token", "path"):
        assert hidden not in str(error)
        assert hidden not in str(vars(error))


# --------------------------------------------------------------- errors inside a 2xx, protocol


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"id": "x", "object": "chat.completion.chunk", "choices": []},
        {"choices": [], "error": None},
        {"choices": [], "error": {}, "message": "x", "statusCode": 500},
        {"object": "response", "status": "completed", "output": [], "error": None},
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.created", "response": {"status": "in_progress"}},
        {"meta": {"usage": {"credits_used": 1}}},
        {"message": "hello", "id": "x"},
        {"statusCode": 500},
        {"statusCode": 200, "message": "fine"},
        {"status": "completed", "message": "fine"},
        {"object": "image", "data": []},
    ],
)
def test_what_is_no_error(data):
    assert error_from_event(data) is None


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        ({"error": {"message": "x"}}, "Server", None),
        ({"error": "x"}, "Server", None),
        ({"error": {"message": "x", "code": 429}}, "RateLimit", 429),
        ({"error": {"message": "x", "status": "401"}}, "Auth", 401),
        ({"error": {"message": "x"}, "statusCode": "429"}, "RateLimit", 429),
        ({"error": {"message": "x"}, "statusCode": 403.0}, "Permission", 403),
        ({"error": {"message": "x"}, "choices": []}, "Server", None),
        ({"error": {"code": "server_error"}, "status": "failed", "output": []}, "Server", None),
        ({"error": {"message": "x", "type": "rate_limit_error"}}, "RateLimit", None),
        ({"error": {"message": "Too many requests"}}, "RateLimit", None),
        ({"error": {"message": "x", "type": "insufficient_quota"}}, "OutOfCredits", None),
        ({"error": {"message": "You have run out of funds"}}, "OutOfCredits", None),
        ({"error": {"message": "x", "type": "authentication_error"}}, "Auth", None),
        ({"error": {"message": "x", "code": "invalid_api_key"}}, "Auth", None),
        ({"error": {"message": "x", "type": "permission_error"}}, "Permission", None),
        ({"error": {"message": "x", "code": "model_not_found"}}, "NotFound", None),
        ({"error": {"message": "x", "type": "invalid_request_error"}}, "Invalid", None),
        ({"error": {"message": "x", "code": "context_length_exceeded"}}, "ContextOverflow", None),
        ({"error": {"message": "Invalid input"}}, "Invalid", None),
        ({"statusCode": 500, "message": "x"}, "Server", 500),
        ({"status": 403, "title": "Forbidden", "message": "out of credits"}, "OutOfCredits", 403),
        ({"status": 503, "title": "Unavailable"}, "Server", 503),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "x"}, "RateLimit", None),
        ({"type": "error", "code": "server_error", "message": "x"}, "Server", None),
        ({"type": "error", "code": "invalid_prompt", "message": "x"}, "Invalid", None),
        ({"type": "error"}, "Server", None),
    ],
)
def test_errors_in_a_body_or_an_event(data, kind, status):
    error = error_from_event(data, headers={"x-inference-id": "inf"})
    assert type(error) is KINDS[kind]
    assert error.status_code == status
    assert error.request_id == "inf"
    assert error.response.status_code == 200
    assert error.response.json() == data
    assert str(error).startswith("The reply is an error")
    assert str(error).endswith(type(error).next_step)
    # The same object as a body with a success status.
    again = error_from_response(201, {}, json.dumps(data).encode())
    assert type(again) is KINDS[kind]
    assert again.response.status_code == 201


OWNER_DOCUMENT = {
    "id": "gen-1733832000-example",
    "object": "image",
    "created": 1733832000,
    "model": "openai/gpt-5-1",
    "data": [{"url": "https://cdn.aimlapi.com/x.png"}],
    "usage": {"prompt_tokens": 0},
}


@pytest.mark.parametrize(
    ("content", "described"),
    [
        (OWNER_DOCUMENT, "object='image' and the keys created, data, id, model, object, usage. "),
        (OWNER_DOCUMENT, "That is an image endpoint's answer; a chat model's has choices."),
        ({"b": 1, "a": 2}, "The body is JSON with object=None and the keys a, b."),
        ({str(i) * 50: i for i in range(30)}, "keys 0000000000"),
        ("<html><title>Login</title>", "The body is an HTML page titled 'Login'."),
        (b"", "The body is empty."),
        ("", "The body is empty."),
        (b"\xff", "The body begins '\ufffd'."),
        ([1, 2], "The body begins '[1,2]'."),
        (None, "no answer: no choices. Check"),
    ],
)
def test_protocol_error_describes_the_body(content, described):
    error = protocol_error("no choices", status_code=200, body=content)
    assert type(error) is AIMLAPIProtocolError
    assert described in str(error)
    assert "HTTP 200 but no answer: no choices." in str(error)
    assert len(str(error)) < 1_500
    assert error.status_code == 200


def test_protocol_error_without_a_status():
    error = protocol_error("no choices", headers={"X-Inference-Id": "inf"})
    assert "The server sent a success status but no answer" in str(error)
    assert (error.status_code, error.request_id) == (None, "inf")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"<html>", b'{"ok": true}', b"\xff"])
def test_a_success_status_without_an_answer_is_a_protocol_error(raw):
    error = error_from_response(200, {}, raw)
    assert type(error) is AIMLAPIProtocolError
    assert error.body == raw.decode("utf-8", "replace") or json.loads(error.body) == json.loads(raw)


# ---------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    ("text", "secrets", "clean"),
    [
        (f"key {KEY}!", [KEY], "key [redacted]!"),
        (f"{KEY}{KEY}", {KEY}, "[redacted][redacted]"),
        ("abcde", ["abcde"], "abcde"),
        ("abcdef", ["abcdef"], "[redacted]"),
        ("nothing", [""], "nothing"),
        ("nothing", [], "nothing"),
        # One secret that is the beginning of another must not leave the other's end.
        ("secret-long", ["secret", "secret-long"], "[redacted]"),
        (json.dumps('quo"ted\\ö'), ['quo"ted\\ö'], '"[redacted]"'),
        (json.dumps('quo"ted\\ö', ensure_ascii=False), ['quo"ted\\ö'], '"[redacted]"'),
        (r"a\/b\/c\/d", ["a/b/c/d"], "[redacted]"),
        ("a%2Fb%20c%2Bd", ["a/b c+d"], "[redacted]"),
    ],
)
def test_redact(text, secrets, clean):
    assert redact(text, secrets) == clean


ECHOES = [
    body(message=f"Incorrect API key provided: {KEY}"),
    body(message="x" * 990 + KEY),
    body(message="x", requestId=KEY),
    body(error={"message": "x", "code": KEY, "type": KEY}),
    body(error={"message": ["a", f"Bearer {KEY}"]}),
    body(error=KEY),
    body(title=KEY, status=403),
    body(headers={"authorization": f"Bearer {KEY}"}),
    body(**{KEY: 1}),
    # The same letters, escaped.
    body(message="KEY").replace(b"KEY", "".join(f"\\u{ord(c):04x}" for c in KEY).encode()),
    f"<html><title>{KEY}</title>{KEY}</html>".encode(),
    b"x" * 1_990 + KEY.encode(),
    KEY.encode(),
]


@pytest.mark.parametrize("raw", ECHOES)
@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 429, 500])
def test_no_secret_survives_in_any_field(raw, status):
    headers = {
        "x-request-id": KEY,
        "x-client-request-id": f"run-{KEY}",
        "location": f"https://{KEY}.example/{KEY}",
        "x-aimlapi-echo": KEY,
    }
    error = error_from_response(
        status, headers, raw, secrets=[KEY], url=f"https://{KEY}@h.example/v1", model="m"
    )
    found = [error]
    if raw.startswith(b"{"):
        data = json.loads(raw)
        found.append(protocol_error("no choices", headers=headers, body=data, secrets=[KEY]))
        found.append(error_from_event(data, headers=headers, secrets=[KEY]))
    for shown in filter(None, found):
        for text in (str(shown), repr(shown), str(vars(shown)), str(pickle.dumps(shown))):
            # No beginning of it either, where a text was cut to length.
            assert KEY[:8] not in text
        if shown.body and shown.body.startswith("{"):
            assert KEY not in str(shown.response.json())


@given(st.integers(200, 599), st.binary(max_size=60))
def test_any_answer_becomes_an_error(status, raw):
    error = error_from_response(status, {}, raw, secrets=[KEY])
    assert isinstance(error, AIMLAPIError)
    assert pickle.loads(pickle.dumps(error)).message == str(error)
    str(error).encode()


json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    lambda children: (
        st.lists(children, max_size=2)
        | st.dictionaries(st.sampled_from(["message", "code", "type", "status"]), children)
    ),
    max_leaves=4,
)
names = [
    "error",
    "message",
    "title",
    "statusCode",
    "status",
    "code",
    "type",
    "requestId",
    "choices",
]


@given(st.dictionaries(st.sampled_from(names), json_data))
def test_any_object_is_an_error_or_none(data):
    error = error_from_event(data)
    assert error is None or isinstance(error, AIMLAPIError)
    assert isinstance(protocol_error("no choices", body=data), AIMLAPIProtocolError)


# --- answers that are errors by what they hold ---------------------------------------------------


@pytest.mark.parametrize("status", [400, 422, 500])
def test_an_output_limit_that_left_no_answer(status):
    words = "Could not finish the message because max_tokens or model output limit was reached"
    body = {"error": {"message": f"{words}. Please try again with higher max_tokens."}}
    error = error_from_response(status, {}, json.dumps(body).encode())
    assert type(error) is AIMLAPITruncatedOutputError
    assert error.is_retryable is False
    assert error.raw_message is None
    assert "Raise max_tokens" in str(error)


@pytest.mark.parametrize(
    ("choice", "kind", "words"),
    [
        ({"error": {"code": 429, "message": "Slow down"}}, AIMLAPIRateLimitError, "Slow down"),
        ({"error": {"code": 502, "message": "Upstream died"}}, AIMLAPIServerError, "Upstream died"),
        ({"error": "Upstream died", "finish_reason": "stop"}, AIMLAPIServerError, "Upstream died"),
        ({"delta": {"content": "x"}, "finish_reason": "error"}, AIMLAPIServerError, "an error"),
    ],
)
def test_an_error_in_a_choice(choice, kind, words):
    error = error_from_event({"id": "a", "choices": [choice]})
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize("choices", [[], None, [None], [{"error": None, "finish_reason": "stop"}]])
def test_no_error_in_a_choice(choices):
    assert error_from_event({"choices": choices}) is None


def test_a_refusal_block_keeps_its_words():
    message = AIMessage(content="")
    block = {"type": "refusal", "refusal": "No."}
    error = AIMLAPIRefusalError.from_refusal(block, raw_message=message)
    assert (error.refusal, error.raw_message) == ("No.", message)
    assert "No." in str(error)


# ------------------------------------------------------------- nobody behind the gateway serves it

NOBODY = "No provider behind the gateway serves this"


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    ("words", "sent", "advice"),
    [
        (
            "No endpoints found that support tool use. To learn more, visit https://a.b/provider",
            ("model", "messages", "tools", "temperature", "provider"),
            "request as it is: leave out tools, or name another model.",
        ),
        (
            'No endpoints found that support tool use. Try disabling "question".',
            ("tools", "tool_choice"),
            "request as it is: leave out tools and tool_choice, or name another model.",
        ),
        (
            "No endpoints found that support tool use",
            (),
            "request as it is: leave out tools, or name another model.",
        ),
        (
            "No endpoints found that support the provided 'tool_choice' value.",
            ("tools", "tool_choice"),
            "request as it is: leave out tool_choice, or name another model.",
        ),
        (
            "No endpoints found that support image input",
            ("messages", "tools"),
            "request as it is: leave out each image, or name another model.",
        ),
        (
            "No endpoints found that support structured outputs",
            ("response_format", "seed"),
            "request as it is: leave out response_format, or name another model.",
        ),
        (
            "No endpoints found matching your data policy",
            ("provider", "seed"),
            "request as it is: leave out provider, or name another model.",
        ),
        (
            "0 endpoints out of 1 support this request",
            ("model", "messages", "stream", "seed", "temperature"),
            "request as it is: leave out one of seed, temperature, or name another model.",
        ),
        (
            "0 endpoints out of 1 support the requested parameters: frequency_penalty",
            ("seed", "frequency_penalty"),
            "request as it is: leave out frequency_penalty, or name another model.",
        ),
        (
            "0 endpoints out of 1 support this request",
            ("model", "messages"),
            "model now: name another, or try again later.",
        ),
        (
            "No endpoints found for openai/gpt-5-1.",
            ("model", "messages", "seed"),
            "model now: name another, or try again later.",
        ),
    ],
)
def test_a_404_of_the_gateway_says_what_to_leave_out(status, words, sent, advice):
    error = error_from_response(
        status, {}, body(message=words), model="other/model", sent=sent, url="https://a.b/v1"
    )
    assert str(error).endswith(f"{NOBODY} {advice}")
    assert words in str(error)
    assert "This package knows" not in str(error)
    streamed = error_from_event({"error": {"message": words, "code": status}})
    assert NOBODY in str(streamed)


@pytest.mark.parametrize(
    "words", ["No such model", "The endpoint was not found", "Image not found"]
)
def test_other_404s_speak_of_the_model(words):
    error = error_from_response(404, {}, body(message=words), sent=("tools",))
    assert NOBODY not in str(error)
