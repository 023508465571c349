"""An offline AI/ML API: for tests, examples, and a first look without a key.

```python
from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.emulator import Emulator

llm = ChatAIMLAPI(model="openai/gpt-5-1", **Emulator().connection())
print(llm.invoke("Hello").text)
```

Nothing here shares code with the client: an emulator that parsed with the code under test would
prove nothing. Written from the vendor's public documentation (2026-08); where that is silent or
contradicts itself, comments say what was guessed. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_aimlapi.emulator.catalogue import (
        CHAT_ONLY,
        CODEX_ON_RESPONSES_ONLY,
        EMULATED_MODELS,
    )
    from langchain_aimlapi.emulator.doors import Emulator
    from langchain_aimlapi.emulator.errors import CONTEXT_OVERFLOW
    from langchain_aimlapi.emulator.exchange import Answer, Piece, RecordedRequest
    from langchain_aimlapi.emulator.faults import Fault
    from langchain_aimlapi.emulator.ledger import LedgerEntry
    from langchain_aimlapi.emulator.memory import EmulatorTransport
    from langchain_aimlapi.emulator.replies import Reply, StreamStyle, ToolCall, Usage
    from langchain_aimlapi.emulator.server import EmulatorServer

_HOMES = {
    "CHAT_ONLY": "catalogue",
    "CODEX_ON_RESPONSES_ONLY": "catalogue",
    "CONTEXT_OVERFLOW": "errors",
    "EMULATED_MODELS": "catalogue",
    "Answer": "exchange",
    "Emulator": "doors",
    "EmulatorServer": "server",
    "EmulatorTransport": "memory",
    "Fault": "faults",
    "LedgerEntry": "ledger",
    "Piece": "exchange",
    "RecordedRequest": "exchange",
    "Reply": "replies",
    "StreamStyle": "replies",
    "ToolCall": "replies",
    "Usage": "replies",
}

__all__ = [
    "CHAT_ONLY",
    "CODEX_ON_RESPONSES_ONLY",
    "CONTEXT_OVERFLOW",
    "EMULATED_MODELS",
    "Answer",
    "Emulator",
    "EmulatorServer",
    "EmulatorTransport",
    "Fault",
    "LedgerEntry",
    "Piece",
    "RecordedRequest",
    "Reply",
    "StreamStyle",
    "ToolCall",
    "Usage",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
