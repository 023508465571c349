"""The errors of this package, and how a server's answer becomes one of them.

Every error is an `AIMLAPIError`. Each concrete class also derives from the neutral class of its
kind in `langchain_core.exceptions` (in brackets), so that retries, fallbacks and summarisation
written for any model act rightly on ours:

```text
AIMLAPIError                               [ModelError]
├── AIMLAPIConfigurationError              a bad argument or no key; nothing was sent
├── AIMLAPIAuthenticationError             [ModelAuthenticationError]     401
├── AIMLAPIPermissionDeniedError           [ModelPermissionDeniedError]   403
│   └── AIMLAPIOutOfCreditsError           402, or 403 and 429 by their text
├── AIMLAPINotFoundError                   [ModelNotFoundError]           404, 405
├── AIMLAPIInvalidRequestError             [ModelInvalidRequestError]     400, 413, 422, other 4xx
│   └── AIMLAPIContextOverflowError        [ContextOverflowError]         the input is too long
├── AIMLAPIRateLimitError                  [ModelRateLimitError]          429, retryable
├── AIMLAPIServerError                     [ModelAPIError]                5xx, 409, retryable
├── AIMLAPIConnectionError                 [ModelConnectionError]         retryable
├── AIMLAPITimeoutError                    [ModelTimeoutError]            408 and ours, retryable
├── AIMLAPIProtocolError                   [ModelAPIError]                2xx that is no answer, 3xx
├── AIMLAPIStreamInterruptedError          [ModelConnectionError]         retryable before output
├── AIMLAPITruncatedOutputError            cut at the token limit
├── AIMLAPIContentFilterError              structured output cut by a content filter
├── AIMLAPINoToolCallError                 [OutputParserException]        words in place of the call
└── AIMLAPIRefusalError                    [ModelRefusalError]            structured output refused
```

The HTTP status decides the class. Only inside a 2xx body or a stream event does a status named in
the body decide. Sources: the AI/ML API documentation's pages on errors and on request tracing,
2026-08, and bodies reported by users of the API. This module knows nothing of HTTP clients.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from langchain_core import exceptions as core
from pydantic_core import to_json

from langchain_aimlapi._wire import error_text as wording
from langchain_aimlapi._wire.error_facts import ErrorDetails, ErrorResponse, TimeoutPhase
from langchain_aimlapi._wire.error_text import parse_retry_after, redact
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.profiles import nearest_models

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_core.messages import AIMessage, AIMessageChunk
    from typing_extensions import Unpack

    _CoreRefusalError = core.ModelError
else:
    # Added in langchain-core 1.7.5.
    _CoreRefusalError = getattr(core, "ModelRefusalError", core.ModelError)

__all__ = [
    "AIMLAPIAuthenticationError",
    "AIMLAPIConfigurationError",
    "AIMLAPIConnectionError",
    "AIMLAPIContentFilterError",
    "AIMLAPIContextOverflowError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINoToolCallError",
    "AIMLAPINotFoundError",
    "AIMLAPIOutOfCreditsError",
    "AIMLAPIPermissionDeniedError",
    "AIMLAPIProtocolError",
    "AIMLAPIRateLimitError",
    "AIMLAPIRefusalError",
    "AIMLAPIServerError",
    "AIMLAPIStreamInterruptedError",
    "AIMLAPITimeoutError",
    "AIMLAPITruncatedOutputError",
    "ErrorDetails",
    "ErrorResponse",
    "TimeoutPhase",
    "error_from_event",
    "error_from_response",
    "parse_retry_after",
    "protocol_error",
    "redact",
]


class AIMLAPIError(core.ModelError):
    """Base of all errors of this package.

    ```python
    try:
        answer = llm.invoke("Hello")
    except AIMLAPIOutOfCreditsError as error:
        print("Top up:", error)
    except AIMLAPIRateLimitError as error:
        print("Come back in", error.retry_after, "seconds")
    except AIMLAPIError as error:
        print(error, error.request_id, error.is_retryable)
    ```

    Errors can be pickled and copied with all their fields.

    Attributes:
        message: What happened and what to do next; the same text as `str(error)`.
        status_code: The status that the server reported.
        code: The server's own error code, such as `"context_length_exceeded"`.
        request_id: The server's id of this call (inference id), for the vendor's support.
        client_request_id: The id that we sent, as it stands in the vendor's usage log.
        retry_after: How long the server asks to wait, in seconds.
        attempts: HTTP requests made for this call; 0 if none was.
        body: The body's first 2,000 characters.
        response: Status, harmless headers and text of the HTTP response.
        is_retryable: Whether the same call may succeed later.
        may_be_billed: Where a connection failed, whether the last request may have been billed all
            the same; None elsewhere, for the kind of the error says it.
        unpriced_attempts: Requests before the last one that may have been billed, at a price that
            nobody told.
    """

    may_be_billed: bool | None = None
    unpriced_attempts: int = 0

    next_step: ClassVar[str] = ""
    """The advice that ends the message when a server's answer became this error."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        client_request_id: str | None = None,
        retry_after: float | None = None,
        attempts: int = 0,
        body: str | None = None,
        response: ErrorResponse | None = None,
        is_retryable: bool | None = None,
    ) -> None:
        """Keep the facts; see the class for their meaning. `is_retryable=None`: as the class."""
        # BaseException.__reduce__ pickles `args` and `__dict__`: that is every field, as long as
        # each subclass can be made from the message alone.
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.code = code
        self.request_id = request_id
        self.client_request_id = client_request_id
        self.retry_after = retry_after
        self.attempts = attempts
        self.body = body
        self.response = response
        if is_retryable is not None:
            self.is_retryable = is_retryable


