"""Reasoning text, and the blocks that routes of the gateway send it in.

Seen from routes that serve codex models (public reports, 2026-11): `reasoning_details` holds blocks
such as `{"type": "reasoning.text", "text", "format", "index"}`, whole, in deltas, or as a text that
grows; `reasoning` or `reasoning_content` beside it tells the same once more.
"""

from __future__ import annotations

from typing import Any

_TEXTS = ("text", "summary", "data")


def merge_detail(details: list[dict[str, Any]], piece: dict[str, Any]) -> str:
    """Add a block or a piece of one to those that are there.

    Args:
        details: The blocks so far; changed.
        piece: What came. It goes on with the last block of its type and index, unless that has
            another id. A text that begins with all that is there stands in its place.

    Returns:
        The reasoning text that was not there before.
    """
    known = next((detail for detail in reversed(details) if _same(detail, piece)), None)
    if known is None:
        known = {}
        details.append(known)
    news = ""
    for key, value in piece.items():
        if key in _TEXTS and isinstance(value, str):
            before = known.get(key) or ""
            grown = value.startswith(before) and len(value) > len(before)
            known[key] = value if grown else before + value
            news += known[key][len(before) :] if key != "data" else ""
        elif value is not None or key not in known:
            known[key] = value
    return news


def _same(detail: dict[str, Any], piece: dict[str, Any]) -> bool:
    if detail.get("id") and piece.get("id") and detail["id"] != piece["id"]:
        return False
    return all(detail.get(key) == piece.get(key) for key in ("type", "index"))
