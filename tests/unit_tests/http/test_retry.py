from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._http.deadline import Deadline
from langchain_aimlapi._http.retry import Retries, RetryPolicy, parse_retry_after, should_retry
from langchain_aimlapi._wire.refusals import error_from_response
from langchain_aimlapi.errors import (
    AIMLAPIAuthenticationError,
    AIMLAPIConfigurationError,
    AIMLAPIConnectionError,
    AIMLAPIContextOverflowError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIOutOfCreditsError,
    AIMLAPIPermissionDeniedError,
    AIMLAPIProtocolError,
    AIMLAPIRateLimitError,
    AIMLAPIRefusalError,
    AIMLAPIServerError,
    AIMLAPIStreamInterruptedError,
    AIMLAPITimeoutError,
    AIMLAPITruncatedOutputError,
)

# Wed, 21 Oct 2015 07:28:00 GMT
NOW = 1_445_412_480.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "86400"}, 86_400.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 09:28:30 +0200"}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-15 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 -0000"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 99999 07:28:30 GMT"}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert parse_retry_after(headers, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text()))
def test_no_header_can_raise(headers):
    seconds = parse_retry_after(headers, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AIMLAPIRateLimitError("x"), True),
        (AIMLAPIServerError("x"), True),
        (AIMLAPIConnectionError("x"), True),
        (AIMLAPIConnectionError("x", is_retryable=False), False),
        (AIMLAPIRateLimitError("x", is_retryable=False), False),
        (AIMLAPIError("x"), False),
        (AIMLAPIConfigurationError("x"), False),
        (AIMLAPIAuthenticationError("x"), False),
        (AIMLAPIPermissionDeniedError("x"), False),
        (AIMLAPIOutOfCreditsError("x"), False),
        (AIMLAPINotFoundError("x"), False),
        (AIMLAPIInvalidRequestError("x"), False),
        (AIMLAPIContextOverflowError("x"), False),
        (AIMLAPIProtocolError("x"), False),
        (AIMLAPIStreamInterruptedError("x"), False),
        (AIMLAPITruncatedOutputError(), False),
        (AIMLAPIRefusalError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_which_errors_are_retried(error, expected):
    assert should_retry(error, RetryPolicy()) is expected
    assert should_retry(error, RetryPolicy(retry_read_timeouts=True)) is expected


@pytest.mark.parametrize(
    ("phase", "by_default", "if_wanted"),
    [
        ("connect", True, True),
        ("pool", True, True),
        ("status", True, True),
        ("write", False, True),
        ("read", False, True),
        ("idle", False, True),
        ("deadline", False, False),
    ],
)
def test_which_timeouts_are_retried(phase, by_default, if_wanted):
    error = AIMLAPITimeoutError("x", phase=phase)
    assert should_retry(error, RetryPolicy()) is by_default
    assert should_retry(error, RetryPolicy(retry_read_timeouts=True)) is if_wanted
    error.is_retryable = False
    assert not should_retry(error, RetryPolicy(retry_read_timeouts=True))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b'{"message": "The model is under maintenance"}', True),
        (500, b'{"message": "Internal server error"}', True),
        (500, b'{"message": "Invalid input"}', False),
        (502, b"<html>", True),
        (503, b"", True),
        (504, b'{"message": "Generation timeout"}', True),
        (408, b"", True),
        (409, b"", True),
        (429, b'{"message": "Too Many Requests"}', True),
        (429, b'{"message": "Free-tier limit: you reached your free limit for the hour"}', False),
        (402, b"", False),
        (403, b"", False),
        (404, b"", False),
        (418, b"", False),
        (302, b"", False),
        (200, b"<html>", False),
    ],
)
def test_which_answers_are_retried(status, body, expected):
    assert should_retry(error_from_response(status, {}, body), RetryPolicy()) is expected


def delays(policy, errors, random=lambda: 0.0):
    retries = Retries(policy, random)
    found = []
    for error in errors:
        retries.attempts += 1
        found.append(retries.delay_after(error))
    return found


def test_delays_double_up_to_the_largest():
    errors = [AIMLAPIServerError("x")] * 6
    assert delays(RetryPolicy(max_retries=6), errors) == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_a_delay_is_shortened_by_up_to_a_half_at_random():
    errors = [AIMLAPIServerError("x")] * 2
    assert delays(RetryPolicy(), errors, lambda: 0.5) == [0.375, 0.75]
    assert delays(RetryPolicy(), errors, lambda: 1.0) == [0.25, 0.5]


def test_the_own_source_of_randomness_stays_in_these_bounds():
    for _ in range(100):
        assert 0.25 <= Retries(RetryPolicy()).delay_after(AIMLAPIServerError("x")) <= 0.5


def test_thousands_of_retries_do_not_overflow():
    policy = RetryPolicy(max_retries=2_000)
    assert delays(policy, [AIMLAPIServerError("x")] * 2_000)[-1] == 8.0


def test_the_first_error_is_final_without_retries():
    error = AIMLAPIServerError("x")
    assert delays(RetryPolicy(max_retries=0), [error]) == [None]
    assert error.attempts == 1


def test_the_last_error_is_final_and_knows_the_number_of_requests():
    errors = [AIMLAPIServerError("a"), AIMLAPIConnectionError("b"), AIMLAPIRateLimitError("c")]
    assert delays(RetryPolicy(max_retries=2), errors) == [0.5, 1.0, None]
    assert [error.attempts for error in errors] == [1, 2, 3]


def test_an_error_not_worth_a_retry_is_final_at_once():
    error = AIMLAPIOutOfCreditsError("x", retry_after=1.0)
    assert delays(RetryPolicy(), [error]) == [None]
    assert error.attempts == 1


def test_requests_that_were_no_retries_count_as_attempts_only():
    retries = Retries(RetryPolicy(max_retries=1), lambda: 0.0)
    retries.attempts = 5
    assert retries.delay_after(AIMLAPIServerError("x")) == 0.5
    retries.attempts += 1
    error = AIMLAPIServerError("x")
    assert retries.delay_after(error) is None
    assert error.attempts == 6


@pytest.mark.parametrize("asked", [0.0, 0.001, 3.0, 60.0])
def test_the_wait_that_the_server_asks_for_is_taken_as_it_is(asked):
    error = AIMLAPIRateLimitError("x", retry_after=asked)
    assert delays(RetryPolicy(), [error, error], lambda: 0.9) == [asked, asked]


@pytest.mark.parametrize("asked", [60.5, 3_600.0])
def test_too_long_a_wait_is_left_to_the_caller(asked):
    error = AIMLAPIRateLimitError("x", retry_after=asked)
    assert delays(RetryPolicy(), [error]) == [None]
    assert error.retry_after == asked
    assert error.is_retryable
    assert delays(RetryPolicy(max_retry_after=asked), [error]) == [asked]


@pytest.mark.parametrize("asked", [None, 20.0])
def test_a_wait_that_would_pass_the_deadline_is_not_begun(asked):
    policy = RetryPolicy(max_retries=9, initial_delay=20, max_delay=20)
    error = AIMLAPIServerError("overloaded", retry_after=asked)
    retries = Retries(policy, random=lambda: 0.0)
    assert retries.delay_after(error, Deadline(1000)) == 20
    assert retries.delay_after(error, Deadline(None)) == 20
    assert retries.delay_after(error, Deadline(10)) is None
