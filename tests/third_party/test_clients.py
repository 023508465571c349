"""Other clients of the API work against the emulator."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from langchain_aimlapi.emulator import Emulator

pytestmark = pytest.mark.enable_socket

MODEL = "openai/gpt-5-1"
HELLO = [{"role": "user", "content": "Hello"}]
HEARD = 'The emulator of the AI/ML API heard: "Hello"'


class Place(BaseModel):
    name: str
    country: str


@pytest.fixture
def server(emulator):
    with emulator.serve() as running:
        yield running


@pytest.fixture
def sdk(server):
    import openai

    with openai.OpenAI(**server.connection()) as client:
        yield client


@pytest.mark.needs("openai")
def test_the_sdk_of_openai_on_chat_completions(sdk):
    assert sdk.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content == (
        HEARD
    )
    stream = sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(pieces) == HEARD
    asked = [{"role": "user", "content": 'Where is the "Eiffel Tower"?'}]
    parsed = sdk.chat.completions.parse(model=MODEL, messages=asked, response_format=Place)
    assert parsed.choices[0].message.parsed.name == "Eiffel Tower"
    assert len(list(sdk.models.list())) == 4


@pytest.mark.needs("openai")
def test_the_sdk_of_openai_on_responses(sdk):
    kept = sdk.responses.create(model=MODEL, input="Hello", store=True)
    assert kept.output_text == HEARD
    assert sdk.responses.retrieve(kept.id).output_text == HEARD
    later = sdk.responses.create(model=MODEL, input="Hello", previous_response_id=kept.id)
    assert later.usage.input_tokens > kept.usage.input_tokens
    with sdk.responses.stream(model=MODEL, input="Hello") as stream:
        assert stream.get_final_response().output_text == HEARD
    parsed = sdk.responses.parse(model=MODEL, input="A place.", text_format=Place)
    assert parsed.output_parsed.country


@pytest.mark.needs("litellm")
@pytest.mark.parametrize("provider", ["openai", "aiml"])
def test_litellm(server, monkeypatch, provider):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    ask = {
        "model": f"{provider}/{MODEL}",
        "api_base": server.base_url,
        "api_key": server.emulator.api_key,
        "messages": HELLO,
    }
    assert litellm.completion(**ask).choices[0].message.content == HEARD
    stream = litellm.completion(**ask, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == HEARD


@pytest.mark.needs("pydantic_ai", "openai")
@pytest.mark.parametrize("kind", ["OpenAIChatModel", "OpenAIResponsesModel"])
async def test_pydantic_ai(kind):
    import pydantic_ai.models.openai as models
    from pydantic_ai import Agent
    from pydantic_ai.providers.openai import OpenAIProvider

    # It sends null content beside tool calls, which the models' schemas rule out.
    with Emulator(validate="Chat" not in kind).serve() as server:
        provider = OpenAIProvider(**server.connection())
        model = getattr(models, kind)(MODEL, provider=provider)
        agent = Agent(model)

        @agent.tool_plain
        def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        assert 'add answered "3"' in (await agent.run("add(1, 2)")).output
        place = (await Agent(model, output_type=Place).run("Where is 'Oslo'?")).output
        assert place.name == "Oslo"
