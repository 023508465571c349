"""What a call says of itself beside the API's parameters: headers, times, retries.

What it says is checked before anything is sent. Some of it is nobody else's business: whose tenant
a call is for, or how long somebody waits for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._model.parameters import CALL_OPTIONS, rename_aliases, translated
from langchain_aimlapi.errors import AIMLAPIConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


def of_call(kwargs: Mapping[str, Any], stop: Any = None) -> dict[str, Any]:
    """Return the keywords of a call under their real names, without what says nothing.

    Args:
        kwargs: The keywords.
        stop: The stop sequences, which LangChain hands over beside them.

    Raises:
        AIMLAPIConfigurationError: Two spellings of one argument with different values, or an option
            of another kind.
    """
    given = rename_aliases(translated(kwargs), "The call") if kwargs else {}
    if stop is not None:
        given["stop"] = stop
    given = {
        name: value for name, value in given.items() if value is not None or name not in _SILENT
    }
    check_options(given)
    return given


class HiddenValues(Mapping[str, Any]):
    """Headers or a query of calls: sent, but shown by their names alone.

    Bound keywords stand in reprs, dumps and traces; whose tenant a call is for need not.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Keep a copy of the values."""
        self._values = {
            str(name): [str(one) for one in value]
            if isinstance(value, (list, tuple))
            else str(value)
            for name, value in values.items()
        }

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)

    def __repr__(self) -> str:
        """Show the names."""
        return f"<values of {', '.join(self._values)} hidden>"

    def digest(self) -> str:
        """Return what tells these values from others, for cache keys."""
        return hashlib.sha256(repr(sorted(self._values.items())).encode()).hexdigest()


def checked_timeout(given: Any) -> Any:
    """Return a timeout that can be used.

    Raises:
        AIMLAPIConfigurationError: It is neither seconds nor `(connect, read)` nor httpx's own.
    """
    if given is None or hasattr(given, "connect"):
        return given
    try:
        if isinstance(given, tuple):
            if len(given) in {2, 4}:
                return tuple(None if each is None else float(each) for each in given)
        elif not isinstance(given, bool):
            return float(given)
    except (TypeError, ValueError):
        pass
    raise AIMLAPIConfigurationError(
        "timeout takes seconds, a tuple (connect, read) or an httpx.Timeout, not "
        f"{type(given).__name__}."
    )


def check_options(given: Mapping[str, Any]) -> None:
    """Refuse options of a call that are of another kind; values are not shown.

    Raises:
        AIMLAPIConfigurationError: One is.
    """
    for name, value in given.items():
        if name not in _KINDS or value is None:
            continue
        kind, words = _KINDS[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise AIMLAPIConfigurationError(f"{name} takes {words}, not {type(value).__name__}.")


def hidden(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of a call with the values of headers and query hidden."""
    return {
        name: HiddenValues(value)
        if name in _HIDDEN and isinstance(value, Mapping) and not isinstance(value, HiddenValues)
        else value
        for name, value in kwargs.items()
    }


def for_cache(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a call that tell its answer from another's."""
    return {
        name: value.digest() if isinstance(value, HiddenValues) else value
        for name, value in hidden(kwargs).items()
        if name not in _NOT_IN_KEYS
    }


_SILENT = CALL_OPTIONS | {"model", "stop"}
"""What None says nothing for."""
_HIDDEN = frozenset({"extra_headers", "extra_query"})
_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("extra_headers", "extra_query"), (Mapping, "a dict of names and values")),
    **dict.fromkeys(("extra_body", "reasoning", "text", "prompt"), (Mapping, "a dict")),
    **dict.fromkeys(("n", "max_retries"), (int, "a whole number")),
    "deadline": ((int, float), "seconds"),
    "model": (str, "a model's id"),
    "stop": ((str, list, tuple), "a text or a list of them"),
}
"""Options and parameters of a call that this package itself reads, and what they must be."""
# An id that differs from call to call would keep every call from the cache; how long somebody
# waits does not change the answer.
_NOT_IN_KEYS = frozenset(
    {"client_request_id", "timeout", "request_timeout", "deadline", "max_retries"}
)
