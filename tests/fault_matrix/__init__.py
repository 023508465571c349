"""The fault matrix: every fault by every kind of call on both endpoints, over real sockets.

`python -m tests.fault_matrix` runs it and prints what it saw as the table in `cookbook/faults.md`;
`tests/integration_tests/test_fault_matrix.py` holds each cell, and that page, to what is declared
in `rows`. `gateways` are the other end of the socket, `runner` makes the call of a cell and looks
at all that must hold whatever the fault is, `report` renders the table.
"""

import pytest

pytest.register_assert_rewrite("tests.fault_matrix.runner")
