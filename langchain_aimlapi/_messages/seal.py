"""Sealed reasoning: who made it, and who may see it again.

A model's encrypted reasoning can be opened by the account that it was made for, and by the same
model alone. A message does not know whom it came from, so each kept item carries a mark: the model
that was asked, the endpoint, and a hash of address and key that reveals neither.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._wire.json import dicts_in

if TYPE_CHECKING:
    from langchain_aimlapi.errors import AIMLAPIError

_MARK = "sealed_for"
_REFUSAL = "invalid_encrypted_content"


@dataclass(frozen=True)
class Seal:
    """The mark of one caller; without a model or an account it knows none."""

    model: str = ""
    endpoint: str = "responses"
    account: str = ""
    refused: dict[str, None] = field(default_factory=dict)
    """Ids of items that the API could not open; they stay out of later calls."""

    def mark(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a reasoning item with the mark of this caller."""
        return {**item, _MARK: self._mark()} if self.account else item

    def opens(self, item: dict[str, Any]) -> bool:
        """Tell whether a reasoning item may be sent; one without a mark is of 1.0.0."""
        mark = item.get(_MARK)
        return item["id"] not in self.refused and (mark is None or mark == self._mark())

    def refuse(self, items: Any) -> bool:
        """Keep the sealed items of a refused input out from now on; tell whether there were any."""
        sealed = {item["id"]: None for item in dicts_in(items) if item.get("encrypted_content")}
        self.refused.update(sealed)
        return bool(sealed)

    def _mark(self) -> dict[str, str]:
        return {"model": self.model, "endpoint": self.endpoint, "account": self.account}


def is_unopened(error: AIMLAPIError) -> bool:
    """Tell whether an error says that sealed reasoning could not be opened."""
    if error.status_code != HTTPStatus.BAD_REQUEST:
        return False
    return _REFUSAL in f"{error.code} {error} {error.body}"


def unmarked(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it came."""
    return {key: value for key, value in item.items() if key != _MARK}


def fingerprint(address: str, key: str) -> str:
    """Return a short hash that names an account and tells nothing about its key."""
    return hashlib.sha256(f"{address}\n{key}".encode()).hexdigest()[:16]
