"""Blocks of all makes, read for what the API takes."""

from __future__ import annotations

import pytest

from langchain_aimlapi._messages.content import text_only, tool_result, user_parts

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}


@pytest.mark.parametrize("depth", range(4))
def test_blocks_are_found_however_deep_they_are_wrapped(depth):
    image, text = IMAGE, {"type": "text", "text": "A cat."}
    for _ in range(depth):
        image = {"type": "non_standard", "value": image}
        text = {"type": "non_standard", "value": text}
    assert user_parts([text, image]) == [{"type": "text", "text": "A cat."}, IMAGE]
    assert text_only([text], "system") == text_only([{"type": "text", "text": "A cat."}], "system")
    assert tool_result([text, image]) == ("A cat.", [IMAGE])
