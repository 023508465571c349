"""What LangChain may know of the four models, and what its middleware makes of it."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.language_models import ModelProfile
from langchain_core.messages import AIMessage, HumanMessage

from langchain_aimlapi import AIMLAPIInvalidRequestError, ChatAIMLAPI
from langchain_aimlapi.data._profiles import PROFILES
from langchain_aimlapi.emulator import Reply
from langchain_aimlapi.profiles import profile_for
from tests.conftest import MODELS

LIMITS = {
    "openai/gpt-5-1": (272_000, 128_000),
    "openai/gpt-5-1-chat-latest": (111_616, 16_384),
    "openai/gpt-5-1-codex": (272_000, 128_000),
    "openai/gpt-5-1-codex-mini": (272_000, 128_000),
}
EFFORTS = {
    "openai/gpt-5-1": ["low", "medium", "high"],
    "openai/gpt-5-1-codex": ["low", "medium", "high"],
    "openai/gpt-5-1-codex-mini": ["none", "low", "medium", "high"],
}
models = pytest.mark.parametrize("model", MODELS)


@models
@pytest.mark.parametrize("spelling", [str, lambda model: model.replace("5-1", "5.1")])
def test_a_profile_for_each_of_the_four(model, spelling):
    profile = ChatAIMLAPI(model=spelling(model), api_key="key-1").profile
    assert (profile["max_input_tokens"], profile["max_output_tokens"]) == LIMITS[model]
    assert profile.get("reasoning_effort_levels") == EFFORTS.get(model)
    assert profile["reasoning_output"] is (model in EFFORTS)
    assert profile["status"] == "active"
    assert profile["release_date"] == "2025-11-13"
    assert profile["tool_calling"] is profile["structured_output"] is True
    assert profile["audio_inputs"] is profile["video_inputs"] is False


@models
def test_every_field_is_known_to_langchain(model):
    unknown = PROFILES[model].keys() - ModelProfile.__annotations__
    assert unknown == set()


def test_a_profile_is_the_callers_own():
    profile = profile_for("openai/gpt-5-1")
    profile["reasoning_effort_levels"].append("extreme")
    profile["name"] = "Mine"
    assert profile_for("openai/gpt-5-1") == PROFILES["openai/gpt-5-1"]


@pytest.mark.nonsense
@pytest.mark.parametrize("model", EFFORTS)
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
def test_a_reasoning_effort_is_doubted_where_the_profile_lacks_it(emulator, model, effort):
    fields = {"reasoning_effort": effort, "validate_params": "error"}
    llm = ChatAIMLAPI(model=model, **fields, **emulator.connection())
    if effort in EFFORTS[model]:
        llm._params({}, stream=False)
    else:
        with pytest.raises(AIMLAPIInvalidRequestError, match='"low" or "medium" or "high"'):
            llm._params({}, stream=False)


@models
@pytest.mark.parametrize("is_reported", [True, False], ids=["reported", "counted"])
@pytest.mark.parametrize(("share", "acts"), [(0.79, False), (0.82, True)])
def test_a_history_is_summarised_before_it_overflows(emulator, model, is_reported, share, acts):
    """At 80 percent of the input, whether the API has told its length or LangChain counts it."""
    llm = ChatAIMLAPI(model=model, use_responses_api=False, **emulator.connection())
    middleware = SummarizationMiddleware(model=llm, trigger=("fraction", 0.8), keep=("messages", 1))
    tokens = int(LIMITS[model][0] * share)
    usage = {"input_tokens": tokens - 10, "output_tokens": 10, "total_tokens": tokens}
    story = "a" * (tokens * 4 // 200 - 20)  # four characters a token, and five tokens a message
    history = [
        *([HumanMessage("Tell me.")] if is_reported else [HumanMessage(story) for _ in range(200)]),
        AIMessage(
            "Once upon a time",
            usage_metadata=usage if is_reported else None,
            response_metadata={"model_provider": "aimlapi"},
        ),
        HumanMessage("Go on."),
    ]
    if acts:
        emulator.script(Reply("They told a story."))
    emulator.script(Reply("The end."))
    answer = create_agent(llm, middleware=[middleware]).invoke({"messages": history})
    assert answer["messages"][-1].content == "The end."
    assert len(emulator.requests) == 1 + acts
    last = emulator.requests[-1].json["messages"]
    assert ("They told a story." in str(last)) is acts
    assert len(last) == (2 if acts else len(history))
