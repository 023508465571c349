"""Fuzzes one target in this process: `python -m tests.fuzz.worker TARGET [libFuzzer options]`."""

from __future__ import annotations

import random
import sys

import atheris

with atheris.instrument_imports(include=["langchain_aimlapi"]):
    from tests.fuzz import targets

from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import WORDS


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change JSON as JSON half of the time, and else as bytes."""
    source = random.Random(seed)
    changed = mutated(data, WORDS, source) if source.random() < 0.5 else None
    return atheris.Mutate(data, max_size) if changed is None else changed[:max_size]


def main() -> None:
    """Run until libFuzzer ends the process."""
    program, target, *options = sys.argv
    atheris.Setup(
        [program, *options], lambda data: targets.run(target, data), custom_mutator=mutate
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
