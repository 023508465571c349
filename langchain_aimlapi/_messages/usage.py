"""Token counts and the price of a call, read from either API's reply.

Replies differ from the published schemas in small ways (counts as floats, blocks that are null),
and a count that cannot be read must not cost the user the answer: whatever is no number is taken
for absent, never for an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

from langchain_aimlapi._wire.account import CREDITS_PER_USD
from langchain_aimlapi._wire.error_text import finite_number


def usage_from_chat(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Translate the `usage` block of a chat completion.

    Args:
        usage: `prompt_tokens`, `completion_tokens`, `total_tokens`, `prompt_tokens_details`,
            `completion_tokens_details`; None if the reply has none.

    Returns:
        LangChain's usage, or None if the block holds no count at all. Details are there only if
        the reply has them; audio only if there was some.
    """
    return _usage(usage, "prompt_tokens", "completion_tokens")


def usage_from_responses(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Translate the `usage` block of a response.

    Args:
        usage: `input_tokens`, `output_tokens`, `total_tokens`, `input_tokens_details`,
            `output_tokens_details`; None if the reply has none.

    Returns:
        As `usage_from_chat`.
    """
    return _usage(usage, "input_tokens", "output_tokens")


def cost_from(
    body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, float] | None:
    """Read what a call was billed (AI/ML API documentation, request tracing and cost, 2026-08).

    Args:
        body: The reply, or a chunk of a stream: `meta.usage` with `credits_used` and
            `usd_spent`, of which older replies have only the first.
        headers: The response headers with lower-case names, asked if the body is silent:
            `x-aimlapi-credits-used`, `x-aimlapi-usd-spent`.

    Returns:
        `{"usd": float, "credits": int}`, one computed from the other if need be; None if the
        gateway did not say, or not readably. Never a guess: 0.0 means that it said so.
    """
    reported = _block(_block(body, "meta"), "usage")
    cost = _cost(reported.get("credits_used"), reported.get("usd_spent"))
    if cost is None and headers:
        cost = _cost(headers.get("x-aimlapi-credits-used"), headers.get("x-aimlapi-usd-spent"))
    return cost


def meta_from(
    body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """Find what the gateway says of its route and its times, the price aside.

    Args:
        body: A whole reply or a stream chunk. Its `meta` may hold `model`, `provider` and
            `metrics` (`duration_ms`, `ttft_ms`, `tps`) (AI/ML API documentation, 2026-11).
        headers: The response headers with lower-case names, asked for what the body leaves out:
            `x-aimlapi-model`, `x-aimlapi-provider`.

    Returns:
        `meta` without its `usage`, or None if there is nothing else.
    """
    meta = {
        name: value
        for name in ("model", "provider")
        if headers and (value := headers.get(f"x-aimlapi-{name}"))
    }
    meta.update((key, value) for key, value in _block(body, "meta").items() if key != "usage")
    return meta or None


_CHAT_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}


def llm_output(body: Mapping[str, Any], usage: object) -> dict[str, Any]:
    """Make the `llm_output` of a whole reply.

    Args:
        body: The reply.
        usage: Its `usage`, of either endpoint.

    Returns:
        `model_name`, the reply's `id`, and `token_usage` under chat completions' names: that is
        where tracing packages look for them, whichever endpoint it was.
    """
    output: dict[str, Any] = {"model_name": body.get("model")}
    if body.get("id"):
        output["id"] = body["id"]
    if isinstance(usage, Mapping):
        output["token_usage"] = {_CHAT_NAMES.get(key, key): usage[key] for key in usage}
    return output


def combined_llm_outputs(outputs: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Add up the `llm_output` of several replies.

    Args:
        outputs: One for each prompt; None where the call streamed.

    Returns:
        The model's name, and the sums of all counts; empty where all of them streamed.
    """
    combined: dict[str, Any] = {}
    for output in outputs:
        if output:
            combined["model_name"] = output.get("model_name")
            if "token_usage" in output:
                counts = output["token_usage"]
                before = combined.get("token_usage")
                combined["token_usage"] = _added(before, counts) if before else counts
    return combined


def _added(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    total = dict(left)
    for key, value in right.items():
        known = total.get(key)
        if isinstance(value, Mapping):
            total[key] = _added(known if isinstance(known, Mapping) else {}, value)
        elif known is None:
            total[key] = value
        elif _count(known) is not None and _count(value) is not None:
            total[key] = known + value
        elif value is not None:
            total[key] = value
    return total


def _usage(usage: object, input_key: str, output_key: str) -> UsageMetadata | None:
    if not isinstance(usage, Mapping):
        return None
    input_tokens = _count(usage.get(input_key))
    output_tokens = _count(usage.get(output_key))
    total_tokens = _count(usage.get("total_tokens"))
    if input_tokens is output_tokens is total_tokens is None:
        return None
    metadata = UsageMetadata(
        input_tokens=input_tokens or 0,
        output_tokens=output_tokens or 0,
        total_tokens=(input_tokens or 0) + (output_tokens or 0)
        if total_tokens is None
        else total_tokens,
    )
    details = _block(usage, f"{input_key}_details")
    input_details = InputTokenDetails()
    if (cached := _count(details.get("cached_tokens"))) is not None:
        input_details["cache_read"] = cached
    if (written := _count(details.get("cache_write_tokens"))) is not None:
        input_details["cache_creation"] = written
    if audio := _count(details.get("audio_tokens")):
        input_details["audio"] = audio
    if input_details:
        metadata["input_token_details"] = input_details
    details = _block(usage, f"{output_key}_details")
    output_details = OutputTokenDetails()
    if (reasoning := _count(details.get("reasoning_tokens"))) is not None:
        output_details["reasoning"] = reasoning
    if audio := _count(details.get("audio_tokens")):
        output_details["audio"] = audio
    if output_details:
        metadata["output_token_details"] = output_details
    return metadata


def _cost(credits_used: object, usd_spent: object) -> dict[str, float] | None:
    amount, usd = finite_number(credits_used), finite_number(usd_spent)
    if amount is None and usd is not None:
        amount = finite_number(usd * CREDITS_PER_USD)
    if amount is None:
        return None
    return {"usd": amount / CREDITS_PER_USD if usd is None else usd, "credits": round(amount)}


def _block(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    block = value.get(key)
    return block if isinstance(block, Mapping) else {}


def _count(value: object) -> int | None:
    """Return a number of tokens; None for anything that is no number (text is not)."""
    if type(value) is int and value >= 0:
        return value
    amount = None if isinstance(value, str) else finite_number(value)
    return None if amount is None else int(amount)
