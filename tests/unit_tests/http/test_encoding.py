"""Encoded bodies, in pieces of any size."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from langchain_aimlapi._http.encoding import Inflater
from langchain_aimlapi._http.network import Clock, TimedStream
from langchain_aimlapi.errors import AIMLAPIProtocolError

TEXT = b"data: " + bytes(range(256)) * 4


def bare(text: bytes) -> bytes:
    maker = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return maker.compress(text) + maker.flush()


BODIES = {
    "nothing": ("identity", TEXT),
    "gzip": ("gzip", gzip.compress(TEXT)),
    "x-gzip": ("X-GZIP", gzip.compress(TEXT)),
    "members": ("gzip, identity", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
    "padding": ("gzip", gzip.compress(TEXT) + b"\0" * 20),
    "no encoding": ("utf-8, none, aws-chunked", TEXT),
    "nested": ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    "twice": ("gzip,gzip", gzip.compress(gzip.compress(TEXT))),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "bare": ("deflate", bare(TEXT)),
}


def inflater(encoding: str, *, own: bool = False) -> Inflater:
    response = httpx.Response(
        200,
        headers={"content-encoding": encoding},
        stream=httpx.ByteStream(b""),
        extensions={"network_stream": TimedStream(None, Clock(0))} if own else {},
    )
    return Inflater(response)


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("name", BODIES)
def test_any_body_in_any_pieces(name, size):
    encoding, body = BODIES[name]
    inflate = inflater(encoding)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert b"".join(inflate.feed(piece, 1 << 20) for piece in pieces) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_what_it_says(encoding):
    inflate = inflater(encoding)
    with pytest.raises(AIMLAPIProtocolError, match=f"not {encoding}"):
        inflate.feed(b'{"plain": "text"}' * 3, 1 << 20)


def test_a_bomb_is_opened_no_further_than_asked():
    assert len(inflater("gzip").feed(gzip.compress(b"a" * 10_000_000), 1000)) == 1000


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_an_encoding_that_nobody_asked_for_is_left_to_the_client_of_a_user(encoding):
    assert inflater(encoding).feed(b"text", 1000) == b"text"
    with pytest.raises(AIMLAPIProtocolError, match=f"encoded as '{encoding}'"):
        inflater(encoding, own=True).feed(b"text", 1000)


def test_what_httpx_has_read_is_inflated_already():
    headers = {"content-encoding": "gzip"}
    response = httpx.Response(200, headers=headers, content=gzip.compress(TEXT))
    assert Inflater(response).feed(response.read(), 1 << 20) == TEXT
