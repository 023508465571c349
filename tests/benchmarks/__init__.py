"""How much the package costs, as ratios to its peers and to what is possible at all.

`python -m tests.benchmarks` prints the table (`--quick` for a rough one, `--list` for the names,
names as arguments to choose). `pytest -n 0 tests/benchmarks/bench_parts.py` times the parts alone.
Both need the extra `bench`; neither belongs to the test run, and no test depends on a time.

A raw server in its own process answers with bytes made beforehand. Each subject (this package, its
peers, and LIMIT: bare httpx under an empty LangChain model) lives in a worker process of its own.
The workers take turns in short blocks, so that whatever else the machine does falls on all alike; a
ratio is the median of the ratios of the rounds. CPU is user and system time of the worker.
"""
