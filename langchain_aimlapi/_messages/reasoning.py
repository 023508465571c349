"""Reasoning text, and the blocks that routes of the gateway send it in.

Seen from routes that serve codex models (public reports, 2026-11): `reasoning_details` holds blocks
such as `{"type": "reasoning.text", "text", "format", "index"}`, whole, in deltas, or as a text that
grows; `reasoning` or `reasoning_content` beside it tells the same once more.
"""

from __future__ import annotations

from typing import Any

from langchain_aimlapi._wire.json import with_surrogates

_TEXTS = ("text", "summary", "data")


class ReasoningDetails:
    """The blocks of one answer, each kept once, whether it came whole or in pieces.

    Attributes:
        blocks: What goes back to the API, as it came.
    """

    def __init__(self) -> None:
        """Start with none."""
        self.blocks: list[dict[str, Any]] = []
        self._pieces: dict[tuple[int, str], int] = {}
        self._growing: set[tuple[int, str]] = set()

    def add(self, piece: dict[str, Any]) -> str:
        """Add a block or a piece of one, and return the reasoning text that was not there before.

        A piece goes on with the last block of its type and index, unless that has another id. A
        text that begins with all that is there stands in its place, and one that repeats all that
        came in pieces says nothing new.
        """
        places = range(len(self.blocks) - 1, -1, -1)
        place = next((at for at in places if _same(self.blocks[at], piece)), len(self.blocks))
        if place == len(self.blocks):
            self.blocks.append({})
        block = self.blocks[place]
        news = ""
        for key, value in piece.items():
            if key in _TEXTS and isinstance(value, str):
                before = block.get(key) or ""
                added = self._news((place, key), before, value)
                block[key] = before + added
                news += added if key != "data" else ""
            elif value is not None or key not in block:
                block[key] = value
        return news

    def _news(self, key: tuple[int, str], before: str, value: str) -> str:
        known = self._pieces.get(key, 0)
        self._pieces[key] = known + bool(value)
        if not before:
            return value
        value = _cut_like(before, value)
        if value.startswith(before) and len(value) > len(before):
            self._growing.add(key)
        is_repeat = value == before and value.strip() and (known > 1 or key[1] == "data")
        if key in self._growing and before.startswith(value):
            is_repeat = True
        elif key in self._growing and value.startswith(before):
            return value[len(before) :]
        return "" if is_repeat else value


def _cut_like(before: str, value: str) -> str:
    """Return a text with the character in two halves that `before` has the first half of."""
    if not "\ud800" <= before[-1] <= "\udbff" or len(value) < len(before):
        return value
    last = len(before) - 1
    return value[:last] + with_surrogates(value[last]) + value[last + 1 :]


def _same(block: dict[str, Any], piece: dict[str, Any]) -> bool:
    if block.get("id") and piece.get("id") and block["id"] != piece["id"]:
        return False
    return all(str(block.get(key)) == str(piece.get(key)) for key in ("type", "index"))
