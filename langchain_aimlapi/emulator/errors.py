"""The gateway's refusals: their texts and the shapes they come in.

Source: AI/ML API documentation, errors page (2026-08), for the flat shape and what each status
means; third-party reports for the others. The texts are paraphrases: only key words are known.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

from langchain_aimlapi.emulator.exchange import Answer, Piece, dump

if TYPE_CHECKING:
    from collections.abc import Mapping

ErrorShape = Literal[
    "flat", "title", "openai", "responses", "choice", "html", "text", "empty", "docs"
]
"""The shapes of an error's body.

- `flat`: `{message, path, requestId, statusCode, timestamp}`, as documented.
- `title`: `{title, status, message}`, seen live in 2026 by a third party.
- `openai`: `{"error": {message, type, param, code}}`.
- `responses`: the `error` event of a Responses stream, `{"type": "error", code, message, param}`.
- `choice`: an answer whose one choice is `{index, finish_reason: "error", error: {code, message}}`,
  as gateways end what broke off behind them.
- `html`, `text`, `empty`: what proxies and CDNs send.
- `docs`: the documentation's printed sample, which lacks its commas and so is no JSON.
"""

MESSAGES = {
    400: "Body validation error",
    401: "This endpoint needs a valid API key. Create one at https://aimlapi.com/app/keys",
    403: "Your API key is not allowed to use this endpoint.",
    404: "Not Found",
    408: "Request Timeout",
    429: "Too Many Requests",
    500: "Internal server error",
    502: "Bad Gateway",
    503: "Service unavailable",
    504: "Generation timeout",
}
"""What the gateway says with each status, where nothing more special fits."""

OUT_OF_CREDITS = {
    "credits": "You've run out of credits. Please top up your balance to continue: "
    "https://aimlapi.com/app/billing",
    "funds": "You've run out of funds. Please top up your balance to continue: "
    "https://aimlapi.com/app/billing",
}
"""403: the documentation says credits, live replies were seen to say funds."""

FREE_TIER = (
    "Free-tier limit: You've reached your free limit for the hour. "
    "Get a subscription to continue: https://aimlapi.com/app/billing"
)
"""429 that is a quota and not a rate."""

CONTEXT_OVERFLOW = {
    "openai": "This model's maximum context length is 128000 tokens. However, your messages "
    "resulted in 130000 tokens. Please reduce the length of the messages.",
    "responses": "Your input exceeds the context window of this model. Please adjust your input "
    "and try again.",
    "tokens": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted "
    "in 300000 tokens. Please reduce the length of the messages.",
}
"""400: the upstream's wordings for a prompt that is too long."""


class RefusalError(Exception):
    """Raised inside the emulator to answer with an error.

    Args:
        status: HTTP status.
        message: What the gateway says.
        code: The `code` of the OpenAI shape.
    """

    def __init__(self, status: int, message: str | None = None, *, code: str | None = None) -> None:
        """Keep status, text and code."""
        self.status = status
        self.code = code
        self.message = message or MESSAGES.get(status, "Error")
        super().__init__(self.message)


def error_value(
    shape: ErrorShape,
    status: int,
    message: str,
    *,
    path: str = "",
    request_id: str | None = None,
    now: float = 0.0,
    code: str | None = None,
) -> dict[str, Any]:
    """The JSON value of an error in one of the JSON shapes."""
    if shape == "title":
        return {"title": MESSAGES.get(status, "Error"), "status": status, "message": message}
    if shape == "openai":
        kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}
    if shape == "responses":
        return {"type": "error", "code": code or "server_error", "message": message, "param": ""}
    if shape == "choice":
        error = {"code": code or status, "message": message}
        return {"choices": [{"index": 0, "finish_reason": "error", "error": error}]}
    return {
        "message": message,
        "path": path,
        "requestId": request_id,
        "statusCode": status,
        "timestamp": datetime.fromtimestamp(now, tz=timezone.utc).isoformat(),
    }


def error_answer(
    shape: ErrorShape,
    status: int,
    message: str,
    *,
    headers: Mapping[str, str],
    path: str = "",
    request_id: str | None = None,
    now: float = 0.0,
    code: str | None = None,
) -> Answer:
    """An error as an answer.

    Args:
        shape: The body's shape.
        status: HTTP status.
        message: The text.
        headers: Headers besides the content type.
        path: The request's path, which the flat shape repeats.
        request_id: The flat shape's `requestId`.
        now: Unix time in seconds, for the flat shape's timestamp.
        code: The OpenAI shape's `code`.
    """
    value = error_value(
        shape, status, message, path=path, request_id=request_id, now=now, code=code
    )
    content_type, body = "application/json; charset=utf-8", dump(value)
    if shape == "html":
        content_type, body = "text/html", html_page(f"{status} {message}")
    elif shape == "text":
        content_type, body = "text/plain", message.encode()
    elif shape == "empty":
        content_type, body = "text/plain", b""
    elif shape == "docs":
        content_type = "application/json"
        value["statusCode"] = str(status)
        body = "\n".join(["{", *(f'  "{k}": "{v}"' for k, v in value.items()), "}"]).encode()
    return Answer(status, {"content-type": content_type, **headers}, (Piece(body),) if body else ())


def html_page(title: str) -> bytes:
    """What a proxy in front of the gateway answers."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return f"<!DOCTYPE html>\n{page}\n".encode()
