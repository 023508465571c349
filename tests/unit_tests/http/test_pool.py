"""What the calls of a process share."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import ssl

import httpx
import pytest

from langchain_aimlapi._http.pool import Lease, _forget_bad_location, _Registry
from langchain_aimlapi.errors import AIMLAPIConfigurationError


@pytest.mark.parametrize(
    ("location", "is_kept"),
    [
        ("https://example.com/x", True),
        ("/elsewhere", True),
        ("", True),
        ("https://", True),
        ("https://example.com:port/", False),
        ("https://\u2603\ufffd/", False),
    ],
)
def test_an_address_that_httpx_would_stumble_over_is_taken_out(location, is_kept):
    response = httpx.Response(302, headers=[(b"location", location.encode("utf-8"))])
    _forget_bad_location(response)
    assert ("location" in response.headers) is is_kept


def test_an_answer_that_is_no_redirect_keeps_its_headers():
    response = httpx.Response(200, headers={"location": "https://a:b/"})
    _forget_bad_location(response)
    assert response.headers["location"] == "https://a:b/"


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copied_model_holds_a_lease_of_its_own(copied):
    lease = Lease()
    assert isinstance(copied(lease), Lease)
    assert copied(lease) is not lease


@pytest.mark.parametrize(
    ("variable", "content", "words"),
    [
        ("SSL_CERT_FILE", None, "SSL_CERT_FILE names .*cannot be used .*No such file"),
        ("SSL_CERT_FILE", "no certificate", "SSL_CERT_FILE names .*cannot be used"),
        ("SSL_CERT_DIR", None, "SSL_CERT_DIR names .*no folder"),
        ("SSL_CERT_DIR", "no folder", "SSL_CERT_DIR names .*no folder"),
    ],
)
def test_certificates_that_cannot_be_read(monkeypatch, tmp_path, variable, content, words):
    named = tmp_path / "authorities"
    if content is not None:
        named.write_text(content)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(named))
    with pytest.raises(AIMLAPIConfigurationError, match=words) as caught:
        _Registry().ssl_context()
    assert str(named) in str(caught.value)


def test_a_log_of_keys_that_cannot_be_written(monkeypatch, tmp_path):
    log = tmp_path / "no folder" / "keys"
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    with pytest.raises(AIMLAPIConfigurationError, match=r"SSLKEYLOGFILE names .*No such file"):
        _Registry().ssl_context()


def test_several_folders_of_certificates(monkeypatch, tmp_path):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere{os.pathsep}{tmp_path}")
    assert _Registry().ssl_context().verify_mode is ssl.CERT_REQUIRED


def test_what_httpx_cannot_read_itself_is_no_setting_of_the_user(monkeypatch):
    def fail() -> None:
        raise OSError("no certifi")

    monkeypatch.setattr(httpx, "create_ssl_context", fail)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OSError, match="no certifi"):
        _Registry().ssl_context()


def test_loops_that_are_over_are_forgotten():
    registry = _Registry()
    asyncio.run(registry.of_running_loop())
    assert registry.loops == {}
    unfinished = asyncio.new_event_loop()
    unfinished.run_until_complete(registry.of_running_loop())
    unfinished.close()
    assert [*registry.loops] == [unfinished]

    async def look() -> list[asyncio.AbstractEventLoop]:
        await registry.of_running_loop()
        return [*registry.loops]

    assert unfinished not in asyncio.run(look())
