"""Models that are going or gone, as the API's feed tells, and what replaces them.

Source: AI/ML API documentation, model deprecations, 2026-08. Which models an address has given up
is the same for all keys, so what one model of this package has read serves the errors of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._wire.json import dicts_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Deprecation:
    """What became of a model.

    Attributes:
        id: The model's id.
        aliases: Other names that it had.
        status: `"withdrawn"`: gone. `"superseded"`: now another name of `replaced_by`.
            `"deprecated"`: served until `shutdown_at`.
        deprecated_at: The day on which that was announced, `"YYYY-MM-DD"`, or None.
        shutdown_at: The last day, `"YYYY-MM-DD"`; None if there is none.
        replaced_by: The id to use instead, or None.
    """

    id: str
    aliases: tuple[str, ...] = ()
    status: str = "deprecated"
    deprecated_at: str | None = None
    shutdown_at: str | None = None
    replaced_by: str | None = None

    def is_called(self, name: str) -> bool:
        """Tell whether `name` is the model's id or one of its aliases."""
        return name == self.id or name in self.aliases

    def told(self) -> str:
        """Say it in a sentence or two that end with what to do."""
        on = f" on {self.shutdown_at}" if self.shutdown_at else ""
        if self.status == "superseded":
            return f"{self.id!r} is served as {self.replaced_by!r} now: use that name."
        said = "has withdrawn" if self.status == "withdrawn" else "is giving up"
        use = f"Use {self.replaced_by!r} instead." if self.replaced_by else "Name another model."
        return f"The API {said} {self.id!r}{on}. {use}"


def parse_deprecations(body: Mapping[str, Any]) -> list[Deprecation]:
    """Read the feed; what cannot be read in it is passed over."""
    return [
        Deprecation(
            id=entry["id"],
            aliases=tuple(each for each in entry.get("aliases") or () if isinstance(each, str)),
            status=_text(entry.get("status")) or "deprecated",
            deprecated_at=_text(entry.get("deprecated_at")),
            shutdown_at=_text(entry.get("shutdown_at")),
            replaced_by=_text(entry.get("replaced_by")),
        )
        for entry in dicts_in(body.get("data"))
        if isinstance(entry.get("id"), str)
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_feeds: dict[str, Sequence[Deprecation]] = {}
"""The last feed of each host that was asked for one."""


def remember(host: str, feed: Sequence[Deprecation]) -> None:
    """Keep the feed of a host, for the errors of calls to it."""
    _feeds[host] = feed


def deprecation_of(host: str, model: str) -> Deprecation | None:
    """Return what is known of a model at a host; None if nothing."""
    return next((each for each in _feeds.get(host, ()) if each.is_called(model)), None)
