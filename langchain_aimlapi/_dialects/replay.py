"""Assistant turns as the items that they came as, for the responses endpoint.

Which kinds of items go back is the vendor's published request schemas of the four models (2026-08).
Reasoning goes with what followed it, or not at all: the API refuses it alone.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._messages.custom_tools import replayed_call
from langchain_aimlapi._messages.seal import unmarked
from langchain_aimlapi._wire.json import dicts_in
from langchain_aimlapi.profiles import MODEL_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_core.messages import AIMessage

    from langchain_aimlapi._messages.history import AssistantTurn, Call
    from langchain_aimlapi._messages.seal import Seal

CALL_ITEMS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
_CITATION_KEYS = frozenset({"url", "title", "start_index", "end_index"})
_NEEDED: dict[str, dict[str, type]] = {
    "message": {"span": list},
    "reasoning": {"id": str, "summary": list},
    **{kind: {"call_id": str} for kind in CALL_ITEMS},
    "web_search_call": {"id": str, "status": str},
    "code_interpreter_call": {"id": str, "code": str, "container_id": str, "status": str},
    "mcp_list_tools": {"id": str, "server_label": str, "tools": list},
    "mcp_approval_request": {"id": str, "server_label": str, "name": str, "arguments": str},
    "mcp_call": {"id": str, "server_label": str, "name": str, "arguments": str},
}
"""The kinds of items that the API takes back, and what it requires of them."""
_STATUSES = frozenset({"in_progress", "completed", "incomplete"})
_STATUSES_OF = {
    "web_search_call": frozenset({"in_progress", "completed", "searching", "failed"}),
    "code_interpreter_call": frozenset({"in_progress", "completed", "interpreting"}),
}
"""What an item may say of its end, in the request's schema; replies have more words."""
_NULLABLE = {"code_interpreter_call": {"outputs": None}}
"""What it requires too, be it null."""


class Replay:
    """Says assistant turns again, to one model."""

    def __init__(self, model: str, *, stored: bool, reasons: bool, seal: Seal) -> None:
        """Keep who is asked.

        Args:
            model: The model; the interpreter's calls are not in the codex models' schemas, those of
                the local shell only there.
            stored: Whether the vendor keeps responses, so that ids alone are enough.
            reasons: Whether the model takes reasoning items.
            seal: Who asks, and what may be shown to it.
        """
        self._lacks = "code_interpreter_call" if "codex" in model else "local_shell_call"
        self._stored = stored
        self._reasons = reasons
        self._seal = seal

    def items_of(self, turn: AssistantTurn) -> list[dict[str, Any]]:
        """Return a turn as the items that it came as, else as an easy message and calls."""
        left_out: list[str] = []
        items = list(self._items(turn, left_out))
        if left_out:
            warnings.warn(
                f"Message {turn.position} came with output that cannot be sent back and was left "
                f"out: {', '.join(dict.fromkeys(left_out))}.",
                stacklevel=2,
            )
        return items

    def _items(self, turn: AssistantTurn, left_out: list[str]) -> Iterator[dict[str, Any]]:
        calls = list(turn.calls)
        refusal = turn.refusal
        # With another text than it came with a message goes as an easy one, which has no place for
        # a refusal's own type.
        said = turn.text + refusal
        easy = {"role": "assistant", "content": said} if said else None
        items = _items_of(turn.message)
        texts = _texts(turn.text, [item for item in items if _is_sound(item, "message")])
        thoughts: list[dict[str, Any]] = []
        is_foreign = False
        wire: dict[str, Any] | None
        for item in items:
            if _is_sound(item, "reasoning"):
                is_foreign = is_foreign or not self._seal.opens(item)
                thoughts += [unmarked(item)] if self._may_send(item) else []
                continue
            if not _is_sound(item, "message"):
                wire = self._other(item, calls, left_out, known=not is_foreign)
            elif texts is None:
                wire, easy = easy, None
            else:
                text = texts.pop(0)
                wire = _message(item, text, refusal, known=not is_foreign)
                refusal, easy = "", None
            if wire is not None:
                yield from thoughts
                yield wire
            thoughts, is_foreign = [], False
        if easy is not None:
            yield easy
        for call in calls:
            yield replayed_call({"type": "function_call"}, call)

    def _may_send(self, item: dict[str, Any]) -> bool:
        is_there = self._stored or bool(item.get("encrypted_content"))
        return self._reasons and is_there and self._seal.opens(item)

    def _other(
        self, item: dict[str, Any], calls: list[Call], left_out: list[str], *, known: bool
    ) -> dict[str, Any] | None:
        """Return what is no message again; None for a call that was taken out of the message.

        An item's id means nothing to whom the thoughts before it mean nothing.
        """
        kind = item["type"]
        if not _is_sound(item, kind):
            left_out.append(kind)
            return None
        if kind not in CALL_ITEMS:
            if known and kind != self._lacks:
                return {**_NULLABLE.get(kind, {}), **item}
            left_out.append(kind)
            return None
        call = next((call for call in calls if call.came_as == item["call_id"]), None)
        if call is None:
            return None
        calls.remove(call)
        kind = "function_call" if kind == self._lacks else kind
        return replayed_call({**(item if known else {}), "type": kind}, call)


def call_kinds(message: AIMessage) -> dict[str, str]:
    """Return the kinds of the calls that a message came with, by their ids."""
    return {
        item["call_id"]: item["type"]
        for item in _items_of(message)
        if item["type"] in CALL_ITEMS and _is_sound(item, item["type"])
    }


def _items_of(message: AIMessage) -> list[dict[str, Any]]:
    """Return the items that a message of this dialect was made of."""
    if message.response_metadata.get("model_provider") != MODEL_PROVIDER:
        return []
    items = dicts_in(message.additional_kwargs.get("output_items"))
    return [_with_legal_status(item) for item in items if isinstance(item.get("type"), str)]


def _with_legal_status(item: dict[str, Any]) -> dict[str, Any]:
    status = item.get("status", "completed")
    is_legal = isinstance(status, str) and status in _STATUSES_OF.get(item["type"], _STATUSES)
    return item if is_legal else {**item, "status": "completed"}


def _is_sound(item: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a kept item is of a kind, and has what the API requires of it."""
    needed = _NEEDED.get(kind)
    return (
        item["type"] == kind
        and needed is not None
        and all(isinstance(item.get(key), form) for key, form in needed.items())
    )


def _texts(text: str, items: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the text of each message item; None where the text was edited to another length."""
    if not items or items[-1]["span"][-1:] != [len(text)]:
        return None
    return [text[slice(*item["span"])] for item in items]


def _message(
    item: Mapping[str, Any], text: str, refusal: str, *, known: bool
) -> dict[str, Any] | None:
    """Return a message again: as it came if whom it goes to knows it, else without its ids."""
    if not (text or refusal):
        return None
    if not known or not isinstance(item.get("id"), str):
        return {"role": "assistant", "content": text + refusal}
    content: list[dict[str, Any]] = []
    if text:
        # The request schema takes citations alone, and only whole ones.
        annotations = [
            annotation
            for annotation in item.get("annotations", ())
            if isinstance(annotation, dict)
            and annotation.get("type") == "url_citation"
            and annotation.keys() >= _CITATION_KEYS
        ]
        content.append({"type": "output_text", "text": text, "annotations": annotations})
    if refusal:
        content.append({"type": "refusal", "refusal": refusal})
    return {
        "type": "message",
        "role": "assistant",
        "id": item["id"],
        "status": item.get("status", "completed"),
        "content": content,
    }
