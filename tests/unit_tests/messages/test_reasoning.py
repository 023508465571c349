"""Blocks of reasoning that come whole, in pieces, or as a text that grows."""

from __future__ import annotations

import pytest

from langchain_aimlapi._messages.foreign_blocks import text_in
from langchain_aimlapi._messages.reasoning import ReasoningDetails

TEXT = {"type": "reasoning.text", "index": 0}


@pytest.mark.parametrize(
    ("pieces", "blocks", "news"),
    [
        (["First ", "then."], [{**TEXT, "text": "First then."}], ["First ", "then."]),
        (["First ", "First then."], [{**TEXT, "text": "First then."}], ["First ", "then."]),
        (["ha", "ha"], [{**TEXT, "text": "haha"}], ["ha", "ha"]),
        (["a", "b", "ab"], [{**TEXT, "text": "ab"}], ["a", "b", ""]),
        (["a", "ab", "ab", "a", "abc"], [{**TEXT, "text": "abc"}], ["a", "b", "", "", "c"]),
        (["a", "b", "c"], [{**TEXT, "text": "abc"}], ["a", "b", "c"]),
        (["", "a"], [{**TEXT, "text": "a"}], ["", "a"]),
        ([{"summary": "In "}, {"summary": "short."}], [{"summary": "In short."}], None),
        ([{"data": "QUJD"}, {"data": "REVG"}], [{"data": "QUJDREVG"}], ["", ""]),
        ([{"data": "QUJD"}, {"data": "QUJD"}], [{"data": "QUJD"}], ["", ""]),
        (
            [{"id": "a", "text": "x"}, {"text": "y"}, {"id": "b", "text": "z"}],
            [{"id": "a", "text": "xy"}, {"id": "b", "text": "z"}],
            ["x", "y", "z"],
        ),
        (
            [{"index": 0, "text": "x"}, {"index": 1, "text": "y"}, {"index": 0, "text": "z"}],
            [{"index": 0, "text": "xz"}, {"index": 1, "text": "y"}],
            ["x", "y", "z"],
        ),
        (
            [{"type": "a", "text": "x"}, {"type": "b", "text": "y"}],
            [{"type": "a", "text": "x"}, {"type": "b", "text": "y"}],
            ["x", "y"],
        ),
        (
            [{"text": "x", "signature": None}, {"signature": "s"}, {"signature": None}],
            [{"text": "x", "signature": "s"}],
            ["x", "", ""],
        ),
        ([{"text": None}, {"text": "x"}], [{"text": "x"}], ["", "x"]),
    ],
)
def test_a_block_goes_on_with_the_last_of_its_kind(pieces, blocks, news):
    pieces = [{**TEXT, "text": each} if isinstance(each, str) else each for each in pieces]
    details = ReasoningDetails()
    told = [details.add(piece) for piece in pieces]
    assert details.blocks == blocks
    assert news is None or told == news
    assert news is not None or "".join(told) == "In short."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (["a", {"text": "b"}, ("c", None)], "abc"),
        ({"type": "x", "thinking": [{"value": "d"}]}, "d"),
        ({"text": "", "summary": "e"}, "e"),
        ({"other": "f"}, ""),
        (7, "7"),
        (0.5, "0.5"),
        (True, ""),
        (None, ""),
    ],
)
def test_the_text_of_what_should_be_one(value, text):
    assert text_in(value) == text
