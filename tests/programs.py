"""Programs in fresh interpreters, in which every warning is an error."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(script: str, *arguments: object, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command that runs a script; an option `-W` of the caller's goes over ours."""
    return [
        *(sys.executable, "-W", "error", *options, "-c", textwrap.dedent(script)),
        *map(str, arguments),
    ]


def run(arguments: list[str], *, timeout: float = 100, stdin: bytes = b"") -> str:
    """Run a command to its good end, in silence on stderr; return what it prints."""
    done = subprocess.run(
        arguments, input=stdin, capture_output=True, cwd=ROOT, timeout=timeout, check=False
    )
    output, errors = done.stdout.decode(), done.stderr.decode()
    assert (done.returncode, errors) == (0, ""), f"{output}\n{errors}"
    return output


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))
