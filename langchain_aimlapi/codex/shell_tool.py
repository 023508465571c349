"""`shell_command`, the tool with which the codex models run commands."""

from __future__ import annotations

import asyncio
import json
import math
import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel, BeforeValidator, Field
from typing_extensions import override

from langchain_aimlapi.codex.execution import LocalExecutor
from langchain_aimlapi.codex.journal import running

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from langchain_aimlapi.codex.execution import ExecuteResponse, Executor
    from langchain_aimlapi.codex.journal import Journal

_LONGEST_MS = 10**9  # executors have limits of their own

DESCRIPTION = """\
Run a command in a shell and return its exit code and output. Set `workdir` instead of using cd. \
Commands run one at a time, get no input, and are ended at their time limit; processes that they \
leave behind are ended too. Long output is cut in the middle."""
"""What the model reads of `shell_command`."""


def _line(command: Any) -> Any:
    """Return a command as a line; older Codex models were asked for a list of words."""
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return shlex.join(command)
    return command


class _Arguments(BaseModel):
    command: Annotated[
        str,
        Field(description="The command, as a line or script for the shell."),
        BeforeValidator(_line),
    ]
    workdir: Annotated[
        str | None, Field(description="The folder to run it in, relative to the root.")
    ] = None
    timeout_ms: Annotated[
        int | None, Field(description="The time limit in milliseconds.", gt=0)
    ] = None


class _ShellTool(StructuredTool):
    """Knows which call it runs, for the journal."""

    @override
    def run(self, *args: Any, **kwargs: Any) -> Any:
        with running(kwargs.get("config"), kwargs.get("tool_call_id")):
            return super().run(*args, **kwargs)

    @override
    async def arun(self, *args: Any, **kwargs: Any) -> Any:
        with running(kwargs.get("config"), kwargs.get("tool_call_id")):
            return await super().arun(*args, **kwargs)


class ShellArtifact(TypedDict):
    """How a command ended: the `artifact` of the tool message.

    Attributes:
        exit_code: Its exit code, 124 after a time-out; None where the executor does not know.
        truncated: Whether a part of the output was left out.
        duration_seconds: How long it took.
    """

    exit_code: int | None
    truncated: bool
    duration_seconds: float


def shell_command(
    executor: Executor | str | os.PathLike[str],
    *,
    wire: Literal["function", "local_shell"] = "function",
    journal: Journal | None = None,
) -> BaseTool:
    """Make the tool with which the codex models run commands.

    A function tool `shell_command(command, workdir, timeout_ms)`, as codex models were trained
    with, on both endpoints and for all models.

    Args:
        executor: Runs the commands: a `LocalExecutor`, a deepagents backend with `execute`, or any
            object like these; a path stands for `LocalExecutor(path)`.
        wire: What is sent. `"local_shell"` sends the vendor's documented built-in tool instead
            (responses endpoint, codex models). The upstream has refused it since mid 2026, so it is
            off by default.
        journal: Keeps the results of commands, so that an agent that is resumed from a checkpoint
            runs none again that ended. None leaves it at LangGraph's at-least-once.

    Returns:
        A tool named `shell_command`. Its message's `artifact` is a `ShellArtifact`.

    Raises:
        ValueError: `wire` is something else.
    """
    if wire not in {"function", "local_shell"}:
        raise ValueError(f'wire is "function" or "local_shell", not {wire!r}.')
    runner: Any = LocalExecutor(executor) if isinstance(executor, str | os.PathLike) else executor
    render = _as_json if wire == "local_shell" else _as_text

    def run(
        command: str, workdir: str | None = None, timeout_ms: int | None = None
    ) -> tuple[str, ShellArtifact]:
        call = [command, workdir, timeout_ms]
        if journal is not None and (known := journal.find(call)):
            return known[0], known[1]
        begun = time.monotonic()
        response = runner.execute(_placed(runner, command, workdir), **_timeout(runner, timeout_ms))
        told = _told(response, begun, render)
        if journal is not None:
            journal.keep(call, told)
        return told

    async def arun(
        command: str, workdir: str | None = None, timeout_ms: int | None = None
    ) -> tuple[str, ShellArtifact]:
        call = [command, workdir, timeout_ms]
        if journal is not None and (known := await asyncio.to_thread(journal.find, call)):
            return known[0], known[1]
        begun = time.monotonic()
        placed, timeout = _placed(runner, command, workdir), _timeout(runner, timeout_ms)
        if hasattr(runner, "aexecute"):
            response = await runner.aexecute(placed, **timeout)
        else:
            response = await asyncio.to_thread(runner.execute, placed, **timeout)
        told = _told(response, begun, render)
        if journal is not None:
            await asyncio.to_thread(journal.keep, call, told)
        return told

    return _ShellTool.from_function(
        run,
        arun,
        name="shell_command",
        description=DESCRIPTION,
        args_schema=_Arguments,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_misused,
        metadata={"type": "local_shell"} if wire == "local_shell" else None,
    )


def _misused(error: Any) -> str:
    """Tell the model what is wrong with its arguments."""
    wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return f"The command was not run. {'; '.join(wrong)}."


def _placed(executor: Any, command: str, workdir: str | None) -> str:
    """Return the command, to be run in a folder of its own.

    Raises:
        ToolException: The folder is outside of the executor's root.
    """
    if not command.strip():
        raise ToolException("The command is empty.")
    if workdir is None or workdir in {"", "."}:
        return command
    root = getattr(executor, "root", None)
    if isinstance(root, Path):
        try:
            is_inside = (root / workdir).resolve().is_relative_to(root)
        except (OSError, ValueError, RuntimeError) as error:
            raise ToolException(f"workdir {workdir!r} is no folder: {error}.") from error
        if not is_inside:
            raise ToolException(
                f"workdir {workdir!r} is outside of {root}. Name a folder under it."
            )
    # To the shell, "-" alone is another folder.
    place = workdir if workdir.startswith("/") else f"./{workdir}"
    return f"cd -- {shlex.quote(place)} || exit\n{command}"


def _timeout(executor: Any, timeout_ms: int | None) -> dict[str, Any]:
    """Return the time limit in seconds; whole ones, where deepagents' executors want them."""
    if timeout_ms is None:
        return {}
    seconds = min(timeout_ms, _LONGEST_MS) / 1000
    return {"timeout": seconds if isinstance(executor, LocalExecutor) else math.ceil(seconds)}


def _told(response: ExecuteResponse, begun: float, render: Any) -> tuple[str, ShellArtifact]:
    artifact: ShellArtifact = {
        "exit_code": response.exit_code,
        "truncated": response.truncated,
        "duration_seconds": round(time.monotonic() - begun, 1),
    }
    return render(response.output, artifact), artifact


def _as_text(output: str, artifact: ShellArtifact) -> str:
    code = artifact["exit_code"]
    return f"Exit code: {'unknown' if code is None else code}\nOutput:\n{output}"


def _as_json(output: str, artifact: ShellArtifact) -> str:
    """Write a result as the client of the built-in tool does."""
    kept = {"exit_code": artifact["exit_code"], "duration_seconds": artifact["duration_seconds"]}
    return json.dumps({"output": output, "metadata": kept}, ensure_ascii=False)
