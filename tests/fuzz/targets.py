"""What is fuzzed: functions of bytes that raise where the package breaks a promise.

They need no fuzzer, so the unit tests replay with them what one has found.
"""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import warnings
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    convert_to_messages,
    message_chunk_to_message,
)

from langchain_aimlapi._dialects.call_facts import CallFacts, unreadable
from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._http.exchange import EventDecoder, Exchange
from langchain_aimlapi._http.sse import ServerSentEvent, SSEDecoder
from langchain_aimlapi._wire.account import parse_balance, parse_models, parse_usage_log
from langchain_aimlapi._wire.json import SHAPE_ERRORS, dumps, loads
from langchain_aimlapi._wire.refusals import error_from_event, error_from_response
from langchain_aimlapi.errors import (
    AIMLAPIConfigurationError,
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPIProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import BaseMessage

DIALECTS = {"chat_completions": ChatCompletionsDialect(), "responses": ResponsesDialect()}
FACTS = CallFacts(endpoint="test", client_request_id="id-1", headers={"x-inference-id": "inf-1"})
PARAMS = {"model": "openai/gpt-5-1"}
_MAX_EVENT = 400


def pieces(body: bytes, size: int) -> list[bytes]:
    """Cut bytes into pieces of one size."""
    return [body[start : start + size] for start in range(0, len(body), size)]


def sse(data: bytes) -> None:
    """However bytes are cut, the events before an error are the same."""
    size, body = 1 + (data[0] if data else 0), data[1:]
    whole, cut = _events([body]), _events(pieces(body, size))
    # Up to a few bytes over the limit an event may end before it is noticed.
    assert whole[0] == cut[0] or whole[1] or cut[1]


def _events(chunks: list[bytes]) -> tuple[list[ServerSentEvent], bool]:
    decoder = SSEDecoder(_MAX_EVENT)
    found: list[ServerSentEvent] = []
    try:
        for chunk in chunks:
            found.extend(decoder.feed(chunk))
    except AIMLAPIProtocolError:
        return found, True
    return [*found, *decoder.close()], False


def stream(endpoint: str, data: bytes) -> None:
    """A stream of any bytes is an answer or an error of ours, and an answer can be sent back."""
    request = httpx.Request("POST", "https://api.aimlapi.com/v1", headers={"x-own": "a-secret"})
    response = httpx.Response(200, headers={"content-type": "text/event-stream"})
    decoder = EventDecoder(Exchange(request), response)
    parser = DIALECTS[endpoint].stream_parser(FACTS)
    chunks = []
    try:
        with parser.keeping_partial():
            for event in [*decoder.feed(data), *decoder.close()]:
                chunks += [generation.message for generation in parser.feed(event)]
            chunks += [generation.message for generation in parser.close()]
    except AIMLAPIError:
        return
    summed = functools.reduce(operator.add, chunks)
    goes_back(endpoint, message_chunk_to_message(summed))


def reply(endpoint: str, data: bytes) -> None:
    """A whole reply of any bytes is an answer or an error of ours."""
    try:
        body = loads(data)
    except ValueError:
        return
    dialect = DIALECTS[endpoint]
    if not isinstance(body, dict) or error_from_event(body) or dialect.lacks(body):
        return
    try:
        message = dialect.parse_response(body, FACTS).generations[0].message
    except SHAPE_ERRORS as error:
        unreadable(error, FACTS)
        return
    except AIMLAPIError:
        return
    goes_back(endpoint, message)


def goes_back(endpoint: str, message: BaseMessage) -> None:
    """An answer that was read can be shown, and is sent with the next turn or refused."""
    assert isinstance(message, AIMessage)
    assert isinstance(message.content_blocks, list)
    sent_or_refused(endpoint, [HumanMessage("Hello"), message, HumanMessage("And?")])


def sent_or_refused(endpoint: str, messages: list[BaseMessage]) -> None:
    """A conversation is sent as JSON, or refused before it is."""
    with contextlib.suppress(AIMLAPIConfigurationError, AIMLAPIInvalidRequestError):
        json.loads(dumps(DIALECTS[endpoint].build_payload(messages, PARAMS)))


def failure(data: bytes) -> None:
    """Any reply becomes an error of ours, without what must not show."""
    status, body = 200 + int.from_bytes(data[:2], "big") % 400, data[2:]
    headers = {"retry-after": body[:40].decode("latin-1"), "x-request-id": "r-1"}
    error = error_from_response(status, headers, body, secrets=["a-secret"], model="m", url="u:/")
    assert isinstance(error, AIMLAPIError)
    assert "a-secret" not in f"{error!r}{vars(error)}"
    assert error.retry_after is None or error.retry_after >= 0


def account(data: bytes) -> None:
    """Any body of the account's endpoints is read or refused."""
    try:
        body = loads(data)
    except ValueError:
        return
    if isinstance(body, dict):
        for parse in (parse_balance, parse_models, parse_usage_log):
            with contextlib.suppress(AIMLAPIError):
                parse(body)


def conversation(data: bytes) -> None:
    """Any list of messages that LangChain takes is sent as JSON, or refused with an error of ours.

    The bytes are JSON: a list of messages in OpenAI's form.
    """
    try:
        messages: Any = convert_to_messages(loads(data))
    except Exception:  # noqa: BLE001 - not for us to judge
        return
    for endpoint in DIALECTS:
        sent_or_refused(endpoint, messages)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "sse": sse,
    "chat_stream": functools.partial(stream, "chat_completions"),
    "responses_stream": functools.partial(stream, "responses"),
    "chat_reply": functools.partial(reply, "chat_completions"),
    "responses_reply": functools.partial(reply, "responses"),
    "failure": failure,
    "account": account,
    "conversation": conversation,
}


def run(target: str, data: bytes) -> None:
    """Run a target; warnings are allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TARGETS[target](data)
