"""What passes between the emulator's core and its doors: a request in, an answer out.

Plain values without any I/O. The core makes an `Answer`; a door (memory or socket) carries it out,
waits included, and is the only place that knows how a stall or a reset looks to a client.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Dialect = Literal["chat_completions", "responses"]
"""The two inference APIs, as this package names them."""

Ending = Literal["complete", "stall", "reset", "disconnect", "bad_framing"]
"""How an answer ends.

- `complete`: as HTTP wants it.
- `stall`: nothing more comes and the connection stays open.
- `reset`: the connection is reset (TCP RST).
- `disconnect`: the connection is closed before the body is complete.
- `bad_framing`: bytes that are no HTTP follow.
"""


class RequestHeaders(dict[str, str]):
    """Header names (lower case) to values. Its `repr` tells names only: values are secrets."""

    def __repr__(self) -> str:
        """The names."""
        return f"RequestHeaders({sorted(self)})"


@dataclass
class RecordedRequest:
    """A request as the emulator received it, and what became of it.

    Attributes:
        method: `GET` or `POST`.
        path: Decoded path without the query, for example `/v1/chat/completions`.
        query: Query parameters, each with all of its values.
        headers: Lower-case names to values; `repr` shows the names only.
        body: The body's bytes.
        json: The decoded body, `None` where it is empty or no JSON.
        dialect: `chat_completions`, `responses`, or `None` for the other routes.
        client_request_id: The caller's `X-Client-Request-Id` where it is valid.
        inference_id: The emulator's id for this inference, also in the answer's headers.
        status: The HTTP status answered; `None` until then, and where a fault lets none come.
    """

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: RequestHeaders = field(default_factory=RequestHeaders)
    body: bytes = field(default=b"", repr=False)
    json: Any = None
    dialect: Dialect | None = None
    client_request_id: str | None = None
    inference_id: str | None = None
    status: int | None = None

    @classmethod
    def received(
        cls, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> RecordedRequest:
        """Build the record from what came over the wire.

        Args:
            method: HTTP method.
            target: Request target, path and query, percent-encoded.
            headers: Names and values; names in any case.
            body: The whole body.
        """
        parts = urlsplit(target)
        try:
            decoded = json.loads(body) if body else None
        except (ValueError, RecursionError):
            decoded = None
        return cls(
            method=method.upper(),
            path=unquote(parts.path),
            query=parse_qs(parts.query, keep_blank_values=True),
            headers=RequestHeaders({name.lower(): value for name, value in headers}),
            body=body,
            json=decoded,
        )


class Piece(NamedTuple):
    """A part of a body that is sent in one go.

    Attributes:
        data: The bytes.
        delay: Seconds to wait before sending it.
    """

    data: bytes
    delay: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What the emulator answers, with its pacing and its ending.

    Attributes:
        status: HTTP status.
        headers: Lower-case names to values, without any framing header.
        pieces: The body; an event stream has one piece an event.
        delay: Seconds before the status line is sent.
        header_pause: Seconds between single bytes of status line and headers (socket door only).
        ending: How it ends after the pieces.
        silent: True if the ending comes before the status line: nothing at all is sent.
    """

    status: int
    headers: Mapping[str, str]
    pieces: tuple[Piece, ...] = ()
    delay: float = 0.0
    header_pause: float = 0.0
    ending: Ending = "complete"
    silent: bool = False

    @property
    def body(self) -> bytes:
        """All pieces as one."""
        return b"".join(piece.data for piece in self.pieces)

    def is_stream(self) -> bool:
        """Whether it is an event stream."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def split(self, size: int, delay: float = 0.0) -> Answer:
        """The same body in pieces of `size` bytes, `delay` seconds before each."""
        body = self.body
        pieces = (Piece(body[at : at + size], delay) for at in range(0, len(body), size))
        return replace(self, pieces=tuple(pieces))

    def with_body(self, *pieces: bytes, content_type: str | None = None) -> Answer:
        """The same answer with another body, and with another content type where given."""
        headers = dict(self.headers)
        if content_type is not None:
            headers["content-type"] = content_type
        return replace(self, headers=headers, pieces=tuple(Piece(data) for data in pieces))


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_FINAL = range(200, 600)


def check_head(status: Any, headers: Mapping[Any, Any]) -> None:
    """Check that HTTP can carry a status and headers; `None` removes a header.

    Raises:
        ValueError: If it cannot, saying what it can.
    """
    if isinstance(status, bool) or not isinstance(status, int) or status not in _FINAL:
        raise ValueError(
            f"an HTTP status is a whole number from {_FINAL[0]} to {_FINAL[-1]}, not {status!r}"
        )
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for an HTTP header")
        if value is not None and not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
            raise ValueError(f"the header {name} takes a line of ASCII text, not {value!r}")


def dump(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8, non-ASCII text unescaped as the gateway sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is `value` as JSON."""
    content = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return Answer(status, content, (Piece(dump(value)),))
