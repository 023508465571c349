"""Encrypted reasoning: the account may bring back to a model what that model sealed for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

UNOPENED = "invalid_encrypted_content"
"""The code of the refusal, as the upstream has it."""


class Seals:
    """What was handed out, by model."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._known: set[tuple[str, str]] = set()

    def remember(self, model: str, told: Any) -> None:
        """Remember what is sealed in an answer, wherever in it."""
        self._known.update((model, content) for content in _sealed_in(told))

    def unopened(self, model: str, items: Iterable[Mapping[str, Any]]) -> str | None:
        """Say which of the items of a request cannot be opened; `None` if all can."""
        for item in items:
            content = item.get("encrypted_content")
            if isinstance(content, str) and content and (model, content) not in self._known:
                return (
                    f"{UNOPENED}: The encrypted content of item {item.get('id')} could not be "
                    "verified: it was altered, or made for another model or account."
                )
        return None


def _sealed_in(told: Any) -> Iterator[str]:
    if isinstance(told, Mapping):
        content = told.get("encrypted_content")
        if isinstance(content, str):
            yield content
        told = list(told.values())
    if isinstance(told, list | tuple):
        for value in told:
            yield from _sealed_in(value)
