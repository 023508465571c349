"""Tool calls, as they come in and as they are sent back, in chat completions terms.

The arguments of a call are a JSON string.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.utils.json import parse_partial_json

from langchain_aimlapi._messages.endings import is_cut

if TYPE_CHECKING:
    from langchain_core.messages import InvalidToolCall, ToolCall


# --- calls that the model made ------------------------------------------------------------------


def parse_tool_call(
    name: str | None, arguments: str, call_id: str | None, finish_reason: str | None = None
) -> ToolCall | InvalidToolCall:
    """Read one finished call.

    Args:
        name: The function's name.
        arguments: The JSON text of the arguments; an empty text or white space stands for none.
        call_id: The call's id.
        finish_reason: How the answer ended. Arguments that never came are no arguments only if
            the model itself ended the answer.

    Returns:
        A tool call, or an invalid one that keeps the text as it came and says what is wrong.
    """

    def invalid(what: str) -> InvalidToolCall:
        return invalid_tool_call(name=name, args=arguments, id=call_id, error=what)

    cut = f" The answer was cut ({finish_reason})." if is_cut(finish_reason) else ""
    if cut and not arguments.strip():
        return invalid("The arguments are missing." + cut)
    try:
        args = _loads(arguments.strip() or "{}")
    except (ValueError, RecursionError) as error:
        return invalid(f"Arguments are no JSON: {error}.{cut}")
    if not isinstance(args, dict):
        return invalid("Arguments are no JSON object." + cut)
    if not name:
        return invalid("The call has no name." + cut)
    return tool_call(name=name, args=args, id=call_id)


def is_whole_object(arguments: str) -> bool:
    """Tell whether a text is a whole JSON object; a beginning of one never is."""
    try:
        return isinstance(_loads(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _loads(arguments: str) -> Any:
    # Models write raw line breaks into strings now and then; LangChain lets them pass as well.
    return json.loads(arguments, strict=False, parse_constant=_no_json, parse_float=_finite)


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    """Read a number; one that Python takes for infinity could not be sent back."""
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text} is too large")


def mark_of(arguments: str, why: str) -> str:
    """Return what makes every reader of a sum of chunks see that a call is not whole.

    LangChain closes what is open in a sum of fragments, or drops characters from its end, until it
    is JSON. A closing bracket that does not match what is open is where it gives up.

    Args:
        arguments: What came of the arguments.
        why: One word, shown in the mark: the finish reason, `interrupted`, …

    Returns:
        Text to put behind the arguments: a closing bracket and a comment. Empty where the
        arguments are an invalid call to LangChain as they are.
    """
    if not _passes_as_whole(arguments):
        return ""
    state, opened = _open_ends(arguments)
    bracket = "}" if opened.endswith("[") else "]"
    word = re.sub(r"\W", "_", why)
    return f"{_CLOSING[state]}{bracket} /* {word}{state} */"


def without_mark(arguments: str) -> str:
    """Return the arguments of an invalid call as they came, without the mark of a stream."""
    return _MARK.sub("", arguments)


_IN_TEXT, _AFTER_BACKSLASH = ", in a text", ", after a backslash"
_CLOSING = {"": "", _IN_TEXT: '"', _AFTER_BACKSLASH: '\\"'}
_MARK = re.compile(
    rf'(?:[\]}}] /\* \w+|"[\]}}] /\* \w+{_IN_TEXT}|\\"[\]}}] /\* \w+{_AFTER_BACKSLASH}) \*/\Z'
)


def _passes_as_whole(arguments: str) -> bool:
    """Tell whether LangChain would read arguments as some value, mending them if need be.

    Its sums of chunks take objects; its event streams stumble over any other JSON.
    """
    if not arguments.strip():
        return True
    try:
        json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        pass
    else:
        return True
    try:
        return isinstance(parse_partial_json(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _open_ends(text: str) -> tuple[str, str]:
    """Scan a JSON text as LangChain does: whether it ends inside a string, and what is open."""
    opened: list[str] = []
    in_text = escaped = False
    for character in text:
        if in_text:
            in_text = character != '"' or escaped
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_text = True
        elif character in "{[":
            opened.append(character)
        elif character in "}]" and opened:
            opened.pop()
    state = (_AFTER_BACKSLASH if escaped else _IN_TEXT) if in_text else ""
    return state, "".join(opened)
