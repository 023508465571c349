"""The shell as a tool: what is wrong with a call is said to the model, and nothing is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.codex import ExecuteResponse, shell_command

if TYPE_CHECKING:
    from langchain_core.messages import ToolMessage

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def call(tool, **args) -> ToolMessage:
    made = {"type": "tool_call", "name": "shell_command", "id": "1", "args": args}
    return tool.invoke(made)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"command": " \n"}, "The command is empty"),
        ({}, "command: Field required"),
        ({"command": "touch ran", "timeout_ms": 0}, "timeout_ms: Input should be greater than 0"),
        ({"command": "touch ran", "timeout_ms": -5}, "timeout_ms: Input should be greater than 0"),
        ({"command": "touch ran", "timeout_ms": "soon"}, "timeout_ms: Input should be"),
        ({"command": "touch ran", "workdir": ".."}, "is outside of"),
        ({"command": "touch ran", "workdir": "/"}, "is outside of"),
        ({"command": "touch ran", "workdir": "sub/../.."}, "is outside of"),
        ({"command": "touch ran", "workdir": "out"}, "is outside of"),
        ({"command": "touch ran", "workdir": "a\0b"}, "is no folder"),
        ({"command": "touch ran", "workdir": "\ud800"}, "is no folder"),
        ({"command": "touch ran", "workdir": "loop"}, "no folder|cd: can't cd"),
    ],
)
def test_what_cannot_be_run_is_said(tmp_path, args, said):
    (tmp_path / "out").symlink_to("/")
    (tmp_path / "loop").symlink_to("loop")
    message = call(shell_command(tmp_path), **args)
    assert any(text in message.content for text in said.split("|"))
    assert message.status == "error" or message.artifact["exit_code"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loop", "out"]


def test_a_command_may_be_a_list_of_words(tmp_path):
    assert call(shell_command(tmp_path), command=["echo", "a  b"]).content.endswith("\na  b\n")


@pytest.mark.parametrize("folder", ["sub", "./sub", "-", "-P", "$(touch ran)", "a b"])
def test_any_name_of_a_folder_is_that_folder(tmp_path, folder):
    (tmp_path / folder).mkdir()
    message = call(shell_command(tmp_path), command="touch here; pwd -P", workdir=folder)
    assert message.content == f"Exit code: 0\nOutput:\n{(tmp_path / folder).resolve()}\n"
    assert [path.name for path in tmp_path.rglob("*")] == [(tmp_path / folder).name, "here"]


def test_a_huge_time_limit_is_the_executors_to_bound(tmp_path):
    class Backend:
        timeout = 0

        def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
            self.timeout = timeout
            return ExecuteResponse(command, 0)

    backend = Backend()
    assert call(shell_command(backend), command="ls", timeout_ms=10**400).status == "success"
    assert isinstance(backend.timeout, int)
    ran = call(shell_command(tmp_path), command="echo", timeout_ms=10**400)
    assert ran.artifact["exit_code"] == 0
