"""Helpers for the emulator's tests: it is tested with plain httpx and nothing of the client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

MODEL = "openai/gpt-5-1"
KEY = "emulator-key"
SHARED = Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def http(emulator: Emulator) -> Iterator[httpx.Client]:
    with emulator.client(
        base_url="https://api.aimlapi.com", headers={"Authorization": f"Bearer {KEY}"}
    ) as client:
        yield client


@pytest.fixture
def chat(http: httpx.Client) -> Callable[..., httpx.Response]:
    """POST a chat completion: a prompt or messages, and more of the body."""

    def post(prompt: Any = "Hello", **body: Any) -> httpx.Response:
        messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        payload = {"model": MODEL, "messages": messages, **body}
        return http.post("/v1/chat/completions", json=payload)

    return post


@pytest.fixture
def respond(http: httpx.Client) -> Callable[..., httpx.Response]:
    """POST to the Responses API."""

    def post(prompt: Any = "Hello", **body: Any) -> httpx.Response:
        return http.post("/v1/responses", json={"model": MODEL, "input": prompt, **body})

    return post


def read_events(text: str) -> list[Any]:
    """The JSON values of a stream that is written in the plainest way; `[DONE]` as a string."""
    lines = [line for line in text.split("\n") if line.startswith("data: ")]
    bodies = [line.removeprefix("data: ") for line in lines]
    return [body if body == "[DONE]" else json.loads(body) for body in bodies]


@pytest.fixture
def events() -> Callable[[str], list[Any]]:
    return read_events


@pytest.fixture
def spec() -> Callable[[str], Any]:
    """A validator for one of the vendor's published schemas, kept beside the repository."""
    jsonschema = pytest.importorskip("jsonschema")

    def load(name: str) -> Any:
        path = SHARED / "spec" / f"{name}.schema.json"
        if not path.exists():
            pytest.skip(f"the vendor's schemas are not here: {path}")
        return jsonschema.Draft202012Validator(json.loads(path.read_text()))

    return load


@pytest.fixture
def sample() -> Callable[[str], str]:
    """The text of one of the vendor's published replies, kept beside the repository."""

    def load(name: str) -> str:
        path = SHARED / "samples" / name
        if not path.exists():
            pytest.skip(f"the vendor's samples are not here: {path}")
        return path.read_text()

    return load


def function_tool(name: str, description: str = "", /, **properties: Any) -> dict[str, Any]:
    """A Chat Completions tool whose properties are all required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


@pytest.fixture
def tool() -> Callable[..., dict[str, Any]]:
    return function_tool
