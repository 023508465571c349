"""Others' packages warn of many things, which is not for these tests to judge."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "third_party" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of a dotted name, the package
        return False


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest):
    """Skip a test whose packages, named by its mark, are not there."""
    mark = request.node.get_closest_marker("needs")
    missing = [name for name in (mark.args if mark else ()) if not _is_installed(name)]
    if missing and os.environ.get("THIRD_PARTY") == "all":
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed, but in the extra `third-party`: {', '.join(missing)}")
