"""A conversation in one normal form, from which both endpoints are written.

Agents run for weeks: their histories come from several models and are trimmed, redacted and
reordered. The upstream refuses a call without a result behind it, a result without a call, and
names outside of its alphabet. A pure function mends all that here, before anything is written, so
that one bad turn in a checkpoint does not make every later call fail.

What is mended:

- A result belongs to the nearest earlier call of its id that has none, and moves up behind it.
- A call without a result gets one that says so. Of two results the last counts.
- A result without a call is left out: a tool's output must not speak as the user.
- Calls without an id, or with an id that another call of the turn has, get one of their own.
- Names become legal, the same each time.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi._messages.content import (
    blocks_of,
    refusal_of,
    text_of,
    unwrapped,
)
from langchain_aimlapi._messages.foreign_blocks import as_text, kind_of
from langchain_aimlapi._messages.tool_calls import without_mark
from langchain_aimlapi._wire.json import SHAPE_ERRORS
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langchain_core.messages import BaseMessage

NOT_RUN = "No result: this call was not run."
"""What stands in the place of a result that is missing."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_ID = 40  # characters of a call's id that the upstream takes on chat completions
_CALL_BLOCKS = frozenset({"tool_use", "tool_call", "invalid_tool_call"})
_WITHOUT_LOSS = frozenset(
    {
        *_CALL_BLOCKS,
        *("function_call", "custom_tool_call", "tool_call_chunk", "tool_result"),
        *("text", "output_text", "input_text", "refusal"),
        *("reasoning", "reasoning_content", "thinking", "redacted_thinking", "cachePoint"),
    }
)
"""Blocks of an assistant turn that are sent in another place, or say nothing to anybody else."""
_ROLES = {"user": "user", "human": "user", "system": "system", "developer": "developer"}
_RESULT_ROLES = frozenset({"tool", "function"})
_ASSISTANT_ROLES = frozenset({"assistant", "ai"})


@dataclass
class Call:
    """A call of a tool, valid or not."""

    id: str
    """Its id on the wire; no other call of the turn has it."""
    came_as: str
    """Its id in the message; empty if it had none."""
    name: str
    """A legal name."""
    arguments: str
    """JSON text, or what came in the place of it."""
    result: Any = None
    """What the tool returned, any content."""
    answered: bool = False

    def wire(self) -> dict[str, Any]:
        """Return the call as chat completions has it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass
class Spoken:
    """What a user or the instructions say."""

    position: int
    kind: str
    role: str
    content: Any
    name: str


@dataclass
class AssistantTurn:
    """What a model said, and what came of its calls."""

    position: int
    kind: str
    message: AIMessage
    blocks: list[dict[str, Any]]
    text: str
    refusal: str
    name: str
    calls: list[Call] = field(default_factory=list)


@dataclass
class Result:
    """A tool's result that no call of this conversation asked for, as a stored one may have."""

    position: int
    kind: str
    call_id: str
    content: Any
    name: str
    """The tool's name; empty where it is not known."""


Turn = Spoken | AssistantTurn | Result


def normal_form(messages: Sequence[BaseMessage], *, continued: bool = False) -> list[Turn]:
    """Bring a conversation into the form that the API takes.

    Args:
        messages: The conversation; it is not changed.
        continued: Whether the vendor has the turns before it (`previous_response_id`), so that its
            first results may answer calls that are not in it.

    Returns:
        Turns in their order. Each call has its result with it.

    Raises:
        AIMLAPIInvalidRequestError: A message of a role that the API does not have.
    """
    turns: list[Turn] = []
    for position, message in enumerate(messages):
        try:
            _take(turns, position, message, messages, continued=continued)
        except SHAPE_ERRORS as error:  # noqa: PERF203 - the error names the message
            raise AIMLAPIInvalidRequestError(
                f"Message {position} ({message.type}) cannot be sent: something in it has another "
                f"shape than LangChain documents ({type(error).__name__})."
            ) from error
    for turn in turns:
        if isinstance(turn, AssistantTurn):
            _answer_the_rest(turn)
    return turns


def legal_name(name: Any) -> str:
    """Return a name that the API takes; one that is legal already stays as it is.

    A changed name carries a hash of the original, so two names never become one.
    """
    text = name if isinstance(name, str) else ""
    if _NAME.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:55] or "unnamed"
    return f"{cleaned}_{digest}"


