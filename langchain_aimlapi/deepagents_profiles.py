"""The harness profile that deepagents tuned for Codex, under the names the codex models have here.

deepagents looks its profiles up by `provider:model` and keys them `openai:...`, so a `ChatAIMLAPI`
would go without. It finds `register` by the entry point `deepagents.harness_profiles` and calls it
before it first looks a profile up. Nothing of this package imports this module.

Two things differ from deepagents' own. The codex models were trained to make one call at a time
(Codex CLI, 2025-11), so parallel calls are switched off, and the prompt does not ask for them. And
where an agent has `apply_patch` or `shell_command`, the tools of deepagents that do the same are
not offered beside them.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from importlib import import_module
from typing import Any

from langchain_aimlapi.data._profiles import PROFILES

_log = logging.getLogger("langchain_aimlapi")

_TUNED = "openai:gpt-5.1-codex"
_PARALLEL = re.compile(r"## Parallel Tool Use\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_INSTEAD = {"apply_patch": {"edit_file", "write_file"}, "shell_command": {"execute"}}
"""Tools that codex models were trained with, and those of deepagents that do the same."""


def register() -> None:
    """Register deepagents' Codex profile, fitted, for `ChatAIMLAPI` with a codex model.

    What a user registers under these keys is merged on top by deepagents. Where its registry is not
    as expected, nothing is registered: an agent without the profile works, a raise would not.
    """
    try:
        # There is no public way to read the registry; these names are the same since 0.5.4.
        registry = import_module("deepagents.profiles.harness.harness_profiles")
        profile = _fitted(registry._HARNESS_PROFILES[_TUNED])  # noqa: SLF001
        for model in PROFILES:
            if "codex" in model:
                registry.register_harness_profile(f"aimlapi:{model}", profile)
    except (ImportError, LookupError, AttributeError, TypeError, ValueError) as error:
        _log.info("deepagents' Codex profile is not available here: %s", error)


def _fitted(tuned: Any) -> Any:
    """Return the profile with one call at a time, and with the tools of the models."""
    agents = import_module("langchain.agents.middleware")

    class CodexToolsMiddleware(agents.AgentMiddleware):  # type: ignore[name-defined,misc]
        """Asks for one call at a time, and offers no two tools that do the same."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(_fitting(request))

        async def awrap_model_call(self, request: Any, handler: Any) -> Any:
            return await handler(_fitting(request))

    return dataclasses.replace(
        tuned,
        system_prompt_suffix=_PARALLEL.sub("", tuned.system_prompt_suffix or "") or None,
        extra_middleware=lambda: [*tuned.materialize_extra_middleware(), CodexToolsMiddleware()],
    )


def _fitting(request: Any) -> Any:
    names = [getattr(tool, "name", None) for tool in request.tools]
    hidden = set().union(*(_INSTEAD[name] for name in names if name in _INSTEAD))
    tools = [tool for tool, name in zip(request.tools, names, strict=True) if name not in hidden]
    settings = {"parallel_tool_calls": False, **request.model_settings}
    return request.override(tools=tools, model_settings=settings)
