"""How long the steps of a request may take, as users say it."""

from __future__ import annotations

import httpx
import pytest

from langchain_aimlapi._http.timeouts import Timeouts

OURS = {"connect": 10.0, "read": 600.0, "write": 60.0, "pool": 600.0}


@pytest.mark.parametrize(
    ("given", "steps", "idle"),
    [
        (None, OURS, 120.0),
        (7, dict.fromkeys(OURS, 7), 7),
        ((1, 2), {"connect": 1, "read": 2, "write": 2, "pool": 2}, 2),
        ((1, 2, 3, 4), {"connect": 1, "read": 2, "write": 3, "pool": 4}, 2),
        (httpx.Timeout(5, connect=1), {"connect": 1, "read": 5, "write": 5, "pool": 5}, 5),
        (
            httpx.Timeout(None, pool=3),
            {"connect": None, "read": None, "write": None, "pool": 3},
            None,
        ),
    ],
    ids=["none", "number", "two", "four", "httpx", "unlimited"],
)
def test_time_outs_by_step(given, steps, idle):
    made = Timeouts.of(given, deadline=30)
    assert made.by_step() == steps
    assert (made.idle, made.call) == (idle, 30)
    assert made.explicit is (given is not None)
    assert Timeouts.of(given, idle=9).idle == 9
    assert Timeouts.of(given, idle=9).by_step() == steps
