"""From a scripted or rule-based `Reply` to the finished facts of one answer.

A `Generation` has everything decided (ids, counts, price, finish reasons), so that the two
renderers only have to spell it, and spell the same facts whole and streamed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.emulator.account.ledger import Usage, credits_for, to_usd
from langchain_aimlapi.emulator.answers.replies import UNSET, FinishReason, Reply, ToolCall
from langchain_aimlapi.emulator.tokens import count_tokens, split_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.emulator.answers.conversation import Conversation


@dataclass(frozen=True)
class Candidate:
    """One choice of an answer; `reasoning` is `None` where there is not even an empty summary."""

    text: str | None
    tool_calls: tuple[ToolCall, ...]
    reasoning: tuple[str, ...] | None
    refusal: str | None
    annotations: tuple[Mapping[str, Any], ...]
    finish_reason: FinishReason
    logprobs: tuple[dict[str, Any], ...] | None

    @property
    def reasoning_text(self) -> str:
        """All of the reasoning as one text."""
        return "\n\n".join(self.reasoning or ())


@dataclass(frozen=True)
class Generation:
    """An answer without its wire shape.

    Attributes:
        key: Hexadecimal digits that all ids of this answer are made of.
        created: Unix time in whole seconds.
        model: The model name that comes back.
        choices: At least one.
        usage: Token counts.
        credits: What is billed.
        told: Whether the price is told.
        payload: The request's body.
        reply: What it was made from.
        encrypted: Whether encrypted reasoning goes out.
    """

    key: str
    created: int
    model: str
    choices: tuple[Candidate, ...]
    usage: Usage
    credits: int
    told: bool
    payload: Mapping[str, Any]
    reply: Reply
    encrypted: bool = False

    @property
    def meta(self) -> dict[str, Any] | None:
        """The `meta` block that tells the price, `None` where it is not told.

        Source: AI/ML API documentation, request tracing and cost, 2026-08.
        """
        if not self.told:
            return None
        return {"usage": {"credits_used": self.credits, "usd_spent": to_usd(self.credits)}}


def generate(
    reply: Reply,
    conversation: Conversation,
    payload: Mapping[str, Any],
    *,
    key: str,
    created: float,
) -> Generation:
    """Decide everything that `reply` leaves open.

    Args:
        reply: The content.
        conversation: The request, for token counts and logprobs.
        payload: The request's body.
        key: Hexadecimal digits, unique to this answer.
        created: Unix time in seconds.
    """
    parts = tuple(reply.choices) or (reply,)
    choices = tuple(_choice(part, conversation, key, at) for at, part in enumerate(parts))
    usage = reply.usage or _count(choices, conversation)
    model = str(payload.get("model"))
    told = reply.cost is not None
    return Generation(
        key=key,
        created=int(created),
        model=reply.model or model,
        choices=choices,
        usage=usage,
        credits=credits_for(model, usage) if reply.cost in {None, UNSET} else int(reply.cost),
        told=told,
        payload=payload,
        reply=reply,
        encrypted=conversation.encrypted,
    )


def _choice(reply: Reply, conversation: Conversation, key: str, at: int) -> Candidate:
    calls = tuple(
        ToolCall(call.name, call.args, call.id or f"call_{key}{at:x}{number:x}")
        for number, call in enumerate(reply.tool_calls)
    )
    reasoning = (reply.reasoning,) if isinstance(reply.reasoning, str) else reply.reasoning
    asked = conversation.top_logprobs is not None
    logprobs = reply.logprobs if reply.logprobs is not None else asked
    return Candidate(
        text=reply.text,
        tool_calls=calls,
        reasoning=None if reasoning is None else tuple(reasoning),
        refusal=reply.refusal,
        annotations=tuple(reply.annotations),
        finish_reason=reply.finish_reason or ("tool_calls" if calls else "stop"),
        logprobs=_logprobs(reply.text or "", conversation.top_logprobs or 0) if logprobs else None,
    )


def _count(choices: tuple[Candidate, ...], conversation: Conversation) -> Usage:
    reasoning = sum(count_tokens(choice.reasoning_text) for choice in choices)
    visible = sum(
        count_tokens(choice.text or "")
        + count_tokens(choice.refusal or "")
        + sum(count_tokens(call.name + call.arguments) for call in choice.tool_calls)
        for choice in choices
    )
    return Usage(
        conversation.prompt_tokens, max(1, visible + reasoning), reasoning_tokens=reasoning
    )


def token_logprob(token: str, top: int) -> dict[str, Any]:
    """The log probability entry of one token: made up, the same for the same token.

    Args:
        token: The token's text.
        top: How many alternatives to list, the token itself first.
    """
    likelihood = -hashlib.sha256(token.encode("utf-8", "replace")).digest()[0] / 1000
    others = [token, *(f"{token}{number}" for number in range(1, top))][:top]
    listed = [_entry(text, likelihood - rank) for rank, text in enumerate(others)]
    return {**_entry(token, likelihood), "top_logprobs": listed}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode("utf-8", "replace")),
    }


def _logprobs(text: str, top: int) -> tuple[dict[str, Any], ...]:
    return tuple(token_logprob(token, top) for token in split_tokens(text))
