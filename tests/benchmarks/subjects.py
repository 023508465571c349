"""What is measured: this package, its peers, and the least that a chat model can cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.language_models import BaseChatModel

OURS, OPENAI, OPENROUTER, LIMIT = "aimlapi", "openai", "openrouter", "limit"


class Subject(NamedTuple):
    """A chat model under test.

    Attributes:
        statement: What a user writes to import it, when LangChain is there already.
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
    from tests.benchmarks.limit import Limit

    return Limit(base_url=base_url)


SUBJECTS = {
    OURS: Subject("from langchain_aimlapi import ChatAIMLAPI; ChatAIMLAPI", _aimlapi),
    OPENAI: Subject("from langchain_openai import ChatOpenAI", _openai),
    OPENROUTER: Subject("from langchain_openrouter import ChatOpenRouter", _openrouter),
    "mistral": Subject("from langchain_mistralai import ChatMistralAI", _mistral),
    LIMIT: Subject("", _limit),
}
