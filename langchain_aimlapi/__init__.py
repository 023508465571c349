"""The AI/ML API's GPT-5.1 family as LangChain chat models.

```python
from langchain_aimlapi import ChatAIMLAPI

llm = ChatAIMLAPI(model="openai/gpt-5-1")  # key from AIMLAPI_API_KEY
llm.invoke("Hello")
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._version import __version__

if TYPE_CHECKING:
    from langchain_aimlapi.chat_models import ChatAIMLAPI, ChatAimlapi
    from langchain_aimlapi.errors import (
        AIMLAPIAuthenticationError,
        AIMLAPIConfigurationError,
        AIMLAPIConnectionError,
        AIMLAPIContextOverflowError,
        AIMLAPIError,
        AIMLAPIInvalidRequestError,
        AIMLAPINotFoundError,
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
    "AIMLAPIContextOverflowError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINotFoundError",
    "AIMLAPIOutOfCreditsError",
    "AIMLAPIPermissionDeniedError",
    "AIMLAPIProtocolError",
    "AIMLAPIRateLimitError",
    "AIMLAPIRefusalError",
    "AIMLAPIServerError",
    "AIMLAPIStreamInterruptedError",
    "AIMLAPITimeoutError",
    "AIMLAPITruncatedOutputError",
    "ChatAIMLAPI",
    "ChatAimlapi",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first asked for: the command line needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.startswith("AIMLAPI"):
        from langchain_aimlapi import errors as home  # noqa: PLC0415
    else:
        from langchain_aimlapi import chat_models as home  # type: ignore[no-redef] # noqa: PLC0415
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
