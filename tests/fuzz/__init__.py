"""Fuzzing with coverage: `python -m tests.fuzz [target] [--seconds N]` (needs `atheris`).

Each target takes bytes and raises where something else comes out than an error of ours. What was
found lies in `crashes/`, as files that begin with the target's name; the unit tests replay them.
"""
