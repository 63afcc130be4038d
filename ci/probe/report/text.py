"""Text that a project under test chose, made fit for people: bounded, and without what a terminal or a reader would obey."""

import re
from collections import deque
from html import escape

# Escape sequences of terminals. pytest writes the characters that XML has no way to write as `#x1B`.
_ESCAPE = r"(?:\x1b|#x1B)"
_SEQUENCE = re.compile(
    _ESCAPE
    + r"(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\|$)|[ -/]{0,8}[0-~])|\x9b[0-?]{0,64}[@-~]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Characters that are not seen, or that turn the order of others around: `evil\u202egpj.exe`.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")


def plain(text):
    """Without terminal sequences; what else is a control character is shown and not obeyed."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        # What a progress bar wrote over is gone for whoever watched, too.
        text = "\n".join(_overwritten(line) for line in text.split("\n"))
    text = _CONTROL.sub("\ufffd", text)
    return _UNSEEN.sub(lambda found: "<U+%04X>" % ord(found[0]), text)


def _overwritten(line):
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def line(text, limit=400):
    """One line, for names and messages."""
    text = " ".join(plain(text[: limit * 4]).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def html(text):
    """As HTML, in elements and in quoted attributes."""
    return escape(text, quote=True)


class Cut:
    """Collects a text of any length and keeps its beginning and its end."""

    def __init__(self, head, tail):
        self.length = 0
        self._head = head
        self._tail = tail
        self._first = []
        self._last = deque()
        self._kept = 0

    def add(self, text):
        room = max(0, self._head - self.length)
        self.length += len(text)
        if room > 0:
            self._first.append(text[:room])
            text = text[room:]
        if text:
            self._last.append(text[-self._tail :])
            self._kept += len(self._last[-1])
            while self._kept - len(self._last[0]) >= self._tail:
                self._kept -= len(self._last.popleft())

    def parts(self):
        """(beginning, number of characters left out, end), cut between lines where that is near. Nothing left out: all is in the beginning."""
        first, last = "".join(self._first), "".join(self._last)[-self._tail :]
        if len(first) + len(last) == self.length:
            return first + last, 0, ""
        first = first[: first.rfind("\n", len(first) // 2) + 1] or first
        last = last[last.find("\n", 0, len(last) // 2) + 1 :]
        return first, self.length - len(first) - len(last), last
