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
    from langchain_aimlapi.emulator.account.catalogue import (
        CHAT_ONLY,
        CODEX_ON_RESPONSES_ONLY,
        EMULATED_MODELS,
    )
    from langchain_aimlapi.emulator.account.ledger import LedgerEntry, Usage
    from langchain_aimlapi.emulator.answers.replies import Reply, StreamStyle, ToolCall
    from langchain_aimlapi.emulator.doors.memory import EmulatorTransport
    from langchain_aimlapi.emulator.doors.server import EmulatorServer
    from langchain_aimlapi.emulator.emulator import Emulator
    from langchain_aimlapi.emulator.errors import CONTEXT_OVERFLOW
    from langchain_aimlapi.emulator.exchange import Answer, Piece, RecordedRequest
    from langchain_aimlapi.emulator.scripts.faults import Fault
    from langchain_aimlapi.emulator.scripts.script_file import ScriptFileError

_HOMES = {
    "CHAT_ONLY": "account.catalogue",
    "CODEX_ON_RESPONSES_ONLY": "account.catalogue",
    "CONTEXT_OVERFLOW": "errors",
    "EMULATED_MODELS": "account.catalogue",
    "Answer": "exchange",
    "Emulator": "emulator",
    "EmulatorServer": "doors.server",
    "EmulatorTransport": "doors.memory",
    "Fault": "scripts.faults",
    "LedgerEntry": "account.ledger",
    "Piece": "exchange",
    "RecordedRequest": "exchange",
    "Reply": "answers.replies",
    "ScriptFileError": "scripts.script_file",
    "StreamStyle": "answers.replies",
    "ToolCall": "answers.replies",
    "Usage": "account.ledger",
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
    "ScriptFileError",
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
