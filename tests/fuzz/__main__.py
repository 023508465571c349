"""Run one target, or each in turn, for some time; what is found is written to `crashes/`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import WORDS, seeds
from tests.fuzz.targets import TARGETS

CRASHES = Path(__file__).parent / "crashes"
_MAX_INPUT = 16_384  # bytes
_ENTRIES = [*(rf'"\"{word}\""' for word in WORDS), '"data: "', r'"\x0a\x0a"', '"null"']
"""What libFuzzer may put into an input, in the form of its dictionaries."""


def fuzz(target: str, seconds: int) -> int:
    """Fuzz a target in a process of its own; return its exit code, 0 if nothing was found."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder) / "corpus", Path(folder) / "words"
        corpus.mkdir()
        for number, seed in enumerate(seeds(target)):
            (corpus / str(number)).write_bytes(seed)
        words.write_text("".join(f"{entry}\n" for entry in _ENTRIES))
        options = [f"-max_total_time={seconds}", f"-max_len={_MAX_INPUT}", f"-dict={words}"]
        options += [f"-artifact_prefix={CRASHES}/{target}-", "-print_final_stats=1", str(corpus)]
        command = [sys.executable, "-m", "tests.fuzz.worker", target, *options]
        return subprocess.run(command, check=False).returncode


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    asked = parser.parse_args()
    found = [fuzz(name, asked.seconds) for name in TARGETS if asked.target in {None, name}]
    sys.exit(any(found))


if __name__ == "__main__":
    main()
