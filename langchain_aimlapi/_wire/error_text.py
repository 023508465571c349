"""What a server has said when it refused: reading error bodies and headers, as plain text.

No error is made here, and no HTTP client known: functions from text and JSON to text,
numbers and yes or no. Bodies come in four forms (AI/ML API documentation, errors, 2026-08, and
bodies that users of the API reported): `{message, requestId, statusCode, …}`, `{title, status,
message}`, `{error: {message, code, type}}`, and no JSON at all: HTML, plain text, nothing.
"""

from __future__ import annotations

import json
import math
import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pydantic_core import from_json, to_json

from langchain_aimlapi._wire.findings import findings_in
from langchain_aimlapi.errors.facts import sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_BODY_CHARS = 2_000
_MAX_MESSAGE_CHARS = 1_000
_MIN_SECRET_CHARS = 6
_REDACTED = "[redacted]"
_HTML = "an HTML page"


def redact(text: str, secrets: Collection[str]) -> str:
    """Cut secrets out of a text, plain or escaped for JSON or a URL.

    Args:
        text: Text that a server sent.
        secrets: What must not show. Those shorter than 6 characters are left alone: they would
            tear up ordinary words.

    Returns:
        The text with `[redacted]` in place of each secret.
    """
    forms = set()
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_CHARS:
            escaped = json.dumps(secret)[1:-1]
            utf8 = json.dumps(secret, ensure_ascii=False)[1:-1]
            forms |= {secret, escaped, escaped.replace("/", r"\/"), utf8, quote(secret, safe="")}
    # The longest first: one secret may be the beginning of another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _REDACTED)
    return text


def finite_number(value: object) -> float | None:
    """Return a number, or text that is one; None if it is neither, not finite, or below 0."""
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read how long the server asks to wait.

    Args:
        headers: Response headers with lower-case names: `retry-after-ms` (milliseconds) goes
            before `retry-after` (seconds, or an HTTP date).
        now: The present as a Unix time in seconds, for the date.

    Returns:
        Seconds, 0.0 for a date in the past; None if there is nothing readable.
    """
    milliseconds = finite_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = finite_number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
        # A date without a zone is one in GMT: HTTP has no other.
        return max(
            0.0, (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now
        )
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# Upstream providers' wordings for an input that is too long.
_OVERFLOW = re.compile(
    r"context_length_exceeded|context_?window_?exceeded|prompt_tokens_exceeded"
    r"|maximum (?:context|prompt|input) length|exceeds? (?:the |its |this )?(?:model'?s )?"
    r"(?:maximum |available |configured )?(?:context|limit of \d+ input tokens)"
    r"|input tokens exceed|(?:prompt|input|conversation|request) is too long"
    r"|token count\b.{0,40}\bexceeds|over the context window"
    r"|reduce the length of the (?:messages|prompt|input)|range of input length should be"
)
_VALIDATION = re.compile(
    r"\b(?:invalid input|body validation error|validation (?:error|failed)|invalid enum value)\b"
)
_NO_MONEY = re.compile(
    r"insufficient_quota|run out of (?:credits|funds)|free[- ]tier limit|free limit"
)
_ABOUT_MONEY = re.compile(r"credit|funds|balance|billing|top[- ]?up|subscription|free[- ]tier")
_ABOUT_KEY_OR_RATE = re.compile(
    r"\b(?:api[- ]?keys?|tokens?|authentication|rate|too many requests|requests per)\b"
    r"|rate[-_ ]?limit|concurren"
)
# For errors inside a 2xx that name no status: the first that fits.
_STATUS_BY_WORDS = (
    (_NO_MONEY, 402),
    (re.compile(r"rate[-_ ]?limit|too[ _]many[ _]requests"), 429),
    (re.compile(r"authentication|(?:invalid|incorrect)[ _]api[ _]key"), 401),
    (re.compile(r"permission_|forbidden"), 403),
    (re.compile(r"\b(?:model_)?not_found"), 404),
    (re.compile(r"\binvalid_|content_policy"), 400),
)


def is_context_overflow(words: str) -> bool:
    """Say whether lower-case words mean that the input is longer than the context window."""
    return _OVERFLOW.search(words) is not None


def is_output_limit(words: str) -> bool:
    """Say whether lower-case words mean that the answer did not fit into the token limit."""
    return "could not finish the message because max_tokens" in words or (
        "model output limit was reached" in words
    )


def failed_choice(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the error that a choice of an answer holds, as a body of its own; None if none does.

    Gateways that have sent a success status report there what broke off behind them.
    """
    choices = data.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            if error := choice.get("error"):
                return {"error": error}
            if choice.get("finish_reason") == "error":
                return {"error": {"message": "The answer ended with an error, and no word of it."}}
    return None


