"""Running commands: limits of time and output, and nothing left running."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_aimlapi.codex import ExecuteResponse, LocalExecutor, execution
from langchain_aimlapi.codex.execution import HeadAndTail

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
pytestmark = posix


def commands_with(word: str) -> list[str]:
    """Return the command lines of living processes that hold a word."""
    listed = subprocess.run(
        ["ps", "-eo", "stat=,args="], capture_output=True, text=True, check=True
    )
    lines = (line.split(None, 1) for line in listed.stdout.splitlines())
    return [args for state, args in lines if word in args and not state.startswith("Z")]


def wait_for(condition, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def nap(request) -> str:
    """A length of sleep that no other test has, to know the processes of this one by."""
    return f"{os.getpid()}.{abs(hash(request.node.name)) % 10**6:06}"


def test_a_command_says_what_it_wrote_and_how_it_ended(tmp_path):
    (tmp_path / "file").write_text("hello\n")
    ran = LocalExecutor(tmp_path).execute("cat file; echo oh >&2; exit 3")
    assert ran == ExecuteResponse("hello\noh\n", 3, truncated=False)


def test_keys_stay_out_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AIMLAPI_API_KEY", "secret-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-2")
    monkeypatch.setenv("GITHUB_TOKEN", "secret-3")
    monkeypatch.setenv("LC_TENANT_KEY", "secret-4")  # servers pass on all that begin so
    monkeypatch.setenv("LC_ALL", "C")
    output = LocalExecutor(tmp_path, env={"MINE": "given"}).execute("env").output
    assert "secret" not in output
    assert "MINE=given" in output
    assert "PATH=" in output
    assert "LC_ALL=C" in output


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("cat; echo read $?", 0, "read 0\n"),
        ("read line; echo $?", 0, "1\n"),
        ("kill -9 $$", 137, None),
        ("nonexistent-command", 127, None),
        ("printf '\\377\\376'", 0, "\ufffd\ufffd"),
        ("echo \0", 126, "The command could not be started: embedded null byte"),
        ("echo \ud800", 126, None),
        (
            "echo " + "x" * 3_000_000,
            126,
            "The command could not be started: Argument list too long",
        ),
        (
            f"{sys.executable} -c 'import os\ntry: os.wait()\nexcept ChildProcessError: print(1)'",
            0,
            "1\n",
        ),
    ],
    ids=[
        "stdin",
        "read",
        "killed",
        "unknown",
        "bytes",
        "nul",
        "surrogate",
        "long",
        "no foreign children",
    ],
)
def test_odd_commands_end_clearly(tmp_path, command, code, output):
    ran = LocalExecutor(tmp_path, timeout=20).execute(command)
    assert ran.exit_code == code
    assert output is None or ran.output == output


def test_a_root_that_is_gone_is_said_so(tmp_path):
    executor = LocalExecutor(tmp_path)
    assert executor.execute(f"rm -r {tmp_path}").exit_code == 0
    ran = executor.execute("echo")
    assert ran == ExecuteResponse(
        "The command could not be started: No such file or directory", 126
    )


def test_a_command_that_never_ends_is_ended(tmp_path, nap):
    executor = LocalExecutor(tmp_path)
    begun = time.monotonic()
    ran = executor.execute(f"echo begun; sleep {nap}; echo late", timeout=0.3)
    assert time.monotonic() - begun < 10
    assert ran.exit_code == 124
    assert ran.output.startswith("begun\n")
    assert "[The command was ended: it took longer than its 0.3 seconds.]" in ran.output
    assert "late" not in ran.output
    assert commands_with(nap) == []


def test_no_command_has_more_than_the_longest_time(tmp_path):
    ran = LocalExecutor(tmp_path, max_timeout=0.2).execute("sleep 60", timeout=1000)
    assert ran.exit_code == 124


@pytest.mark.parametrize(
    "command",
    [
        "sleep {nap} & echo begun",
        "nohup sleep {nap} >/dev/null 2>&1 & echo begun",
        "(sleep {nap} & sleep {nap} &) ; echo begun",
        "trap '' TERM HUP; sleep {nap} & echo begun",
        pytest.param("setsid sleep {nap} & echo begun", marks=linux),
        pytest.param("env -i setsid sleep {nap} & echo begun", marks=linux),
        pytest.param(
            "setsid sh -c 'trap \"\" TERM; sleep {nap}; sleep {nap}' & echo begun", marks=linux
        ),
        pytest.param("for i in 1 2 3 4 5 6; do setsid sleep {nap} & done; echo begun", marks=linux),
    ],
)
@pytest.mark.parametrize("ends", ["at once", "at its limit"])
def test_nothing_is_left_running(tmp_path, nap, command, ends):
    command = command.replace("{nap}", nap) + ("; sleep 60" if ends == "at its limit" else "")
    ran = LocalExecutor(tmp_path).execute(command, timeout=0.5 if ends == "at its limit" else 30)
    assert ran.output.startswith("begun\n")
    assert ran.exit_code == (124 if ends == "at its limit" else 0)
    assert wait_for(lambda: commands_with(nap) == [])


def test_processes_are_asked_before_they_are_ended(tmp_path):
    LocalExecutor(tmp_path).execute(
        "trap 'echo bye > said; exit' TERM; echo up > up; while :; do sleep 0.01; done", timeout=0.5
    )
    assert (tmp_path / "said").read_text() == "bye\n"


def test_ten_megabytes_without_a_newline(tmp_path):
    executor = LocalExecutor(tmp_path, max_output_bytes=1_000)
    ran = executor.execute("printf begin; head -c 10000000 /dev/zero | tr '\\0' x; printf end")
    assert ran.exit_code == 0
    assert ran.truncated
    assert ran.output.startswith("beginxxx")
    assert ran.output.endswith("xxxend")
    assert "[… 9,999,008 bytes of output left out …]" in ran.output
    assert len(ran.output) < 1_100


@settings(max_examples=50)
@given(
    st.lists(st.text(max_size=9).map(lambda text: text.encode("utf-8", "replace")), max_size=9),
    st.integers(2, 40),
)
def test_head_and_tail_are_kept(pieces, limit):
    kept = HeadAndTail(limit)
    for piece in pieces:
        kept.add(piece)
    whole, text = b"".join(pieces).decode(), kept.text()
    if not kept.truncated:
        assert text == whole
        return
    head, _, tail = text.partition("\n[… ")
    tail = tail.partition(" bytes of output left out …]\n")[2]
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head.encode()) + len(tail.encode()) <= limit


def test_one_command_at_a_time_in_a_root(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    command = "test ! -e busy && touch busy && sleep 0.1 && rm busy"
    executors = [LocalExecutor(tmp_path), LocalExecutor(tmp_path / "link")] * 3
    codes: list[int | None] = []
    threads = [
        threading.Thread(target=lambda e=executor: codes.append(e.execute(command).exit_code))
        for executor in executors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 6


async def test_a_cancelled_call_ends_its_command(tmp_path, nap):
    executor = LocalExecutor(tmp_path)
    running = asyncio.create_task(executor.aexecute(f"sleep {nap} & sleep {nap}"))
    waiting = asyncio.create_task(executor.aexecute("echo never > never"))
    await asyncio.to_thread(wait_for, lambda: len(commands_with(nap)) > 1)
    waiting.cancel()
    running.cancel()
    ended = await asyncio.gather(running, waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [asyncio.CancelledError] * 2
    assert commands_with(nap) == []
    assert not (tmp_path / "never").exists()
    assert (await executor.aexecute("echo free")).output == "free\n"


def test_what_is_cancelled_when_its_turn_comes_does_not_run(tmp_path, monkeypatch):
    cancelled, executor = threading.Event(), LocalExecutor(tmp_path)
    cancelled.set()
    with monkeypatch.context() as patch:
        patch.setattr(executor, "_spawn", lambda *_: pytest.fail("it was started"))
        assert executor._execute("echo never", None, cancelled).exit_code is None
    assert executor.execute("echo free").output == "free\n"


def test_output_that_is_read_late_leaves_no_pipe_open(tmp_path, monkeypatch):
    is_over, add, before = threading.Event(), HeadAndTail.add, threading.enumerate()

    def add_late(kept: HeadAndTail, data: bytes) -> None:
        is_over.wait(20)
        add(kept, data)

    monkeypatch.setattr(HeadAndTail, "add", add_late)
    monkeypatch.setattr(execution._Run, "_drain", lambda *_: None)
    assert LocalExecutor(tmp_path).execute("echo late").exit_code == 0
    readers = [thread for thread in threading.enumerate() if thread not in before]
    is_over.set()
    for reader in readers:
        reader.join()
    assert readers
    gc.collect()  # what was left open warns, and a warning is an error


_PROGRAM = """
import signal, sys, threading, time
from langchain_aimlapi.codex import LocalExecutor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
run = lambda: LocalExecutor(sys.argv[1]).execute("sleep {nap} & sleep {nap}", timeout=500)
threading.Thread(target=run, daemon=True).start()
print(flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["exit", "SIGTERM", "SIGKILL", "SIGINT"])
def test_commands_end_with_the_interpreter(tmp_path, nap, end):
    code = "sys.stdin.readline()" if end == "exit" else "time.sleep(500)"
    program = _PROGRAM.format(nap=nap, end=code)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert wait_for(
                lambda: len([c for c in commands_with(nap) if c.startswith("sleep")]) == 2
            )
            if end == "exit":
                assert process.stdin
                process.stdin.write(b"\n")
                process.stdin.flush()
            else:
                process.send_signal(getattr(signal, end))
            process.wait(20)
        finally:
            process.kill()
    assert wait_for(lambda: commands_with(nap) == [])


