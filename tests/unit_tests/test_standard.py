"""LangChain's standard unit tests, unchanged, for each model on each endpoint."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_aimlapi import ChatAIMLAPI
from tests.conftest import MODELS

ENDPOINTS = {"chat_completions": False, "responses": True}


@pytest.mark.filterwarnings("ignore:The method `BaseLanguageModel.dict` was deprecated")
class TestChatAIMLAPIUnit(ChatModelUnitTests):
    """The standard tests; `_vary` runs each for every model and endpoint."""

    _varied: dict[str, Any]

    @pytest.fixture(autouse=True, params=MODELS, ids=lambda model: model.partition("/")[2])
    def _model_id(self, request: pytest.FixtureRequest) -> str:
        return request.param

    @pytest.fixture(autouse=True, params=ENDPOINTS)
    def _vary(
        self,
        request: pytest.FixtureRequest,
        _model_id: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self._varied = {"model": _model_id, "use_responses_api": ENDPOINTS[request.param]}
        # test_standard_params and test_init_time construct the model from these alone.
        monkeypatch.setenv("AIMLAPI_API_KEY", "test")

    @pytest.fixture(autouse=True)
    def _known_to_load(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the class on the list of what LangChain loads, as it does for its own packages.

        With `allowed_objects="all"`, which test_serdes passes, LangChain loads what is in its
        mapping alone; others name their class in `allowed_objects`.
        """
        # As an attribute of the package, `load` is the function.
        load = sys.modules["langchain_core.load.load"]
        name = ("langchain_aimlapi", "chat_models", "ChatAIMLAPI")
        monkeypatch.setitem(load.ALL_SERIALIZABLE_MAPPINGS, name, name)
        monkeypatch.setattr(load, "_default_class_paths_cache", {})

    @property
    def chat_model_class(self) -> type[ChatAIMLAPI]:
        return ChatAIMLAPI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return self._varied

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        variables = {
            "AIMLAPI_API_KEY": "key-of-the-environment",
            "AIMLAPI_API_BASE": "https://gateway.example/v1",
        }
        expected = {
            "api_key": "key-of-the-environment",
            "base_url": "https://gateway.example/v1",
            **self._varied,
        }
        return variables, self._varied, expected
