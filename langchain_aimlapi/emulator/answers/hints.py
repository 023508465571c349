"""What a prompt offers to fill arguments with: quoted words, names, numbers, `key: value` pairs."""

from __future__ import annotations

import re
from collections import deque

_QUOTED = re.compile(
    r"""(?<!\w)'([^'\n]+)'(?!\w)|"([^"\n]+)"|“([^”\n]+)”|«([^»\n]+)»|「([^」\n]+)」|`([^`\n]+)`"""
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]*"
# A capital that does not begin a sentence, or a run of letters beyond ASCII.
_NAME = re.compile(
    rf"(?:(?<=[^.!?:\s]\s)|(?<=\()){_CAPITAL}(?:,?\s{_CAPITAL})*|[^\W\d_a-zA-Z]{{2,}}"
)
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words(text: str) -> list[str]:
    """The lower-case words of `text`; names in snake or camel case are taken apart."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


class Hints:
    """Offers of one prompt; quoted words, names and numbers are each used once.

    Args:
        text: The prompt.
    """

    def __init__(self, text: str) -> None:
        """Find everything that is on offer."""
        self.text = text
        self.quoted = deque("".join(groups) for groups in _QUOTED.findall(text))
        without = _QUOTED.sub(" ", text)
        self.names = deque(name for name in _NAME.findall(without) if name not in {"I", "JSON"})
        self.numbers = deque(_NUMBER.findall(text))
        self._words = set(words(text))

    def mentions(self, key: str) -> bool:
        """Whether the prompt has all words of `key`."""
        parts = words(key)
        return bool(parts) and self._words.issuperset(parts)

    def named(self, key: str) -> str | None:
        """The value of a `key: value`, `key=value` or `key is value` in the prompt."""
        spelled = r"[\s_-]?".join(map(re.escape, words(key)))
        if not spelled:
            return None
        found = re.search(
            rf"""(?<!\w){spelled}(?:\s*[:=]\s*|\s+is\s+)(?:'([^']+)'|"([^"]+)"|([^\s,;?!]+))""",
            self.text,
            re.IGNORECASE,
        )
        if found is None:
            return None
        value = next(group for group in found.groups() if group is not None).rstrip(".)")
        return value or None

    def string(self) -> str | None:
        """The next quoted word, else the next name."""
        for offers in (self.quoted, self.names):
            if offers:
                return offers.popleft()
        return None
