"""From a server's answer to one typed error.

The HTTP status decides the class. Only inside a 2xx body or a stream event does a status named in
the body decide. Sources: the AI/ML API documentation's pages on errors and on request tracing,
2026-08, and bodies reported by users of the API. This module knows nothing of HTTP clients.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from pydantic_core import to_json

from langchain_aimlapi._wire import error_text as wording
from langchain_aimlapi._wire.deprecations import deprecation_of
from langchain_aimlapi._wire.error_text import parse_retry_after, redact
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPITimeoutError,
    AIMLAPITruncatedOutputError,
)
from langchain_aimlapi.errors.facts import ErrorDetails, ErrorResponse, sentence
from langchain_aimlapi.profiles import canonical, nearest_models

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Collection[str] = (),
    url: str | None = None,
    model: str | None = None,
    key_source: str | None = None,
    sent: Collection[str] = (),
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
        sent: The parameters of the request, of which an error may name those to leave out.

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
    message = f"{subject}: {sentence(said)}"
    advice = kind.next_step
    if kind in {AIMLAPINotFoundError, AIMLAPIInvalidRequestError}:
        others = wording.provider_advice(said, sent) or wording.tool_advice(said)
        advice = others or advice
        if model and others is None and _doubts_model(kind, said, model):
            message, advice = _with_successor(message, advice, model, wording.host(url or ""))
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
    same under `object`, the event `response.failed`, a choice with an `error` or that ended with
    one; and, with neither `choices` nor `output`, a `message`, `title` or `detail` beside a status
    or beside nothing that events have.

    Args:
        data: The decoded body or event.
        headers: The response headers.
        secrets: The key and header values that were sent; they are cut out of every text.
        status: The HTTP status, kept in `error.response` only. The class is decided by the
            status in the body; where there is none, by the error's code and words.

    Returns:
        The error, not raised; None if the object is not an error.
    """
    held = error_held_in(data)
    if held is None:
        return None
    text, clean = wording.clean_body(to_json(held, fallback=str).decode(), secrets)
    stated = wording.status_in(clean)
    code = wording.error_code(clean)
    said = wording.said(clean) or code or "no reason given"
    words = f"{code or ''} {said}".lower()
    kept = wording.kept_headers(headers or {}, secrets)
    return _build(
        _class_for(stated or wording.status_from_words(words), words),
        f"The reply is an error{f' ({stated})' if stated else ''}: {sentence(said)}",
        _facts(stated, status, kept, text, clean),
        wording.provider_advice(said, ()),
    )


def error_held_in(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what tells of an error in a JSON object; None if nothing does.

    Asked of each event of a stream; see `error_from_event`.
    """
    kind = data.get("type")
    if kind == "response.failed":
        return data["response"] if isinstance(data.get("response"), dict) else {}
    if data.get("error") or kind == "error" or data.get("object") == "error":
        return data
    if "choices" in data or "output" in data:
        return wording.failed_choice(data)
    has_words = data.get("message") or data.get("title") or data.get("detail")
    if not has_words or (wording.status_in(data) is None and not _OF_EVENTS.isdisjoint(data)):
        return None
    return data


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

_OF_EVENTS = frozenset({"id", "type", "object", "usage", "meta", "status", "statusCode"})
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


def _with_successor(message: str, advice: str, model: str, host: str) -> tuple[str, str]:
    """Say what became of a model that is not served, or which others there are."""
    gone = deprecation_of(host, model) or deprecation_of(host, canonical(model))
    if gone is not None:
        return message, gone.told()
    if model in PROFILES:
        return message, advice
    return f"{message} This package knows {', '.join(nearest_models(model))}.", advice


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
