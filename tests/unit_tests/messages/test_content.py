"""Blocks of all makes, read for what the API takes."""

from __future__ import annotations

import pytest

from langchain_aimlapi._messages.content import as_text, text_only, tool_result, user_parts
from langchain_aimlapi.errors import AIMLAPIInvalidRequestError

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}


@pytest.mark.parametrize("depth", range(4))
def test_blocks_are_found_however_deep_they_are_wrapped(depth):
    image, text = IMAGE, {"type": "text", "text": "A cat."}
    for _ in range(depth):
        image = {"type": "non_standard", "value": image}
        text = {"type": "non_standard", "value": text}
    assert user_parts([text, image]) == [{"type": "text", "text": "A cat."}, IMAGE]
    assert text_only([text], "system") == text_only([{"type": "text", "text": "A cat."}], "system")
    assert tool_result([text, image]) == ("A cat.", [IMAGE])


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "local_shell_call_output", "id": "lsh_1", "output": "a"},
    ],
    ids=lambda item: item["type"],
)
def test_items_of_the_responses_endpoint_pass(item):
    text = {"type": "text", "text": "a"}
    assert user_parts([text, {"type": "non_standard", "value": item}]) == [text, item]


def bedrock(kind: str, ending: str, data: object, **more: object) -> dict[str, object]:
    return {kind: {"format": ending, "source": {"bytes": data}, **more}}


PDF = "data:application/pdf;base64,JVBERi0="
PARTS = [
    (bedrock("image", "png", b"\x89PNG"), {"url": "data:image/png;base64,iVBORw=="}),
    (bedrock("document", "pdf", b"%PDF-", name="a.pdf"), {"file_data": PDF, "filename": "a.pdf"}),
    (bedrock("document", "pdf", "JVBERi0="), {"file_data": PDF, "filename": "document.pdf"}),
    (
        {"type": "document", **bedrock("document", "pdf", b"%PDF-")},
        {"file_data": PDF, "filename": "document.pdf"},
    ),
    ({"text": "Bedrock's"}, "Bedrock's"),
    ({"type": "guard_content", "guardContent": {"text": {"text": "Guarded."}}}, "Guarded."),
    ({"type": "custom_tool_call_output", "output": "Done."}, "Done."),
    ({"type": "custom_tool_call_output", "output": {"n": 1}}, '{"n":1}'),
    (
        {"type": "media", "mime_type": "application/pdf", "data": b"%PDF-"},
        {"file_data": PDF, "filename": "document.pdf"},
    ),
    (
        {"type": "image", "mimeType": "image/png", "data": "iVBORw=="},
        {"url": "data:image/png;base64,iVBORw=="},
    ),
    (
        {"type": "image", "url": "https://a.b/c.png", "extras": {"detail": "low"}},
        {"url": "https://a.b/c.png", "detail": "low"},
    ),
    (
        {"type": "image_url", "image_url": "https://a.b/c.png", "detail": "high"},
        {"url": "https://a.b/c.png", "detail": "high"},
    ),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": b"R0lG"}},
        {"url": "data:image/gif;base64,R0lG"},
    ),
    ({"type": "text-plain", "base64": "SGVsbG8="}, "Hello"),
    ({"type": "text-plain", "source_type": "text", "data": "As it is."}, "As it is."),
    ({"type": "text-plain", "text": "Plain."}, "Plain."),
    ({"type": "file", "source_type": "text", "text": "In a file."}, "In a file."),
    ({"type": "document", "source": {"type": "text", "data": "Anthropic's"}}, "Anthropic's"),
    *(
        (
            {"type": "file", "base64": "JVBERi0=", **named},
            {"file_data": PDF, "filename": "b.pdf"},
        )
        for named in (
            {"filename": "b.pdf", "name": "c.pdf"},
            {"name": "b.pdf", "filename": ""},
            {"title": "b.pdf"},
            {"extras": {"filename": "b.pdf"}},
            {"metadata": {"name": "b.pdf"}, "extras": {"other": "x"}},
        )
    ),
    ({"type": "file", "file": {"file_data": PDF}}, {"file_data": PDF}),
    ({"type": "file", "file_id": "file_1"}, {"file_id": "file_1"}),
    ({"type": "file", "source_type": "id", "id": "file_2"}, {"file_id": "file_2"}),
    (
        {
            "type": "search_result",
            "title": "T",
            "source": "S",
            "content": [{"type": "text", "text": "C"}],
        },
        "T\nS\nC",
    ),
]


