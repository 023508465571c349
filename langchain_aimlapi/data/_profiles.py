"""What is known of the four models, with source and date; no code.

Sources, all read in August 2026: the vendor's model table (M), its published OpenAPI schemas (O),
its capability lists (C), and its Dify plugin (P).

Left out on purpose: `max_input_tokens` of the two models whose window the sources give differently
or once only (M has 128,000 for `openai/gpt-5-1`, P has 400,000). LangChain falls back to fixed
token counts where it is missing, which is safer than summarising too late.
"""

from __future__ import annotations

from typing import Any

_COMMON: dict[str, Any] = {
    "text_inputs": True,
    "image_inputs": True,  # C lists all four under vision; O has images for chat completions
    "image_url_inputs": True,  # O
    "pdf_inputs": True,  # O
    "audio_inputs": False,  # O
    "video_inputs": False,  # O
    "image_tool_message": True,  # moved to a user turn by this package
    "pdf_tool_message": True,  # the same
    "text_outputs": True,
    "image_outputs": False,  # O
    "audio_outputs": False,  # O
    "video_outputs": False,  # O
    "tool_calling": True,  # C
    "tool_choice": True,  # O
    "tool_call_streaming": True,  # O
    "structured_output": True,  # O: response_format json_schema; text.format on responses
    "attachment": True,  # O
}

PROFILES: dict[str, dict[str, Any]] = {
    "openai/gpt-5-1": {
        **_COMMON,
        "name": "GPT-5.1",
        "max_output_tokens": 128_000,  # P
        "reasoning_output": True,  # C
        "temperature": True,  # O
    },
    "openai/gpt-5-1-chat-latest": {
        **_COMMON,
        "name": "GPT-5.1 Chat",
        "reasoning_output": False,
        "temperature": False,  # not in O
    },
    "openai/gpt-5-1-codex": {
        **_COMMON,
        "name": "GPT-5.1 Codex",
        "max_input_tokens": 400_000,  # M
        "max_output_tokens": 128_000,  # P
        "reasoning_output": True,  # O: `reasoning` on responses
        "temperature": False,  # not in O
    },
    "openai/gpt-5-1-codex-mini": {
        **_COMMON,
        "name": "GPT-5.1 Codex mini",
        "max_input_tokens": 400_000,  # M
        "max_output_tokens": 128_000,  # P
        "reasoning_output": True,  # O: `reasoning` on responses
        "temperature": False,  # not in O
    },
}

# The owner's document shows chat completions for all four. O has both endpoints for the others, and
# responses alone for these two; which of the two is true for them is learned at run time.
ENDPOINT_IN_DOUBT = frozenset({"openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini"})

UNDOCUMENTED_PARAMETERS: dict[str, frozenset[str]] = {
    # Parameters of the class that O lacks for a model. They are sent if the user sets them.
    "openai/gpt-5-1": frozenset(),
    "openai/gpt-5-1-chat-latest": frozenset(
        {"temperature", "top_p", "logprobs", "top_logprobs", "reasoning_effort"}
    ),
    "openai/gpt-5-1-codex": frozenset(
        {"temperature", "top_p", "logprobs", "top_logprobs", "n", "seed"}
    ),
    "openai/gpt-5-1-codex-mini": frozenset(
        {"temperature", "top_p", "logprobs", "top_logprobs", "n", "seed"}
    ),
}
