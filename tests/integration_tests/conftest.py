"""What several files of tests over real connections share."""

from __future__ import annotations

import pytest

from langchain_aimlapi._http import pool
from tests.raw_server import AUTHORITY, Door, encryption


@pytest.fixture
def own_connections(monkeypatch):
    """Give a test a process's connections of its own, and check that it leaves none."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    registry = pool._Registry()
    monkeypatch.setattr(pool, "_registry", registry)
    yield
    registry.threads.close_idle()
    assert [loop for loop in registry.loops if not loop.is_closed()] == []


@pytest.fixture(params=["sync", "async"])
def door(request):
    return Door(request.param == "async")


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """What a server encrypts with, and clients trust."""
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return encryption()
