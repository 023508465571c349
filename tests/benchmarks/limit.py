"""The least that a chat model can cost: bare httpx and `json` under an otherwise empty class."""

from __future__ import annotations

import json
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

_ROLES = {"human": "user", "ai": "assistant"}
_client = httpx.Client(timeout=600)
_async_client = httpx.AsyncClient(timeout=600)


class Limit(BaseChatModel):
    """Does what the benchmarks look at, and nothing else."""

    base_url: str

    @property
    def _llm_type(self):
        return "limit"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return _result(_client.post(self._url(), json=_payload(messages)).json())

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        response = await _async_client.post(self._url(), json=_payload(messages))
        return _result(response.json())

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        with _client.stream("POST", self._url(), json=_payload(messages)) as response:
            for line in response.iter_lines():
                if line and line != "data: [DONE]":
                    yield _chunk(line)

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        sent = _async_client.stream("POST", self._url(), json=_payload(messages))
        async with sent as response:
            async for line in response.aiter_lines():
                if line and line != "data: [DONE]":
                    yield _chunk(line)

    def _url(self):
        return f"{self.base_url}/chat/completions"


def _payload(messages: list[Any]) -> dict[str, Any]:
    wire = [{"role": _ROLES[each.type], "content": each.content} for each in messages]
    return {"model": "openai/gpt-5-1", "messages": wire}


def _result(body: dict[str, Any]) -> ChatResult:
    text = body["choices"][0]["message"]["content"]
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def _chunk(line: str) -> ChatGenerationChunk:
    choices = json.loads(line[6:])["choices"]
    delta = choices[0]["delta"] if choices else {}
    calls = [
        tool_call_chunk(
            name=call["function"].get("name"),
            args=call["function"]["arguments"],
            id=call.get("id"),
            index=call["index"],
        )
        for call in delta.get("tool_calls", ())
    ]
    message = AIMessageChunk(content=delta.get("content") or "", tool_call_chunks=calls)
    return ChatGenerationChunk(message=message)
