"""What codex models were trained to work with, for LangChain agents.

```python
from langchain.agents import create_agent
from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.codex import LocalExecutor, apply_patch, shell_command

agent = create_agent(
    ChatAIMLAPI(model="openai/gpt-5-1-codex"),
    [shell_command(LocalExecutor("project")), apply_patch("project")],
)
```
"""

from langchain_aimlapi.codex.custom import custom_tool, grammar
from langchain_aimlapi.codex.execution import (
    ExecuteResponse,
    ExecutionPolicy,
    Executor,
    LocalExecutor,
)
from langchain_aimlapi.codex.journal import Journal
from langchain_aimlapi.codex.patch_format import PatchError
from langchain_aimlapi.codex.patch_tool import PatchArtifact, apply_patch
from langchain_aimlapi.codex.shell_tool import ShellArtifact, shell_command

__all__ = [
    "ExecuteResponse",
    "ExecutionPolicy",
    "Executor",
    "Journal",
    "LocalExecutor",
    "PatchArtifact",
    "PatchError",
    "ShellArtifact",
    "apply_patch",
    "custom_tool",
    "grammar",
    "shell_command",
]
