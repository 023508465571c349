"""What the calls of a process share."""

from __future__ import annotations

import copy
import pickle

import httpx
import pytest

from langchain_aimlapi._http.pool import Lease, _forget_bad_location


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
