"""Writing event streams, in all the ways the standard allows.

Source: WHATWG HTML standard, server-sent events.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.exchange import Answer, Piece, dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_aimlapi.emulator.answers.replies import StreamStyle


def encode_event(
    data: str, style: StreamStyle, name: str | None = None, number: int | None = None
) -> bytes:
    """One event as bytes, the blank line after it included.

    Args:
        data: What the event carries.
        style: Line ends and the like.
        name: The event's name, for an `event:` line.
        number: Which event of the stream it is, for an `id:` line.
    """
    colon = ": " if style.space else ":"
    lines = [f"id{colon}{number}"] if style.ids and number is not None else []
    lines += [f"event{colon}{name}"] if name else []
    lines += [f"data{colon}{line}" for line in data.split("\n")]
    return (style.line_end.join(lines) + 2 * style.line_end).encode()


def stream_answer(
    events: Iterable[Any],
    style: StreamStyle,
    *,
    done: bool,
    named: bool,
    headers: Mapping[str, str],
    status: int = 200,
) -> Answer:
    """An event stream as an answer, one piece an event.

    Args:
        events: JSON values, or ready-made bytes that are sent as they are.
        style: How they are written.
        done: Whether `[DONE]` comes last.
        named: Whether each event's `type` is also its `event:` line.
        headers: Headers besides the content type.
        status: HTTP status.
    """
    pieces: list[bytes] = []
    for number, event in enumerate(events):
        comment = f": keep-alive{2 * style.line_end}".encode()
        if style.comments and number % style.comments == 0:
            pieces.append(comment)
        if isinstance(event, bytes):
            pieces.append(event)
            continue
        text = json.dumps(event, indent=1, ensure_ascii=False) if style.multiline else None
        name = event.get("type") if named and isinstance(event, dict) else None
        pieces.append(encode_event(text or dump(event).decode(), style, name, number))
    if done:
        pieces.append(encode_event("[DONE]", style))
    if style.bom and pieces:
        pieces[0] = b"\xef\xbb\xbf" + pieces[0]
    content = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    return Answer(status, {**content, **headers}, tuple(map(Piece, pieces)))
