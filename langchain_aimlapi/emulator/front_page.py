"""`GET /`: what this is, for whoever opens its address in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.emulator.answers.rules import RULES
from langchain_aimlapi.emulator.exchange import Answer, Piece

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_aimlapi.emulator.exchange import Dialect

_PAGE = """\
This is an emulator of the AI/ML API, from the Python package langchain-aimlapi.
No model answers here, nothing leaves this machine, and nothing is paid.

Use it as the API:

  export AIMLAPI_API_BASE=http://{host}/v1
  export AIMLAPI_API_KEY=emulator-key    # unless another was chosen

  curl http://{host}/v1/chat/completions \\
    -H "Authorization: Bearer $AIMLAPI_API_KEY" -H "Content-Type: application/json" \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

Endpoints

  POST /v1/chat/completions, /v1/responses
  GET  /v1/responses/ID         a response that was asked for with "store": true
  GET  /v1/models, /model/ID
  GET  /v2/billing, /v2/billing/detail, /v2/billing/transactions, /v1/billing/balance, /v2/logs

Models

{models}

What it answers

{rules}

A script says otherwise: python -m langchain_aimlapi.emulator --script FILE
"""


def front_page(host: str, models: Mapping[str, Collection[Dialect]]) -> Answer:
    """The page, as text.

    Args:
        host: The request's `Host` header.
        models: Which models are served on which APIs.
    """
    page = _PAGE.format(
        host=host,
        model=next(iter(models), "openai/gpt-5-1"),
        models="\n".join(f"  {model}: {', '.join(apis)}" for model, apis in models.items()),
        rules=RULES,
    )
    return Answer(200, {"content-type": "text/plain; charset=utf-8"}, (Piece(page.encode()),))
