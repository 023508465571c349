"""One request and what comes of it, without I/O: bodies, events, and failures as our errors.

Foreign exceptions are told apart by the names of their classes, which httpx and httpcore share.
Nothing of them is kept but a line of text: those of httpx hold the request and with it the key.
"""

from __future__ import annotations

import contextlib
import errno
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.client import headers_of
from langchain_aimlapi._http.encoding import Inflater
from langchain_aimlapi._http.request import secret_values, source_of_key
from langchain_aimlapi._http.sse import ServerSentEvent, SSEDecoder
from langchain_aimlapi._wire.error_text import redact
from langchain_aimlapi._wire.json import dumps_in_pieces, loads
from langchain_aimlapi._wire.refusals import (
    error_from_event,
    error_from_response,
    error_held_in,
    protocol_error,
)
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIError,
    AIMLAPIProtocolError,
    AIMLAPITimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import httpx

    from langchain_aimlapi.errors import TimeoutPhase

_MAX_BODY = 256 * 1024 * 1024  # bytes of a reply, inflated
_MAX_ERROR_BODY = 1024 * 1024
_MAX_CAUSE_CHARS = 200

_BLANK = b"\xef\xbb\xbf \t\r\n"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""What a body of events begins with."""
_DONE = re.compile(r'"?(?:\[DONE\]|DONE)"?', re.IGNORECASE)
_NOTHING = frozenset({"", "null", '""', "[]"})
_SIGNS_OF_LIFE = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})

_PHASES: dict[str, TimeoutPhase] = {
    "ConnectTimeout": "connect",
    "PoolTimeout": "pool",
    "WriteTimeout": "write",
    "ReadTimeout": "read",
    "TimeoutException": "read",
    "TimeoutError": "read",
}
_TIMEOUT_TEXTS: dict[TimeoutPhase, str] = {
    "connect": "No connection to {host} in time. Check the network, base_url and HTTPS_PROXY.",
    "pool": "No connection came free in time: too many calls at once. Lower max_concurrency.",
    "write": "{host} did not take the request in time. Send less, or raise timeout.",
    "read": "{host} did not answer in time. The call may have been billed. Raise timeout, or "
    "stream the answer.",
    "idle": "The stream from {host} went silent for too long. Raise timeout, or call again.",
    "deadline": "The call to {host} was not over within its deadline of {deadline:g} s. It may "
    "have been billed. Raise deadline, or ask for less.",
}
# Wrong use of the library, not the network's fault. The text of the first may show a header.
_MISUSES = frozenset({"LocalProtocolError", "InvalidURL", "UnsupportedProtocol"})
# What leaves no doubt that the request was not sent whole.
_UNSENT = _MISUSES | {
    *("ConnectError", "ConnectTimeout", "PoolTimeout", "WriteError", "WriteTimeout", "ProxyError")
}
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})


class Reply(NamedTuple):
    """A plain reply.

    Attributes:
        status_code: A success status, or 304 for a conditional `get`.
        headers: Names in lower case.
        body: The JSON object of the body; empty if it was a stream.
        events: The objects of a stream that came in the place of a plain reply.
    """

    status_code: int
    headers: Mapping[str, str]
    body: dict[str, Any]
    events: Sequence[dict[str, Any]] = ()

    @property
    def objects(self) -> Sequence[dict[str, Any]]:
        """All objects of the body, whichever of the two it is."""
        return self.events or [self.body]


class Encoded(NamedTuple):
    """A payload and its bytes in pieces, kept for the retries of a call."""

    payload: dict[str, Any]
    pieces: list[bytes]


def encode(payload: dict[str, Any], before: Encoded | None) -> Encoded:
    """Return the bytes of `payload`, which are those from `before` if it is still the same."""
    if before is not None and before.payload is payload:
        return before
    return Encoded(payload, dumps_in_pieces(payload))


@dataclass(frozen=True, repr=False)
class Exchange:
    """One request and the facts that its errors name.

    Attributes:
        request: What to send.
        attempt: How it may go there, and how far it got.
        model: The model that is asked.
        client_request_id: The id that was sent.
        attempts: Requests made for the call, this one included.
        lacks: Says what a JSON object lacks to be an answer; None if nothing.
        sent: Names of the parameters in the request.
    """

    request: httpx.Request
    attempt: Attempt = field(default_factory=Attempt)
    model: str | None = None
    client_request_id: str | None = None
    attempts: int = 1
    lacks: Callable[[Mapping[str, Any]], str | None] = lambda _: None
    sent: Collection[str] = ()

    @property
    def host(self) -> str:
        """The server, as errors name it."""
        return self.request.url.netloc.decode("ascii", "replace")

    def is_success(self, response: httpx.Response) -> bool:
        """Tell an answer from a refusal: any 2xx, for this API has been seen to answer 201."""
        return response.is_success or (
            response.status_code == HTTPStatus.NOT_MODIFIED
            and "if-none-match" in self.request.headers
        )

    def is_plain(self, response: httpx.Response) -> bool:
        """Tell whether a stream was answered with a plain reply: JSON, or some web page."""
        kind: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind.endswith("json") or kind == "text/html"

    def noted(self, error: AIMLAPIError, response: httpx.Response | None = None) -> AIMLAPIError:
        """Return `error` with the facts of this exchange where it has none of its own."""
        if response is not None and error.request_id is None:
            headers = response.headers
            named = headers.get("x-inference-id") or headers.get("x-request-id")
            error.request_id = named and redact(named, self.secrets())
        error.client_request_id = error.client_request_id or self.client_request_id
        error.attempts = error.attempts or self.attempts
        return error

    def check_deadline(self) -> None:
        """Raise if the call has no time left; for clients whose steps are not bound by it.

        Raises:
            TimeoutError: It has none.
        """
        if self.attempt.deadline.is_over:
            raise TimeoutError

    def met_a_closed_connection(self, error: AIMLAPIError) -> bool:
        """Tell whether a kept connection broke in silence: then nobody took the request."""
        return isinstance(error, AIMLAPIConnectionError) and self.attempt.met_a_closed_connection

    def failure(
        self,
        foreign: BaseException,
        response: httpx.Response | None = None,
        phase: TimeoutPhase = "read",
    ) -> AIMLAPIError:
        """Make our error from one of httpx, httpcore or the operating system.

        Args:
            foreign: The exception; it is not kept.
            response: The response that was being read, if headers had come.
            phase: What a timeout while reading is called.
        """
        kinds = {base.__name__ for base in type(foreign).__mro__}
        error = self._failure(foreign, kinds, phase)
        error.may_be_billed = response is not None or self._may_be_billed(kinds)
        if response is not None and self.request.headers.get("accept") != "text/event-stream":
            # The answer was made, and so billed, before its body broke off.
            error.is_retryable = error.is_retryable and isinstance(error, AIMLAPITimeoutError)
        return self.noted(error, response)

    def _may_be_billed(self, kinds: set[str]) -> bool:
        """Tell whether somebody may have begun to answer a request that got no answer."""
        attempt = self.attempt
        if attempt.is_reused is None:  # not our own connection: the error's kind is all we have
            return kinds.isdisjoint(_UNSENT)
        was_taken = attempt.is_answered or not attempt.is_reused or not kinds.isdisjoint(_PHASES)
        return attempt.is_written and was_taken

    def _failure(
        self, foreign: BaseException, kinds: set[str], phase: TimeoutPhase
    ) -> AIMLAPIError:
        for kind, named in _PHASES.items():
            if kind in kinds:
                found = phase if named == "read" else named
                if self.attempt.deadline.is_over:
                    found = "deadline"
                text = _TIMEOUT_TEXTS[found]
                return AIMLAPITimeoutError(
                    text.format(host=self.host, deadline=self.attempt.deadline.seconds), phase=found
                )
        name = type(foreign).__name__
        if kinds & _MISUSES:
            return AIMLAPIConfigurationError(
                f"The request to {self.host} cannot be sent ({name}). Check the headers and "
                "settings of the HTTP client."
            )
        causes = list(_causes(foreign))
        cause = str(causes[-1])[:_MAX_CAUSE_CHARS].rstrip(".")
        detail = redact(f"{name}: {cause}" if cause else name, self.secrets())
        if any(isinstance(each, OSError) and each.errno in _NO_FILES for each in causes):
            return AIMLAPIConnectionError(
                f"No connection to {self.host}: this process has too many files open ({detail}). "
                "Lower max_concurrency, or raise the limit (ulimit -n)."
            )
        closed = "disconnected" in cause or "closed connection" in cause
        if kinds & {"DecodingError", "StreamError"} or (
            "RemoteProtocolError" in kinds and not closed
        ):
            return AIMLAPIProtocolError(
                f"What {self.host} sent is not HTTP ({detail}). Check base_url and proxies."
            )
        via = " through a proxy" if self.attempt.proxy else ""
        return AIMLAPIConnectionError(
            f"The connection to {self.host}{via} failed ({detail}). Check the network, base_url "
            "and HTTPS_PROXY, then call again."
        )

    def refusal(self, response: httpx.Response, body: bytes) -> AIMLAPIError:
        """Make the error of a response without a success status."""
        key = self.request.headers.get("authorization", "").removeprefix("Bearer ")
        error = error_from_response(
            response.status_code,
            headers_of(response),
            body,
            secrets=self.secrets(),
            url=str(self.request.url),
            model=self.model,
            key_source=source_of_key(key),
            sent=self.sent,
        )
        return self.noted(error, response)

    def reply(self, response: httpx.Response, body: bytes) -> Reply:
        """Read a whole body.

        Raises:
            AIMLAPIError: It is not a JSON object, or one that is an error or no answer.
        """
        status, headers = response.status_code, headers_of(response)
        if status == HTTPStatus.NOT_MODIFIED:
            return Reply(status, headers, {})
        try:
            data = loads(body)
        except ValueError:
            data = None
        error: AIMLAPIError | None = None
        missing: str | None = "no JSON object" if body.strip() else "the body is empty"
        if isinstance(data, dict):
            error = self.error_in(data, response)
            missing = self.lacks(data)
            if error is None and missing is None:
                return Reply(status, headers, data)
        elif body.lstrip(_BLANK).startswith(_FIELDS):
            return Reply(status, headers, {}, list(EventDecoder(self, response).read(body)))
        raise error or self.no_answer(missing or "no answer", response, body)

    def no_answer(self, reason: str, response: httpx.Response, body: bytes | str) -> AIMLAPIError:
        """Make the error for what a success status came with, and is no answer."""
        error = protocol_error(
            reason,
            status_code=response.status_code,
            headers=headers_of(response),
            body=body,
            secrets=self.secrets(),
        )
        return self.noted(error, response)

    def error_in(self, data: Mapping[str, Any], response: httpx.Response) -> AIMLAPIError | None:
        """Return the error that a body or an event is, if it is one."""
        if error_held_in(data) is None:  # the usual case, and all it costs
            return None
        found = error_from_event(
            data,
            headers=headers_of(response),
            secrets=self.secrets(),
            status=response.status_code,
        )
        return self.noted(cast("AIMLAPIError", found), response)

    def secrets(self) -> list[str]:
        """Return what was sent and must not come back in a text: keys and passwords."""
        proxy = self.attempt.proxy
        return secret_values(self.request.headers) + (proxy.secrets if proxy else [])


def _causes(foreign: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what it stands for, through groups as well."""
    seen: set[int] = set()
    current: BaseException | None = foreign
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        group = getattr(current, "exceptions", ())
        current = group[0] if group else current.__cause__ or current.__context__


