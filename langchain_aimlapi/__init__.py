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


_CHAT_ALONE = "This package has chat models alone: ask the API's own endpoint for others."
_GONE = {
    "AimlapiEmbeddings": f"{_CHAT_ALONE} OpenAIEmbeddings of langchain_openai takes its base_url.",
    "AimlapiLLM": "Use ChatAIMLAPI: llm.invoke(text).text.",
    "AimlapiImageModel": _CHAT_ALONE,
    "AimlapiVideoModel": _CHAT_ALONE,
    "AIMLAPI_HEADERS": "Headers of your own go into default_headers; attribution=False sends none.",
}
"""What langchain-aimlapi 0.1 had, and what to use now."""


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first asked for: few programs need them all."""
    if now := _GONE.get(name):
        # No AttributeError: `from langchain_aimlapi import …` would not show its text.
        raise ImportError(f"{name} was of langchain-aimlapi 0.1. {now}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
