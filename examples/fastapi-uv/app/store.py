from dataclasses import dataclass, field
from itertools import count


class NotFound(KeyError):
    """There is no note with the identifier."""


@dataclass
class Note:
    id: int
    title: str
    text: str = ""
    tags: list[str] = field(default_factory=list)


class Store:
    """Notes in memory."""

    def __init__(self) -> None:
        self._notes: dict[int, Note] = {}
        self._ids = count(1)

    def add(self, title: str, text: str = "", tags: list[str] | None = None) -> Note:
        note = Note(next(self._ids), title, text, sorted({tag.lower() for tag in tags or []}))
        self._notes[note.id] = note
        return note

    def get(self, note_id: int) -> Note:
        try:
            return self._notes[note_id]
        except KeyError:
            raise NotFound(note_id) from None

    def remove(self, note_id: int) -> None:
        self.get(note_id)
        del self._notes[note_id]

    def search(self, words: str = "", tag: str | None = None) -> list[Note]:
        found = self._notes.values()
        if tag is not None:
            found = [note for note in found if tag.lower() in note.tags]
        for word in words.lower().split():
            found = [note for note in found if word in f"{note.title} {note.text}".lower()]
        return list(found)
