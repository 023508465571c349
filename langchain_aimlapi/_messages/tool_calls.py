"""Tool calls, as they come in and as they are sent back, in chat completions terms.

The arguments of a call are a JSON string.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call

if TYPE_CHECKING:
    from langchain_core.messages import InvalidToolCall, ToolCall


# --- calls that the model made ------------------------------------------------------------------


def parse_tool_call(
    name: str | None, arguments: str, call_id: str | None
) -> ToolCall | InvalidToolCall:
    """Read one finished call.

    Args:
        name: The function's name.
        arguments: The JSON text of the arguments; an empty text stands for no arguments.
        call_id: The call's id.

    Returns:
        A tool call, or an invalid one that keeps the text as it came and says what is wrong.
    """
    try:
        # Models write raw line breaks into strings now and then; LangChain lets them pass as well.
        args = json.loads(
            arguments.strip() or "{}", strict=False, parse_constant=_no_json, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error=f"Arguments are no JSON: {error}"
        )
    if not isinstance(args, dict):
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error="Arguments are no JSON object."
        )
    if not name:
        return invalid_tool_call(
            name=name, args=arguments, id=call_id, error="The call has no name."
        )
    return tool_call(name=name, args=args, id=call_id)


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    """Read a number; one that Python takes for infinity could not be sent back."""
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text} is too large")


class ToolCallSlots:
    """Finds out to which call a streamed fragment belongs, whatever the gateway numbers it.

    The standard form numbers each fragment with `index` and names the call in its first one. Some
    gateways leave `index` out, send null, number every call 0, or repeat id and name in each
    fragment. So an id, where there is one, decides; then the index; then whatever came last.
    """

    def __init__(self) -> None:
        """Start with no call."""
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        self._slots = 0

    def place(self, index: Any, call_id: str | None) -> int:
        """Return the position of the call, counted from 0 in order of appearance.

        Args:
            index: What the fragment says, of any type.
            call_id: The fragment's id, or None.
        """
        number = index if isinstance(index, int) and not isinstance(index, bool) else None
        if isinstance(index, float):
            number = int(index)
        slot = self._known(number, call_id)
        if slot is None:
            slot = self._slots
            self._slots += 1
        if call_id:
            self._by_id[call_id] = slot
        if number is not None:
            self._by_index[number] = slot
        return slot

    def _known(self, number: int | None, call_id: str | None) -> int | None:
        if call_id:
            if call_id in self._by_id:
                return self._by_id[call_id]
            taken = self._by_index.get(number) if number is not None else None
            # An index whose call has no id yet is this call; one that has another id is not.
            return None if taken in self._by_id.values() else taken
        if number is not None:
            return self._by_index.get(number)
        return self._slots - 1 if self._slots else None
