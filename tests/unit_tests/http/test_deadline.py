"""What is left of a call's time, by a clock that the test turns."""

from __future__ import annotations

import pytest

from langchain_aimlapi._http import deadline
from langchain_aimlapi._http.deadline import NO_DEADLINE, Deadline


@pytest.mark.parametrize(
    ("passed", "left", "is_over", "allowed"),
    [(0.0, 2.0, False, 1.9), (1.5, 0.5, False, 0.4), (1.9, 0.1, False, 0.0), (3.0, 0.0, True, -1)],
)
def test_what_is_left_of_two_seconds(monkeypatch, passed, left, is_over, allowed):
    now = 100.0
    monkeypatch.setattr(deadline.time, "monotonic", lambda: now)
    ours = Deadline(2.0)
    now += passed
    assert ours.bound(None) == pytest.approx(left)
    assert ours.bound(60.0) == pytest.approx(left)
    assert ours.bound(0.05) == min(left, 0.05)
    assert ours.is_over is is_over
    assert ours.allows(allowed) is not is_over
    assert not ours.allows(left)


def test_without_a_deadline_steps_have_their_own_limits():
    assert (NO_DEADLINE.bound(None), NO_DEADLINE.bound(60.0)) == (None, 60.0)
    assert (NO_DEADLINE.is_over, NO_DEADLINE.allows(1e9)) == (False, True)
