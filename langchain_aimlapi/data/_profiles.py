"""What is known of the four models, with source and date; no code.

Sources: the vendor's published OpenAPI schemas (O) and its capability lists (C), read in August
2026; a public catalogue of model facts (F), read in November 2026.

Windows: F has 400,000 tokens for GPT-5.1 and the codex models, of which 128,000 are output, and
128,000 for the chat model, of which 16,384 are output. `max_input_tokens` is what is left, since
LangChain's middleware counts the input against it.
"""

from __future__ import annotations

from typing import Any

_COMMON: dict[str, Any] = {
    "status": "active",
    "release_date": "2025-11-13",  # F
    "last_updated": "2025-11-13",  # F
    "open_weights": False,
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
    "mid_conversation_system_messages": True,  # O: system and developer messages anywhere
    "mid_conversation_tools": True,  # the API keeps no state: each request has its own tools
    "attachment": True,  # O
}

PROFILES: dict[str, dict[str, Any]] = {
    "openai/gpt-5-1": {
        **_COMMON,
        "name": "GPT-5.1",
        "max_input_tokens": 272_000,  # F
        "max_output_tokens": 128_000,  # F
        "reasoning_output": True,  # C
        "reasoning_effort_levels": ["low", "medium", "high"],  # O
        "temperature": True,  # O
    },
    "openai/gpt-5-1-chat-latest": {
        **_COMMON,
        "name": "GPT-5.1 Chat",
        "max_input_tokens": 111_616,  # F
        "max_output_tokens": 16_384,  # F
        "reasoning_output": False,
        "temperature": False,  # not in O
    },
    "openai/gpt-5-1-codex": {
        **_COMMON,
        "name": "GPT-5.1 Codex",
        "max_input_tokens": 272_000,  # F
        "max_output_tokens": 128_000,  # F
        "reasoning_output": True,  # O: `reasoning` on responses
        "reasoning_effort_levels": ["low", "medium", "high"],  # O
        "temperature": False,  # not in O
    },
    "openai/gpt-5-1-codex-mini": {
        **_COMMON,
        "name": "GPT-5.1 Codex mini",
        "max_input_tokens": 272_000,  # F
        "max_output_tokens": 128_000,  # F
        "reasoning_output": True,  # O: `reasoning` on responses
        "reasoning_effort_levels": ["none", "low", "medium", "high"],  # F; O lacks none
        "temperature": False,  # not in O
    },
}

# The owner's document shows chat completions for all four. O has both endpoints for the others, and
# responses alone for these two; which of the two is true for them is learned at run time.
ENDPOINT_IN_DOUBT = frozenset({"openai/gpt-5-1-codex", "openai/gpt-5-1-codex-mini"})

_SPEECH = frozenset({"audio", "modalities"})
UNDOCUMENTED_PARAMETERS: dict[str, frozenset[str]] = {
    # Parameters of the class that O lacks for a model. They are sent if the user sets them.
    "openai/gpt-5-1": _SPEECH,
    "openai/gpt-5-1-chat-latest": frozenset(
        {*_SPEECH, "temperature", "top_p", "logprobs", "top_logprobs", "reasoning_effort"}
    ),
    "openai/gpt-5-1-codex": frozenset(
        {*_SPEECH, "temperature", "top_p", "logprobs", "top_logprobs", "n", "seed"}
    ),
    "openai/gpt-5-1-codex-mini": frozenset(
        {*_SPEECH, "temperature", "top_p", "logprobs", "top_logprobs", "n", "seed"}
    ),
}
