"""Which output item of a response an event speaks of.

The standard form names the item by `item_id` and `output_index`. Servers that speak the responses
endpoint over another one leave either out, number every item 0, change ids between the events of
one item, or tell an item only when it is done or in the last event. None of that makes an answer
unreadable here: what an event does not say follows from the kind of the item, and from which items
are still open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_aimlapi._dialects.calls import id_of, number_of
from langchain_aimlapi._messages.content_blocks import listed
from langchain_aimlapi._messages.foreign_blocks import text_in
from langchain_aimlapi._wire.json import with_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action"}
"""Items that are calls of our tools, and where they keep the arguments."""


_PARTS = frozenset({"output_text", "text", "refusal"})
"""Parts of a message, which some servers send as items."""

_Told = TypeVar("_Told", str, list[Any])


class Item:
    """An output item as it is known so far."""

    __slots__ = (
        *("call", "call_id", "done", "head", "id", "implied", "index", "kind"),
        *(
            "first",
            "length",
            "name",
            "number",
            "part",
            "parts",
            "reasons_in",
            "start",
            "status",
            "whole",
        ),
    )

    def __init__(self, number: int, kind: str, item_id: str | None, index: int | None) -> None:
        """Start with what the first event tells.

        Args:
            number: Which item of those seen, counted from 0.
            kind: Its type.
            item_id: Its id, if it has one.
            index: Its place in the output, if that is told.
        """
        self.number = number
        self.kind = kind
        self.id = item_id
        self.index = index
        self.implied = False
        """Whether a piece came before the item itself was told."""
        self.done = False
        self.name: str | None = None
        """The name of a call."""
        self.call_id: str | None = None
        """The id of a call, by which its result names it."""
        self.call: int | None = None
        """Which call of the answer it is."""
        self.status: str | None = None
        """What its end says of it."""
        self.head = ""
        """How its text begins."""
        self.start: int | None = None
        """Where in the whole text its own begins."""
        self.length = 0
        """Characters of its text that are told."""
        self.first: Mapping[str, Any] = {}
        """The item as the event told it that began it."""
        self.whole: Mapping[str, Any] | None = None
        """The item as the event told it that ended it."""
        self.parts: dict[str, list[Any]] = {}
        """The parts whose ends were told, under the item's keys."""
        self.part = 0
        """The part that a piece without `content_index` or `summary_index` belongs to."""
        self.reasons_in: str | None = None
        """Where its reasoning stands: `summary` or `raw`."""


