"""What comes of one request, without I/O."""

from __future__ import annotations

import httpx
import pytest

from langchain_aimlapi._http import exchange as _exchange
from langchain_aimlapi._http.attempt import Attempt
from langchain_aimlapi._http.exchange import Body, Exchange
from langchain_aimlapi.errors import AIMLAPIProtocolError

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
