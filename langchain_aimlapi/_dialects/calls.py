"""The tool calls of one answer: collected from fragments, and told whole from cut.

A call is whole if its arguments are a whole JSON object; a prefix of one never is. LangChain's
sums of chunks mend a prefix into a valid call, so a stream says of each call that is not whole that
it is not: a last fragment that no parser can mend (`mark_of`), which is taken off when the call is
sent back.
"""

from __future__ import annotations

import contextlib
import json
import math
import uuid
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import tool_call_chunk

from langchain_aimlapi._messages.endings import is_cut
from langchain_aimlapi._messages.tool_calls import is_whole_object, mark_of, parse_tool_call
from langchain_aimlapi._wire.json import may_go_on

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.tool import ToolCallChunk

_NOTHING = "{}"
_NO_IDS = frozenset({"", "null", "None"})


class ToolCalls:
    """Collects the calls of one answer, and the fragments to show of them.

    The standard form numbers each fragment with `index` and names the call in its first one. Some
    gateways leave `index` out, send it as text, number every call 0, repeat or split the name, or
    send the id late, empty or another one each time.

    LangChain joins the names of a call's fragments, replaces them or splits the call at a new id,
    depending on who adds up: so a call is shown from its first argument on, once it has a name, and
    its name and id once.
    """

    def __init__(self, offered: Collection[str] = ()) -> None:
        """Start with no call.

        Args:
            offered: Names of the tools that the model was given.
        """
        self._offered = offered
        self._calls: list[_Call] = []
        self._by_index: dict[int | str, int] = {}
        self._by_id: dict[str, int] = {}
        self._final_ids: set[str] = set()
        self.fresh: dict[int, ToolCallChunk] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any call."""
        return bool(self._calls)

    def place(self, index: Any, name: str | None, arguments: str, call_id: str | None) -> int:
        """Return the position of the call that a fragment belongs to, counted from 0.

        A fragment starts a call if it has a name and nothing says that it goes on with one.

        Args:
            index: What the fragment says, of any type.
            name: The fragment's name, or None.
            arguments: The fragment's arguments.
            call_id: The fragment's id, or None.
        """
        number = _number_or_word(index)
        if not name and call_id is None and number is not None and number in self._by_index:
            return self._by_index[number]  # most bring nothing but more arguments
        known = None if call_id is None else self._by_id.get(call_id)
        is_new_id = call_id is not None and known is None
        if not self._is_told_again(known, number, name, arguments) and self._starts(
            number, name, arguments, is_new_id=is_new_id
        ):
            position = len(self._calls)
        elif number is not None and number in self._by_index:
            latest = self._by_index[number]
            # Where all calls have one number, an id tells them apart.
            shared = known is not None and self._calls[known].number == number
            position = known if shared and known is not None else latest
        else:
            position = len(self._calls) - 1 if known is None else known
        if number is not None and (number not in self._by_index or name):
            self._by_index[number] = position
        return position

    def _is_told_again(
        self, known: int | None, number: int | str | None, name: str | None, arguments: str
    ) -> bool:
        """Tell whether a fragment with the id of a call goes on with it, or repeats it whole."""
        if known is None:
            return False
        call = self._calls[known]
        if number not in (None, call.number) or name != call.name:
            return False
        return not call.is_whole or arguments.strip() in ("", call.text.strip())

    def _starts(
        self, number: int | str | None, name: str | None, arguments: str, *, is_new_id: bool
    ) -> bool:
        if not self._calls:
            return True
        is_new_number = number is not None and number not in self._by_index
        if not name:
            # A name may follow the call's number and id.
            return is_new_number and is_new_id and not arguments.strip()
        opened = self._calls[-1 if number is None or is_new_number else self._by_index[number]]
        if is_new_number or opened.name is None:
            return is_new_number
        if is_new_id:
            may_be_over = not opened.shown or opened.is_whole
            return number is None or (opened.id is not None and may_be_over)
        if name == opened.name:
            return opened.is_whole and bool(arguments.strip())
        grows = name.startswith(opened.name)
        both_offered = name in self._offered and opened.name in self._offered
        return opened.is_whole or (not opened.shown and both_offered and not grows)

    def add(
        self,
        position: int,
        name: str | None,
        arguments: str,
        call_id: str | None,
        index: Any = None,
    ) -> None:
        """Add a call or a fragment of one.

        Args:
            position: Which call of the answer, counted from 0.
            name: The function's name, a piece of it, or None.
            arguments: JSON text, or the next piece of it.
            call_id: The call's id, or None.
            index: The API's own number of the call.
        """
        while position >= len(self._calls):
            self._calls.append(_Call())
        call = self._calls[position]
        if call.number is None:
            call.number = _number_or_word(index)
        if call_id and call.id is None:
            call.id = call_id
            self._by_id[call_id] = position
        if name and not call.shown:
            call.name = self._named(call.name, name)
        call.grow(arguments)
        if call.name and not call.as_sent and (call.begun or call.is_telling):
            call.begun = True
            self._show(position, call)

    def _named(self, known: str | None, name: str) -> str:
        if not known or (name.startswith(known) and (name == known or name in self._offered)):
            return name
        joined = known + name
        is_piece = any(tool.startswith(joined) for tool in self._offered)
        return name if name in self._offered and not is_piece else joined

    def places_of(self, names: Iterable[tuple[Any, str | None]]) -> list[int]:
        """Return the positions of the calls of a whole message, of which some may be known.

        Args:
            names: The index and the id of each.
        """
        places: list[int] = []
        for place, (index, call_id) in enumerate(names):
            word = _number_or_word(index)
            at = None if word is None else self._by_index.get(word)
            if call_id is not None:
                at = self._by_id.get(call_id)
            if at is None and place < len(self._calls):
                known = self._calls[place].id
                at = place if None in (known, call_id) else None
            if at is None or at in places:
                at = max([len(self._calls), *(each + 1 for each in places)])
            places.append(at)
        return places

    def name_of(self, position: int) -> str | None:
        """Return the name of a call, if it has one yet."""
        return self._calls[position].name if position < len(self._calls) else None

    def text_of(self, position: int) -> str:
        """Return what has come of the arguments of a call."""
        return self._calls[position].text if position < len(self._calls) else ""

    def settle(self, position: int) -> str:
        """Return the id of a call, which is final from now on."""
        call = self._calls[position]
        if call.final_id is None:
            is_free = call.id is not None and call.id not in self._final_ids
            call.final_id = call.id if is_free else f"call_{uuid.uuid4().hex}"
            self._final_ids.add(str(call.final_id))
        return str(call.final_id)

    def _show(self, position: int, call: _Call) -> None:
        if not call.shown:
            # A sum of chunks has its calls in the order in which they were first shown.
            waiting = [at for at in range(position) if not self._calls[at].shown]
            if any(not self._calls[at].name for at in waiting):
                return
            for at in waiting:
                self._show_piece(at, self._calls[at], "")
        text, call.held = call.held, ""
        self._show_piece(position, call, text)

    def _show_piece(self, position: int, call: _Call, text: str) -> None:
        name = call_id = None
        if not call.shown:
            name, call_id, call.shown = call.name, self.settle(position), True
        if earlier := self.fresh.get(position):
            name, call_id = earlier["name"] or name, earlier["id"] or call_id
            text = (earlier["args"] or "") + text
        self.fresh[position] = tool_call_chunk(name=name, args=text, id=call_id, index=position)

    def take(self) -> list[ToolCallChunk]:
        """Return what is to be shown since the last time, joined call by call."""
        if not self.fresh:
            return []
        fresh, self.fresh = self.fresh, {}
        return list(fresh.values())

    def end(self, finish_reason: str) -> None:
        """Show what was held back, and mark each call that is not whole."""
        why = finish_reason if is_cut(finish_reason) else "broken"
        for position, call in enumerate(self._calls):
            call.unpack()
            text = call.text
            whole = parse_tool_call(call.name, text, None, finish_reason)["type"] == "tool_call"
            mark = "" if whole else mark_of(text, why)
            if call.shown and not (mark or call.held):
                continue
            call.held = call.held + mark if call.held.strip() or not whole else ""
            self._show(position, call)

    def parsed(self, finish_reason: str) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        """Return the calls of an answer that has ended: the valid and the invalid ones."""
        valid: list[ToolCall] = []
        invalid: list[InvalidToolCall] = []
        for position, call in enumerate(self._calls):
            call.unpack()
            parsed = parse_tool_call(call.name, call.text, self.settle(position), finish_reason)
            if parsed["type"] == "tool_call":
                valid.append(parsed)
            else:
                invalid.append(parsed)
        return valid, invalid

    def interrupted(self) -> list[ToolCallChunk]:
        """Return the calls of an answer that broke off, each marked as what is not whole."""
        return [
            tool_call_chunk(
                name=call.name,
                args=call.text + mark_of(call.text, "interrupted"),
                id=call.final_id or call.id,
                index=position,
            )
            for position, call in enumerate(self._calls)
        ]


class _Call:
    """One call as it grows."""

    __slots__ = (
        *("arguments", "as_sent", "begun", "final_id", "held", "id"),
        *("length", "name", "number", "shown"),
    )

    def __init__(self) -> None:
        self.number: int | str | None = None
        self.id: str | None = None
        self.final_id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.length = 0  # of the arguments: to join them for each fragment would take long
        self.held = ""
        # All fragments, while one of them may repeat what is there, or go on with it.
        self.as_sent: list[str] = []
        self.begun = False
        self.shown = False

    @property
    def text(self) -> str:
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        # Asked for with each fragment: most arguments are seen to be open by their end.
        end = next((piece for piece in reversed(self.arguments) if piece.strip()), "")
        return end.rstrip().endswith("}") and is_whole_object(self.text)

    @property
    def is_telling(self) -> bool:
        """Whether what is held back are arguments that no later fragment replaces."""
        held = self.held.strip()
        return bool(held) and held != _NOTHING and not held.startswith('"')

    def grow(self, arguments: str) -> None:
        """Add arguments; some gateways send all that has come so far each time, or once more.

        So what begins like all that is there replaces it. Where it could as well go on with it, as
        in `{"not":{"not":…`, nothing more is shown until it is seen which of the two is right.
        An empty object before the arguments says only that they are to come.
        """
        sent = arguments
        if self.length and arguments.startswith("{"):
            if len(arguments) >= self.length and arguments.startswith(text := self.text):
                before = self.as_sent or [text]
                self.as_sent = before if may_go_on("".join([*before, sent])) else []
                arguments = arguments[self.length :]
            elif not self.begun and self.held.strip() == _NOTHING:
                self.arguments, self.held, self.length = [], "", 0
        self.arguments.append(arguments)
        self.held += arguments
        self.length += len(arguments)
        if self.as_sent:
            self._keep_as_sent(sent)

    def _keep_as_sent(self, sent: str) -> None:
        """Keep a fragment as it came; if all of them make an object, none was a repetition."""
        self.as_sent.append(sent)
        if sent.rstrip().endswith("}") and is_whole_object(text := "".join(self.as_sent)):
            self.held = text[self.length - len(self.held) :]
            self.arguments, self.length, self.as_sent = [text], len(text), []

    def unpack(self) -> None:
        """Take arguments out of the JSON text that some models put them into once more."""
        if self.begun or not self.held.lstrip().startswith('"'):
            return
        with contextlib.suppress(ValueError):
            inner = json.loads(self.held)
            if is_whole_object(inner):
                self.arguments, self.held, self.length = [inner], inner, len(inner)


def number_of(index: Any) -> int | None:
    """Read an index, which some gateways send as text or as a float; None if it is none."""
    if type(index) is int:  # as it should be
        return index
    if isinstance(index, bool) or not isinstance(index, (int, float, str)):
        return None
    try:
        number = float(index)
    except (ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) else None


def _number_or_word(index: Any) -> int | str | None:
    """Read what tells calls apart: an index, or a word in the place of one."""
    number = number_of(index)
    return id_of(index) if number is None else number


def id_of(value: Any) -> str | None:
    """Return an id; None for what some servers send in the place of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and value.strip() not in _NO_IDS else None
