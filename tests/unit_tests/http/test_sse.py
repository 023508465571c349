from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._http.sse import ServerSentEvent, SSEDecoder
from langchain_aimlapi.errors import AIMLAPIProtocolError

BOM = b"\xef\xbb\xbf"


def decode(*chunks, max_event_size=1_000):
    decoder = SSEDecoder(max_event_size)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def outcome(*chunks, max_event_size=1_000):
    """Return the events, and whether an error came after them."""
    decoder, found = SSEDecoder(max_event_size), []
    try:
        for chunk in chunks:
            found.extend(decoder.feed(chunk))
    except AIMLAPIProtocolError:
        return found, True
    return found + decoder.close(), False


def pieces(body, cuts):
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


def events(*data):
    return [ServerSentEvent("", text) for text in data]


# The examples of the WHATWG standard, section "Interpreting an event stream".
STANDARD = [
    (b"data: YHOO\ndata: +2\ndata: 10\n\n", events("YHOO\n+2\n10")),
    (
        (
            b": test stream\n\ndata: first event\nid: 1\n\n"
            b"data:second event\nid\n\ndata:  third event\n\n"
        ),
        events("first event", "second event", " third event"),
    ),
    # The standard's example goes on with "data:" and no blank line, which makes no event.
    (b"data\n\ndata\ndata\n\ndata:", events("", "\n")),
    (b"data:test\n\ndata: test\n\n", events("test", "test")),
    (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
        [ServerSentEvent("add", "73857293"), ServerSentEvent("remove", "2153")],
    ),
]

OURS = [
    (b"", []),
    (b"\n\n\n\n", []),
    (b": keep-alive\n\n: keep-alive\n\n", []),
    (b"data: a\n\n\n\ndata: b\n\n", events("a", "b")),
    (b"\ndata: a\n\n", events("a")),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", events("a", "b")),
    (b"data: a\r\rdata: b\r\r", events("a", "b")),
    (b"data: a\r\n\ndata: b\n\r\n", events("a", "b")),
    (b"data: a\rdata: b\ndata: c\r\n\r\n", events("a\nb\nc")),
    (BOM + b"data: a\n\n", events("a")),
    (BOM + BOM + b"data: a\n\ndata: b\n\n", events("b")),
    (b"data: a\n\n" + BOM + b"data: b\n\n", events("a")),
    ("data: ö\u2028\u0085\x0b\x0cé\n\n".encode(), events("ö\u2028\u0085\x0b\x0cé")),
    (b"event: x\n\ndata: a\n\n", events("a")),
    (b"data: a\nevent: x\n\n", [ServerSentEvent("x", "a")]),
    (b"event: x\nevent: y\ndata: a\n\n", [ServerSentEvent("y", "a")]),
    (b"retry: 10\nid: 7\ndata: a\n\n", events("a")),
    (b"unknown: 1\nDATA: no\n data: no\ndata : no\ndata: a:b\n\n", events("a:b")),
    (b": comment\ndata: a\n\n", events("a")),
    (b"data: [DONE]\n\n", events("[DONE]")),
    # The body ends before the blank line.
    (b"data: a\n\ndata: [DONE]\n", events("a", "[DONE]")),
    (b"data: a\n\ndata: [DONE]", events("a", "[DONE]")),
    (b"data: a\n\nevent: x\ndata: b\r", [ServerSentEvent("", "a"), ServerSentEvent("x", "b")]),
    (b"data: a\n\n: comment", events("a")),
    # … inside a character, or inside the mark.
    (b"data: a\n\ndata: \xc3", events("a")),
    (BOM[:2], []),
]


@pytest.mark.parametrize(("body", "expected"), STANDARD + OURS)
def test_events_do_not_depend_on_the_chunks(body, expected):
    assert decode(body) == expected
    assert decode(*(body[i : i + 1] for i in range(len(body)))) == expected
    for cut in range(len(body) + 1):
        assert decode(body[:cut], b"", body[cut:]) == expected


lines = st.sampled_from(
    [
        b"",
        b"data: a",
        b"data:b",
        b"data",
        b": c",
        b"event: x",
        b"id: 1",
        "data: ö\u2028".encode(),
        b"noise",
        BOM + b"data: d",
    ]
)
bodies = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"]))).map(
    lambda parts: b"".join(line + end for line, end in parts)
)


