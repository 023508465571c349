"""The AI/ML API's GPT-5.1 family as LangChain chat models.

```python
from langchain_aimlapi import ChatAIMLAPI

llm = ChatAIMLAPI(model="openai/gpt-5-1")  # key from AIMLAPI_API_KEY
llm.invoke("Hello")
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._version import __version__

if TYPE_CHECKING:
    from langchain_aimlapi.account import (
        Balance,
        ModelInfo,
        UsageLogEntry,
    )
    from langchain_aimlapi.callbacks import (
        AIMLAPITracer,
        JSONLinesHandler,
    )
    from langchain_aimlapi.chat_models import (
        ChatAIMLAPI,
        ChatAimlapi,
    )
    from langchain_aimlapi.cost import (
        CostTracker,
        SpendLimitExceeded,
    )
    from langchain_aimlapi.errors import (
        AIMLAPIAuthenticationError,
        AIMLAPIConfigurationError,
        AIMLAPIConnectionError,
        AIMLAPIContentFilterError,
        AIMLAPIContextOverflowError,
        AIMLAPIError,
        AIMLAPIInvalidRequestError,
        AIMLAPINotFoundError,
        AIMLAPINoToolCallError,
        AIMLAPIOutOfCreditsError,
        AIMLAPIPermissionDeniedError,
        AIMLAPIProtocolError,
        AIMLAPIRateLimitError,
        AIMLAPIRefusalError,
        AIMLAPIServerError,
        AIMLAPIStreamInterruptedError,
        AIMLAPITimeoutError,
        AIMLAPITruncatedOutputError,
    )

__all__ = [
    "AIMLAPIAuthenticationError",
    "AIMLAPIConfigurationError",
    "AIMLAPIConnectionError",
    "AIMLAPIContentFilterError",
    "AIMLAPIContextOverflowError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINoToolCallError",
    "AIMLAPINotFoundError",
    "AIMLAPIOutOfCreditsError",
    "AIMLAPIPermissionDeniedError",
    "AIMLAPIProtocolError",
    "AIMLAPIRateLimitError",
    "AIMLAPIRefusalError",
    "AIMLAPIServerError",
    "AIMLAPIStreamInterruptedError",
    "AIMLAPITimeoutError",
    "AIMLAPITracer",
    "AIMLAPITruncatedOutputError",
    "Balance",
    "ChatAIMLAPI",
    "ChatAimlapi",
    "CostTracker",
    "JSONLinesHandler",
    "ModelInfo",
    "SpendLimitExceeded",
    "UsageLogEntry",
    "__version__",
]

_HOMES = {
    "Balance": "account",
    "ModelInfo": "account",
    "UsageLogEntry": "account",
    "AIMLAPITracer": "callbacks",
    "JSONLinesHandler": "callbacks",
    "ChatAIMLAPI": "chat_models",
    "ChatAimlapi": "chat_models",
    "CostTracker": "cost",
    "SpendLimitExceeded": "cost",
}
"""Where the exported names live; those that are not here are errors."""


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first asked for: few programs need them all."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
