"""The errors of this package.

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

The numbers are HTTP statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core import exceptions as core

from langchain_aimlapi.errors.facts import ErrorDetails, ErrorResponse, TimeoutPhase, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        may_be_billed: Where a connection or a stream failed, whether the last request may have been
            billed all the same; None elsewhere, for the kind of the error says it.
        unpriced_attempts: Requests before the last one that may have been billed, at a price that
            nobody told: they were sent whole, but no byte came back.
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
            or f"The model refused: {sentence(refusal or 'no reason given')} "
            "Rephrase the request; the same one will be refused again.",
            **details,
        )
        self.refusal = refusal
        self.raw_message = raw_message

    @classmethod
    def from_refusal(cls, refusal: Mapping[str, Any], *, raw_message: Any) -> AIMLAPIRefusalError:
        """Make the error from a refusal block, as LangChain's parsers do."""
        return cls(refusal=refusal.get("refusal") or "", raw_message=raw_message)
