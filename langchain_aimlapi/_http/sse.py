"""Server-sent events: bytes in, events out, no I/O.

Follows the WHATWG standard (html.spec.whatwg.org, server-sent events): a byte order mark at the
start is dropped; a line ends with LF, CRLF or CR and with nothing else (U+2028 is text); lines
that begin with a colon are comments; several `data` lines make one text. `id` and `retry` are for
clients that reconnect, which ours never does, and are ignored.

It departs from the standard in two points: bytes that are not UTF-8 are an error, since an answer
with holes must not pass as whole, and an event may not grow without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from langchain_aimlapi.errors import AIMLAPIProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BOM = b"\xef\xbb\xbf"
_MAX_EVENT_SIZE = 64 * 1024 * 1024


class ServerSentEvent(NamedTuple):
    """One event.

    Attributes:
        event: The `event` field, empty if there was none.
        data: The `data` lines, joined by a line feed.
    """

    event: str
    data: str


class SSEDecoder:
    """Cuts one stream of bytes into events; chunks may end anywhere, even inside a character."""

    def __init__(self, max_event_size: int = _MAX_EVENT_SIZE) -> None:
        """Start before the first byte.

        Args:
            max_event_size: The most bytes that one event may have.
        """
        self._max_event_size = max_event_size
        # The bytes since the last blank line. Kept in pieces, and searched only where they are
        # new, so that a large event in small chunks costs time in proportion to its size.
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._start: bytes | None = b""  # a possible beginning of a byte order mark
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterable[ServerSentEvent]:
        """Take some bytes and return the events that they complete: a list, if all of it is good.

        Events that stand before a bad one are handed out first: iterating over what is returned
        then ends in the error. After it the stream is of no further use.

        Raises:
            AIMLAPIProtocolError: While iterating: an event is not UTF-8, or larger than allowed.
        """
        if self._start is not None:
            chunk = self._without_mark(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        if not chunk:
            return []
        if self._pending:
            is_complete = b"\n\n" in chunk or (
                chunk.startswith(b"\n") and self._pending[-1].endswith(b"\n")
            )
            if not is_complete:
                return self._kept(chunk, [])
            chunk = b"".join((*self._pending, chunk))
            self._pending.clear()
            self._pending_size = 0
        end = chunk.rfind(b"\n\n")
        if end < 0:
            return self._kept(chunk, [])
        events = self._events(chunk[:end])
        rest = chunk[end + 2 :]
        return self._kept(rest, events) if rest else events

    def close(self) -> list[ServerSentEvent]:
        """Return the event that the body ended in, if it has data.

        The standard drops it, but a server may forget the last blank line. It may also be a piece
        of an event whose connection broke: if its data does not decode, take it for that.
        Never raises.
        """
        rest = b"".join(self._pending)
        self._pending.clear()
        self._pending_size = 0
        try:
            event = _parse(rest.decode())
        except UnicodeDecodeError:
            return []
        return [event] if event and event.data else []

    def _without_mark(self, chunk: bytes) -> bytes:
        chunk = (self._start or b"") + chunk
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._start = chunk
            return b""
        self._start = None
        return chunk.removeprefix(_BOM)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            # The line ended with the CR already; this LF belongs to it.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _kept(self, rest: bytes, events: Iterable[ServerSentEvent]) -> Iterable[ServerSentEvent]:
        """Keep the beginning of an event; return `events`, and an error after them if it is one."""
        self._pending.append(rest)
        self._pending_size += len(rest)
        if self._pending_size > self._max_event_size:
            return _ending_in(self._too_large(), events)
        return events

    def _events(self, blocks: bytes) -> Iterable[ServerSentEvent]:
        try:
            texts = blocks.decode().split("\n\n")
        except UnicodeDecodeError:
            return self._until_bad(blocks)
        if len(blocks) > self._max_event_size:
            return self._until_bad(blocks)
        events = []
        for text in texts:
            if text.startswith("data: ") and "\n" not in text:
                events.append(ServerSentEvent("", text[6:]))
            else:
                event = _parse(text)
                if event:
                    events.append(event)
        return events

    def _until_bad(self, blocks: bytes) -> Iterator[ServerSentEvent]:
        """Yield events one by one; raise where one is not UTF-8, or too large."""
        for block in blocks.split(b"\n\n"):
            if len(block) > self._max_event_size:
                raise self._too_large()
            try:
                event = _parse(block.decode())
            except UnicodeDecodeError:
                break  # what is raised outside does not hold the bytes
            if event:
                yield event
        else:
            return
        raise AIMLAPIProtocolError(
            "The stream is not UTF-8. The answer is not complete; call again."
        )

    def _too_large(self) -> AIMLAPIProtocolError:
        return AIMLAPIProtocolError(
            f"An event of the stream has more than {self._max_event_size:,} bytes. Check that "
            "base_url is the API's address."
        )


def _ending_in(
    error: AIMLAPIProtocolError, events: Iterable[ServerSentEvent]
) -> Iterator[ServerSentEvent]:
    yield from events
    raise error


def _parse(text: str) -> ServerSentEvent | None:
    """Read the lines between two blank lines; None if there is no data among them."""
    event = ""
    data = []
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif name == "event":
            event = value.removeprefix(" ")
    return ServerSentEvent(event, "\n".join(data)) if data else None
