"""Content encodings, undone with a bound: a small body can inflate to gigabytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from langchain_aimlapi._http.client import clock_of
from langchain_aimlapi.errors import AIMLAPIProtocolError

if TYPE_CHECKING:
    import httpx

_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_MAGIC = b"\x1f\x8b"


def _encoding(response: httpx.Response) -> str:
    """Return what was done to a body; "" for nothing. What is nested is a name of its own."""
    named = response.headers.get("content-encoding", "").lower().split(",")
    return ", ".join(name for name in map(str.strip, named) if name not in {"", "identity"})


def is_left_to_httpx(response: httpx.Response) -> bool:
    """Tell whether httpx is to undo the encoding: it has, or a user's client may know more."""
    return response.is_stream_consumed or (
        clock_of(response) is None and _encoding(response) not in {"", *_KNOWN}
    )


class Inflater:
    """Undoes the content encoding of a response: gzip in any number of members, or deflate."""

    def __init__(self, response: httpx.Response) -> None:
        """Read the encoding from the headers."""
        self._encoding = "" if is_left_to_httpx(response) else _encoding(response)
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._head = b""  # too little to tell zlib from bare deflate
        self._is_first = True
        self._is_between = False  # members of gzip
        self._is_over = False

    def feed(self, chunk: bytes, most: int) -> bytes:
        """Return at most about `most` bytes that `chunk` holds.

        Raises:
            AIMLAPIProtocolError: It is not what the headers say, or nothing that was asked for.
        """
        if not self._encoding:
            return chunk
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
