"""What is declared: the faults, and what each kind of call ends in.

Every refusal echoes the key that was sent, as some gateways do.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import (
    AIMLAPIAuthenticationError,
    AIMLAPIConnectionError,
    AIMLAPIContextOverflowError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
)
from langchain_aimlapi._http import exchange
from langchain_aimlapi._http.sse import SSEDecoder
from langchain_aimlapi.emulator import CONTEXT_OVERFLOW, Answer, Fault, Piece, Reply, StreamStyle
from tests.fault_matrix import gateways
from tests.fault_matrix.gateways import KEY
from tests.fault_matrix.outcomes import INTERRUPTED, STREAMED, Outcome, answers, fails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import pytest

    from tests.fault_matrix.gateways import Place

    Script = tuple[Fault | Reply, ...]
    Gateway = Callable[[pytest.MonkeyPatch], AbstractContextManager[Place]]

TEXT = "Quiet rivers run deep, \u2028 and slow ones, grüßend 🦊, find the sea."
LONG = " ".join([TEXT] * 5)
ECHO = f"Refused: key {KEY} (Authorization: Bearer {KEY})."
EVENT_BOUND = 64 * 1024
BIG = "x" * EVENT_BOUND
AFTER = 9
"""Pieces of a stream after which a fault strikes: some text has come on both endpoints."""
INSIDE = 6000
"""Bytes of a long stream after which a fault strikes: inside an event, and inside the answer."""
PAST, FUTURE = "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2099 07:28:00 GMT"
A_WHILE, AT_ONCE = (0.2, 1.0), (0.0, 0.0)
SHAPES = ("flat", "title", "openai", "responses", "html", "text", "empty", "docs")
RATE_LIMIT = "429, with `Retry-After` in seconds, as a date, or without"
DEADLINE = 20.0  # seconds that pass only where they are to


@dataclass(frozen=True)
class Row:
    """A fault and what calls end in.

    Attributes:
        fault: Its name in the table, where rows of one name are one line.
        variants: The forms it comes in, which all end the same: what the emulator answers to the
            requests of a call, the last for ever; or a place of its own.
        whole: What calls end in whose answer comes in one piece.
        streamed: What streams end in, if in something else.
        text: What is said where an answer comes, and a partial message begins.
        waits: Bounds of each wait between two requests; none may be longer or shorter.
        whole_limits: Limits in seconds that are to strike where the answer comes in one piece: the
            transport's timeouts by their names.
        stream_limits: The same for streams.
        deadline: Seconds for the whole call.
        deadline_passes: Whether they are over when the fault is met, however busy the machine is.
        prepare: Called with pytest's patcher before the call.
    """

    fault: str
    variants: Mapping[str, Script | Gateway]
    whole: Outcome
    streamed: Outcome | None = None
    text: str = TEXT
    waits: tuple[float, float] = A_WHILE
    whole_limits: Mapping[str, float] = field(default_factory=dict)
    stream_limits: Mapping[str, float] = field(default_factory=dict)
    deadline: float | None = None
    deadline_passes: bool = True
    prepare: Callable[[pytest.MonkeyPatch], None] | None = None

    def expected(self, call: str) -> Outcome:
        """What a call ends in."""
        return self.streamed if self.streamed and call in STREAMED else self.whole

    def limits(self, call: str) -> Mapping[str, float]:
        """What is to strike."""
        return self.stream_limits if call in STREAMED else self.whole_limits


def says(text: str = TEXT, *, delta_size: int = 4, **style: Any) -> Reply:
    """A good answer in small pieces."""
    return Reply(text, stream=StreamStyle(delta_size=delta_size, **style))


GOOD = says()
MID_EVENT = Fault.dribble(size=INSIDE, reply=says(LONG))
"""A good answer whose first part ends inside an event; server and client pass it in one go."""


def refuses(status: int, shape: Any = None, words: str = "", **options: Any) -> tuple[Fault]:
    """A status that is no success, for ever, with the key in its text."""
    return (Fault.status(status, shape, message=f"{words} {ECHO}".strip(), **options),)


def body(value: Any, content_type: str = "application/json") -> tuple[Fault]:
    """A body that is no answer: text as it is, or JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return (Fault.body(text.encode(), content_type),)


def drip(answer: Answer, _: Any) -> Answer:
    """Send a good part of a stream at once, and the rest in drops; other bodies in drops alone."""
    first = INSIDE if answer.is_stream() else 1
    drops = range(first, len(answer.body), 50)
    rest = (Piece(answer.body[at : at + 50], 0.1) for at in drops)
    return replace(answer, pieces=(Piece(answer.body[:first]), *rest))


def lower_bound(patch: pytest.MonkeyPatch) -> None:
    """Refuse smaller events than usual: a real one takes a second or two."""
    patch.setattr(exchange, "SSEDecoder", functools.partial(SSEDecoder, EVENT_BOUND))


