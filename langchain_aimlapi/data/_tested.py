"""The newest versions that this release was tested with; no code.

`.ci/run` says when it resolves a newer one: test, then raise the number here.
"""

from __future__ import annotations

NEWEST_TESTED = {
    "Python": "3.13",
    "langchain-core": "1.8.3",
    "langchain": "1.5.2",
    "langgraph": "1.2.24",
    "deepagents": "0.7.32",
    "httpx": "0.28.1",
    "httpcore": "1.0.9",
    "pydantic": "2.14.4",
}