@pytest.mark.parametrize(("block", "told"), PARTS, ids=range(len(PARTS)))
def test_blocks_of_all_makes_become_parts(block, told):
    (part,) = user_parts([block])
    assert part.get(part["type"]) == told


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "media", "mime_type": "audio/wav", "data": "AAAA"}, "audio"),
        ({"type": "media", "mime_type": "video/mp4", "data": "AAAA"}, "video"),
        ({"type": "text-plain", "base64": "/w=="}, "no UTF-8 text"),
        ({"type": "text-plain", "base64": "no base64!"}, "no UTF-8 text"),
        ({"type": "text-plain", "url": "https://a.b/c.txt"}, "fetches nothing"),
        ({"type": "image"}, "needs a URL or base64"),
        ({"type": "file", "url": "https://a.b/c.pdf"}, "needs base64"),
        ({"type": "file", "base64": "AAAA", "mime_type": "text/csv"}, "Only PDF"),
        ({"type": "image", "extras": "no dict"}, "another shape"),
        ({"type": "hologram"}, "hologram"),
        ({"image": {"format": "png", "source": {"s3Location": "x"}}}, "cannot be sent"),
        ({"type": "image", "url": ""}, "needs a URL or base64"),
        ({"type": "image_url", "image_url": {"url": 5}}, "needs a URL or base64"),
    ],
)
def test_a_block_that_cannot_be_sent_is_named(block, words):
    with pytest.raises(AIMLAPIInvalidRequestError, match=f"(?s)Block 1.*{words}"):
        user_parts([{"type": "text", "text": "Look:"}, block])


def test_marks_for_other_makers_caches_are_left_out():
    marks = [{"cachePoint": {"type": "default"}}, {"type": "cachePoint"}]
    assert user_parts([*marks, {"type": "text", "text": "Hello"}]) == [
        {"type": "text", "text": "Hello"}
    ]


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


def left_out(size: int) -> str:
    return f"({size} characters of data left out)"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "document", "title": "T", "source": {"content": "C"}}, "TC"),
        ({"type": "search_result", "title": "T", "source": "S", "content": "C"}, "TSC"),
        ({"type": "tool_result", "title": "T", "content": "C"}, "C"),
        ({"type": "resource", "resource": {"text": "Read.", "uri": "a:b"}}, "Read."),
        ({"type": "resource", "resource": {"blob": "SGk=", "mimeType": "text/plain"}}, "Hi"),
        ({"uri": "a:b", "mimeType": "text/plain", "blob": "SGk="}, "Hi"),
        ({"type": "file", "base64": "e30=", "mime_type": "application/json"}, "{}"),
        ({"type": "resource", "resource": "a:b"}, '{"type":"resource","resource":"a:b"}'),
        ({"type": "resource_link", "name": "N", "uri": "a://b"}, "N\na://b"),
        ({"type": "video", "url": "https://a.b/c.mp4"}, "https://a.b/c.mp4"),
        ({"type": "hologram", "of": "a cat"}, '{"type":"hologram","of":"a cat"}'),
        (
            {"type": "audio", "base64": "A" * 2000, "of": ["B" * 1024, "C"]},
            f'{{"type":"audio","base64":"{left_out(2000)}","of":["{left_out(1024)}","C"]}}',
        ),
    ],
)
def test_of_a_result_is_told_in_text_what_cannot_be_sent(block, text):
    told, moved = tool_result([block])
    assert (told.replace("\n\n", "\n") if "\n" in text else told.replace("\n", ""), moved) == (
        text,
        [],
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (b"bytes", "bytes"),
        (ValueError("bad"), "ValueError: bad"),
        ({"a": [1]}, '{"a":[1]}'),
        (float("nan"), "null"),
        (b"\xff", '"_w=="'),
        ({1, 2}, "[1,2]"),
        (CIRCLE, "[[...]]"),
    ],
)
def test_any_value_is_told_as_text(value, text):
    assert as_text(value) == text
