"""One call without its I/O.

The transport asks a `Turn` what to send and tells it what failed; the chat model has it read the
answer. Retries and the change of endpoint are decided in here, so that sync and async need no more
than a loop each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from langchain_core.outputs import ChatResult
from typing_extensions import override

from langchain_aimlapi._dialects.call_facts import CallFacts, unreadable
from langchain_aimlapi._dialects.routing import Route
from langchain_aimlapi._http.call import Call
from langchain_aimlapi._http.deadline import NO_DEADLINE
from langchain_aimlapi._http.retry import Retries, RetryPolicy
from langchain_aimlapi._messages.seal import is_unopened
from langchain_aimlapi._messages.tools import names_of
from langchain_aimlapi._model.parameters import check_endpoint
from langchain_aimlapi._wire.json import SHAPE_ERRORS
from langchain_aimlapi.errors import AIMLAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage
    from typing_extensions import Self

    from langchain_aimlapi._dialects.base import Dialect
    from langchain_aimlapi._dialects.stream_parser import StreamParser
    from langchain_aimlapi._http.deadline import Deadline
    from langchain_aimlapi._http.exchange import Reply
    from langchain_aimlapi._http.streams import AsyncEventStream, EventStream
    from langchain_aimlapi._messages.seal import Seal

__all__ = ["Retries", "RetryPolicy", "Route", "Turn", "last_stored"]


class Turn(Call):
    """One call: what to send, and what to make of the answer."""

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        params: Mapping[str, Any],
        *,
        route: Route,
        stream: bool,
        stop: Sequence[str],
        extra_body: Mapping[str, Any],
        retries: Retries,
        client_request_id: str,
        seal: Seal | None = None,
        query: Mapping[str, Any] | None = None,
        shows_headers: bool = False,
        validate: Literal["warn", "error", "off"] = "off",
    ) -> None:
        """Build the first payload.

        Args:
            messages: The conversation.
            params: Parameters in chat completions terms, `model` among them.
            route: The endpoint to ask, and the other one.
            stream: Whether the answer is to be streamed.
            stop: Stop sequences to apply to the visible text.
            extra_body: Laid over the payload as it is.
            retries: Counts requests, and says when to give up.
            client_request_id: The `X-Client-Request-Id` of all requests of this call.
            seal: Who asks: sealed reasoning goes only to whom it came from.
            query: Query parameters of all requests of this call.
            shows_headers: Whether the message is to carry the reply's headers.
            validate: What to do about parameters that the endpoint is not documented to take.

        Raises:
            AIMLAPIInvalidRequestError: Something in the messages cannot be sent, or `validate` is
                "error" and there is such a parameter.
        """
        self._messages = messages
        self._params = {**params, "stream": True} if stream else params
        self._stop = stop
        self._extra_body = extra_body
        self._route = route
        self._seal = seal
        self._is_unsealed = False
        self._query = f"?{urlencode(query, doseq=True)}" if query else ""
        self._shows_headers = shows_headers
        self._validate = validate
        self._speak(route.dialect)
        super().__init__(
            path=self._path(),
            payload=self._build_payload(),
            model=str(params["model"]),
            stream=stream,
            client_request_id=client_request_id,
            retries=retries,
        )

    def __enter__(self) -> Self:
        """Begin the call."""
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """End the call, however it ended: nobody waits for what it may find out."""
        self._route.over()
        if isinstance(error, AIMLAPIError):
            error.unpriced_attempts = self.retries.unpriced_attempts
        elif error is not None and not isinstance(error, Exception):
            vars(error).update(self._where_it_stopped())

    def _where_it_stopped(self) -> dict[str, Any]:
        """Tell of a call that is cancelled or interrupted what an error of ours would tell."""
        return {
            "may_be_billed": self.attempt is not None and self.attempt.is_sent,
            "attempts": self.retries.attempts,
            "unpriced_attempts": self.retries.unpriced_attempts,
            "client_request_id": self.client_request_id,
        }

    def _path(self) -> str:
        return self._dialect.path + self._query

    def _build_payload(self) -> dict[str, Any]:
        payload = self._dialect.build_payload(self._messages, self._params, self._seal)
        return {**payload, **self._extra_body}

    @override
    def wait(self) -> float:
        """Return the seconds to wait before the first request, then ask again; 0 means go."""
        seconds = self._route.wait()
        if not seconds:
            self._follow_route()
        return seconds

    @override
    def lacks(self, body: Mapping[str, Any]) -> str | None:
        """Say what a whole reply lacks to be an answer; None if nothing."""
        return self._dialect.lacks(body)

    @override
    def failed(self, error: AIMLAPIError, deadline: Deadline = NO_DEADLINE) -> float | None:
        """Return the seconds to wait before the next request; None if `error` is final."""
        if self._route.refused(error):
            self._follow_route()
            return 0.0
        if self._leave_out_sealed(error):
            return 0.0
        delay = super().failed(error, deadline)
        if delay is None and self._route.refusal is not None:
            error.__cause__ = self._route.refusal
        return delay

    def _leave_out_sealed(self, error: AIMLAPIError) -> bool:
        """Leave out what the API could not open, once; later calls of the model do the same."""
        if self._seal is None or self._is_unsealed or not is_unopened(error):
            return False
        self._is_unsealed = True
        if not self._seal.refuse(self.payload.get("input")):
            return False
        self.payload = self._build_payload()
        return True

    def _speak(self, dialect: Dialect) -> None:
        check_endpoint(dialect.name, self._params, self._validate)
        self._dialect = dialect

    def _follow_route(self) -> None:
        if self._dialect is not self._route.dialect:
            self._speak(self._route.dialect)
            self.path = self._path()
            self.payload = self._build_payload()

    def result(self, reply: Reply) -> ChatResult:
        """Read a whole reply, or the stream that a server sent in the place of one.

        Raises:
            AIMLAPIProtocolError: It has another shape than the API documents.
            AIMLAPIStreamInterruptedError: It is a stream without an end.
        """
        self._route.accepted()
        facts = self._facts(reply.headers)
        try:
            if not reply.events:
                return self._dialect.parse_response(reply.body, facts)
            parser = self._dialect.stream_parser(facts)
            for event in reply.events:
                parser.read(event)
            return ChatResult(generations=[parser.assembler.generation()])
        except SHAPE_ERRORS as error:
            raise unreadable(error, facts) from error

    def parser(self, events: EventStream | AsyncEventStream) -> StreamParser:
        """Make the reader of an open stream, which tells it when output begins."""
        self._route.accepted()
        parser = self._dialect.stream_parser(self._facts(events.headers))
        events.output_started = lambda: parser.output_started
        return parser

    def _facts(self, headers: Mapping[str, str]) -> CallFacts:
        return CallFacts(
            endpoint=self._dialect.name,
            client_request_id=self.client_request_id,
            attempts=self.retries.attempts,
            unpriced_attempts=self.retries.unpriced_attempts,
            headers=headers,
            stop=self._stop,
            seal=self._seal,
            tools=names_of(self._params.get("tools", ())),
            shows_headers=self._shows_headers,
        )


def last_stored(messages: Sequence[BaseMessage]) -> dict[str, str]:
    """Return the parameter that names the last answer that the vendor has, if more was said."""
    for message in reversed(messages[:-1]):
        came = message.response_metadata
        if came.get("endpoint") == "responses" and isinstance(name := came.get("id"), str):
            return {"previous_response_id": name}
    return {}
