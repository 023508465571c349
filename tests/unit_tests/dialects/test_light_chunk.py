"""Chunks made without validation equal those that LangChain validates."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_aimlapi._dialects.light_chunk import chunk_of

FRAGMENTS = (
    *("", " ", "\n", "{", " {", "\t{", "\u00a0{", "\ufeff{", "{}", '{"a": 1}', '{"a": [1', "[{"),
    *("}", '"', '"a"', "a", "1", "null", "true", "NaN", "[", "[1]", ', "b": 2}', "\\", "\u2028"),
)
OPTIONAL_TEXT = st.none() | st.text(max_size=5)
CALLS = st.lists(
    st.builds(
        tool_call_chunk,
        name=OPTIONAL_TEXT,
        args=st.sampled_from(FRAGMENTS) | st.text(max_size=5),
        id=OPTIONAL_TEXT,
        index=st.integers(0, 3),
    ),
    max_size=3,
)


@given(
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.fixed_dictionaries({"model_provider": st.just("aimlapi")}),
    CALLS,
)
@example("", {}, {}, [tool_call_chunk(name="f", args='{"a', id="1", index=0)])
def test_equals_the_validated_chunk(text, kwargs, metadata, calls):
    validated = ChatGenerationChunk(
        message=AIMessageChunk(
            content=text,
            additional_kwargs=kwargs,
            response_metadata=metadata,
            tool_call_chunks=calls,
        )
    )
    light = chunk_of(text, kwargs, metadata, calls)
    assert light == validated
    assert repr(light) == repr(validated)
    assert light.model_dump(exclude_unset=True) == validated.model_dump(exclude_unset=True)
    assert light.message.model_fields_set == validated.message.model_fields_set
    assert light + light == validated + validated
    assert light.message.content_blocks == validated.message.content_blocks


@pytest.mark.parametrize("calls", [[], [tool_call_chunk(name="f", args="", id="1", index=0)]])
def test_shares_nothing_with_other_chunks(calls):
    chunks = [chunk_of("a", {}, {}, list(calls)) for _ in range(2)]
    before = chunks[1].model_dump()
    message = chunks[0].message
    message.additional_kwargs["x"] = message.response_metadata["x"] = 1
    for collected in (message.tool_calls, message.invalid_tool_calls, message.tool_call_chunks):
        collected.append({})
    message.name = "changed"
    assert chunks[1].model_dump() == before
    assert chunk_of("a", {}, {}, list(calls)).model_dump() == before
