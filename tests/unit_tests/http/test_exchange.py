"""What comes of one request, without I/O."""

from __future__ import annotations

import json

import httpx
import pytest

from langchain_aimlapi._http import exchange as _exchange
from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.exchange import Body, EventDecoder, Exchange
from langchain_aimlapi.errors import AIMLAPIProtocolError, AIMLAPIServerError

BROKEN = httpx.ReadError("broken")
CLOSED = httpx.RemoteProtocolError("Server disconnected without sending a response.")
LATE = httpx.ReadTimeout("late")


@pytest.mark.parametrize(
    ("is_reused", "is_written", "is_answered", "error", "may_be_billed"),
    [
        # A user's client tells no more than the error.
        (None, False, False, httpx.ConnectError("no"), False),
        (None, False, False, httpx.PoolTimeout("no"), False),
        (None, False, False, BROKEN, True),
        (None, False, False, LATE, True),
        # What was not sent whole, nobody answers.
        (False, False, False, BROKEN, False),
        (True, False, False, LATE, False),
        # A new connection was open when the request was written.
        (False, True, False, BROKEN, True),
        (False, True, False, CLOSED, True),
        # A kept one may have been closed before.
        (True, True, False, BROKEN, False),
        (True, True, False, CLOSED, False),
        # It was not, if bytes came or nothing broke.
        (True, True, True, BROKEN, True),
        (True, True, False, LATE, True),
    ],
)
def test_what_may_be_billed_though_no_answer_came(
    is_reused, is_written, is_answered, error, may_be_billed
):
    attempt = Attempt()
    attempt.is_reused = is_reused
    attempt.is_written = is_written
    attempt.is_answered = is_answered
    exchange = Exchange(httpx.Request("POST", "https://api.example/v1/responses"), attempt)
    assert exchange.failure(error).may_be_billed is may_be_billed
    assert exchange.failure(error, httpx.Response(200)).may_be_billed is True


@pytest.mark.parametrize("error", [BROKEN, CLOSED, LATE, httpx.ConnectError("no")])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_what_broke_before_an_answer_may_be_sent_again(error, accept):
    request = httpx.Request("POST", "https://api.example/v1", headers={"Accept": accept})
    assert Exchange(request).failure(error).is_retryable
    is_late = error is LATE
    is_stream = accept == "text/event-stream"
    failure = Exchange(request).failure(error, httpx.Response(200))
    assert failure.is_retryable is (is_late or is_stream)


def test_a_body_is_taken_up_to_its_bound_and_an_error_cut_there(monkeypatch):
    monkeypatch.setattr(_exchange, "_MAX_BODY", 10)
    monkeypatch.setattr(_exchange, "_MAX_ERROR_BODY", 10)
    response = httpx.Response(200, stream=httpx.ByteStream(b""))
    whole, error = Body(response), Body(response, is_error=True)
    for body in (whole, error):
        assert [body.is_full(b"01234"), body.is_full(b"56789")] == [False, False]
        assert body.content() == b"0123456789"
    assert error.is_full(b"!")
    assert error.content() == b"0123456789"
    with pytest.raises(AIMLAPIProtocolError, match="more than 10 bytes"):
        whole.is_full(b"!")


ANSWER = [{"choices": [{"delta": {"content": f"{n}"}}]} for n in (1, 2)]
ONE, TWO = map(json.dumps, ANSWER)


@pytest.mark.parametrize(
    "body",
    [
        f"data: {ONE}\n\ndata: {TWO}\n\ndata: [DONE]\n\n",
        f"data:  {ONE}\n\ndata:{TWO}\n\ndata: [DONE] \n\ndata: noise\n\n",
        f"data: {ONE}\ndata: {TWO}\ndata: [DONE]\n",
        f"data: {ONE}\ndata: {TWO}\n",
        f'event: ping\ndata: ping\n\ndata: null\n\ndata: {ONE}\n\ndata: ""\n\ndata: {TWO}\n\n',
        f'\ufeffdata: {ONE}\r\rdata: {TWO}\r\rdata: "[done]"\r\r',
        f"{ONE}\n{TWO}\n",
    ],
    ids=["plain", "spaces", "no-blank-lines", "no-end", "signs-of-life", "returns", "lines"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_streams_in_every_form(body, size):
    exchange = Exchange(httpx.Request("POST", "https://api.example/v1/x"), Attempt())
    decoder = EventDecoder(exchange, httpx.Response(200, content=b""))
    data = body.encode()
    events = [
        event
        for start in range(0, len(data), size)
        for event in decoder.feed(data[start : start + size])
    ]
    assert [*events, *decoder.close()] == ANSWER
    if not body.startswith("{"):
        reply = exchange.reply(httpx.Response(200), data)
        assert list(reply.objects) == ANSWER


@pytest.mark.parametrize(
    "event",
    [
        {"object": "error", "message": "Boom.", "code": 50001},
        {"detail": "Boom."},
        {"message": "Boom."},
    ],
)
def test_errors_that_have_nothing_of_an_event(event):
    exchange = Exchange(httpx.Request("POST", "https://api.example/v1/x"), Attempt())
    body = f"data: {json.dumps(event)}\n\n".encode()
    with pytest.raises(AIMLAPIServerError, match="Boom"):
        exchange.reply(httpx.Response(200), body)
