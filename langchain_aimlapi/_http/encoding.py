"""Content encodings, undone with a bound: a small body can inflate to gigabytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from langchain_aimlapi._http.client import clock_of
from langchain_aimlapi.errors import AIMLAPIProtocolError

if TYPE_CHECKING:
    import httpx

_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_UNKNOWN = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_MAX_LAYERS = 4  # each takes memory; more are nobody's
_GZIP_MAGIC = b"\x1f\x8b"


def _encodings(response: httpx.Response) -> list[str]:
    """Return what was done to a body, in order; what is no encoding is passed over, as in httpx."""
    named: str | None = response.headers.get("content-encoding")
    if named is None:
        return []
    names = map(str.strip, named.lower().split(","))
    return [name for name in names if name in _KNOWN or name in _UNKNOWN][-_MAX_LAYERS:]


def is_left_to_httpx(response: httpx.Response) -> bool:
    """Tell whether httpx is to undo the encoding: it has, or a user's client may know more."""
    return response.is_stream_consumed or (
        clock_of(response) is None and not _UNKNOWN.isdisjoint(_encodings(response))
    )


class Inflater:
    """Undoes the content encodings of a response."""

    def __init__(self, response: httpx.Response) -> None:
        """Read the encodings from the headers."""
        names = [] if is_left_to_httpx(response) else _encodings(response)
        self._layers = [_Layer(name) for name in reversed(names)]

    def feed(self, chunk: bytes, most: int) -> bytes:
        """Return at most about `most` bytes that `chunk` holds.

        Raises:
            AIMLAPIProtocolError: It is not what the headers say, or nothing that was asked for.
        """
        for layer in self._layers:
            chunk = layer.feed(chunk, most)
        return chunk


class _Layer:
    """Undoes one encoding: gzip in any number of members, or deflate."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._head = b""  # too little to tell zlib from bare deflate
        self._is_first = True
        self._is_between = False  # members of gzip
        self._is_over = False

    def feed(self, chunk: bytes, most: int) -> bytes:
        if self._encoding not in _KNOWN:
            raise AIMLAPIProtocolError(
                f"The reply is encoded as {self._encoding!r:.40}, which was not asked for."
            )
        chunk, self._head, found = self._head + chunk, b"", b""
        if len(chunk) == 1 and self._is_first:
            self._head = chunk
            return b""
        while chunk and not self._is_over and len(found) < most:
            if self._is_between and not _GZIP_MAGIC.startswith(chunk[:2]):
                self._is_over = True  # what does not begin like another member is padding
                break
            found += self._inflated(chunk, most - len(found))
            chunk = self._inflate.unused_data
            self._is_between = self._inflate.eof
            if self._is_between:
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return found

    def _inflated(self, chunk: bytes, most: int) -> bytes:
        is_first, self._is_first = self._is_first, False
        try:
            return self._inflate.decompress(chunk, most)
        except zlib.error:
            if is_first and self._encoding == "deflate":
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                return self._inflated(chunk, most)
        raise AIMLAPIProtocolError(f"The reply is not {self._encoding}, as its headers say.")
