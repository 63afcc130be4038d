from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field

from app.store import NotFound, Store


class NewNote(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    text: str = ""
    tags: list[str] = []


def create_app(store: Store | None = None) -> FastAPI:
    app = FastAPI(title="Notes")
    notes = store or Store()

    def get_store() -> Store:
        return notes

    Notes = Annotated[Store, Depends(get_store)]

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/notes", status_code=201)
    def add(note: NewNote, store: Notes):
        return store.add(note.title, note.text, note.tags)

    @app.get("/notes")
    def search(store: Notes, q: str = "", tag: str | None = None):
        return store.search(q, tag)

    @app.get("/notes/{note_id}")
    def get(note_id: int, store: Notes):
        try:
            return store.get(note_id)
        except NotFound:
            raise HTTPException(404, f"no note {note_id}") from None

    @app.delete("/notes/{note_id}", status_code=204)
    def remove(note_id: int, store: Notes) -> None:
        try:
            store.remove(note_id)
        except NotFound:
            raise HTTPException(404, f"no note {note_id}") from None

    return app


app = create_app()