class Told:
    """What was told already, where the same text or list comes in pieces and whole."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._counts: dict[tuple[Any, ...], int] = {}
        self._halved: set[tuple[Any, ...]] = set()

    def count(self, key: tuple[Any, ...]) -> int:
        """Return how many characters or entries were told."""
        return self._counts.get(key, 0)

    def news(self, key: tuple[Any, ...], whole: _Told, *, delta: bool = False) -> _Told:
        """Return the part of a text or list that was not told before; all of a delta is news."""
        told = self._counts.get(key, 0)
        news = whole if delta else whole[told:]
        if not delta and told and key in self._halved and isinstance(whole, str):
            news = with_surrogates(whole[told - 1 : told])[1:] + news
        self._counts[key] = told + self._measure(key, news)
        return news

    def _measure(self, key: tuple[Any, ...], news: str | list[Any]) -> int:
        """Count characters; the two halves of one that was cut between events are one."""
        if not isinstance(news, str) or not news or (news.isascii() and not self._halved):
            return len(news)
        joined = key in self._halved and "\udc00" <= news[0] <= "\udfff"
        self._halved.discard(key)
        if "\ud800" <= news[-1] <= "\udbff":
            self._halved.add(key)
        return len(news) - joined

    def settle(self, key: tuple[Any, ...], texts: Sequence[str]) -> None:
        """Spread what was told over the parts of an item, where pieces did not name theirs."""
        surplus = 0
        for number, text in enumerate(texts):
            told = self._counts.get((*key, number), 0) + surplus
            surplus = max(0, told - len(text)) if texts[number + 1 :] else 0
            if told:
                self._counts[(*key, number)] = told - surplus


class OutputItems:
    """The output items of one response."""

    def __init__(self) -> None:
        """Start with none."""
        self._items: list[Item] = []
        self._known: dict[tuple[str, Any, Any], Item] = {}

    def of_piece(self, event: Mapping[str, Any], kind: str) -> Item:
        """Return the item that a delta or the end of a part belongs to."""
        item_id, index = id_of(event.get("item_id")), number_of(event.get("output_index"))
        item_id = item_id or id_of(event.get("call_id"))
        key = (kind, item_id, index)
        item = self._known.get(key)
        if item is None:
            item = self._find(kind, item_id, index, reversed)
            if item is None:
                item = self._add(kind, item_id, index)
                item.implied = True
            self._known[key] = item
        return item

    def begun(self, told: Mapping[str, Any], index: Any) -> Item:
        """Return the item that begins here; one of which pieces came before is that one."""
        kind, item_id, index = str(told.get("type")), id_of(told.get("id")), number_of(index)
        found = self._find(kind, item_id, index, iter, wanted=lambda item: item.implied)
        if found is None and item_id is not None:
            repeated = (i for i in self._of(kind) if (i.id, i.index) == (item_id, index))
            found = next(repeated, None)
        item = self._told(found or self._add(kind, item_id, index), told, index)
        item.first = told
        return item

    def finished(self, told: Mapping[str, Any], index: Any) -> Item:
        """Return the item that is told whole here."""
        kind, item_id, index = str(told.get("type")), id_of(told.get("id")), number_of(index)
        call_id = id_of(told.get("call_id"))
        found = self._find(kind, item_id, index, iter, call_id=call_id)
        if found is not None and found.done and found.call_id != call_id:
            found = None
        if found is None:
            repeated = (i for i in self._of(kind) if i.whole == told and index in (None, i.index))
            found = next(repeated, None)
        item = self._told(found or self._add(kind, item_id, index), told, index)
        item.whole = told
        return item

    def untold(self) -> list[Item]:
        """Return the items of which only the beginning was told, or the ends of parts."""
        silent = (item for item in self._items if not (item.done or item.length))
        return [item for item in silent if item.first or item.parts]

    def matched(self, output: Sequence[Mapping[str, Any]]) -> list[Item]:
        """Return the items of a whole response, in its order; each known one stands for one only.

        An item is known by its id, a call by its `call_id` or name, others by how their text
        begins, or by their order.
        """
        left = list(self._items)
        found: dict[int, Item] = {}
        tests: tuple[Callable[[Item, int, Mapping[str, Any]], bool], ...] = (
            lambda item, place, told: item.id == told.get("id") and item.index == place,
            lambda item, _, told: item.id is not None and item.id == told.get("id"),
            lambda item, _, told: item.call_id is not None and item.call_id == told.get("call_id"),
            lambda item, place, told: item.index == place and _begins_like(item, told),
            lambda item, _, told: _begins_like(item, told),
        )
        for test in tests:
            for place, told in enumerate(output):
                if place not in found:
                    same = (i for i in left if _alike(i, told) and test(i, place, told))
                    if (item := next(same, None)) is not None:
                        found[place] = item
                        left.remove(item)
        for place, told in enumerate(output):
            if place not in found:
                rest = [item for item in left if _alike(item, told)]
                behind = (at for at in range(place, len(output)) if at not in found)
                # As many as are missing: they came in other words, but are the same items.
                if rest and len(rest) >= sum(_alike(rest[0], output[at]) for at in behind):
                    found[place] = rest[0]
                    left.remove(rest[0])
                else:
                    found[place] = self._add(str(told.get("type")), id_of(told.get("id")), place)
            self._told(found[place], told, None)
        return [found[place] for place in range(len(output))]

    def ranks(self, whole: Iterable[Item]) -> dict[int, int]:
        """Return the places of all items by number, those that `whole` lacks behind the last one.

        Args:
            whole: The items of the whole response, in its order.
        """
        places = {item.number: place for place, item in enumerate(whole)}
        place = -1
        for item in self._items:
            place = places.setdefault(item.number, place)
        return places

    def _of(self, kind: str) -> list[Item]:
        return [item for item in self._items if _group(item.kind) == _group(kind)]

    def _find(
        self,
        kind: str,
        item_id: str | None,
        index: int | None,
        order: Callable[[list[Item]], Iterable[Item]],
        *,
        call_id: str | None = None,
        wanted: Callable[[Item], bool] = lambda _: True,
    ) -> Item | None:
        """Find the item by what names it; else by what no name speaks against."""
        items = [item for item in order(self._of(kind)) if wanted(item)]
        tests: tuple[Callable[[Item], bool], ...] = (
            lambda item: item_id is not None and (item.id, item.index) == (item_id, index),
            lambda item: item_id is not None and item.id == item_id,
            lambda item: call_id is not None and item.call_id == call_id and not item.done,
            lambda item: item_id is not None and item.call_id == item_id and not item.done,
            lambda item: (
                index is not None
                and item.index == index
                and (not item.done or item_id is None or item.id is None)
            ),
            lambda item: (
                not item.done and None in (item.id, item_id) and None in (item.index, index)
            ),
            lambda item: not item.done and index is None,
        )
        for test in tests:
            if (found := next(filter(test, items), None)) is not None:
                return found
        return None

    def _add(self, kind: str, item_id: str | None, index: int | None) -> Item:
        item = Item(len(self._items), kind, item_id, index)
        self._items.append(item)
        self._known.clear()
        return item

    def _told(self, item: Item, told: Mapping[str, Any], index: int | None) -> Item:
        """Take what an item tells of itself; pieces after it may be another one's."""
        self._known.clear()
        item.implied = False
        item.kind = str(told.get("type"))
        item.id = item.id or id_of(told.get("id"))
        item.index = index if item.index is None else item.index
        item.call_id = item.call_id or id_of(told.get("call_id"))
        item.name = item.name or id_of(told.get("name"))
        return item


def typed(told: Any) -> dict[str, Any]:
    """Return an output item with its type, where a server left that out, or told text alone."""
    if not isinstance(told, dict):
        return {"type": "message", "content": text_in(told)}
    if isinstance(told.get("type"), str):
        is_part = told["type"] in _PARTS
        return {"type": "message", "content": [told]} if is_part else told
    if "arguments" in told:
        return {**told, "type": "function_call"}
    return {**told, "type": "message"} if "content" in told else told


def texts_of(value: Any) -> list[str]:
    """Return the texts of `content` or `summary`, which some servers send as one text."""
    return [text_in(part) for part in listed(value)]


def _group(kind: Any) -> Any:
    """Return what kinds have in common that may stand for each other."""
    return "call" if kind in CALLS else kind


def _alike(item: Item, told: Mapping[str, Any]) -> bool:
    return bool(_group(item.kind) == _group(told.get("type")))


def _begins_like(item: Item, told: Mapping[str, Any]) -> bool:
    if item.kind in CALLS:
        return item.name in (None, told.get("name"))
    return bool(item.head) and "".join(texts_of(told.get("content"))).startswith(item.head)
