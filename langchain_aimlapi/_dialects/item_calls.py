"""Output items that are calls of our tools, as they grow into LangChain's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._dialects.output_items import CALLS
from langchain_aimlapi._messages.custom_tools import (
    CLOSING,
    OPENING,
    SHELL_TOOL,
    json_piece,
    shell_arguments,
)
from langchain_aimlapi._messages.foreign_blocks import as_text
from langchain_aimlapi._messages.tool_calls import is_whole_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._dialects.assembler import MessageAssembler
    from langchain_aimlapi._dialects.output_items import Item, Told


class ItemCalls:
    """The calls of one response: names, ids and arguments, each told once."""

    def __init__(self, assembler: MessageAssembler, told: Told) -> None:
        """Start with none.

        Args:
            assembler: Where they go.
            told: What of the response was told already.
        """
        self._assembler = assembler
        self._told = told
        self._items: list[Item] = []

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._items)

    def begin(self, item: Item, told: Mapping[str, Any]) -> None:
        """Take the beginning of a call."""
        # The action of a shell call comes whole, with the finished item, and an empty object
        # says only that arguments are to come.
        key = CALLS[item.kind]
        if item.kind != "local_shell_call":
            is_empty = told.get(key) in ({}, "{}")
            self.take(item, {**told, key: ""} if is_empty else told)

    def take(self, item: Item, told: Mapping[str, Any]) -> None:
        """Take what is told of a call: its name and id if they are new, and its arguments."""
        whole = told.get(CALLS[item.kind])
        if item.kind == "local_shell_call":
            whole, item.name = shell_arguments(whole), SHELL_TOOL
        elif whole is not None and not isinstance(whole, str):
            whole = as_text(whole)
        if item.name is None and isinstance(name := told.get("name"), str):
            item.name = name or None
        if item.call is not None and is_whole_object(self._assembler.calls.text_of(item.call)):
            whole = ""  # told already, be it with other white space
        self._add(item, self._told.news(("arguments", item.number), whole or ""))

    def grow(self, item: Item, piece: str) -> None:
        """Take a piece of a call's arguments."""
        self._add(item, self._told.news(("arguments", item.number), piece, delta=True))

    def close(self, *, cut: bool) -> None:
        """End the arguments of calls whose items do not tell by themselves whether they are whole.

        A function's JSON does, free text does not: it is whole if its item says so, or does not say
        otherwise and the response was not cut. Until then its arguments lack their end, as those of
        a call that was cut do.

        Args:
            cut: Whether the response was.
        """
        for item in self._items:
            is_whole = item.status == "completed" or (item.status != "incomplete" and not cut)
            if is_whole and item.kind in CLOSING:
                self._send(item, CLOSING[item.kind])

    def id_of(self, item: Item) -> str | None:
        """Return the id under which a call stands in `tool_calls`."""
        if item.call is None or self._assembler.stopped:
            return item.call_id
        return self._assembler.calls.settle(item.call)

    def _add(self, item: Item, news: str) -> None:
        piece = json_piece(news) if item.kind == "custom_tool_call" else news
        if item.call is None:
            item.call = len(self._items)
            self._items.append(item)
            piece = OPENING.get(item.kind, "") + piece
        self._send(item, piece)

    def _send(self, item: Item, arguments: str) -> None:
        # Once its arguments are shown, which waits for the name, a call needs an id.
        is_shown = item.name is not None and (arguments or item.done)
        call_id = item.call_id or (item.id if is_shown else None)
        name = None if self._assembler.calls.name_of(item.call or 0) else item.name
        self._assembler.add_tool_call(
            item.call or 0, name=name, arguments=arguments, call_id=call_id
        )
