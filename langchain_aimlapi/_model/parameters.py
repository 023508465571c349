"""The names and ranges of request parameters: checked before money is spent, never blocking.

Ranges are those of the vendor's published request schemas of the four models (2026-08). A gateway
newer than this package may allow more, so by default a doubt is a warning and the request is sent.
"""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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
    "openai_api_key": "api_key",
    "openai_api_base": "base_url",
    "openai_proxy": "proxy",
}
"""Names that users bring from other integrations, and what they are called here."""

NAMES_WHEN_MADE = {
    **ALIASES,
    "extra_headers": "default_headers",
    "extra_query": "default_query",
    "stream": "streaming",
    "functions": "tools",
    "function_call": "tool_choice",
}
"""What else is called otherwise when a model is made."""


class Place(NamedTuple):
    """Where a parameter goes, and which models document it; None where it has no place."""

    chat_completions: str | None
    responses: str | None
    documented: tuple[str, ...] = ()


_ALL = tuple(PROFILES)
_MAIN, _CHAT, _CODEX, _MINI = _ALL
_THINKING = (_MAIN, _CODEX, _MINI)

PARAMETERS: dict[str, Place] = {
    "model": Place("model", "model", _ALL),
    "max_tokens": Place("max_completion_tokens", "max_output_tokens", _ALL),
    "temperature": Place("temperature", "temperature", (_MAIN,)),
    "top_p": Place("top_p", "top_p", (_MAIN,)),
    "n": Place("n", None, (_MAIN, _CHAT)),
    "seed": Place("seed", None, (_MAIN, _CHAT)),
    "logprobs": Place("logprobs", None, (_MAIN,)),
    "top_logprobs": Place("top_logprobs", None, (_MAIN,)),
    "reasoning_effort": Place("reasoning_effort", "reasoning.effort", _THINKING),
    "response_format": Place("response_format", "text.format", _ALL),
    "tools": Place("tools", "tools", _ALL),
    "tool_choice": Place("tool_choice", "tool_choice", _ALL),
    "parallel_tool_calls": Place("parallel_tool_calls", "parallel_tool_calls", _ALL),
    "stream_options": Place("stream_options", None, (_MAIN, _CHAT)),
    "reasoning": Place("reasoning_effort", "reasoning", _THINKING),
    **{
        # On responses alone: each of them selects that endpoint.
        name: Place(None, name, _ALL)
        for name in (
            *("include", "instructions", "store", "previous_response_id", "truncation"),
            *("background", "prompt", "text"),
        )
    },
    "stop": Place("stop", "stop"),
    "verbosity": Place("verbosity", "text.verbosity"),
    **{
        name: Place(name, name)
        for name in (
            # Known to the gateway from its schema of a sister model; sent as they are.
            *("frequency_penalty", "presence_penalty", "logit_bias", "prediction"),
            *("web_search_options", "provider", "normalize_tool_schemas"),
            # Known upstream; agents and middleware pass them.
            *("user", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_options"),
            *("prompt_cache_retention", "safety_identifier", "max_tool_calls"),
            # Of models that speak; doubted for the four, which write.
            *("audio", "modalities"),
        )
    },
}
"""What may be passed with a call, bound to a model, or given when it is made."""

REQUEST_PARAMETERS = frozenset(PARAMETERS)

CALL_OPTIONS = frozenset(
    {
        *("stream", "stream_usage", "client_request_id", "extra_body", "extra_headers"),
        *("extra_query", "timeout", "deadline", "max_retries"),
    }
)
"""What may be passed with a call or bound to a model for this package, not for the API."""

_WHEN_MADE = "when you make the model"
_ELSEWHERE = "none of the four models documents it, and others may take it"
_ADVICE = {
    "client": f"Pass an httpx.Client as http_client {_WHEN_MADE}.",
    "async_client": f"Pass an httpx.AsyncClient as http_async_client {_WHEN_MADE}.",
    "http_socket_options": (
        f"Pass an httpx.Client with a transport of your own as http_client {_WHEN_MADE}."
    ),
    "organization": "The API has no organizations: leave it out.",
    "tiktoken_model_name": f"Pass custom_get_token_ids {_WHEN_MADE} to count with a tokenizer.",
    "app_url": f"Pass default_headers={{'HTTP-Referer': …}} {_WHEN_MADE}.",
    "app_title": f"Pass default_headers={{'X-Title': …}} {_WHEN_MADE}.",
    "app_categories": "It is OpenRouter's, for its rankings of applications: leave it out.",
    "openrouter_api_key": f"Pass api_key=… {_WHEN_MADE}.",
    "openrouter_api_base": f"Pass base_url=… {_WHEN_MADE}.",
    "openrouter_provider": "Pass provider=….",
    "route": "It is OpenRouter's: fall back to another model with with_fallbacks([…]).",
    "plugins": "It is OpenRouter's: this API has built-in tools, which go into tools=[…].",
    "session_id": "Pass prompt_cache_key=… for calls that begin alike, user=… for one person's.",
    "trace": "It is OpenRouter's: traces get their metadata from config={'metadata': {…}}.",
    "idle_timeout": f"Pass stream_chunk_timeout=… {_WHEN_MADE}.",
    "extra_headers": "Did you mean 'default_headers'?",
    "extra_query": "Did you mean 'default_query'?",
    "stream": "Did you mean 'streaming'?",
    "strict": "Pass strict=… to bind_tools or with_structured_output.",
    "messages": "Messages are what invoke, stream and batch take first.",
    "context_management": (
        'Pass truncation="auto", or summarise long conversations with SummarizationMiddleware.'
    ),
    "conversation": "Pass previous_response_id=…, or use_previous_response_id=True with the model.",
    "moderation": f"Pass extra_body={{'moderation': …}}: {_ELSEWHERE}.",
    "background_options": "An answer of the background is still queued: leave it out.",
    "access_programs": f"Pass extra_body={{'access_programs': …}}: {_ELSEWHERE}.",
    "image": "Pictures stand in messages, as blocks of type image.",
    "output_modalities": "Pass modalities=[…].",
}
_ADVICE |= {
    "root_client": _ADVICE["client"],
    "root_async_client": _ADVICE["async_client"],
    "openai_organization": _ADVICE["organization"],
    "input": _ADVICE["messages"],
    **{
        name: f"Pass extra_body={{'{name}': …}}: {_ELSEWHERE}."
        for name in ("top_k", "top_a", "min_p", "repetition_penalty", "thinking")
    },
}
"""What to do in place of what peers take and this package refuses; true wherever it is shown."""

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
    if ALIASES.keys().isdisjoint(values):
        return dict(values)
    renamed = {name: value for name, value in values.items() if name not in ALIASES}
    for alias, value in values.items():
        name = ALIASES.get(alias)
        if name is None:
            continue
        known = renamed.get(name)
        if known is None or value is None:  # None is no word about it
            renamed[name] = value if known is None else known
            continue
        if known is not value and known != value:
            raise AIMLAPIConfigurationError(
                f"{where} got both {name!r} and {alias!r}, with different values. They are the "
                f"same parameter: pass {name!r} alone."
            )
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
    if name in _ADVICE:
        return _ADVICE[name]
    if name in fields:
        return f"It belongs to the model: pass {name}=… when you make it."
    spellings = [*known, *fields, *(alias for alias, real in ALIASES.items() if real in known)]
    if not (nearest := difflib.get_close_matches(name, spellings, n=1, cutoff=0.75)):
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
        sent = 'It was sent all the same; validate_params="error" refuses it, "off" keeps quiet.'
        _object(mode, doubt, f"{doubt} {sent}")


def check_endpoint(
    endpoint: str, params: Mapping[str, Any], mode: Literal["warn", "error", "off"]
) -> None:
    """Name what the vendor documents nowhere for the endpoint of a call.

    Parameters that have no place there are left out. Tools of free text are sent, as the upstream
    documents them; on chat completions they are functions.

    Raises:
        AIMLAPIInvalidRequestError: There is such a thing and `mode` is "error".
    """
    if mode == "off":
        return
    if endpoint != "responses":
        if any(tool.get("defer_loading") for tool in params.get("tools", ())):
            lost = "defer_loading of tools has no place on chat completions"
            _object(mode, f"{lost}.", f"{lost} and was left out.")
        return
    if names := [tool["name"] for tool in params.get("tools", ()) if tool["type"] == "custom"]:
        said = f"Custom tools ({', '.join(names)}) are not documented but by the API's upstream."
        sent = (
            'They were sent all the same; validate_params="error" refuses them, "off" keeps quiet.'
        )
        _object(mode, said, f"{said} {sent}")
    for name in params:
        if name in _WITHOUT_RESPONSES:
            lost = f"{name} has no place on the responses endpoint"
            _object(mode, f"{lost}.", f"{lost} and was left out.")


def _object(mode: Literal["warn", "error"], refusal: str, warning: str) -> None:
    """Refuse a call, or let it go with a warning."""
    if mode == "error":
        raise AIMLAPIInvalidRequestError(f"{refusal} Nothing was sent.")
    warnings.warn(warning, stacklevel=3)


_WITHOUT_RESPONSES = frozenset({"seed", "logprobs", "top_logprobs"})


def translated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Say in today's words what `functions` and `function_call` said."""
    kwargs = dict(given)
    if "functions" not in kwargs and "function_call" not in kwargs:
        return kwargs
    functions, call = kwargs.pop("functions", None), kwargs.pop("function_call", None)
    if functions:
        kwargs.setdefault("tools", functions)
    if call:
        kwargs.setdefault("tool_choice", call.get("name") if isinstance(call, dict) else call)
    return kwargs


def _doubts(model: str, params: Mapping[str, Any]) -> Iterable[str]:
    undocumented, ranges = UNDOCUMENTED_PARAMETERS[model], _RANGES_OF[model]
    effort = (params.get("reasoning") or {}).get("effort")
    if effort is not None and "reasoning" not in undocumented:
        params = {"reasoning_effort": effort, **params}
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
