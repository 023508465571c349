"""Sound, film and files of any kind, for models that are none of the four.

What GPT-5.1 cannot take others behind the same gateway may: it is sent in the shapes that the
vendor's schemas of such models have (`input_audio`, `video_url`, `file`; 2026-08), and for the
gateway to refuse. This module knows nothing of the models.
"""

from __future__ import annotations

from typing import Any

from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

_SOUND_AND_FILM = frozenset(
    {"audio", "input_audio", "audio_url", "video", "video_url", "input_video"}
)
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}
_DEFAULTS = {"audio": "audio/wav", "video": "video/mp4"}


def media_part(block: dict[str, Any], *, any_media: bool) -> dict[str, Any] | None:
    """Convert a block of sound, film or a file's data; None for others.

    Args:
        block: LangChain's v1 or v0 block, or one that has the API's shape, which passes.
        any_media: Whether the model may take it.

    Raises:
        AIMLAPIInvalidRequestError: It is sound or film, and the model is one of the four.
    """
    kind = block.get("type")
    if not any_media:
        if kind in _SOUND_AND_FILM:
            raise AIMLAPIInvalidRequestError(
                f"Content of type {kind!r} cannot be sent: the GPT-5.1 models take text, images "
                "and PDF files. Transcribe it first."
            )
        return None
    encoded = block.get("base64") or block.get("data")
    if kind == "file" and isinstance(encoded, str) and (mime := block.get("mime_type")):
        name = {"filename": block["filename"]} if block.get("filename") else {}
        return {"type": "file", "file": {"file_data": f"data:{mime};base64,{encoded}", **name}}
    if kind not in _SOUND_AND_FILM:
        return None
    url = block.get("url")
    if kind not in _DEFAULTS or not isinstance(encoded or url, str):
        return block
    mime = block.get("mime_type") or _DEFAULTS[kind]
    if kind == "audio" and encoded:
        ending = mime.rpartition("/")[2]
        sound = {"data": encoded, "format": _AUDIO_FORMATS.get(ending, ending)}
        return {"type": "input_audio", "input_audio": sound}
    return {
        "type": f"{kind}_url",
        f"{kind}_url": {"url": f"data:{mime};base64,{encoded}" if encoded else url},
    }