@given(bodies, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_chunking_gives_the_same_events(body, cuts):
    assert decode(*pieces(body, cuts)) == decode(body)


def straightforward(body):
    """The standard's algorithm, line by line, on a body that ends with a blank line."""
    text = body.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found, name, data = [], "", []
    for line in text.split("\n"):
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if not line:
            if data:
                found.append(ServerSentEvent(name, "\n".join(data)))
            name, data = "", []
        elif field == "data":
            data.append(value)
        elif field == "event":
            name = value
    return found


@given(bodies, st.lists(st.integers(0, 10_000), max_size=8))
def test_agrees_with_the_standard_read_line_by_line(body, cuts):
    body += b"\n\n"
    assert decode(*pieces(body, cuts)) == straightforward(body)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_arbitrary_bytes_give_events_or_the_protocol_error(chunks):
    found, _ = outcome(*chunks)
    assert all(isinstance(event, ServerSentEvent) for event in found)


blocks = st.sampled_from(
    [
        b"data: a",
        b"event: x\ndata: b\ndata: c",
        b": comment",
        b"",
        b"data: \xff",
        b"\xc3",
        b"x" * 60,
    ]
)


@given(st.lists(blocks, max_size=6), st.lists(st.integers(0, 500), max_size=8))
def test_the_events_before_a_bad_one_do_not_depend_on_the_chunks(parts, cuts):
    body = b"".join(part + b"\n\n" for part in parts)
    good = list(itertools.takewhile(lambda part: part[:1] != b"x" and is_utf8(part), parts))
    whole = outcome(body, max_event_size=40)
    assert whole == (decode(b"".join(part + b"\n\n" for part in good)), good != parts)
    assert outcome(*pieces(body, cuts), max_event_size=40) == whole


def is_utf8(data):
    return data.decode(errors="replace").encode() == data


@pytest.mark.parametrize("bad", [b"data: \xff\n\n", b"x" * 101, b"data: " + b"x" * 101 + b"\n\n"])
def test_good_events_come_before_the_error_of_the_same_chunk(bad):
    fed = iter(SSEDecoder(100).feed(b"data: a\n\nevent: x\ndata: b\n\n" + bad + b"\n\ndata: c\n\n"))
    assert next(fed) == ServerSentEvent("", "a")
    assert next(fed) == ServerSentEvent("x", "b")
    with pytest.raises(AIMLAPIProtocolError) as caught:
        next(fed)
    assert caught.value.__context__ is None  # an exception of the decoder would hold the bytes


def test_events_come_as_soon_as_they_are_complete():
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == events("a")
    assert decoder.feed(b"data: b\r\n\r") == events("b")
    assert decoder.feed(b"\ndata: c\n\ndata: d\n\nda") == events("c", "d")
    assert decoder.close() == []


def test_close_leaves_nothing_behind():
    decoder = SSEDecoder()
    decoder.feed(b"data: a")
    assert decoder.close() == events("a")
    assert decoder.close() == []


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3\x28", b"\xed\xa0\xbd"])
def test_what_is_not_utf8_is_a_protocol_error(bad):
    with pytest.raises(AIMLAPIProtocolError, match="not UTF-8") as caught:
        decode(b"data: " + bad + b"\n\n")
    assert not caught.value.is_retryable


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 100 + b"\n\n"],
        [b"data: " + b"x" * 100],
        [b"x"] * 101,
        [b": "] * 51,
        [b"data: " + "ö".encode() * 50 + b"\n\ndata: a\n\n"],
        [b"data: x\n" * 13],
    ],
)
def test_an_event_must_not_grow_without_end(chunks):
    with pytest.raises(AIMLAPIProtocolError, match="more than 100 bytes"):
        decode(*chunks, max_event_size=100)


def test_many_small_events_may_be_larger_together():
    body = b"data: x\n\n" * 1_000
    assert decode(body, max_event_size=10) == events(*["x"] * 1_000)
    assert decode(*pieces(body, range(0, 9_000, 7)), max_event_size=10) == events(*["x"] * 1_000)


def test_a_large_event_in_small_chunks_is_joined_once():
    text = "x" * 2_000_000
    body = f"data: {text}\n\n".encode()
    decoder = SSEDecoder()
    found = [event for i in range(0, len(body), 50) for event in decoder.feed(body[i : i + 50])]
    assert found == events(text)


def test_a_recorded_stream_of_the_api():
    body = (
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
        b'{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}\n\n'
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
        b'{},"finish_reason":"stop"}],"usage":null}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":102}}\n\n'
    )
    found = decode(*pieces(body, range(0, len(body), 5)))
    assert [event.data for event in found] == [
        line.removeprefix("data: ") for line in body.decode().split("\n\n")[:-1]
    ]
