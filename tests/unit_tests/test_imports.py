"""What the package exports."""

from __future__ import annotations

import importlib.metadata

import pytest

import langchain_aimlapi
from langchain_aimlapi import ChatAIMLAPI, ChatAimlapi, emulator

EXPORTS = [
    "AIMLAPIAuthenticationError",
    "AIMLAPIConfigurationError",
    "AIMLAPIConnectionError",
    "AIMLAPIContentFilterError",
    "AIMLAPIContextOverflowError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINoToolCallError",
    "AIMLAPINotFoundError",
    "AIMLAPIOutOfCreditsError",
    "AIMLAPIPermissionDeniedError",
    "AIMLAPIProtocolError",
    "AIMLAPIRateLimitError",
    "AIMLAPIRefusalError",
    "AIMLAPIServerError",
    "AIMLAPIStreamInterruptedError",
    "AIMLAPITimeoutError",
    "AIMLAPITracer",
    "AIMLAPITruncatedOutputError",
    "Balance",
    "ChatAIMLAPI",
    "ChatAimlapi",
    "CostTracker",
    "JSONLinesHandler",
    "ModelInfo",
    "SpendLimitExceeded",
    "UsageLogEntry",
    "__version__",
]

EMULATOR_EXPORTS = [
    "CHAT_ONLY",
    "CODEX_ON_RESPONSES_ONLY",
    "CONTEXT_OVERFLOW",
    "EMULATED_MODELS",
    "Answer",
    "Emulator",
    "EmulatorServer",
    "EmulatorTransport",
    "Fault",
    "LedgerEntry",
    "Piece",
    "RecordedRequest",
    "Reply",
    "ScriptFileError",
    "StreamStyle",
    "ToolCall",
    "Usage",
]


def test_all_exports():
    assert langchain_aimlapi.__all__ == EXPORTS == sorted(EXPORTS)
    assert emulator.__all__ == EMULATOR_EXPORTS


def test_star_import():
    names: dict[str, object] = {}
    exec("from langchain_aimlapi import *", names)
    assert set(EXPORTS) <= set(names)


@pytest.mark.parametrize("name", EXPORTS)
def test_export_is_importable_and_documented(name):
    value = getattr(langchain_aimlapi, name)
    assert name in dir(langchain_aimlapi)
    if isinstance(value, type):
        # Not an inherited docstring, and more than a name in other words.
        assert len(value.__dict__["__doc__"].split()) > 3
        assert "TODO" not in value.__dict__["__doc__"]


@pytest.mark.parametrize("name", EMULATOR_EXPORTS)
def test_emulator_export_is_importable_and_documented(name):
    value = getattr(emulator, name)
    if isinstance(value, type):
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="ChatAMILAPI"):
        _ = langchain_aimlapi.ChatAMILAPI
    with pytest.raises(AttributeError, match="Emulater"):
        _ = emulator.Emulater


def test_the_old_name_is_the_same_class():
    assert ChatAimlapi is ChatAIMLAPI


def test_the_version_is_that_of_the_distribution():
    assert langchain_aimlapi.__version__ == importlib.metadata.version("langchain-aimlapi")


def test_classes_tell_where_users_find_them():
    # LangChain's serialized id of the class is made of this.
    assert ChatAIMLAPI.__module__ == "langchain_aimlapi.chat_models"
    assert ChatAIMLAPI(api_key="key").lc_id() == ["langchain_aimlapi", "chat_models", "ChatAIMLAPI"]