def is_validation(words: str) -> bool:
    """Say whether lower-case words plainly find fault with the request."""
    return _VALIDATION.search(words) is not None


def is_out_of_credits(words: str) -> bool:
    """Say whether the lower-case words of a 403 or 429 are about money, not a key or a rate."""
    return _NO_MONEY.search(words) is not None or (
        _ABOUT_MONEY.search(words) is not None and _ABOUT_KEY_OR_RATE.search(words) is None
    )


def status_from_words(words: str) -> int:
    """Return the status that fits the lower-case words of an error without one; 500 if none."""
    return next((status for pattern, status in _STATUS_BY_WORDS if pattern.search(words)), 500)


_KEPT_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "retry-after",
        "retry-after-ms",
        "x-client-request-id",
        "x-inference-id",
        "x-request-id",
    }
)
_KEPT_HEADER_PREFIXES = ("x-aimlapi-", "x-ratelimit-")


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header by its lower-case name, empty if there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def kept_headers(headers: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Return the response headers that help to find a call again, with lower-case names."""
    lower = {name.lower(): value for name, value in headers.items()}
    return {
        name: redact(value, secrets)
        for name, value in lower.items()
        if name in _KEPT_HEADERS or name.startswith(_KEPT_HEADER_PREFIXES)
    }


def clean_body(body: str, secrets: Collection[str]) -> tuple[str, dict[str, Any]]:
    """Return a body without secrets: its text, and the JSON object that it is (else an empty one).

    The object is looked through as well as the text, since JSON can escape any letter.
    """
    text = redact(body, secrets)
    data = _json_object(text)
    decoded = redact(to_json(data).decode(), secrets)
    return (decoded, _json_object(decoded)) if _REDACTED in decoded else (text, data)


def _json_object(text: str) -> dict[str, Any]:
    try:
        data = from_json(text.removeprefix("\ufeff"))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _error_in(data: Mapping[str, Any]) -> Mapping[str, Any]:
    error = data.get("error")
    return error if isinstance(error, dict) else {}


def said(data: Mapping[str, Any]) -> str:
    """Return the server's words from a JSON error in any of its shapes, or an empty text.

    What a validator found follows the message: `Invalid payload. max_tokens: must be positive`.
    """
    text = ""
    for value in (
        _error_in(data).get("message"),
        data.get("message"),
        data.get("error"),
        data.get("detail"),
        data.get("title"),
    ):
        parts = value if isinstance(value, list) else [value]
        text = "; ".join(part.strip() for part in parts if isinstance(part, str))
        if text:
            break
    details = "; ".join(each for each in findings_in(data) if each not in text)
    details = details[: _MAX_MESSAGE_CHARS // 2]
    text = text[: _MAX_MESSAGE_CHARS - len(details)]
    return " ".join(filter(None, (sentence(text) if text and details else text, details)))


_NO_MODEL = re.compile(
    # "The model `x` does not exist", "Model x is not available on ...", "This model is only
    # supported in v1/responses", "Unknown model: x", "x is not a valid model ID"
    r"\bmodel\b[\s:]*(?:['\"`]?[\w.:/-]*[\w/-]['\"`]?)?\s+(?:(?:is|was|are|has been|does|do|could|"
    r"can|currently|only|[a-z]+ly)\s+)*(?:not\s+(?:found|supported|available|served|accessible|exist|"
    r"be\s+found)|cannot\s+be\s+found|unsupported|unavailable|unknown|(?:only\s+)?supported\s+in)"
    r"|\b(?:unknown|unsupported|invalid|no\s+such)\s+model\b|\bnot\s+a\s+(?:valid|chat)\s+model\b"
    r"|\bmodel_not_found\b",
    re.IGNORECASE,
)


def says_no_model(words: str, model: str) -> bool:
    """Say whether a server means that it does not serve a model, or not there."""
    received = rf"\breceived\s+['\"]?{re.escape(model)}(?![\w.-])"
    return re.search(received, words) is not None or _NO_MODEL.search(words) is not None


_NO_PROVIDER = re.compile(
    r"\bno (?:\w+ )?(?:endpoints?|providers?) (?:(?:is|are|was|were) )?(?:found|available)\b"
    r"|\b0 (?:endpoints|providers) out of\b|\bsupports? tool use\b",
    re.IGNORECASE,
)
_OF_ALL_REQUESTS = frozenset({"model", "messages", "input", "stream", "stream_options", "store"})
_SYNONYMS = {
    "response_format": "structured|json",
    "text": "structured|json|verbosity",
    "reasoning_effort": "reasoning",
    "provider": "data policy|guardrails?|privacy",
    "tools": "function calling",
}
"""Other words that servers have for a parameter."""
_UNTOLD = frozenset({"include", "prompt", "text", "stop", "user", "n"})
"""Parameters whose names are common words, and say nothing in a server's text."""
_MEDIA = re.compile(r"\b(image|audio|video|pdf|file)s?\b(?: input)?", re.IGNORECASE)


def provider_advice(words: str, sent: Collection[str]) -> str | None:
    """Say what to leave out where a gateway has nobody who takes a request; None for other words.

    Behind the gateway several providers serve a model, each with parameters of its own.

    Args:
        words: What the server said.
        sent: The parameters of the request, as far as they are known.
    """
    if not _NO_PROVIDER.search(words):
        return None
    words = re.sub(r"To learn more.*|https?://\S+", "", words)
    asked = [name for name in sent if name not in _OF_ALL_REQUESTS]
    named = [name for name in asked or _SYNONYMS if _speaks_of(name, words)]
    if "tool_choice" in asked and named == ["tools"]:
        named.append("tool_choice")  # which means nothing without them
    start = "No provider behind the gateway serves this request as it is"
    if named:
        return f"{start}: leave out {' and '.join(named)}, or name another model."
    if medium := _MEDIA.search(words):
        return f"{start}: leave out each {medium[1].lower()}, or name another model."
    if asked and not re.search(r"\bfound for\b", words, re.IGNORECASE):
        return f"{start}: leave out one of {', '.join(asked)}, or name another model."
    return "No provider behind the gateway serves this model now: name another, or try again later."


def _speaks_of(name: str, words: str) -> bool:
    spoken = [_SYNONYMS[name]] if name in _SYNONYMS else []
    if name not in _UNTOLD:
        spoken.append(f"{re.escape(name.removesuffix('s')).replace('_', '[_ ]')}s?")
    pattern = rf"\b(?:{'|'.join(spoken)})\b"
    return bool(spoken) and re.search(pattern, words, re.IGNORECASE) is not None


def tool_advice(words: str) -> str | None:
    """Say what to send in place of a kind of tool that a server refuses; None for other words."""
    if re.search(r"\blocal_shell\b", words):
        return 'Send the shell as a function: shell_command(…, wire="function"), the default.'
    if re.search(r"\bcustom\b", words, re.IGNORECASE) and re.search(
        r"\btools?\b|\btype\b|'custom'", words, re.IGNORECASE
    ):
        return (
            'Send the free-form tool as a function: apply_patch(…, wire="function"), or for other '
            "tools a plain function of one string."
        )
    return None


def words_of(text: str, data: Mapping[str, Any]) -> str:
    """Return the server's words from a body: the text, and the JSON object that it is or is not."""
    if data:
        return said(data)
    # The documentation's own sample of an error lacks its commas.
    broken = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.)+)"', text)
    return broken[1][:_MAX_MESSAGE_CHARS] if broken else plain_words(text)