class Policy:
    """A stand-in for an execution policy: text pipes, stderr apart, standard input open."""

    def spawn(self, *, workspace, env, command):
        return subprocess.Popen(
            list(command),
            cwd=workspace,
            env={**env, "FROM": "policy"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def test_a_policy_starts_the_process(tmp_path, nap):
    executor = LocalExecutor(tmp_path, policy=Policy())
    ran = executor.execute("cat; pwd; echo $FROM; echo wrong >&2; exit 5")
    assert sorted(ran.output.splitlines()) == sorted([str(executor.root), "policy", "wrong"])
    assert ran.exit_code == 5
    assert executor.execute(f"sleep {nap} & sleep {nap}", timeout=0.3).exit_code == 124
    assert commands_with(nap) == []


def test_langchains_host_policy_starts_the_process(tmp_path):
    middleware = pytest.importorskip("langchain.agents.middleware")
    executor = LocalExecutor(tmp_path, policy=middleware.HostExecutionPolicy())
    assert executor.execute("echo é; exit 1") == ExecuteResponse("é\n", 1)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"timeout": 0}, ValueError), ({"max_output_bytes": -1}, ValueError)],
)
def test_limits_have_to_be_positive(tmp_path, options, error):
    with pytest.raises(error, match="positive"):
        LocalExecutor(tmp_path, **options)
    with pytest.raises(ValueError, match="positive"):
        LocalExecutor(tmp_path).execute("true", timeout=0)
    with pytest.raises(ValueError, match="no folder"):
        LocalExecutor(tmp_path / "nowhere")
