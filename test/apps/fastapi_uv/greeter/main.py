import os
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()
WORDS = (Path(__file__).parent / "words.txt").read_text().split()


@app.get("/")
def hello() -> dict:
    return {"words": WORDS, "user": os.getuid(), "bytecode": __cached__ is not None and os.path.exists(__cached__)}


@app.get("/healthz")
def healthz() -> str:
    return "well"
