"""The command: runs the matrix and prints the table of what it saw."""

from __future__ import annotations

import os
import sys
import time

from tests.fault_matrix.gateways import scripted
from tests.fault_matrix.report import render
from tests.fault_matrix.runner import CELLS, Matrix

_VARIABLES = ("AIML", "LANGSMITH", "LANGCHAIN", "LC_")


def main() -> None:
    """Run all cells, one after the other."""
    for name in list(os.environ):
        if name.upper().startswith(_VARIABLES):
            del os.environ[name]
    started = time.process_time()
    with scripted() as gateway:
        matrix = Matrix(gateway)
        results = [(cell, matrix.run(cell)) for cell in CELLS]
    print(render(results))  # noqa: T201
    seconds = time.process_time() - started
    print(f"{len(results)} cells, {seconds:.0f} s of CPU", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
