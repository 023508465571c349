from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._messages.stop import StopFilter, cut_at_stop


def stream(parts, stops):
    stop_filter = StopFilter(stops)
    shown = [stop_filter.feed(part) for part in parts]
    return "".join(shown) + stop_filter.flush(), stop_filter.matched


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("Hello world", ["wor"], ("Hello ", True)),
        ("Hello world", ["moon"], ("Hello world", False)),
        ("Hello world", [], ("Hello world", False)),
        ("Hello world", [""], ("Hello world", False)),
        ("Hello world", ["", "o"], ("Hell", True)),
        ("Hello", ["Hello"], ("", True)),
        ("Hello", ["Hello!"], ("Hello", False)),
        ("", ["x"], ("", False)),
        ("a\n\nHuman: b", ["\n\nHuman:", "\nHuman:"], ("a", True)),
        # Of two that overlap, the one that begins first counts, though the other ends first.
        ("xabcdy", ["bc", "abcd"], ("x", True)),
        ("xabce", ["bc", "abcd"], ("xa", True)),
        ("xabc", ["bc", "abcd"], ("xa", True)),
        ("ab", ["b", "ab", "a"], ("", True)),
        ("aaab", ["aab"], ("a", True)),
        ("ababac", ["abac"], ("ab", True)),
        ("a STOP b STOP c", ["STOP"], ("a ", True)),
        ("naïve 😀 end", ["😀"], ("naïve ", True)),
        ("x", ["x", "x"], ("", True)),
    ],
)
def test_table(text, stops, expected):
    assert cut_at_stop(text, stops) == expected
    assert stream([text], stops) == expected
    assert stream(text, stops) == expected
    for cut in range(len(text) + 1):
        assert stream([text[:cut], "", text[cut:]], stops) == expected


# Few letters and short strings: matches, near misses and overlaps are the rule.
words = st.text("ab", max_size=4)


@given(st.lists(st.text("abc", max_size=6), max_size=8), st.lists(words, max_size=3))
def test_a_stream_shows_the_same_as_the_whole_text(parts, stops):
    assert stream(parts, stops) == cut_at_stop("".join(parts), stops)


@given(st.lists(st.text("abc", max_size=6), max_size=8), st.lists(words, max_size=3))
def test_only_what_may_begin_a_stop_string_is_held_back(parts, stops):
    stop_filter = StopFilter(stops)
    shown = text = ""
    for part in parts:
        shown += stop_filter.feed(part)
        text += part
        if stop_filter.matched:
            break
        held = text[len(shown) :]
        assert text.startswith(shown)
        assert not held or any(stop.startswith(held) or stop in held for stop in stops if stop)


def test_text_is_shown_as_soon_as_it_is_safe():
    stop_filter = StopFilter(["STOP"])
    assert stop_filter.feed("Hello ") == "Hello "
    assert stop_filter.feed("S") == ""
    assert stop_filter.feed("T") == ""
    assert stop_filter.feed("AR") == "STAR"
    assert stop_filter.feed(" ST") == " "
    assert not stop_filter.matched
    assert stop_filter.feed("OP and more") == ""
    assert stop_filter.matched
    assert stop_filter.feed("STAR") == ""
    assert stop_filter.flush() == ""


def test_flush_gives_the_rest_once():
    stop_filter = StopFilter(["STOP"])
    assert stop_filter.feed("a STO") == "a "
    assert stop_filter.flush() == "STO"
    assert stop_filter.flush() == ""
    assert not stop_filter.matched


def test_a_match_that_waits_for_an_earlier_one_is_settled_at_the_end():
    stop_filter = StopFilter(["bc", "abcd"])
    assert stop_filter.feed("xabc") == "x"
    assert not stop_filter.matched
    assert stop_filter.flush() == "a"
    assert stop_filter.matched
    assert stop_filter.feed("d") == ""


def test_long_texts_that_almost_match_everywhere():
    # Restarting at each character would take 10 ** 8 comparisons.
    stop = "a" * 5_000 + "b"
    text = "a" * 25_000
    assert stream(text, [stop]) == (text, False)
    assert stream(text + "b", [stop]) == (text[5_000:], True)
