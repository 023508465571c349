"""A codex model gets the profile that deepagents tuned for Codex; without deepagents, nothing."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType

import pytest

import langchain_aimlapi
from langchain_aimlapi import ChatAIMLAPI, deepagents_profiles
from langchain_aimlapi.codex import apply_patch, shell_command
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall
from tests.unit_tests.test_architecture import OURS, loaded_by, own_imports

MODULE = "deepagents_profiles"
REGISTRY = "deepagents.profiles.harness.harness_profiles"
CODEX = ["openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini"]


@pytest.fixture
def registry():
    return pytest.importorskip(REGISTRY, reason="deepagents is not installed")


def profile_of(registry: ModuleType, model: str):
    return registry._harness_profile_for_model(ChatAIMLAPI(model=model, api_key="key"), None)


def prompt_sent(model: str) -> str:
    """Return the system prompt that an agent of deepagents gives to a model."""
    from deepagents import create_deep_agent

    emulator = Emulator().script(Reply("Done."))
    agent = create_deep_agent(ChatAIMLAPI(model=model, **emulator.connection()))
    agent.invoke({"messages": [("user", "Do it.")]})
    system = emulator.requests[0].json["messages"][0]
    parts = system["content"] if system["role"] == "system" else ""
    return parts if isinstance(parts, str) else "".join(part["text"] for part in parts)


# --- with deepagents ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", CODEX)
def test_a_codex_model_has_the_tuned_profile(registry, model):
    tuned = registry._get_harness_profile("openai:gpt-5.1-codex")
    found = profile_of(registry, model)
    said, rest, after = tuned.system_prompt_suffix.partition("## Parallel Tool Use")
    assert rest
    assert found.system_prompt_suffix == said + after[after.index("## ") :]
    kinds = [type(middleware) for middleware in found.materialize_extra_middleware()]
    assert kinds[:-1] == [type(middleware) for middleware in tuned.materialize_extra_middleware()]


@pytest.mark.parametrize("model", [*CODEX, "openai/gpt-5-1"])
async def test_a_codex_model_works_with_its_own_tools_one_call_at_a_time(registry, model, tmp_path):
    from deepagents import create_deep_agent

    patch = "*** Begin Patch\n*** Add File: a.txt\n+Hello\n*** End Patch"
    emulator = Emulator().script(
        Reply(tool_calls=[ToolCall("apply_patch", {"__arg1": patch})]),
        Reply(tool_calls=[ToolCall("shell_command", {"command": "cat a.txt"})]),
        Reply("Written."),
    )
    llm = ChatAIMLAPI(
        model=model, use_responses_api=True, validate_params="off", **emulator.connection()
    )
    tools = [apply_patch(tmp_path), shell_command(tmp_path)]
    state = await create_deep_agent(llm, tools).ainvoke({"messages": [("user", "Write.")]})
    emulator.assert_done()
    assert state["messages"][-2].content == "Exit code: 0\nOutput:\nHello\n"
    for request in emulator.requests:
        offered = {tool["name"] for tool in request.json["tools"]}
        assert offered >= {"apply_patch", "shell_command", "read_file"}
        assert offered.isdisjoint({"edit_file", "write_file"}) is ("codex" in model)
        assert request.json.get("parallel_tool_calls") is (False if "codex" in model else None)


@pytest.mark.parametrize("model", ["openai/gpt-5-1", "openai/gpt-5-1-chat-latest", "o3"])
def test_the_other_models_have_none(registry, model):
    assert profile_of(registry, model) == registry.HarnessProfile()


def test_an_agent_gets_what_the_profile_says(registry):
    said = profile_of(registry, CODEX[0]).system_prompt_suffix
    assert said in prompt_sent(CODEX[0])
    assert said not in prompt_sent("openai/gpt-5-1")


def test_what_the_user_registers_comes_on_top(registry, monkeypatch):
    monkeypatch.setattr(registry, "_HARNESS_PROFILES", dict(registry._HARNESS_PROFILES))
    before = profile_of(registry, CODEX[0])
    mine = registry.HarnessProfile(excluded_tools=frozenset({"grep"}))
    registry.register_harness_profile(f"aimlapi:{CODEX[0]}", mine)
    after = profile_of(registry, CODEX[0])
    assert after.excluded_tools == {"grep"}
    assert after.system_prompt_suffix == before.system_prompt_suffix


async def test_an_agent_calls_its_tools(registry):
    from deepagents import create_deep_agent

    emulator = Emulator().script(
        Reply(tool_calls=[ToolCall("write_file", {"file_path": "/a.txt", "content": "Hello"})]),
        Reply("Written."),
    )
    agent = create_deep_agent(ChatAIMLAPI(model=CODEX[0], **emulator.connection()))
    state = await agent.ainvoke({"messages": [("user", "Write a file.")]})
    assert state["messages"][-1].text == "Written."
    assert list(state["files"]) == ["/a.txt"]
    emulator.assert_done()


# --- with another deepagents, or none -------------------------------------------------------------


def other(**names) -> ModuleType:
    module = ModuleType(REGISTRY)
    vars(module).update(names)
    return module


@dataclass(frozen=True)
class Tuned:
    """A stand-in for deepagents' profile."""

    system_prompt_suffix: str | None = "Act."
    extra_middleware: object = ()

    def materialize_extra_middleware(self) -> list:
        return list(self.extra_middleware)


def refuse(key, profile):
    raise ValueError("a stricter key")


@pytest.mark.parametrize(
    "found",
    [
        None,
        other(),
        other(_HARNESS_PROFILES={}),
        other(_HARNESS_PROFILES={"openai:gpt-5.1-codex": "tuned"}),
        other(_HARNESS_PROFILES={"openai:gpt-5.1-codex": Tuned()}),
        other(_HARNESS_PROFILES={"openai:gpt-5.1-codex": Tuned()}, register_harness_profile=refuse),
    ],
    ids=["none", "no registry", "no profile", "another profile", "no way to register", "refused"],
)
def test_nothing_is_registered_and_nothing_raised(found, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, REGISTRY, found)
    with caplog.at_level(logging.INFO, "langchain_aimlapi"):
        deepagents_profiles.register()
    assert "not available" in caplog.text


def test_both_codex_models_are_registered(monkeypatch):
    kept = {"openai:gpt-5.1-codex": Tuned()}
    module = other(_HARNESS_PROFILES=kept, register_harness_profile=kept.__setitem__)
    monkeypatch.setitem(sys.modules, REGISTRY, module)
    deepagents_profiles.register()
    assert list(kept) == ["openai:gpt-5.1-codex", *(f"aimlapi:{model}" for model in CODEX)]
    assert {profile.system_prompt_suffix for profile in kept.values()} == {"Act."}


def test_the_entry_point_is_declared():
    [found] = entry_points(group="deepagents.harness_profiles", name="aimlapi")
    assert found.load() is deepagents_profiles.register


def test_nothing_imports_it():
    assert {name for name in OURS if MODULE in own_imports(name)} == set()
    loaded = loaded_by("for name in langchain_aimlapi.__all__: getattr(langchain_aimlapi, name)")
    assert f"{langchain_aimlapi.__name__}.{MODULE}" not in loaded
    assert not any(name.partition(".")[0] == "deepagents" for name in loaded)


def test_importing_it_does_not_import_deepagents():
    loaded = loaded_by(f"import langchain_aimlapi.{MODULE}")
    assert not any(name.partition(".")[0] == "deepagents" for name in loaded)
