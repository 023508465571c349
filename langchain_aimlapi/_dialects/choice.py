"""Which endpoint a call goes to.

The owner's document of the API shows chat completions for all four models; the vendor's newer pages
(2026-08) serve the codex models on responses only. Which holds when a user calls is learned: chat
completions first, and if the gateway refuses the model or the endpoint the same turn goes to
responses, which is remembered for this address and model as long as the process lives. A refused
request is not billed. `forget` clears the memory.
"""

from __future__ import annotations

import logging
import re
import time
import weakref
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._dialects.chat_completions import ChatCompletionsDialect
from langchain_aimlapi._dialects.responses import ResponsesDialect
from langchain_aimlapi._wire.error_text import clean_body
from langchain_aimlapi._wire.error_text import said as words_of
from langchain_aimlapi.errors import (
    AIMLAPIContextOverflowError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
)
from langchain_aimlapi.profiles import endpoint_is_in_doubt, endpoints_for

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

_learned: dict[tuple[str, str], str] = {}
_probes: dict[tuple[str, str], _Probe] = {}
_PROBE_PATIENCE = 2.0  # seconds; a refusal comes at once, an answer may take minutes
_PROBE_POLL = 0.02  # seconds

_REFUSAL = re.compile(
    r"\bresponses\b|\bendpoint\b|chat/completions|not a chat model"
    r"|\bmodel\b[^.]*\b(not found|not supported|unsupported|not available|does not exist)"
    r"|\b(unknown|invalid|unsupported) model\b",
    re.IGNORECASE,
)


class _Probe:
    """A call that finds out where a model is served; it may die without a word."""

    def __init__(self, choice: Choice) -> None:
        self.choice = weakref.ref(choice)
        self._until = time.monotonic() + _PROBE_PATIENCE

    def may_still_tell(self) -> bool:
        return self.choice() is not None and time.monotonic() < self._until


def forget() -> None:
    """Forget what was learned, as a new process would."""
    _learned.clear()
    _probes.clear()


class Choice:
    """The dialect of one call, and what to do when the gateway refuses it."""

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
        self._open = False
        if use_responses_api is None and not needs_responses(params):
            preferred = _learned.get(self._key)
            names = sorted(endpoints_for(model), key=lambda name: name != preferred)
            self._open = preferred is None and endpoint_is_in_doubt(model)
        else:
            names = ["chat_completions" if use_responses_api is False else "responses"]
        self._names = names
        self.refusal: AIMLAPIError | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect to speak now."""
        return _DIALECTS[self._names[0]]

    def wait(self) -> float:
        """Return the seconds to wait before sending, while another call finds out where to send.

        So a burst of first calls costs one refused request, not one each. The wait ends after two
        seconds: a refusal would have come by then.
        """
        if not self._open:
            return 0.0
        if preferred := _learned.get(self._key):
            self._names.sort(key=lambda name: name != preferred)
        elif (probe := _probes.setdefault(self._key, mine := _Probe(self))) is not mine:
            if probe.may_still_tell():
                return _PROBE_POLL
            _probes[self._key] = mine
        self._open = False
        return 0.0

    def accepted(self) -> None:
        """Note that the gateway took the request."""
        name = self._names[0]
        self.end_probe()
        if _learned.get(self._key) == name or not (
            self.refusal or endpoint_is_in_doubt(self._model)
        ):
            return
        _learned[self._key] = name
        if self.refusal is not None:
            _log.info("%s is served on %s here; further calls go there.", self._model, name)

    def refused(self, error: AIMLAPIError) -> bool:
        """Tell whether the call should go to another endpoint, and turn to it."""
        if len(self._names) == 1 or not is_refusal(error, self._model):
            return False
        self._names = self._names[1:]
        self.refusal = error
        return True

    def end_probe(self) -> None:
        """End the probe, if it is this call's: another may find out."""
        if (probe := _probes.get(self._key)) is not None and probe.choice() is self:
            _probes.pop(self._key, None)


def needs_responses(params: Mapping[str, Any]) -> bool:
    """Tell whether a call asks for something that only the responses endpoint has."""
    return (
        not _RESPONSES_ONLY.isdisjoint(params)
        or "summary" in (params.get("reasoning") or {})
        or any(tool["type"] not in {"function", "custom"} for tool in params.get("tools", ()))
    )


def is_refusal(error: AIMLAPIError, model: str) -> bool:
    """Tell whether an error means that this model is not served at this endpoint.

    That is a 404 or 405, or a 400 or 422 whose text speaks of the endpoint or of the model as one
    that does not exist there: in how many words the gateway says so is not documented. A wrong
    parameter, a wrong key, a rate limit or a fault never is.
    """
    if isinstance(error, AIMLAPINotFoundError):
        return True
    if not isinstance(error, AIMLAPIInvalidRequestError) or isinstance(
        error, AIMLAPIContextOverflowError
    ):
        return False
    if error.status_code not in {400, 422}:
        return False
    text, data = clean_body(error.body or "", ())
    said = words_of(data) or text
    received = re.search(rf"received\s+['\"]?{re.escape(model)}\b", said)
    return bool(_REFUSAL.search(said) or received)
