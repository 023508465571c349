"""The command: runs the workers by turns and prints the table."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.measures import MEASURES, Measure
from tests.benchmarks.subjects import LIMIT, OPENAI, OURS, SUBJECTS

_ROOT = Path(__file__).resolve().parents[2]
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "LANGSMITH", "LANGCHAIN", "AIML", "OPENAI")


class Process:
    """A server or worker that is spoken to in lines."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start `python -m tests.benchmarks.MODULE`."""
        clean = {k: v for k, v in os.environ.items() if not k.upper().startswith(_VARIABLES)}
        # Import times are those of compiled modules.
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=clean,
        )

    def ask(self, question: Any) -> Any:
        """Send a line and return the answer."""
        stdin: IO[str] = self._process.stdin
        stdin.write(json.dumps(question) + "\n")
        stdin.flush()
        return self.read()

    def read(self) -> Any:
        """Return the next line that it says."""
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A worker died; its error stands above.")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


Rounds = list[dict[str, dict[str, float]]]
"""For each round, the numbers by subject."""


def measure(workers: dict[str, Process], task: str, arguments: dict, rounds: int) -> Rounds:
    """Let the workers do a task by turns; the first round warms up and does not count."""
    results: Rounds = []
    names = list(workers)
    for number in range(rounds + 1):
        start = number % len(names)
        order = names[start:] + names[:start]
        results.append({name: workers[name].ask([task, arguments]) for name in order})
    return results[1:]


def ratio(rounds: Rounds, value: str, to: str) -> float:
    """Return the median over the rounds of our value by another subject's."""
    return statistics.median(each[OURS][value] / (each[to][value] or 1) for each in rounds)


def line(measured: Measure, rounds: Rounds) -> str:
    """Write the line of one measure."""
    cells = [f"{measured.name:20}", f"{measured.unit:10}"]
    for subject in SUBJECTS:
        cells.append(f"{'-':>9}")
        if subject in rounds[0]:
            middle = statistics.median(each[subject][measured.value] for each in rounds)
            cells[-1] = f"{middle:9.{0 if middle >= 1000 else 2}f}"
    cells += [
        f"{ratio(rounds, measured.value, to):7.3f}" if to in rounds[0] else "      -"
        for to in (OPENAI, LIMIT)
    ]
    return " ".join(cells) + "  " + ", ".join(verdicts(measured, rounds))


def verdicts(measured: Measure, rounds: Rounds) -> list[str]:
    """Say for each target whether it is reached."""
    said = []
    for to, target in measured.targets.items():
        if to and to not in rounds[0]:
            continue
        if to:
            found = ratio(rounds, measured.value, to)
        else:
            found = statistics.median(each[OURS][measured.value] for each in rounds)
        reached = found >= target if measured.is_rate else found <= target
        aim = f"{'>=' if measured.is_rate else '<='} {target:g}{' x ' + to if to else ''}"
        said.append(f"{'ok' if reached else 'MISSED'} {aim}")
    return said


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="measures, or parts of their names; all if none")
    parser.add_argument("--quick", action="store_true", help="three rounds instead of nine")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--subjects", help="some of " + ",".join(SUBJECTS))
    parser.add_argument("--list", action="store_true", help="list the measures")
    return parser.parse_args()


def main() -> None:
    """Run it."""
    asked = _arguments()
    chosen = [
        each for each in MEASURES if not asked.names or any(n in each.name for n in asked.names)
    ]
    if asked.list:
        sys.stdout.writelines(f"{each.name}\n" for each in chosen)
        return
    subjects = asked.subjects.split(",") if asked.subjects else list(SUBJECTS)
    server = Process("server")
    port = server.read()
    workers = {name: Process("worker", name, str(port)) for name in subjects}
    header = [f"{'measure':20}", f"{'':10}", *(f"{name:>9}" for name in SUBJECTS)]
    sys.stdout.write(" ".join([*header, " /openai", " /limit"]) + "  target\n")
    done: dict[str, Rounds] = {}
    try:
        for each in chosen:
            rounds = asked.rounds or (3 if asked.quick else 5 if each.is_slow else 9)
            key = json.dumps([each.task, each.arguments])
            if key not in done:
                taking_part = {n: w for n, w in workers.items() if n not in each.without}
                done[key] = measure(taking_part, each.task, each.arguments, rounds)
            sys.stdout.write(line(each, done[key]) + "\n")
            sys.stdout.flush()
    finally:
        for process in (*workers.values(), server):
            process.close()


if __name__ == "__main__":
    main()