class AIMLAPIConfigurationError(AIMLAPIError):
    """A bad argument or a missing key, found before anything was sent.

    No ValueError on purpose: pydantic would turn one into a report that prints the input, and
    with it the key.
    """


class AIMLAPIAuthenticationError(AIMLAPIError, core.ModelAuthenticationError):
    """401: the key is missing, wrong or expired."""

    next_step = "Check the API key; keys are at https://aimlapi.com/app/keys"


class AIMLAPIPermissionDeniedError(AIMLAPIError, core.ModelPermissionDeniedError):
    """403: the key is known, but may not do this."""

    next_step = (
        "Check what this key may do, and its own spending limit, at https://aimlapi.com/app/keys"
    )


class AIMLAPIOutOfCreditsError(AIMLAPIPermissionDeniedError):
    """402, or a 403 or 429 that speaks of money or of the free tier: waiting does not help."""

    next_step = "Top up at https://aimlapi.com/app/billing and call again; retrying does not help."


class AIMLAPINotFoundError(AIMLAPIError, core.ModelNotFoundError):
    """404 or 405: no such model, or no such endpoint at this address."""

    next_step = (
        "Check the model's name, and that base_url is https://api.aimlapi.com/v1 with one /v1."
    )


class AIMLAPIInvalidRequestError(AIMLAPIError, core.ModelInvalidRequestError):
    """400, 413, 422 or another 4xx: this model does not take this request."""

    next_step = "Change the request as the server says; sending it again does not help."


class AIMLAPIContextOverflowError(AIMLAPIInvalidRequestError, core.ContextOverflowError):
    """The input is longer than the model's context window."""

    next_step = "Shorten or summarise the messages, or use a model with a larger context window."


class AIMLAPIRateLimitError(AIMLAPIError, core.ModelRateLimitError):
    """429: too many requests at once or in a while."""

    next_step = "Wait, then send fewer calls at once (max_concurrency, rate_limiter)."


class AIMLAPIServerError(AIMLAPIError, core.ModelAPIError):
    """5xx or 409: a fault at the gateway or behind it; 504 means that generation was too slow."""

    next_step = "Try again later, or name another model in with_fallbacks()."


class AIMLAPIConnectionError(AIMLAPIError, core.ModelConnectionError):
    """No connection could be made, or it broke before an answer came."""


