"""A made-up tokenizer: deterministic, and good enough to bill, to cut and to stream by."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")


def split_tokens(text: str) -> list[str]:
    """Cut `text` into words and signs, each with the white space before it.

    Joined they give the text back.
    """
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """The number of tokens in `text`."""
    return len(split_tokens(text))


def split_deltas(text: str, size: int | None) -> list[str]:
    """Cut `text` into a stream's deltas: `size` characters each, or one token for `None`."""
    if size is None:
        return split_tokens(text)
    return [text[at : at + size] for at in range(0, len(text), size)]
