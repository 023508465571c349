"""Changes to JSON that leave it JSON: most of what is changed byte by byte is refused at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

_STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 1e308, "", "x", "\ud800", "\ufeff", "[DONE]", [], {}),
    *([None], [[]], {"": None}, ["x"], {"type": None}, {"text": 1}, {"index": "0"}),
)


def mutated(data: bytes, words: list[str], random: random.Random) -> bytes | None:
    """Change one place of a JSON text, or of one event of a stream; None if it is neither."""
    blocks = data.split(b"\n\n")
    at = random.randrange(len(blocks))
    start = blocks[at].find(b"data: ") + 6 if b"data: " in blocks[at] else 0
    try:
        value = json.loads(blocks[at][start:])
    except (ValueError, RecursionError):
        return None
    if random.random() < 0.1:
        blocks.insert(random.randrange(len(blocks)), blocks[at])
    else:
        changed = json.dumps(_changed(value, words, random)).encode()
        blocks[at] = blocks[at][:start] + changed
    return b"\n\n".join(blocks)


def _changed(value: Any, words: list[str], random: random.Random) -> Any:
    if not isinstance(value, (dict, list)) or not value or random.randrange(8) == 0:
        return random.choice([*_STRANGE, random.choice(words)])
    copy: Any = value.copy()
    key = random.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
    match random.randrange(10):
        case 0:
            del copy[key]
        case 1 if isinstance(copy, dict):
            copy[random.choice(words)] = copy[key]
        case 1:
            copy.insert(key, copy[key])
        case _:
            copy[key] = _changed(copy[key], words, random)
    return copy
