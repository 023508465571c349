"""Which endpoint a call goes to.

The owner's document of the API shows chat completions for all four models; the vendor's newer pages
(2026-08) serve the codex models on responses only. Which holds for those is learned when a user
calls: chat completions first, and when the gateway refuses the model there, the same turn goes to
responses, as do all later calls to this address, until responses refuses in turn. A refused request
is not billed. All other models stay where they are documented. `forget` clears the memory.
"""

from __future__ import annotations

import logging
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._wire.error_text import clean_body, says_no_model, words_of
from langchain_aimlapi.errors import (
    AIMLAPIContextOverflowError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
)
from langchain_aimlapi.profiles import endpoint_is_in_doubt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._dialects.base import Dialect
    from langchain_aimlapi.errors import AIMLAPIError

_log = logging.getLogger("langchain_aimlapi")

_DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (ChatCompletionsDialect(), ResponsesDialect())
}
_RESPONSES_ONLY = frozenset(
    {
        *("previous_response_id", "include", "instructions", "truncation", "background"),
        *("prompt", "text", "store"),
    }
)
"""Parameters that chat completions has no place for."""

_PATIENCE = 0.5  # seconds; a refusal comes at once, an answer may take minutes
_POLL = 0.02  # seconds; those who wait sit in threads and loops, and may be cancelled at any time
_clock = time.monotonic

_learned: dict[tuple[str, str], str] = {}
_first_calls: dict[tuple[str, str], _FirstCall] = {}


class _FirstCall:
    """A call that finds out where a model is served."""

    def __init__(self) -> None:
        self._until = _clock() + _PATIENCE
        self.is_over = False

    def may_tell_soon(self) -> bool:
        return not self.is_over and _clock() < self._until


def forget() -> None:
    """Forget what was learned, as a new process would."""
    _learned.clear()
    _first_calls.clear()


class Route:
    """The endpoint of one call, and the other one for when the gateway refuses it there."""

    def __init__(
        self,
        base_url: str,
        model: str,
        params: Mapping[str, Any],
        use_responses_api: bool | None,  # noqa: FBT001
    ) -> None:
        """Choose.

        Args:
            base_url: The API's address; what is learned counts for it alone.
            model: The model's id.
            params: Parameters in chat completions terms; some exist on responses only.
            use_responses_api: The user's word, or None.
        """
        self._key = (base_url, model)
        self._model = model
        if use_responses_api is not None or needs_responses(params):
            self._names = ["chat_completions" if use_responses_api is False else "responses"]
        elif endpoint_is_in_doubt(model):
            self._names = ["chat_completions", "responses"]
        else:
            self._names = ["chat_completions"]
        self._may_move = len(self._names) > 1
        self._first_call: _FirstCall | None = None
        self._is_first = False
        self.refusal: AIMLAPIError | None = None
        self._prefer_learned()

    @property
    def dialect(self) -> Dialect:
        """The dialect to speak now."""
        return _DIALECTS[self._names[0]]

    @property
    def may_seal(self) -> bool:
        """Whether reasoning may come sealed, or go back so: on responses alone."""
        return "responses" in self._names

    def wait(self) -> float:
        """Return the seconds to wait before sending, while another call finds out where to send.

        So a burst of first calls costs one refused request, not one each. All who wait go when that
        call was refused, answered, failed or cancelled, else half a second after it began.
        """
        if not self._may_move or self._prefer_learned():
            return 0.0
        if self._first_call is None:
            mine = _FirstCall()
            self._first_call = _first_calls.setdefault(self._key, mine)
            self._is_first = self._first_call is mine
        return _POLL if not self._is_first and self._first_call.may_tell_soon() else 0.0

    def accepted(self) -> None:
        """Note that the gateway took the request."""
        self.over()
        if self._may_move:
            _learned.setdefault(self._key, self._names[0])

    def refused(self, error: AIMLAPIError) -> bool:
        """Tell whether the call should go to another endpoint, and turn to it."""
        if not self._may_move or not is_refusal(error, self._model):
            return False
        here, *others = self._names
        if not others:
            _learned.pop(self._key, None)
            return False
        self._names = others
        self.refusal = error
        if _learned.get(self._key) != others[0]:
            # Now, not when the other endpoint has answered: that may take minutes.
            _learned[self._key] = others[0]
            _log.info("%s is refused on %s here: calls go to %s.", self._model, here, others[0])
        return True

    def over(self) -> None:
        """Let nobody wait any longer for what this call may find out."""
        if self._is_first and self._first_call is not None:
            self._first_call.is_over = True
            if _first_calls.get(self._key) is self._first_call:
                _first_calls.pop(self._key, None)

    def _prefer_learned(self) -> bool:
        """Put the endpoint that was learned first, and tell whether there is one."""
        learned = _learned.get(self._key)
        self._names.sort(key=lambda name: name != (learned or "chat_completions"))
        return learned is not None


def needs_responses(params: Mapping[str, Any]) -> bool:
    """Tell whether a call asks for something that only the responses endpoint has."""
    return (
        not _RESPONSES_ONLY.isdisjoint(params)
        or "summary" in (params.get("reasoning") or {})
        or any(tool["type"] not in {"function", "custom"} for tool in params.get("tools", ()))
    )


# How gateways say that an endpoint is not the one. What they say of other things that are missing
# or unsupported (a parameter, an image, a file, an upstream server) must not match.
_REFUSAL = re.compile(
    # "... is not supported in v1/chat/completions", "use the responses API instead"
    r"\b(?:not|only|un)\s?(?:supported|available|served|accessible|allowed)\b.{0,60}"
    r"(?:\bchat[ /_]completions?\b|\bresponses\b)"
    r"|\b(?:use|try|call)\s+(?:the\s+)?(?:/?v1/)?responses\b"
    # What stands between this gateway and its providers; a route that is not there
    r"|\bno endpoints? found\b|\b0 endpoints out of\b"
    r"|\b(?:cannot|invalid url).{0,9}\b(?:get|post)\b",
    re.IGNORECASE | re.DOTALL,
)
_BARE_404 = frozenset(
    {
        *("not", "found", "http", "error", "client", "method", "allowed", "no", "exist", "does"),
        *("page", "path", "resource", "route", "server", "url", "html", "titled", "requested"),
        *("a", "an", "at", "for", "is", "on", "that", "the", "this", "was"),
        *("matched", "with", "those", "values", "provided"),
    }
)
"""The words of a 404 that says no more than its status does."""


def is_refusal(error: AIMLAPIError, model: str) -> bool:
    """Tell whether an error means that this model is not served at this endpoint.

    That is a 404 or 405 that says nothing else, or an error whose text speaks of the model as one
    that is not served. A wrong parameter, a wrong key, a rate limit or a fault never is, nor is a
    404 about something else, such as an image that could not be fetched.
    """
    if not isinstance(error, (AIMLAPINotFoundError, AIMLAPIInvalidRequestError)):
        return False
    if isinstance(error, AIMLAPIContextOverflowError):
        return False
    words = words_of(*clean_body(error.body or "", ()))
    if says_no_model(words, model) or _REFUSAL.search(words):
        return error.status_code in {400, 404, 405, 422}
    is_bare = _BARE_404.issuperset(re.findall(r"[a-z]+", words.lower()))
    return isinstance(error, AIMLAPINotFoundError) and (
        is_bare or error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    )
