"""The names and ranges of request parameters: checked before money is spent, never blocking.

Ranges are those of the vendor's published request schemas of the four models (2026-08). A gateway
newer than this package may allow more, so by default a doubt is a warning and the request is sent.
"""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING, Any, Literal

from langchain_aimlapi.data._profiles import PROFILES, UNDOCUMENTED_PARAMETERS
from langchain_aimlapi.errors import AIMLAPIConfigurationError, AIMLAPIInvalidRequestError
from langchain_aimlapi.profiles import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

ALIASES = {
    "model_name": "model",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "request_timeout": "timeout",
    "stop_sequences": "stop",
    "aimlapi_api_key": "api_key",
    "aimlapi_api_base": "base_url",
}
"""Names that users bring from other integrations, and what they are called here."""

REQUEST_PARAMETERS = frozenset(
    {
        # Documented for these models on chat completions.
        *("model", "max_tokens", "temperature", "top_p", "n", "seed", "logprobs", "top_logprobs"),
        *("reasoning_effort", "response_format", "tools", "tool_choice", "parallel_tool_calls"),
        *("stream_options", "stop"),
        # Documented for these models on responses.
        *("reasoning", "include", "instructions", "store", "previous_response_id", "truncation"),
        *("background", "prompt", "text"),
        # Known to the gateway from its schema of a sister model; sent as they are.
        *("frequency_penalty", "presence_penalty", "logit_bias", "prediction"),
        *("web_search_options", "provider", "normalize_tool_schemas"),
        # Known upstream; agents and middleware pass them.
        *("user", "metadata", "service_tier", "verbosity", "prompt_cache_key"),
        *("prompt_cache_retention", "safety_identifier", "max_tool_calls"),
    }
)
"""What may be passed with a call or bound to a model."""

_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "temperature": (lambda value: 0 <= value <= 2, "from 0 to 2"),  # noqa: PLR2004
    "top_p": (lambda value: 0.01 <= value <= 1, "from 0.01 to 1 (0 is refused)"),  # noqa: PLR2004
    "max_tokens": (lambda value: value >= 1, "1 or more"),
    "n": (lambda value: value >= 1, "1 or more"),
    "seed": (lambda value: value >= 1, "1 or more (0 is refused)"),
    "top_logprobs": (lambda value: 0 <= value <= 20, "from 0 to 20"),  # noqa: PLR2004
}


def _ranges(efforts: Sequence[str]) -> dict[str, tuple[Callable[[Any], bool], str]]:
    """Return the ranges for a model that takes these reasoning efforts."""
    words = " or ".join(f'"{effort}"' for effort in efforts)
    return {**_RANGES, "reasoning_effort": (lambda value: value in efforts, words)}


_RANGES_OF = {
    model: _ranges(profile.get("reasoning_effort_levels", ()))
    for model, profile in PROFILES.items()
}


def rename_aliases(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the arguments under their real names.

    Args:
        values: Arguments as given.
        where: What they were given to, for the error.

    Raises:
        AIMLAPIConfigurationError: Two spellings of one argument with different values.
    """
    renamed = {name: value for name, value in values.items() if name not in ALIASES}
    for alias, value in values.items():
        name = ALIASES.get(alias)
        if name is None:
            continue
        if name in renamed and renamed[name] is not value and renamed[name] != value:
            raise AIMLAPIConfigurationError(
                f"{where} got both {name!r} and {alias!r}, with different values. They are the "
                f"same parameter: pass {name!r} alone."
            )
        renamed[name] = value
    return renamed


def refuse_unknown(
    names: Iterable[str], known: Collection[str], where: str, fields: Collection[str] = ()
) -> None:
    """Refuse an argument that nobody knows, and name what helps: never what is refused as well.

    The values are not shown: one of them may be a key.

    Args:
        names: The arguments that were given, aliases renamed.
        known: Those that can be taken here.
        where: What they were given to, for the error.
        fields: Those that the model takes when it is made, where that is another place.

    Raises:
        AIMLAPIConfigurationError: A name is not in `known`.
    """
    for name in names:
        if name not in known:
            raise AIMLAPIConfigurationError(
                f"{where} has no parameter {name!r}. {_hint(name, known, fields)}"
            )


def _hint(name: str, known: Collection[str], fields: Collection[str]) -> str:
    if name in fields:
        return f"It belongs to the model: pass {name}=… when you make it."
    if name in REQUEST_PARAMETERS:
        return f"The API may take it: pass model_kwargs={{{name!r}: …}}."
    spellings = [*known, *fields, *(alias for alias, real in ALIASES.items() if real in known)]
    if not (nearest := difflib.get_close_matches(name, spellings, n=1)):
        return "Parameters that this package does not know go into extra_body."
    is_elsewhere = nearest[0] in fields and nearest[0] not in known
    where = ", which you pass when you make the model" if is_elsewhere else ""
    return f"Did you mean {nearest[0]!r}{where}?"


def check_values(
    model: str, params: Mapping[str, Any], mode: Literal["warn", "error", "off"]
) -> None:
    """Name values that the vendor's schema of the model rules out.

    Args:
        model: The model's id; models that this package does not know are not checked.
        params: Parameters in chat completions terms.
        mode: "warn" warns and lets the request go, "error" raises, "off" does nothing.

    Raises:
        AIMLAPIInvalidRequestError: A value is ruled out and `mode` is "error".
    """
    model = canonical(model)
    if mode == "off" or model not in UNDOCUMENTED_PARAMETERS:
        return
    for doubt in _doubts(model, params):
        if mode == "error":
            raise AIMLAPIInvalidRequestError(f"{doubt} Nothing was sent.")
        warnings.warn(
            f'{doubt} It was sent all the same; validate_params="error" refuses it, "off" keeps '
            "quiet.",
            stacklevel=2,
        )


def _doubts(model: str, params: Mapping[str, Any]) -> Iterable[str]:
    undocumented, ranges = UNDOCUMENTED_PARAMETERS[model], _RANGES_OF[model]
    for name, value in params.items():
        if name in undocumented:
            yield f"{name} is not documented for {model}."
        elif name in ranges:
            allowed, words = ranges[name]
            if not _holds(allowed, value):
                yield f"{name}={value!r} is outside what {model} takes: {words}."
    if params.get("top_logprobs") is not None and not params.get("logprobs"):
        yield "top_logprobs needs logprobs=True."


def _holds(allowed: Callable[[Any], bool], value: Any) -> bool:
    try:
        return allowed(value)
    except TypeError:
        return False