def error_code(data: Mapping[str, Any]) -> str | None:
    """Return the server's own error code, or the error's type; numbers are no codes."""
    error = _error_in(data)
    candidates = (error.get("code"), data.get("code"), error.get("type"))
    return next((code for code in candidates if code and isinstance(code, str)), None)


def status_in(data: Mapping[str, Any]) -> int | None:
    """Return the status that a body names, as a number or as text, if it is one of an error."""
    error = _error_in(data)
    stated = (data.get("statusCode"), data.get("status"), error.get("status"), error.get("code"))
    numbers = (finite_number(value) for value in stated)
    return next(
        (int(number) for number in numbers if number is not None and number in range(400, 600)),
        None,
    )


def plain_words(text: str) -> str:
    """Return the gist of a body that is no JSON object."""
    text = text.strip().removeprefix("\ufeff")
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>([^<]{1,200})", text, re.IGNORECASE)
        return _HTML + (f" titled {title[1].strip()!r}" if title else "")
    return " ".join(text[:MAX_BODY_CHARS].split())[:200]


def describe(text: str, data: Mapping[str, Any]) -> str:
    """Say what a body is that should have been an answer; `data` is empty if it is no object."""
    if data:
        keys = ", ".join(key[:40] for key in sorted(data)[:20])
        described = f"The body is JSON with object={data.get('object')!r} and the keys {keys}."
        if data.get("object") == "image":
            described += " That is an image endpoint's answer; a chat model's has choices."
        return described
    words = plain_words(text)
    if not words:
        return "The body is empty."
    return f"The body is {words}." if words.startswith(_HTML) else f"The body begins {words!r}."


def host(url: str) -> str:
    """Return the host and port of an address; empty if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    return f"{parts.hostname or ''}:{port}" if port else parts.hostname or ""


def address(url: str) -> str:
    """Return an address without user, password, query and fragment."""
    name = host(url)
    return f"{urlsplit(url).scheme}://{name}{urlsplit(url).path}" if name else "?"


def reason(status: int) -> str:
    """Return the standard phrase for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
