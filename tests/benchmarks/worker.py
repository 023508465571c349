"""One subject in a process of its own: `worker SUBJECT PORT`; a task a line in, numbers out."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings

from tests.benchmarks.tasks import Worker

_FILES = 8192


def _allow_many_files() -> None:
    with contextlib.suppress(ImportError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def main() -> None:
    warnings.simplefilter("ignore")
    # What a subject prints must not mix with the numbers.
    replies, sys.stdout = sys.stdout, sys.stderr
    _allow_many_files()
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        task, arguments = json.loads(line)
        replies.write(json.dumps(worker.run(task, arguments)) + "\n")
        replies.flush()
    os._exit(0)  # the connections need no farewell


if __name__ == "__main__":
    main()
