"""What every test gets: a clean environment, an emulator, and a check on what it sends.

Whatever payload a test makes is validated against the request schemas that the vendor published,
where they are at hand. A test that sends nonsense on purpose is marked `nonsense` and not checked.
"""

from __future__ import annotations

import copy
import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Iterator

    from langchain_core.messages import AIMessageChunk

    from langchain_aimlapi import ChatAIMLAPI
    from langchain_aimlapi.emulator import Emulator

MODELS = (
    "openai/gpt-5-1",
    "openai/gpt-5-1-chat-latest",
    "openai/gpt-5-1-codex",
    "openai/gpt-5-1-codex-mini",
)
SPEC = Path(__file__).resolve().parents[2] / "shared" / "spec"
"""The vendor's schemas are kept beside the repository, not in it."""

_VARIABLES = (
    *("AIMLAPI_", "AIML_API_", "LANGSMITH", "LANGCHAIN_", "LC_OUTPUT_VERSION"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)


# How long an example takes, on whatever machine, decides nothing.
hypothesis.settings.register_profile(
    "without_time", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("without_time")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "nonsense: sends on purpose what the vendor's schemas do not allow"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens no socket: all that does not say that it does."""
    for item in items:
        if item.get_closest_marker("enable_socket") is None:
            item.add_marker("in_memory")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith(_VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _nothing_learned() -> Iterator[None]:
    """Let no test know from another which endpoint serves a model."""
    from langchain_aimlapi._dialects import routing

    routing.forget()
    yield
    routing.forget()


@pytest.fixture
def emulator() -> Emulator:
    from langchain_aimlapi.emulator import Emulator

    return Emulator()


@pytest.fixture
def llm(emulator: Emulator) -> ChatAIMLAPI:
    from langchain_aimlapi import ChatAIMLAPI

    return ChatAIMLAPI(model="openai/gpt-5-1", **emulator.connection())


def collect(stream: Iterable[AIMessageChunk]) -> AIMessageChunk:
    """Add up a stream that has at least one chunk."""
    chunks = list(stream)
    return functools.reduce(lambda left, right: left + right, chunks[1:], chunks[0])


async def acollect(stream: AsyncIterable[AIMessageChunk]) -> AIMessageChunk:
    """Add up an async stream that has at least one chunk."""
    return collect([chunk async for chunk in stream])


# --- ways to call --------------------------------------------------------------------------------

WAYS = ("invoke", "ainvoke", "stream", "astream")

ways = pytest.mark.parametrize("way", WAYS)
two_ways = pytest.mark.parametrize("way", ["invoke", "astream"])


async def call(llm: Any, way: str, prompt: Any = "Hello", **keywords: Any) -> Any:
    """Call a model one of these ways; a stream is added up."""
    match way:
        case "invoke":
            return llm.invoke(prompt, **keywords)
        case "ainvoke":
            return await llm.ainvoke(prompt, **keywords)
        case "stream":
            return collect(llm.stream(prompt, **keywords))
        case _:
            return await acollect(llm.astream(prompt, **keywords))


# --- what is sent -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _only_valid_payloads(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if request.node.get_closest_marker("nonsense") is not None or not SPEC.exists():
        yield
        return
    from langchain_aimlapi._turn import Turn

    sent: list[tuple[str, dict[str, Any]]] = []
    build = Turn._build_payload

    def recorded(turn: Turn) -> dict[str, Any]:
        payload = build(turn)
        sent.append((turn._path(), copy.deepcopy(payload)))
        return payload

    monkeypatch.setattr(Turn, "_build_payload", recorded)
    yield
    complaints = [complaint for path, payload in sent for complaint in complain(path, payload)]
    assert not complaints, "\n".join(complaints)


def complain(path: str, payload: dict[str, Any]) -> list[str]:
    """Say what the vendor's schema has against a payload; nothing for models without a schema."""
    validator = _validator(path, payload["model"])
    if validator is None:
        return []
    if path == "/responses" and "chat-latest" not in payload["model"]:
        payload = _without_images(payload)
    if path == "/responses":
        payload = _without_custom_tools(payload)
    return [
        f"{path} {error.json_path}: {error.message:.300}"
        for error in validator.iter_errors(payload)
    ]


@functools.cache
def _validator(path: str, model: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    if model not in MODELS:
        return None
    kind = {"/chat/completions": "chat", "/responses": "responses"}[path.partition("?")[0]]
    # The codex models have no schema for chat completions: they get that of openai/gpt-5-1.
    name = "openai/gpt-5-1" if kind == "chat" and "codex" in model else model
    file = SPEC / f"{name.removeprefix('openai/')}.{kind}.request.schema.json"
    schema = json.loads(file.read_text())
    schema["properties"]["model"] = {"const": model}
    return jsonschema.Draft202012Validator(schema)


def _without_custom_tools(payload: dict[str, Any]) -> dict[str, Any]:
    """Leave out custom tools and their calls: the upstream documents them, the vendor does not."""

    def documented(items: Any) -> Any:
        if not isinstance(items, list):
            return items
        return [item for item in items if not str(item.get("type", "")).startswith("custom")]

    choice = payload.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "custom":
        payload = {key: value for key, value in payload.items() if key != "tool_choice"}
    return {**payload, **{k: documented(payload[k]) for k in ("input", "tools") if k in payload}}


def _without_images(payload: Any) -> Any:
    """Put text in the place of images.

    The vendor's list of vision models has all four; its schema for images on responses, only one.
    """
    if isinstance(payload, list):
        return [_without_images(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    if payload.get("type") == "input_image":
        return {"type": "input_text", "text": payload["image_url"]}
    return {key: _without_images(value) for key, value in payload.items()}
