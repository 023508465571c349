"""What can go wrong between a client and the gateway, by name.

A fault either answers in the model's place (`Fault.status`, `Fault.html`, ...) or spoils an answer
that would have been right (`Fault.cut`, `Fault.delay`, ...); the latter take `reply=`, a `Reply` or
another `Fault`, and use the default reply where there is none. Numbers of pieces (`after=`) count a
stream's events (comment lines too), or parts of 16 bytes of a body that is not streamed.

Faults that spoil an answer are billed, since the model has worked for it; those that answer in its
place and error events are not: AI/ML API's documentation says that failed calls are not charged.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator import errors
from langchain_aimlapi.emulator.answers.replies import Reply, StreamStyle
from langchain_aimlapi.emulator.exchange import (
    Answer,
    Ending,
    Piece,
    check_head,
    dump,
    json_answer,
)
from langchain_aimlapi.emulator.wire.event_stream import encode_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_aimlapi.emulator.errors import ErrorShape
    from langchain_aimlapi.emulator.wire.render import Call

    Spoil = Callable[[Answer, Call], Answer]

_EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8"}
_JSON = "application/json; charset=utf-8"
_PART = 16

# The body that the page this project started from prints by mistake for a chat completion.
IMAGE_OBJECT = {
    "id": "gen-1733832000-example",
    "object": "image",
    "created": 1733832000,
    "model": "openai/gpt-5-1",
    "data": [
        {
            "url": "https://cdn.aimlapi.com/generated-images/openai/gpt-5-1/example-output.png",
            "revised_prompt": "Example output for documentation.",
        }
    ],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
}


@dataclass(frozen=True, repr=False)
class Fault:
    """A fault; make one with the class methods below.

    Attributes:
        name: How it was made, for messages.
        make: Answers in the model's place; `None` for a fault that spoils an answer.
        spoil: Changes an answer; `None` for a fault that answers itself.
        reply: What is spoilt; `None` is the default reply.
        billed: Whether the spoilt reply is billed.
    """

    name: str
    make: Callable[[Call], Answer] | None = None
    spoil: Spoil | None = None
    reply: Reply | Fault | None = None
    billed: bool = True

    def __post_init__(self) -> None:
        """Take a text for the reply that says it."""
        object.__setattr__(self, "reply", as_outcome(self.reply))

    def __repr__(self) -> str:
        """As it was written."""
        return f"Fault.{self.name}"

    # Answers in the model's place.

    @classmethod
    def status(
        cls,
        code: int,
        body: ErrorShape | None = None,
        *,
        message: str | None = None,
        retry_after: float | str | None = None,
        headers: Mapping[str, str] | None = None,
        error_code: str | None = None,
    ) -> Fault:
        """An HTTP error.

        Args:
            code: HTTP status.
            body: The body's shape; `None` is the emulator's.
            message: The text; `None` is what the gateway says with this status.
            retry_after: The `Retry-After` header: seconds or a date.
            headers: More headers.
            error_code: The `code` of the OpenAI shape.
        """
        text = message if message is not None else errors.MESSAGES.get(code, "Error")
        more = dict(headers or {})
        if retry_after is not None:
            more["retry-after"] = str(retry_after)
        check_head(code, more)
        return cls(
            f"status({code})",
            make=lambda call: call.error(code, text, shape=body, headers=more, code=error_code),
        )

    @classmethod
    def out_of_credits(cls, wording: str = "credits", body: ErrorShape | None = None) -> Fault:
        """403 for an empty account, in the documentation's words or (`funds`) in live ones."""
        text = errors.OUT_OF_CREDITS.get(wording, wording)
        return replace(cls.status(403, body, message=text), name=f"out_of_credits({wording!r})")

    @classmethod
    def free_tier(cls, body: ErrorShape | None = None) -> Fault:
        """429 for a used-up free tier: a quota, not a rate."""
        return replace(cls.status(429, body, message=errors.FREE_TIER), name="free_tier()")

    @classmethod
    def context_overflow(cls, wording: str = "openai", body: ErrorShape | None = None) -> Fault:
        """400 for too long a prompt; `wording` is a key of `CONTEXT_OVERFLOW`, or the text."""
        text = errors.CONTEXT_OVERFLOW.get(wording, wording)
        fault = cls.status(400, body, message=text, error_code="context_length_exceeded")
        return replace(fault, name=f"context_overflow({wording!r})")

    @classmethod
    def redirect(cls, location: str, code: int = 307) -> Fault:
        """A redirection to another address."""
        return replace(cls.status(code, "empty", headers={"location": location}), name="redirect()")

    @classmethod
    def error_in_200(cls, shape: ErrorShape = "openai", message: str | None = None) -> Fault:
        """A 200 whose JSON body is an error: no stream, even where one was asked for."""
        text = message or errors.MESSAGES[500]

        def make(call: Call) -> Answer:
            return replace(call.error(500, text, shape=shape), status=200)

        return cls(f"error_in_200({shape!r})", make=make)

    @classmethod
    def body(
        cls, data: bytes, content_type: str = _JSON, *, status: int = 200, name: str = "body"
    ) -> Fault:
        """Any bytes as the body."""
        check_head(status, {"content-type": content_type})

        def make(call: Call) -> Answer:
            pieces = (Piece(data),) if data else ()
            return Answer(status, {"content-type": content_type, **call.headers}, pieces)

        return cls(f"{name}()", make=make)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """A proxy's HTML page."""
        page = errors.html_page("Just a moment...")
        return cls.body(page, "text/html", status=status, name="html")

    @classmethod
    def empty(cls, status: int = 200) -> Fault:
        """No body; for a stream, an event stream without events."""
        check_head(status, {})

        def make(call: Call) -> Answer:
            content = _EVENT_STREAM if call.stream else {"content-type": _JSON}
            return Answer(status, {**content, **call.headers})

        return cls("empty()", make=make)

    @classmethod
    def array(cls) -> Fault:
        """A JSON array where an object belongs."""
        return cls._value([], "array")

    @classmethod
    def image_object(cls) -> Fault:
        """The image reply that documentation prints by mistake for a text model."""
        return cls._value(IMAGE_OBJECT, "image_object")

    @classmethod
    def malformed_json(cls) -> Fault:
        """A body, or a stream's event, that is no JSON."""
        broken = b'{"id": "chatcmpl-1", "choices": [}'

        def make(call: Call) -> Answer:
            if not call.stream:
                return Answer(200, {"content-type": _JSON, **call.headers}, (Piece(broken),))
            event = encode_event(broken.decode(), StreamStyle())
            return Answer(200, {**_EVENT_STREAM, **call.headers}, (Piece(event),))

        return cls("malformed_json()", make=make)

    @classmethod
    def gzip_garbage(cls) -> Fault:
        """A body that claims to be compressed and is not."""

        def make(call: Call) -> Answer:
            headers = {"content-type": _JSON, "content-encoding": "gzip", **call.headers}
            return Answer(200, headers, (Piece(b"\x1f\x8b this is no gzip at all"),))

        return cls("gzip_garbage()", make=make)

    @classmethod
    def gzip_bomb(cls, size: int = 64 * 2**20) -> Fault:
        """A small compressed body that inflates to `size` bytes of white space and `{}`."""

        def make(call: Call) -> Answer:
            data = gzip.compress(b" " * size + b"{}", mtime=0)
            headers = {"content-type": _JSON, "content-encoding": "gzip", **call.headers}
            return Answer(200, headers, (Piece(data),))

        return cls(f"gzip_bomb({size})", make=make)

    @classmethod
    def _value(cls, value: Any, name: str) -> Fault:
        return cls(f"{name}()", make=lambda call: json_answer(200, value, call.headers))

    # Answers spoilt in time.

    @classmethod
    def delay(cls, seconds: float, reply: Reply | Fault | None = None) -> Fault:
        """`seconds` of waiting before the first byte."""
        return cls(
            f"delay({seconds})",
            spoil=lambda answer, _: replace(answer, delay=answer.delay + seconds),
            reply=reply,
        )

    @classmethod
    def slow_headers(cls, pause: float, reply: Reply | Fault | None = None) -> Fault:
        """Status line and headers byte by byte, `pause` seconds before each (socket door only)."""
        return cls(
            f"slow_headers({pause})",
            spoil=lambda answer, _: replace(answer, header_pause=pause),
            reply=reply,
        )

    @classmethod
    def dribble(
        cls, seconds: float = 0.0, size: int = 1, reply: Reply | Fault | None = None
    ) -> Fault:
        """The body in parts of `size` bytes, `seconds` before each."""
        return cls(
            f"dribble({seconds}, {size})",
            spoil=lambda answer, _: answer.split(size, seconds),
            reply=reply,
        )

    @classmethod
    def pace(cls, seconds: float, reply: Reply | Fault | None = None) -> Fault:
        """`seconds` of waiting before each event of a stream."""

        def spoil(answer: Answer, _: Call) -> Answer:
            pieces = tuple(Piece(piece.data, piece.delay + seconds) for piece in answer.pieces)
            return replace(answer, pieces=pieces)

        return cls(f"pace({seconds})", spoil=spoil, reply=reply)

    @classmethod
    def stall(
        cls,
        after: int | None = None,
        *,
        seconds: float | None = None,
        reply: Reply | Fault | None = None,
    ) -> Fault:
        """Silence on an open connection after `after` pieces; `None`: no status line comes either.

        With `seconds` it goes on after that time, else never.
        """

        def spoil(answer: Answer, _: Call) -> Answer:
            if seconds is None:
                return _end(answer, after, "stall")
            if after is None:
                return replace(answer, delay=answer.delay + seconds)
            pieces = list(_counted(answer).pieces)
            at = min(after, len(pieces) - 1)
            pieces[at] = Piece(pieces[at].data, pieces[at].delay + seconds)
            return replace(answer, pieces=tuple(pieces))

        return cls(f"stall({after})", spoil=spoil, reply=reply)

    # Answers that break off.

    @classmethod
    def reset(cls, after: int | None = None, reply: Reply | Fault | None = None) -> Fault:
        """A connection reset after `after` pieces; `None`: before the first byte, not billed."""
        return cls._ending("reset", after, reply)

    @classmethod
    def disconnect(cls, after: int | None = None, reply: Reply | Fault | None = None) -> Fault:
        """The connection closes after `after` pieces; `None`: before the first byte, not billed."""
        return cls._ending("disconnect", after, reply)

    @classmethod
    def bad_framing(cls, after: int = 0, reply: Reply | Fault | None = None) -> Fault:
        """Bytes that are no HTTP chunk after `after` pieces."""
        return cls._ending("bad_framing", after, reply)

    @classmethod
    def _ending(cls, ending: Ending, after: int | None, reply: Reply | Fault | None) -> Fault:
        return cls(
            f"{ending}({after})",
            spoil=lambda answer, _: _end(answer, after, ending),
            reply=reply,
            billed=after is not None,
        )

    @classmethod
    def cut(cls, after: int = 1, reply: Reply | Fault | None = None) -> Fault:
        """The body ends cleanly after `after` pieces: no finish reason, no usage, no `[DONE]`."""
        return cls(
            f"cut({after})",
            spoil=lambda answer, _: _end(answer, after, "complete"),
            reply=reply,
        )

    @classmethod
    def truncated_json(cls, reply: Reply | Fault | None = None) -> Fault:
        """Half of a body; of a stream, everything up to the middle of its last JSON event."""

        def spoil(answer: Answer, _: Call) -> Answer:
            if not answer.is_stream():
                return answer.with_body(answer.body[: len(answer.body) // 2])
            events = [piece.data for piece in answer.pieces if b"[DONE]" not in piece.data]
            return answer.with_body(*events[:-1], events[-1][: len(events[-1]) // 2])

        return cls("truncated_json()", spoil=spoil, reply=reply)

    # Answers with something wrong in them.

    @classmethod
    def error_event(
        cls,
        after: int = 1,
        shape: ErrorShape = "openai",
        *,
        message: str | None = None,
        status: int = 500,
        reply: Reply | Fault | None = None,
    ) -> Fault:
        """An error inside a stream after `after` events, which ends it; a 200 body if not streamed.

        Args:
            after: Events before it.
            shape: `openai`, `flat`, `title`, `choice` for an error inside of a choice, or
                `responses` for that API's `error` event.
            message: The text.
            status: The number inside the event, where its shape has one.
            reply: The reply that breaks off.
        """
        text = message or errors.MESSAGES.get(status, "Error")

        def spoil(answer: Answer, call: Call) -> Answer:
            value = errors.error_value(
                shape,
                status,
                text,
                path=call.request.path,
                request_id=call.request.inference_id,
                now=call.now,
            )
            if shape == "responses":
                value["sequence_number"] = after
            if not answer.is_stream():
                return answer.with_body(dump(value))
            name = "error" if shape == "responses" else None
            event = encode_event(dump(value).decode(), StreamStyle(), name)
            return replace(answer, pieces=(*answer.pieces[:after], Piece(event)))

        return cls(f"error_event({after}, {shape!r})", spoil=spoil, reply=reply, billed=False)

    @classmethod
    def wrong_content_type(
        cls, content_type: str = "text/plain", reply: Reply | Fault | None = None
    ) -> Fault:
        """The right body under another content type."""

        def spoil(answer: Answer, _: Call) -> Answer:
            return replace(answer, headers={**answer.headers, "content-type": content_type})

        return cls(f"wrong_content_type({content_type!r})", spoil=spoil, reply=reply)

    @classmethod
    def invalid_utf8(cls, after: int = 1, reply: Reply | Fault | None = None) -> Fault:
        """A byte that is no UTF-8 inside a string: of the body, or of the event after `after`."""

        def spoil(answer: Answer, _: Call) -> Answer:
            at = min(after, len(answer.pieces) - 1) if answer.is_stream() else 0
            pieces = list(answer.pieces)
            data = pieces[at].data.replace(b'":"', b'":"\xff', 1)
            pieces[at] = Piece(data, pieces[at].delay)
            return replace(answer, pieces=tuple(pieces))

        return cls(f"invalid_utf8({after})", spoil=spoil, reply=reply)

    @classmethod
    def big_event(cls, size: int) -> Fault:
        """`size` characters of text in one event."""
        reply = Reply("x" * size, stream=StreamStyle(delta_size=size))
        return cls(f"big_event({size})", spoil=lambda answer, _: answer, reply=reply)

    @classmethod
    def gzip(cls, reply: Reply | Fault | None = None) -> Fault:
        """The right body, compressed."""

        def spoil(answer: Answer, _: Call) -> Answer:
            headers = {**answer.headers, "content-encoding": "gzip"}
            body = gzip.compress(answer.body, mtime=0)
            return replace(answer, headers=headers).with_body(body)

        return cls("gzip()", spoil=spoil, reply=reply)


def as_outcome(value: Any, origin: str = "a step of a script") -> Reply | Fault | None:
    """What `value` stands for: a text is the reply that says it, `None` the default reply.

    Raises:
        TypeError: If it is nothing that can be answered.
    """
    if isinstance(value, str):
        return Reply(value)
    if value is None or isinstance(value, Reply | Fault):
        return value
    raise TypeError(f"{origin} must be a Reply, a Fault, a text or None, not {value!r}")


def _counted(answer: Answer) -> Answer:
    """The answer in the pieces that `after` counts."""
    return answer if answer.is_stream() or len(answer.pieces) > 1 else answer.split(_PART)


def _end(answer: Answer, after: int | None, ending: Ending) -> Answer:
    if after is None:
        return replace(answer, pieces=(), silent=True, ending=ending)
    return replace(answer, pieces=_counted(answer).pieces[:after], ending=ending)