class AIMLAPITimeoutError(AIMLAPIError, core.ModelTimeoutError):
    """Time ran out.

    Attributes:
        phase: Where: `connect`, `pool` (waiting for a free connection), `write`, `read` (the
            first byte), `idle` (between bytes), `deadline` (the whole call), or `status`: the
            server said 408. After `write` a call may have been billed all the same.
    """

    next_step = "Try again, raise timeout, or stream the answer."

    def __init__(
        self, message: str, *, phase: TimeoutPhase = "read", **details: Unpack[ErrorDetails]
    ) -> None:
        """Keep the phase; the rest is as in `AIMLAPIError`."""
        super().__init__(message, **details)
        self.phase: TimeoutPhase = phase


class AIMLAPIProtocolError(AIMLAPIError, core.ModelAPIError):
    """A success status without an answer in the body (or a redirect, which is never followed).

    Not retryable: the call may have been billed, and the address is probably wrong.
    """

    is_retryable = False
    next_step = "Check that base_url is the API's address, https://api.aimlapi.com/v1"


class AIMLAPIStreamInterruptedError(AIMLAPIError, core.ModelConnectionError):
    """A stream ended before its finish reason, or broke off with an error event.

    Attributes:
        partial_message: What had arrived, None if nothing. Only in that case is the error
            retryable: otherwise a retry would show the same words twice.
    """

    def __init__(
        self,
        message: str,
        *,
        partial_message: AIMessageChunk | None = None,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Keep what had arrived; the rest is as in `AIMLAPIError`."""
        details.setdefault("is_retryable", partial_message is None)
        super().__init__(message, **details)
        self.partial_message = partial_message


class AIMLAPITruncatedOutputError(AIMLAPIError):
    """Structured output that is not whole, most often since it ended at the token limit.

    Also a 400 that says that the limit was reached before there was any answer.

    Attributes:
        raw_message: The message as far as it came, which was billed; None if the server sent none.
    """

    next_step = "Raise max_tokens (reasoning counts towards it), or ask for less."

    def __init__(
        self,
        message: str | None = None,
        *,
        max_tokens: int | None = None,
        raw_message: AIMessage | None = None,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Make the message from `max_tokens` (the limit in force, if known) unless one is given."""
        limit = "the token limit" if max_tokens is None else f"max_tokens={max_tokens}"
        super().__init__(
            message
            or f"The structured output was cut at {limit}: raise max_tokens "
            "(reasoning counts towards it), or ask for less.",
            **details,
        )
        self.raw_message = raw_message


class AIMLAPIContentFilterError(AIMLAPIError):
    """Structured output that a content filter cut.

    Attributes:
        raw_message: The message as far as it came; it was billed.
    """

    def __init__(
        self,
        message: str = "A content filter cut the structured output: rephrase the request.",
        *,
        raw_message: AIMessage | None = None,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Keep the message; the rest is as in `AIMLAPIError`."""
        super().__init__(message, **details)
        self.raw_message = raw_message


class AIMLAPINoToolCallError(AIMLAPIError, core.OutputParserException):
    """Structured output by `function_calling` that holds no call, or none that is whole.

    Attributes:
        llm_output: What the model said instead.
        raw_message: The whole message.
    """

    def __init__(
        self,
        message: str,
        *,
        llm_output: str | None = None,
        raw_message: AIMessage | None = None,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Keep what was said; the rest is as in `AIMLAPIError`."""
        super().__init__(message, **details)
        self.args = (message,)  # a parser's exception adds a link
        self.observation = None
        self.send_to_llm = False
        self.llm_output = llm_output
        self.raw_message = raw_message


class AIMLAPIRefusalError(AIMLAPIError, _CoreRefusalError):
    """The model refused to give the structured output that was asked for.

    Attributes:
        refusal: The model's own words.
        raw_message: The message that holds the refusal; it was billed.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        refusal: str = "",
        raw_message: AIMessage | None = None,
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Make the message from `refusal` unless one is given."""
        super().__init__(
            message
            or f"The model refused: {wording.sentence(refusal or 'no reason given')} "
            "Rephrase the request; the same one will be refused again.",
            **details,
        )
        self.refusal = refusal
        self.raw_message = raw_message

    @classmethod
    def from_refusal(cls, refusal: Mapping[str, Any], *, raw_message: Any) -> AIMLAPIRefusalError:
        """Make the error from a refusal block, as LangChain's parsers do."""
        return cls(refusal=refusal.get("refusal") or "", raw_message=raw_message)


# ------------------------------------------------------------------- from an answer to an error


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Collection[str] = (),
    url: str | None = None,
    model: str | None = None,
    key_source: str | None = None,
) -> AIMLAPIError:
    """Make the error for an HTTP response that is not an answer.

    Args:
        status: The HTTP status; it alone decides, with the server's words, which class.
        headers: The response headers.
        body: The response body, in whatever form.
        secrets: The key and header values that were sent; they are cut out of every text.
        url: The address that was asked, named in a 404.
        model: The model that was asked for.
        key_source: Where the key came from, named in a 401: "in AIMLAPI_API_KEY".

    Returns:
        The error, not raised. A 2xx gives the error that its body holds, else a protocol error.
    """
    text, data = wording.clean_body(body.decode("utf-8", "replace"), secrets)
    kept = wording.kept_headers(headers, secrets)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return error_from_event(
            data, headers=headers, secrets=secrets, status=status
        ) or protocol_error(
            "a reply of another kind",
            status_code=status,
            headers=headers,
            body=data or text,
            secrets=secrets,
        )
    if status < HTTPStatus.BAD_REQUEST:
        # The host only: the rest of the address may repeat what the request held.
        target = wording.host(redact(wording.header(headers, "location"), secrets))
        message = (
            f"HTTP {status}: the server redirects to {target or 'another address'}. Redirects are "
            "not followed, since that would take the key to another place."
        )
        return _build(AIMLAPIProtocolError, message, _facts(status, status, kept, "", {}))
    said = wording.words_of(text, data) or wording.plain_words(text) or wording.reason(status)
    kind = _class_for(status, f"{wording.error_code(data) or ''} {said}".lower())
    subject = f"HTTP {status}"
    if model:
        subject += f" for model {model!r}"
    if url and kind is AIMLAPINotFoundError:
        subject += f" at {wording.address(url)}"
    message = f"{subject}: {wording.sentence(said)}"
    if model and model not in PROFILES and _doubts_model(kind, said, model):
        message += f" This package knows {', '.join(nearest_models(model))}."
    advice = kind.next_step
    if kind is AIMLAPIInvalidRequestError:
        advice = wording.tool_advice(said) or advice
    if key_source is not None and kind is AIMLAPIAuthenticationError:
        advice = advice.replace("the API key", f"the API key {key_source}")
    return _build(kind, message, _facts(status, status, kept, text, data), advice)


def error_from_event(
    data: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    secrets: Collection[str] = (),
    status: int = 200,
) -> AIMLAPIError | None:
    """Make the error that a JSON object from a 2xx body or a stream holds, if it holds one.

    Known shapes: a top-level `error` (object or text), `{"type": "error", code, message}`, the
    event `response.failed`, a choice with an `error` or that ended with one, and `statusCode` or
    `status` with a `message` or `title` and neither
    `choices` nor `output`.

    Args:
        data: The decoded body or event.
        headers: The response headers.
        secrets: The key and header values that were sent; they are cut out of every text.
        status: The HTTP status, kept in `error.response` only. The class is decided by the
            status in the body; where there is none, by the error's code and words.

    Returns:
        The error, not raised; None if the object is not an error.
    """
    if data.get("type") == "response.failed":
        data = data["response"] if isinstance(data.get("response"), dict) else {}
    elif not data.get("error") and data.get("type") != "error":
        if "choices" in data or "output" in data:
            failed = wording.failed_choice(data)
            if failed is None:
                return None
            data = failed
        elif not (data.get("message") or data.get("title")) or wording.status_in(data) is None:
            return None
    text, clean = wording.clean_body(to_json(data, fallback=str).decode(), secrets)
    stated = wording.status_in(clean)
    code = wording.error_code(clean)
    said = wording.said(clean) or code or "no reason given"
    words = f"{code or ''} {said}".lower()
    kept = wording.kept_headers(headers or {}, secrets)
    return _build(
        _class_for(stated or wording.status_from_words(words), words),
        f"The reply is an error{f' ({stated})' if stated else ''}: {wording.sentence(said)}",
        _facts(stated, status, kept, text, clean),
    )


def protocol_error(
    reason: str,
    *,
    status_code: int | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    secrets: Collection[str] = (),
) -> AIMLAPIProtocolError:
    """Make the error for a 2xx that is no answer.

    Args:
        reason: What is wrong, without a full stop: "no choices".
        status_code: The HTTP status.
        headers: The response headers.
        body: The body: decoded JSON, text or bytes. Of an object the keys are named.
        secrets: The key and header values that were sent; they are cut out of every text.

    Returns:
        The error, not raised.
    """
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    raw = body if isinstance(body, str) else to_json(body, fallback=str).decode()
    text, data = wording.clean_body("" if body is None else raw, secrets)
    status = "a success status" if status_code is None else f"HTTP {status_code}"
    described = "" if body is None else f" {wording.describe(text, data)}"
    return _build(
        AIMLAPIProtocolError,
        f"The server sent {status} but no answer: {reason}.{described}",
        _facts(status_code, status_code, wording.kept_headers(headers or {}, secrets), text, data),
    )


# ------------------------------------------------------------------------- which class it becomes

_CLASS_BY_STATUS: dict[int, type[AIMLAPIError]] = {
    401: AIMLAPIAuthenticationError,
    402: AIMLAPIOutOfCreditsError,
    403: AIMLAPIPermissionDeniedError,
    404: AIMLAPINotFoundError,
    405: AIMLAPINotFoundError,
    408: AIMLAPITimeoutError,
    409: AIMLAPIServerError,
    429: AIMLAPIRateLimitError,
}

_INVALID_STATUSES = frozenset({400, 413, 422})
_MONEY_STATUSES = frozenset({403, 429})


def _class_for(status: int, words: str) -> type[AIMLAPIError]:
    """Choose the class by status and, where the documentation asks for it, lower-case words."""
    is_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if wording.is_output_limit(words):
        return AIMLAPITruncatedOutputError
    if status in _MONEY_STATUSES and wording.is_out_of_credits(words):
        return AIMLAPIOutOfCreditsError
    if (is_fault or status in _INVALID_STATUSES) and wording.is_context_overflow(words):
        return AIMLAPIContextOverflowError
    # The gateway reports some refusals of the upstream provider as its own fault.
    if is_fault and not wording.is_validation(words):
        return AIMLAPIServerError
    return _CLASS_BY_STATUS.get(status, AIMLAPIInvalidRequestError)


# ----------------------------------------------------------------------- what the server has said

_Kind = TypeVar("_Kind", bound=AIMLAPIError)


def _doubts_model(kind: type[AIMLAPIError], said: str, model: str) -> bool:
    return kind is AIMLAPINotFoundError or (
        issubclass(kind, AIMLAPIInvalidRequestError) and wording.says_no_model(said, model)
    )


def _build(
    kind: type[_Kind], message: str, facts: ErrorDetails, advice: str | None = None
) -> _Kind:
    if facts.get("request_id"):
        message += f" [request id {facts['request_id']}]"
    message = f"{message} {kind.next_step if advice is None else advice}".rstrip()
    error = kind(message, **facts)
    if isinstance(error, AIMLAPITimeoutError):
        error.phase = "status"
    return error


def _facts(
    status: int | None,
    http_status: int | None,
    headers: dict[str, str],
    text: str,
    data: Mapping[str, Any],
) -> ErrorDetails:
    """Collect an error's fields from what is clean of secrets already."""
    body = text[: wording.MAX_BODY_CHARS]
    body_id = data.get("requestId")
    return {
        "status_code": status,
        "code": wording.error_code(data),
        "request_id": (body_id if isinstance(body_id, str) else None)
        or headers.get("x-inference-id")
        or headers.get("x-request-id"),
        "client_request_id": headers.get("x-client-request-id"),
        "retry_after": parse_retry_after(headers, time.time()),
        "body": body,
        "response": ErrorResponse(http_status or HTTPStatus.OK, headers, body),
    }