def _legal_id(call_id: str) -> str:
    """Return an id of a call that is short enough, the same each time."""
    if len(call_id) <= _MAX_ID:
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{call_id[: _MAX_ID - len(digest) - 1]}_{digest}"


def _take(
    turns: list[Turn],
    position: int,
    message: BaseMessage,
    messages: Sequence[BaseMessage],
    *,
    continued: bool,
) -> None:
    """Add a message to the turns, or its results to the calls that they answer."""
    if isinstance(message, AIMessage):
        turns.append(_assistant(turns, position, message, messages))
        return
    for call_id, name, content in _results_in(message):
        if _settle(turns, call_id, name, content):
            continue
        if continued and call_id:
            turns.append(Result(position, message.type, call_id, content, _text(message.name)))
        else:
            _warn(
                f"Message {position} ({message.type}) holds a result that answers no call before "
                f"it (tool_call_id {call_id!r}) and was left out."
            )
    role = _role_of(message, position)
    if role in _ASSISTANT_ROLES:
        kwargs = message.additional_kwargs
        made = AIMessage(content=message.content, name=message.name, additional_kwargs=kwargs)
        turns.append(_assistant(turns, position, made, messages))
    elif role not in _RESULT_ROLES:
        content = message.content
        name = legal_name(message.name) if message.name else ""
        if _holds_results(message):
            content = [block for block in blocks_of(content) if kind_of(block) != "tool_result"]
            if not content:
                return
        turns.append(Spoken(position, message.type, role, content, name))


# --- results --------------------------------------------------------------------------------------


def _holds_results(message: BaseMessage) -> bool:
    return isinstance(message.content, list) and any(
        isinstance(block, dict) and kind_of(block) == "tool_result" for block in message.content
    )


def _results_in(message: BaseMessage) -> Iterator[tuple[str, str, Any]]:
    """Yield the results that a message holds: the call's id, the tool's name, the content."""
    if isinstance(message, (HumanMessage, AIMessage)) and isinstance(message.content, str):
        return
    if isinstance(message, ToolMessage):
        yield _text(message.tool_call_id), "", message.content
    elif isinstance(message, FunctionMessage):
        yield "", _text(message.name), message.content
    elif isinstance(message, ChatMessage) and _text(message.role).lower() in _RESULT_ROLES:
        given = getattr(message, "tool_call_id", None)
        given = given or message.additional_kwargs.get("tool_call_id")
        name = _text(message.name) if message.role.lower() == "function" else ""
        yield _text(given), name, message.content
    elif not isinstance(message, (AIMessage, SystemMessage)) and _holds_results(message):
        for block in blocks_of(message.content):
            if kind_of(block) == "tool_result":
                yield _text(block.get("tool_use_id")), "", block.get("content")


def _settle(turns: list[Turn], call_id: str, name: str, content: Any) -> bool:
    """Give a result to the call that it answers, and tell whether there is one."""
    found: Call | None = None
    if call_id:
        mine = (call for call in _nearest_first(turns) if call.came_as == call_id)
        found = next((call for call in mine if not call.answered), None)
        if found is None:
            mine = (call for call in _nearest_first(turns) if call.came_as == call_id)
            found = next(mine, None)
            if found is not None:
                _warn(f"The call {call_id!r} has several results; the last one was sent.")
    elif name:
        named = (call for call in _nearest_first(turns) if call.name == legal_name(name))
        found = next((call for call in named if not call.answered), None)
    if found is None and not name:
        last = next((turn for turn in reversed(turns) if isinstance(turn, AssistantTurn)), None)
        nameless = last.calls if last is not None else ()
        found = next((call for call in nameless if not (call.came_as or call.answered)), None)
    if found is None:
        return False
    found.result, found.answered = content, True
    return True


def _nearest_first(turns: Sequence[Turn]) -> Iterator[Call]:
    for turn in reversed(turns):
        if isinstance(turn, AssistantTurn):
            yield from turn.calls


def _answer_the_rest(turn: AssistantTurn) -> None:
    for call in turn.calls:
        if not call.answered:
            _warn(
                f"The call {call.id!r} of {call.name!r} in message {turn.position} has no result; "
                f"{NOT_RUN!r} was sent in its place."
            )
            call.result, call.answered = NOT_RUN, True


# --- assistant turns ------------------------------------------------------------------------------


