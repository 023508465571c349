"""The harness profile that deepagents tuned for Codex, under the names the codex models have here.

deepagents looks its profiles up by `provider:model` and keys them `openai:...`, so a `ChatAIMLAPI`
would go without. It finds `register` by the entry point `deepagents.harness_profiles` and calls it
before it first looks a profile up. Nothing of this package imports this module.
"""

from __future__ import annotations

import logging
from importlib import import_module

from langchain_aimlapi.data._profiles import PROFILES

_log = logging.getLogger("langchain_aimlapi")

_TUNED = "openai:gpt-5.1-codex"


def register() -> None:
    """Register deepagents' own Codex profile for `ChatAIMLAPI` with a codex model.

    What a user registers under these keys is merged on top by deepagents. Where its registry is not
    as expected, nothing is registered: an agent without the profile works, a raise would not.
    """
    try:
        # There is no public way to read the registry; these names are the same since 0.5.4.
        registry = import_module("deepagents.profiles.harness.harness_profiles")
        tuned = registry._HARNESS_PROFILES[_TUNED]  # noqa: SLF001
        for model in PROFILES:
            if "codex" in model:
                registry.register_harness_profile(f"aimlapi:{model}", tuned)
    except (ImportError, LookupError, AttributeError, TypeError, ValueError) as error:
        _log.info("deepagents' Codex profile is not available here: %s", error)
