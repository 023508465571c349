"""Running one shell command to its end: time limit, output limit, and nothing left running.

Knows no LangChain. What is kept out of a command is said at `LocalExecutor`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import secrets
import signal
import subprocess
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

TIMED_OUT = 124
"""The exit code of a command that was ended by its time limit, as coreutils' `timeout` has it."""

NOT_STARTED = 126
"""The exit code of a command that could not be started, as shells have it."""

_KEPT = frozenset(
    {
        *("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "VIRTUAL_ENV", "LC_ALL"),
        # These and no other LC_…: many a server passes on all that begin so, whatever they hold.
        *("LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    }
)
_PLAIN = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat"}
_MARK = "LANGCHAIN_AIMLAPI_COMMAND"
_GRACE = 0.3  # seconds between asking processes to end and ending them
_POLL = 0.02  # seconds
_CHUNK = 65_536

# The watcher ends the process group when this process is gone, however it ended: then the pipe that
# it reads from is closed. It is no child of the command, which may wait for all of its children.
_LAUNCHER = """
trap : TERM
exec 3<&0 </dev/null
{ read -r _ <&3; kill -9 0; } >/dev/null 2>&1 &
exec 3<&- 4>&2 2>/dev/null
/bin/sh -c "$1" 2>&4 4>&-
"""


@dataclass(frozen=True)
class ExecuteResponse:
    """How a command ended; the fields are those of deepagents' class of this name.

    Attributes:
        output: What it wrote, standard output and error together.
        exit_code: Its exit code; 124 after a time-out, 128 + n after signal n.
        truncated: Whether the middle of the output was left out.
    """

    output: str
    exit_code: int | None = None
    truncated: bool = False


class Executor(Protocol):
    """What runs commands: `LocalExecutor`, a deepagents backend, or your own."""

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """Run a command in a shell.

        Args:
            command: The command.
            timeout: Seconds; None leaves it to the executor.
        """
        ...


class ExecutionPolicy(Protocol):
    """How a process is started, as LangChain's `DockerExecutionPolicy` and its kind do it."""

    def spawn(
        self, *, workspace: Path, env: Mapping[str, str], command: Sequence[str]
    ) -> subprocess.Popen[str]:
        """Start a process with pipes, in a session of its own."""
        ...


class LocalExecutor:
    """Runs commands on this machine, in a folder, one at a time.

    This is no sandbox: a command can read and write whatever the user of this process can, and use
    the network. What it does not get:

    - the environment of this process, but for a few harmless variables: no keys;
    - standard input: reading it meets its end at once;
    - more than its time, more than its share of output, and life after its end: its process group
      ends with it, on time-out, on cancellation, and when this process ends in any way. On Linux,
      processes that left the group are found by a mark in their environment, or by the output that
      they may still write, and ended too; one that cleared the one and turned the other elsewhere
      is not found, nor on other systems one that left the group.

    For isolation pass one of LangChain's execution policies, such as `DockerExecutionPolicy()`.
    What such a process leaves behind elsewhere is up to the policy.

    Example:
        ```python
        executor = LocalExecutor("my-project", env={"PYTHONPATH": "src"})
        executor.execute("pytest -q", timeout=60).exit_code
        ```
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        timeout: float = 120,
        max_timeout: float = 600,
        max_output_bytes: int = 32_000,
        env: Mapping[str, str] | None = None,
        policy: ExecutionPolicy | None = None,
    ) -> None:
        """Take a folder.

        Args:
            root: Where commands run. It has to exist.
            timeout: Seconds that a command has if nothing else is asked for.
            max_timeout: Seconds that a command has at most, whatever is asked for.
            max_output_bytes: Bytes of output that are kept: the first half and the last half.
            env: Environment variables on top of the few that are passed on; theirs win.
            policy: Starts the process in place of this class; any object with the `spawn` of
                LangChain's execution policies.

        Raises:
            ValueError: A limit is not positive, or the root is no folder.
            NotImplementedError: There is no POSIX shell here and no policy was given.
        """
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise ValueError(f"{self.root} is no folder; the root has to exist.")
        if min(timeout, max_timeout, max_output_bytes) <= 0:
            raise ValueError("timeout, max_timeout and max_output_bytes have to be positive.")
        if os.name != "posix":
            raise NotImplementedError(
                "LocalExecutor needs a POSIX system. Pass another executor to shell_command."
            )
        self._timeout = timeout
        self._max_timeout = max_timeout
        self._limit = max_output_bytes
        self._env = dict(env or {})
        self._policy = policy

    def execute(self, command: str, *, timeout: float | None = None) -> ExecuteResponse:
        """Run a command with `/bin/sh`, when no other runs in this root.

        Args:
            command: The command.
            timeout: Seconds; None for the executor's own.

        Returns:
            How it ended. A time-out is a result with exit code 124, and has the output until then.
        """
        return self._execute(command, timeout, threading.Event())

    async def aexecute(
        self,
        command: str,
        *,
        timeout: float | None = None,
    ) -> ExecuteResponse:
        """Run a command without blocking the loop; a cancelled call ends its processes first."""
        cancelled = threading.Event()
        running = asyncio.ensure_future(
            asyncio.to_thread(self._execute, command, timeout, cancelled)
        )
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            cancelled.set()
            with contextlib.suppress(Exception):
                await asyncio.wait({running})
            raise

    def _execute(
        self, command: str, timeout: float | None, cancelled: threading.Event
    ) -> ExecuteResponse:
        seconds = min(self._timeout if timeout is None else timeout, self._max_timeout)
        if not seconds > 0:
            raise ValueError("The time-out has to be positive.")
        unstarted = ExecuteResponse("The call was cancelled.", None)
        lock = lock_of(self.root)
        while not lock.acquire(timeout=_POLL):
            if cancelled.is_set():
                return unstarted
        try:
            if cancelled.is_set():  # while the command before gave the root free
                return unstarted
            with _Run(self._spawn, command, self._limit) as run:
                return run.wait(seconds, cancelled)
        except _NotStartedError as error:
            return ExecuteResponse(f"The command could not be started: {error}", NOT_STARTED)
        finally:
            lock.release()

    def _spawn(self, command: str, mark: str, alive: int) -> subprocess.Popen[str]:
        env = {key: value for key, value in os.environ.items() if key in _KEPT}
        env = {**env, **_PLAIN, **self._env, _MARK: mark}
        if self._policy is not None:
            shell = ("/bin/sh", "-c", command)
            return self._policy.spawn(workspace=self.root, env=env, command=shell)
        try:
            return subprocess.Popen(  # noqa: S603 - running commands is what it is for
                ("/bin/sh", "-c", _LAUNCHER, "sh", command),
                cwd=self.root,
                env=env,
                stdin=alive,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        except (OSError, ValueError) as error:
            # Too long a command, a NUL or half a character in it, a root that is gone.
            raise _NotStartedError(getattr(error, "strerror", None) or error) from error


class _NotStartedError(Exception):
    """There is no process; the text says why."""


class HeadAndTail:
    """Keeps the first and the last bytes of an output, each half of a limit."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        """Take more output."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if (excess := len(self._tail) - self._half) > 0:
            self._left_out += excess
            del self._tail[:excess]

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self._left_out > 0

    def text(self) -> str:
        """Return what was kept; bytes that are no UTF-8 are replaced."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        head, tail = bytes(self._head), bytes(self._tail)
        # No character is cut in two: continuation bytes at the seams go.
        while tail and tail[0] & 0xC0 == 0x80:  # noqa: PLR2004
            tail = tail[1:]
        for back in range(1, min(4, len(head)) + 1):
            if head[-back] & 0xC0 != 0x80:  # noqa: PLR2004
                if head[-back] >= 0xC0:  # noqa: PLR2004
                    head = head[:-back]
                break
        left_out = self._left_out + len(self._head) - len(head) + len(self._tail) - len(tail)
        return (
            f"{head.decode('utf-8', 'replace')}\n[… {left_out:,} bytes of output left out …]\n"
            f"{tail.decode('utf-8', 'replace')}"
        )


class _Run:
    """One running command, and all processes that come of it."""

    def __init__(
        self, spawn: Callable[[str, str, int], subprocess.Popen[str]], command: str, limit: int
    ) -> None:
        self._mark = secrets.token_hex(16)
        self._output = HeadAndTail(limit)
        alive, self._alive = os.pipe()
        try:
            self._process = spawn(command, self._mark, alive)
        except BaseException:
            os.close(self._alive)
            raise
        finally:
            os.close(alive)
        _running.add(self)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        given = (self._process.stdout, self._process.stderr)
        streams = [stream for stream in given if stream is not None]
        self._pipes = [os.fstat(stream.fileno()).st_ino for stream in streams]
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True) for stream in streams
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _read(self, stream: IO[str]) -> None:
        # Whoever reads closes: an end in between would leave it open, or close it under a read.
        with stream, contextlib.suppress(OSError):
            while data := os.read(stream.fileno(), _CHUNK):
                self._output.add(data)

    def wait(self, seconds: float, cancelled: threading.Event) -> ExecuteResponse:
        """Wait for the command, end what it left behind, and return what it wrote."""
        until = time.monotonic() + seconds
        code: int | None = None
        while code is None and not cancelled.is_set() and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(min(left, _POLL))
        if code is not None:
            self._drain()
        self.end()
        output, truncated = self._output.text(), self._output.truncated
        if code is not None:
            return ExecuteResponse(output, 128 - code if code < 0 else code, truncated)
        if cancelled.is_set():
            return ExecuteResponse(output, None, truncated)
        said = f"[The command was ended: it took longer than its {seconds:g} seconds.]"
        return ExecuteResponse(f"{output}\n{said}" if output else said, TIMED_OUT, truncated)

    def _drain(self, seconds: float = 0.25) -> None:
        """Wait a little for the rest of the output; a process left behind may hold the pipe."""
        until = time.monotonic() + seconds
        for reader in self._readers:
            reader.join(max(0.0, until - time.monotonic()))

    def end(self) -> None:
        """End the process group and what left it, asking first."""
        if self not in _running:
            return
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        _running.discard(self)
        os.close(self._alive)
        self._drain()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
        if self._process.poll() is None:
            # Of a policy that made no session of its own.
            self._process.send_signal(number)
        for _ in range(20):
            strays = _marked(self._mark) or self._holders()
            for pid in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            if not strays or number != signal.SIGKILL:
                break
            time.sleep(_POLL / 4)

    def _holders(self) -> list[int]:
        """Return the processes that can still write output (Linux; else none).

        A process that left the group and cleared its environment keeps that, if it did not turn
        its output elsewhere.
        """
        found: list[int] = []
        for pipe, reader in zip(self._pipes, self._readers, strict=True):
            if reader.is_alive():
                found += _writers(pipe)
        return found


def _writers(pipe: int) -> list[int]:
    """Return the processes, no children of this one, that have the writing end of a pipe open."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(entry.readlink()) != f"pipe:[{pipe}]":
                continue
            process = entry.parent.parent
            flags = (process / "fdinfo" / entry.name).read_text().partition("flags:")[2].split()[0]
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(flags, 8) & os.O_ACCMODE == os.O_WRONLY and int(parent) != os.getpid():
                found.append(int(process.name))
    return found


def _marked(mark: str) -> list[int]:
    """Return the live processes that have a mark in their environment (Linux; else none)."""
    found = []
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


_running: weakref.WeakSet[_Run] = weakref.WeakSet()
_locks: dict[Path, threading.Lock] = {}
_locks_lock = threading.Lock()


def lock_of(root: Path) -> threading.Lock:
    """Return the lock of a root: agents run the calls of one answer side by side."""
    with _locks_lock:
        return _locks.setdefault(root, threading.Lock())


@atexit.register
def _end_all() -> None:
    for run in list(_running):
        run.end()
