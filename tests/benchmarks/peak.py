"""How far a process's memory rises while it sends an image: `peak SUBJECT PORT SIZE`, in MB."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.subjects import SUBJECTS
from tests.benchmarks.tasks import image_message


def _memory(name: str) -> int:
    """Return a line of the process's status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    subject, port, size = sys.argv[1:]
    model = SUBJECTS[subject].make(f"http://127.0.0.1:{port}/reply-40/v1")
    model.invoke("Warm up.")
    messages = image_message(int(size))
    Path("/proc/self/clear_refs").write_text("5")  # lets the peak begin anew
    before = _memory("VmRSS")
    model.invoke(messages)
    sys.stdout.write(f"{(_memory('VmHWM') - before) * 1024 / 1e6}\n")


if __name__ == "__main__":
    main()
