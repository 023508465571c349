"""An object of `with_structured_output` as it streams, at a cost in proportion to its length.

Each addition of LangChain's chunks reads the whole of a call again, so texts are kept in a list,
looked at each time while they are short and seldom when they are long, and added up once.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.runnables import AddableDict
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

_SMALL = 4096
"""Characters up to which each chunk is looked at; above, once the text grew by `_GROWTH`."""
_GROWTH = 1.005
_HANDFUL = 256
"""Characters up to which each chunk of the raw message is handed on; above, once the text grew by
`_HANDED_ON`: whoever adds them up has LangChain read the whole of a call again for each."""
_HANDED_ON = 1.25


class Reader(Protocol):
    """What reads the object out of a message, or out of the beginning of its text."""

    @property
    def tool_name(self) -> str | None:
        """The tool whose arguments are the object; None if it is the text."""

    def read(self, message: Any) -> Any:
        """Return what a finished message gives."""

    def parse_part(self, text: str) -> Any:
        """Return what can be told so far, None if nothing."""


class _Piece:
    """A chunk on its way into the parser's run, which would add chunks up for its trace."""

    __slots__ = ("chunk",)

    def __init__(self, chunk: Any) -> None:
        self.chunk = chunk


class _Update(AddableDict):
    """An output that takes the place of earlier ones when outputs are added up; `raw` adds up."""

    @override
    def __add__(self, other: AddableDict) -> AddableDict:
        return other.__radd__(self) if isinstance(other, _Update) else super().__add__(other)

    @override
    def __radd__(self, other: AddableDict) -> AddableDict:
        total = AddableDict({**other, **self})
        if "raw" in self and "raw" in other:
            total["raw"] = other["raw"] + self["raw"]
        return total


def pieces(chunks: Iterator[Any]) -> Iterator[Any]:
    """Yield the chunks one by one, and at last the message that they add up to."""
    kept = []
    for chunk in chunks:
        kept.append(chunk)
        yield _Piece(chunk)
    yield _sum(kept)


async def apieces(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    kept = []
    async for chunk in chunks:
        kept.append(chunk)
        yield _Piece(chunk)
    yield _sum(kept)


def _sum(chunks: Sequence[Any]) -> Any:
    """Add up chunks with one sum: LangChain reads the whole text and each call again for each."""
    if not chunks:
        return None
    first, *rest = _joined(chunks)
    return first + rest if rest else first


def _joined(chunks: Sequence[Any]) -> Iterator[Any]:
    """Yield chunks, those in a row that only go on with a text or with one call as one."""
    for key, group in itertools.groupby(chunks, _goes_on_with):
        if key is None:
            yield from group
            continue
        first, *rest = group
        if not rest:
            yield first
        elif key == "text":
            text = "".join(chunk.content for chunk in (first, *rest))
            yield first.model_copy(update={"content": text})
        else:
            args = "".join(chunk.tool_call_chunks[0]["args"] or "" for chunk in (first, *rest))
            # What a fragment is to LangChain; it would look for a whole call in it, at length.
            invalid = invalid_tool_call(name=None, args=args, id=None, error=None)
            fragment = {**first.tool_call_chunks[0], "args": args}
            yield first.model_copy(
                update={
                    "tool_call_chunks": [fragment],
                    "tool_calls": [],
                    "invalid_tool_calls": [invalid],
                }
            )


def _goes_on_with(chunk: Any) -> object:
    """Return what a chunk that brings nothing else goes on with: `text` or a call; else None."""
    if (
        type(chunk) is not AIMessageChunk
        or not isinstance(chunk.content, str)
        or chunk.additional_kwargs
        or chunk.usage_metadata
        or chunk.chunk_position
        or chunk.response_metadata.keys() - {"model_provider"}
    ):
        return None
    if not chunk.tool_call_chunks:
        return "text"
    call, *others = chunk.tool_call_chunks
    if others or chunk.content or call["name"] or call["id"] or call["index"] is None:
        return None
    return ("call", call["index"])


class GrowingObject:
    """One streamed object: its outputs after each chunk, and at the end the strictly parsed one."""

    def __init__(self, reader: Reader, *, include_raw: bool) -> None:
        self._reader = reader
        self._include_raw = include_raw
        self._held: list[Any] = []
        self._handed_on = 0
        self._texts: list[str] = []
        self._size = 0
        self._looked_at = 0
        self._shown: Any = None
        self._index: Any = None

    def add(self, piece: Any) -> Iterator[Any]:
        if not isinstance(piece, _Piece):
            yield from self._end(piece)
            return
        parsed = None
        if text := self._news(piece.chunk):
            self._texts.append(text)
            self._size += len(text)
            if self._size < _SMALL or self._size >= self._looked_at * _GROWTH:
                self._looked_at = self._size
                self._texts = ["".join(self._texts)]
                parsed = self._reader.parse_part(self._texts[0])
        if self._include_raw:
            self._held.append(piece.chunk)
            if self._size < _HANDFUL or self._size >= self._handed_on * _HANDED_ON:
                yield self._raw()
        yield from self._show(parsed)

    def _raw(self) -> AddableDict:
        held, self._held = self._held, []
        self._handed_on = self._size
        return _Update(raw=_sum(held))

    def _end(self, message: Any) -> Iterator[Any]:
        result = self._reader.read(message)
        if not self._include_raw:
            yield from self._show(result)
            return
        if self._held:
            yield self._raw()
        yield _Update(parsed=result["parsed"], parsing_error=result["parsing_error"])

    def _news(self, chunk: Any) -> str:
        """Return the piece of the object's text that a chunk brings."""
        if not isinstance(chunk, AIMessageChunk):
            return ""
        if self._reader.tool_name is None:
            return chunk.content if isinstance(chunk.content, str) else str(chunk.text)
        news = ""
        for call in chunk.tool_call_chunks:
            if self._index is None and call["name"] == self._reader.tool_name:
                self._index = call["index"]
            if self._index is not None and self._index == call["index"]:
                news += call["args"] or ""
        return news

    def _show(self, parsed: Any) -> Iterator[Any]:
        if parsed is not None and parsed != self._shown:
            self._shown = parsed
            yield _Update(parsed=parsed) if self._include_raw else parsed
