"""Model profiles: what LangChain may know of a model before asking it."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, cast

from langchain_aimlapi.data._profiles import ENDPOINT_IN_DOUBT, PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import ModelProfile

MODEL_PROVIDER = "aimlapi"
"""What messages, traces and LangChain's registries call the API."""


_LISTS = {name for known in PROFILES.values() for name in known if isinstance(known[name], list)}
"""Facts that a caller could change in place."""


PROFILE_KEYS = frozenset().union(*PROFILES.values())
"""What our profiles tell."""


def profile_for(model: str) -> ModelProfile | None:
    """Return the profile of a model.

    Args:
        model: The id, such as `openai/gpt-5-1-codex`.

    Returns:
        A new dict, or None for a model that this package does not know.
    """
    if (known := known_profile(model)) is None:
        return None
    profile = dict(known)
    for name in _LISTS:
        if name in profile:
            profile[name] = [*profile[name]]
    return cast("ModelProfile", profile)


def known_profile(model: str) -> Mapping[str, Any] | None:
    """Return the one profile of a model that is kept here, to look at; None as in `profile_for`."""
    return PROFILES.get(canonical(model))


def endpoint_is_in_doubt(model: str) -> bool:
    """Tell whether the sources differ on whether chat completions serves a model."""
    return canonical(model) in ENDPOINT_IN_DOUBT


def canonical(model: str) -> str:
    """Spell `gpt-5.1` as `gpt-5-1`: the vendor's own integrations write both."""
    return model.replace("gpt-5.1", "gpt-5-1")


def nearest_models(model: str) -> list[str]:
    """Return the ids of the four models, those that are spelled most like `model` first."""
    wanted = _bare(model)
    return sorted(
        PROFILES,
        key=lambda known: SequenceMatcher(None, _bare(known), wanted).ratio(),
        reverse=True,
    )


def _bare(model: str) -> str:
    """Return an id without its provider, and with dashes alone: that is where users err."""
    return re.sub(r"[\W_]+", "-", model.rpartition("/")[2].lower())