ROWS = (
    # What the gateway refuses.
    Row("401", {"": refuses(401)}, fails(AIMLAPIAuthenticationError)),
    Row("403", {"": refuses(403)}, fails(AIMLAPIPermissionDeniedError)),
    Row(
        "402; 403 or 429 for want of credits or a used-up free tier",
        {
            "402": refuses(402),
            "403 credits": refuses(403, words="You've run out of credits. Please top up."),
            "403 funds": refuses(403, words="You've run out of funds. Please top up."),
            "429": refuses(429, words="You've reached your free limit for the hour."),
        },
        fails(AIMLAPIOutOfCreditsError),
    ),
    Row("404", {"": refuses(404)}, fails(AIMLAPINotFoundError)),
    Row(
        "400, whatever its body: JSON of any kind, HTML, text, nothing",
        {shape: refuses(400, shape) for shape in SHAPES},
        fails(AIMLAPIInvalidRequestError),
    ),
    Row(
        "400 or 500 for too long an input, in any known wording",
        {
            wording: refuses(400, shape, words=words)
            for (wording, words), shape in zip(
                CONTEXT_OVERFLOW.items(), ("openai", "flat", "title"), strict=True
            )
        }
        | {
            "code": refuses(400, "openai", error_code="context_length_exceeded"),
            "500": refuses(500, words=CONTEXT_OVERFLOW["openai"]),
        },
        fails(AIMLAPIContextOverflowError),
    ),
    # What is tried again.
    Row(RATE_LIMIT, {"without": refuses(429)}, fails(AIMLAPIRateLimitError, 3)),
    Row(
        RATE_LIMIT,
        {"seconds": refuses(429, retry_after=7)},
        fails(AIMLAPIRateLimitError, 3),
        waits=(7.0, 7.0),
    ),
    Row(
        RATE_LIMIT,
        {"date": refuses(429, retry_after=PAST)},
        fails(AIMLAPIRateLimitError, 3),
        waits=AT_ONCE,
    ),
    Row(
        "429 with a `Retry-After` of more than a minute",
        {"seconds": refuses(429, retry_after=61), "date": refuses(429, retry_after=FUTURE)},
        fails(AIMLAPIRateLimitError),
    ),
    Row("408", {"": refuses(408)}, fails(AIMLAPITimeoutError, 3)),
    Row(
        "409, 500, 502 (HTML), 503 or 504 for ever; 200 with an error of the server in its body",
        {
            "409": refuses(409),
            "500": refuses(500),
            "502": refuses(502, "html"),
            "503": refuses(503),
            "504": refuses(504, "text"),
            **{
                f"200 {shape}": (Fault.error_in_200(shape, ECHO),)
                for shape in ("flat", "title", "openai")
            },
        },
        fails(AIMLAPIServerError, 3),
    ),
    Row(
        "connection refused, host unknown, TLS failure",
        {
            "refused": gateways.nobody_listens,
            "host": gateways.no_such_host,
            "certificate": gateways.bad_certificate,
            "no TLS": gateways.no_encryption,
        },
        fails(AIMLAPIConnectionError, 3),
    ),
    Row(
        "connection reset or closed before the first byte",
        {"reset": (Fault.reset(),), "closed": (Fault.disconnect(),)},
        fails(AIMLAPIConnectionError, 3, unpriced=3),
    ),
    Row(
        "no connection in time, TLS handshake included",
        {"queue": gateways.full_queue, "handshake": gateways.silent_handshake},
        fails(AIMLAPITimeoutError, 3),
        whole_limits={"connect": 0.1},
        stream_limits={"connect": 0.1},
    ),
    Row(
        "500 or 429, then an answer",
        {"500": (*refuses(500), GOOD), "429": (*refuses(429), GOOD)},
        answers(2),
    ),
    Row(
        "connection reset before the first byte, then an answer",
        {"": (Fault.reset(), GOOD)},
        answers(2, unpriced=1),
    ),
    # What comes with a success status and is no answer.
    Row(
        "200 that is HTML, a JSON array, an image object, garbled gzip, or no JSON",
        {
            "HTML": body(f"<html><title>{ECHO}</title></html>", "text/html"),
            "array": body([ECHO]),
            "image": body({"object": "image", "data": [{"revised_prompt": ECHO}]}),
            "other": body({"choices": [ECHO]}),
            "gzip": (Fault.gzip_garbage(),),
            "cut": body('{"message": "' + ECHO),
            "event": body('data: {"message": "' + ECHO + "\n\n", "text/event-stream"),
        },
        fails(AIMLAPIProtocolError, unpriced=1),
    ),
    Row(
        "redirect",
        {"": (Fault.redirect("https://elsewhere.example/v1"),)},
        fails(AIMLAPIProtocolError),
    ),
    Row(
        "200 with nothing in it",
        {"": (Fault.empty(),)},
        fails(AIMLAPIProtocolError, unpriced=1),
        fails(AIMLAPIStreamInterruptedError, unpriced=1),
    ),
    Row(
        "right answer under a wrong content type: JSON for a stream, HTML",
        {
            "JSON": (Fault.wrong_content_type("application/json", GOOD),),
            "HTML": (Fault.wrong_content_type("text/html", GOOD),),
        },
        answers(),
    ),
    # What goes wrong while the answer comes.
    Row(
        "no first byte in time",
        {"": (Fault.stall(),)},
        fails(AIMLAPITimeoutError, unpriced=1),
        whole_limits={"first_byte": 0.1},
        stream_limits={"first_byte": 0.1},
    ),
    Row(
        "silence inside the answer",
        {"": (Fault.stall(1, reply=MID_EVENT),)},
        fails(AIMLAPITimeoutError, unpriced=1),
        INTERRUPTED,
        text=LONG,
        whole_limits={"first_byte": 0.1},
        stream_limits={"idle": 0.1},
    ),
    Row(
        "connection reset or closed after the headers",
        {"reset": (Fault.reset(0, GOOD),), "closed": (Fault.disconnect(0, GOOD),)},
        fails(AIMLAPIConnectionError, retryable=False, unpriced=1),
        fails(AIMLAPIConnectionError, unpriced=1),
    ),
    Row(
        "connection reset or closed inside the answer",
        {"reset": (Fault.reset(AFTER, GOOD),), "closed": (Fault.disconnect(AFTER, GOOD),)},
        fails(AIMLAPIConnectionError, retryable=False, unpriced=1),
        INTERRUPTED,
    ),
    Row(
        "answer without a finish reason, cut inside an event, or that turns into bad HTTP or UTF-8",
        {
            "reason": (Fault.cut(AFTER, GOOD),),
            "half": (Fault.cut(1, MID_EVENT),),
            "HTTP": (Fault.bad_framing(AFTER, GOOD),),
            "UTF-8": (Fault.invalid_utf8(AFTER, GOOD),),
        },
        fails(AIMLAPIProtocolError, unpriced=1),
        INTERRUPTED,
        text=LONG,
    ),
    Row(
        "error event before any output",
        {
            shape: (Fault.error_event(1, shape, message=ECHO, reply=GOOD),)
            for shape in ("flat", "openai", "responses", "choice")
        },
        fails(AIMLAPIServerError, 3),
        fails(AIMLAPIServerError, unpriced=1),
    ),
    Row(
        "error event inside the answer",
        {
            shape: (Fault.error_event(AFTER, shape, message=ECHO, reply=GOOD),)
            for shape in ("flat", "openai", "responses", "choice")
        },
        fails(AIMLAPIServerError, 3),
        INTERRUPTED,
    ),
    Row(
        "event of more than 64 MiB",
        {"": (Fault.big_event(EVENT_BOUND),)},
        answers(),
        fails(AIMLAPIProtocolError, unpriced=1),
        text=BIG,
        prepare=lower_bound,
    ),
    # What takes too long in all.
    Row(
        "headers that drip in past the `deadline`",
        {"": (Fault.slow_headers(0.05, GOOD),)},
        fails(AIMLAPITimeoutError, unpriced=1),
        deadline=DEADLINE,
    ),
    Row(
        "answer that drips in past the `deadline`",
        {"": (Fault("drip", spoil=drip, reply=says(LONG)),)},
        fails(AIMLAPITimeoutError, unpriced=1),
        INTERRUPTED,
        text=LONG,
        deadline=DEADLINE,
    ),
    Row(
        "503 whose `Retry-After` lies past the `deadline`",
        {"": refuses(503, retry_after=30)},
        fails(AIMLAPIServerError),
        deadline=DEADLINE,
        deadline_passes=False,
    ),
    # What is no fault, though it may look like one.
    Row(
        "one byte at a time, characters cut anywhere, CRLF and CR line ends, BOM, comments, ids, "
        "U+2028, gzip, `text/plain`",
        {
            "one byte": (Fault.dribble(reply=GOOD),),
            "three bytes": (Fault.dribble(size=3, reply=GOOD),),
            "CRLF": (says(line_end="\r\n"),),
            "CR": (says(line_end="\r"),),
            "BOM": (says(bom=True),),
            "comments": (says(comments=1),),
            "ids": (says(ids=True),),
            "all": (says(line_end="\r\n", bom=True, comments=2, ids=True, multiline=True),),
            "gzip": (Fault.gzip(GOOD),),
            "text/plain": (Fault.wrong_content_type("text/plain", GOOD),),
        },
        answers(),
    ),
)