def _assistant(
    turns: Sequence[Turn], position: int, message: AIMessage, messages: Sequence[BaseMessage]
) -> AssistantTurn:
    content = message.content
    blocks = blocks_of(content)
    if not isinstance(content, str) and (lost := _lost(blocks)):
        _warn(
            f"Message {position} (ai) holds what the API has no place for in an assistant's turn "
            f"and was left out: {', '.join(lost)}."
        )
    turn = AssistantTurn(
        position,
        message.type,
        message,
        blocks,
        content if isinstance(content, str) else text_of(blocks),
        refusal_of(message, blocks),
        legal_name(message.name) if message.name else "",
    )
    ids: set[str] = set()
    for came_as, name, arguments in calls_of(message, messages):
        call_id = _legal_id(came_as)
        if not call_id or call_id in ids:
            call_id = f"{came_as or 'call'}_{position}_{len(turn.calls)}"
            taken = ids.union(call.id for call in _nearest_first(turns))
            while call_id in taken:
                call_id += "_"
        ids.add(call_id)
        turn.calls.append(Call(call_id, came_as, legal_name(name), arguments))
    return turn


def _lost(blocks: Iterable[dict[str, Any]]) -> list[str]:
    """Return the kinds of blocks that have no place in an assistant's turn, each once."""
    kinds = (unwrapped(block).get("type") or ", ".join(map(str, block)) for block in blocks)
    return list(dict.fromkeys(kind for kind in map(str, kinds) if kind not in _WITHOUT_LOSS))


def calls_of(
    message: AIMessage, messages: Sequence[BaseMessage] = ()
) -> Iterator[tuple[str, Any, str]]:
    """Yield id, name and arguments of a turn's calls, valid and invalid.

    A model's message has all of its calls in `tool_calls` and `invalid_tool_calls`: one that was
    taken out there does not come back from the content. A message that was written by hand may have
    them in the content alone, in Anthropic's form or LangChain's.
    """
    for call in message.tool_calls:
        yield _text(call.get("id")), call["name"], as_text(call["args"])
    for bad in message.invalid_tool_calls:
        yield _text(bad.get("id")), bad.get("name"), without_mark(_arguments(bad.get("args")))
    if message.tool_calls or message.invalid_tool_calls:
        return
    if message.response_metadata.get("model_provider"):
        return
    for block in () if isinstance(message.content, str) else blocks_of(message.content):
        if kind_of(block) in _CALL_BLOCKS:
            call_id = _text(block.get("id"))
            if "tool_calls" not in message.model_fields_set or _is_answered(call_id, messages):
                arguments = without_mark(_arguments(block.get("input", block.get("args"))))
                yield call_id, block.get("name"), arguments
    old = message.additional_kwargs.get("function_call")
    if isinstance(old, dict):
        name = _text(old.get("name"))
        if "tool_calls" not in message.model_fields_set or _is_answered("", messages, name):
            yield "", name, without_mark(_arguments(old.get("arguments")))


def _arguments(arguments: Any) -> str:
    """Return arguments as text; those that were text already as they came."""
    return "" if arguments is None else as_text(arguments)


def _is_answered(call_id: str, messages: Sequence[BaseMessage], name: str = "") -> bool:
    results = (result for message in messages for result in _results_in(message))
    return any((given, of) == (call_id, name) for given, of, _ in results)


# --- roles ----------------------------------------------------------------------------------------


def _role_of(message: BaseMessage, position: int) -> str:
    """Return the role of a message that is no AIMessage.

    Raises:
        AIMLAPIInvalidRequestError: The API has no such role.
    """
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        # LangChain's own way to say "developer" on a system message.
        is_developer = message.additional_kwargs.get("__openai_role__") == "developer"
        return "developer" if is_developer else "system"
    if isinstance(message, (ToolMessage, FunctionMessage)):
        return "tool"
    role = getattr(message, "role", message.type)
    if isinstance(role, str):
        role = role.lower()
        if role in _ROLES:
            return _ROLES[role]
        if role in _ASSISTANT_ROLES or role in _RESULT_ROLES:
            return role
    raise AIMLAPIInvalidRequestError(
        f"Message {position} cannot be sent: the API has no role {role!r}. Roles are "
        f"{', '.join(sorted(set(_ROLES.values())))}, assistant and tool."
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _warn(what: str) -> None:
    warnings.warn(what, stacklevel=2)