class Body:
    """Collects a body, inflates it, and bounds both: a small file can inflate to gigabytes."""

    def __init__(self, response: httpx.Response, *, is_error: bool = False) -> None:
        """Start empty; the body of an error is cut at its bound instead of refused."""
        self._inflater = Inflater(response)
        self._limit = _MAX_ERROR_BODY if is_error else _MAX_BODY
        self._is_error = is_error
        self._parts: list[bytes] = []
        self._room = self._limit

    def is_full(self, chunk: bytes) -> bool:
        """Add `chunk`, and tell whether the rest need not be read.

        Raises:
            AIMLAPIProtocolError: The body is larger than allowed, or not what its headers say.
        """
        part = self._inflater.feed(chunk, self._room + 1)
        self._room -= len(part)
        if self._room < 0 and not self._is_error:
            raise _too_large(self._limit)
        self._parts.append(part)
        return self._room < 0

    def content(self) -> bytes:
        """Return what has come, an error's body up to its bound."""
        return b"".join(self._parts)[: self._limit]


def _too_large(limit: int) -> AIMLAPIProtocolError:
    return AIMLAPIProtocolError(f"The reply has more than {limit:,} bytes. Check base_url.")


class EventDecoder:
    """Turns the bytes of a stream into JSON objects.

    A body without the form of events is taken for one object, or for one in each line.

    Attributes:
        is_done: True after `[DONE]`; what follows does not count.
    """

    def __init__(self, exchange: Exchange, response: httpx.Response) -> None:
        """Start before the first byte."""
        self._exchange = exchange
        self._response = response
        self._inflater = Inflater(response)
        self._sse = SSEDecoder()
        self._plain: bytearray | None = None
        self._is_begun = False
        self.is_done = False

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Take some bytes; return the objects that they complete, the good ones before a bad one.

        Raises:
            AIMLAPIProtocolError: The body is not encoded as it says, or too large; while iterating:
                an event is not a JSON object, not UTF-8, or too large.
            AIMLAPIError: While iterating: the server sent an error as an event.
        """
        try:
            data = self._inflater.feed(chunk, _MAX_BODY)
            if not self._is_begun and (begin := data.lstrip(_BLANK)[:1]):
                self._is_begun = True
                self._plain = bytearray() if begin == b"{" else None
            if self._plain is None:
                return self._decode(self._sse.feed(data))
            self._plain += data
            if len(self._plain) > _MAX_BODY:
                raise _too_large(_MAX_BODY)
        except AIMLAPIError as error:
            self._exchange.noted(error, self._response)
            raise
        return iter(())

    def close(self) -> Iterator[dict[str, Any]]:
        """Take the end of the body; yield the event that it ended in, if it is a whole one."""
        with contextlib.suppress(AIMLAPIProtocolError, UnicodeDecodeError):
            events = self._sse.close()
            if self._plain:
                events = [ServerSentEvent("", self._plain.decode().strip())]
            yield from self._decode(events)

    def read(self, body: bytes) -> Iterator[dict[str, Any]]:
        """Yield the objects of a whole body, inflated already; see `feed`."""
        yield from self._decode(self._sse.feed(body))
        yield from self._decode(self._sse.close())

    def _decode(self, events: Iterable[ServerSentEvent]) -> Iterator[dict[str, Any]]:
        try:
            for name, text in events:
                if self.is_done:
                    break
                if not text.startswith("{") and self._says_nothing(name, text):
                    continue
                try:
                    data = loads(text, keep_halves=True)
                except ValueError:
                    if "\n" in text:  # events without the blank lines between them
                        yield from self._decode(
                            ServerSentEvent(name, each) for each in text.split("\n")
                        )
                        continue
                    data = None
                if not isinstance(data, dict):
                    reason = "an event of the stream is no JSON object"
                    raise self._exchange.no_answer(reason, self._response, text)
                if name and name != "message" and "type" not in data:
                    data["type"] = name
                if error := self._exchange.error_in(data, self._response):
                    error.may_be_billed = True  # the stream had begun
                    raise error
                yield data
        except AIMLAPIError as error:
            self._exchange.noted(error, self._response)
            raise

    def _says_nothing(self, name: str, text: str) -> bool:
        """Tell whether what is no object may be passed over; `[DONE]` ends the stream."""
        bare = text.strip()
        self.is_done = _DONE.fullmatch(bare) is not None
        return self.is_done or bare in _NOTHING or name in _SIGNS_OF_LIFE
