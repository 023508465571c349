from __future__ import annotations

import pytest

from langchain_aimlapi._messages.media import media_part
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

FILM = "https://example.com/film.mp4"


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (
            {"type": "audio", "base64": "SUQz", "mime_type": "audio/mpeg"},
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
        (
            {"type": "audio", "data": "UklG"},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (
            {"type": "video", "base64": "AAAA", "mime_type": "video/webm"},
            {"type": "video_url", "video_url": {"url": "data:video/webm;base64,AAAA"}},
        ),
        (
            {"type": "video", "base64": "AAAA"},
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
        ),
        (
            {"type": "video", "url": FILM},
            {"type": "video_url", "video_url": {"url": FILM}},
        ),
        (
            {"type": "file", "base64": "YQ==", "mime_type": "text/csv", "filename": "a.csv"},
            {
                "type": "file",
                "file": {"file_data": "data:text/csv;base64,YQ==", "filename": "a.csv"},
            },
        ),
        (
            {"type": "file", "base64": "YQ==", "mime_type": "text/csv"},
            {"type": "file", "file": {"file_data": "data:text/csv;base64,YQ=="}},
        ),
        ({"type": "file", "base64": "YQ=="}, None),
        ({"type": "text", "text": "a"}, None),
    ],
)
def test_sound_film_and_files(block, part):
    assert media_part(block, any_media=True) == part


def test_what_has_the_apis_shape_passes():
    block = {"type": "video_url", "video_url": {"url": FILM}}
    assert media_part(block, any_media=True) is block


def test_the_four_models_take_none():
    with pytest.raises(AIMLAPIInvalidRequestError, match="'video' cannot be sent"):
        media_part({"type": "video", "url": FILM}, any_media=False)
    csv = {"type": "file", "base64": "YQ==", "mime_type": "text/csv"}
    assert media_part(csv, any_media=False) is None  # what it cannot be is said elsewhere
