"""What is measured: this package, its peers, and the least that a chat model can cost."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.language_models import BaseChatModel

OURS, OPENAI, OPENROUTER, LIMIT = "aimlapi", "openai", "openrouter", "limit"


class Subject(NamedTuple):
    """A chat model under test.

    Attributes:
        statement: What a user writes to import it.
        make: Makes an instance for a base URL.
    """

    statement: str
    make: Callable[[str], BaseChatModel]


def _aimlapi(base_url: str) -> BaseChatModel:
    from langchain_aimlapi import ChatAIMLAPI

    return ChatAIMLAPI(model="openai/gpt-5-1", api_key="k", base_url=base_url)


def _openai(base_url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="openai/gpt-5-1", api_key="k", base_url=base_url, stream_usage=True)


def _openrouter(base_url: str) -> BaseChatModel:
    from langchain_openrouter import ChatOpenRouter

    return ChatOpenRouter(model="openai/gpt-5-1", api_key="k", base_url=base_url)


def _mistral(base_url: str) -> BaseChatModel:
    from langchain_mistralai import ChatMistralAI

    return ChatMistralAI(model="openai/gpt-5-1", api_key="k", endpoint=base_url)


def _limit(base_url: str) -> BaseChatModel:
    return _limit_class()(base_url=base_url)


SUBJECTS = {
    OURS: Subject("from langchain_aimlapi import ChatAIMLAPI; ChatAIMLAPI", _aimlapi),
    OPENAI: Subject("from langchain_openai import ChatOpenAI", _openai),
    OPENROUTER: Subject("from langchain_openrouter import ChatOpenRouter", _openrouter),
    "mistral": Subject("from langchain_mistralai import ChatMistralAI", _mistral),
    # What every chat model has to import of LangChain.
    LIMIT: Subject(
        "import langchain_core.messages, langchain_core.outputs, langchain_core.load\n"
        "import langchain_core.callbacks, langchain_core.utils.function_calling\n"
        "from langchain_core.language_models import BaseChatModel",
        _limit,
    ),
}


@functools.cache
def _limit_class() -> type[BaseChatModel]:  # noqa: C901 - one small method a hook
    """Make the class of LIMIT: bare httpx and `json` under an otherwise empty chat model."""
    import httpx
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.tool import tool_call_chunk
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

    roles = {"human": "user", "ai": "assistant"}
    clients = httpx.Client(timeout=600), httpx.AsyncClient(timeout=600)

    def payload(messages: list[Any]) -> dict[str, Any]:
        wire = [{"role": roles[each.type], "content": each.content} for each in messages]
        return {"model": "openai/gpt-5-1", "messages": wire}

    def result(body: dict[str, Any]) -> ChatResult:
        text = body["choices"][0]["message"]["content"]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])

    def chunk(line: str) -> ChatGenerationChunk | None:
        if not line or line == "data: [DONE]":
            return None
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

    class Limit(BaseChatModel):
        base_url: str

        @property
        def _llm_type(self):
            return "limit"

        def _url(self):
            return f"{self.base_url}/chat/completions"

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return result(clients[0].post(self._url(), json=payload(messages)).json())

        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            return result((await clients[1].post(self._url(), json=payload(messages))).json())

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            with clients[0].stream("POST", self._url(), json=payload(messages)) as response:
                for line in response.iter_lines():
                    if (found := chunk(line)) is not None:
                        yield found

        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            async with clients[1].stream("POST", self._url(), json=payload(messages)) as response:
                async for line in response.aiter_lines():
                    if (found := chunk(line)) is not None:
                        yield found

    return Limit
