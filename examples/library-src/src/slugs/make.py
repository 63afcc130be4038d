import re
import unicodedata
from collections.abc import Container


def slug(text: str, *, separator: str = "-", longest: int = 80) -> str:
    """The text in lower-case ASCII letters and digits, with separators between words.

    >>> slug("Crème brûlée, please!")
    'creme-brulee-please'
    """
    if not re.fullmatch(r"[-_.~]", separator):
        raise ValueError("a separator is one of - _ . ~")
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    name = separator.join(words)
    if len(name) <= longest:
        return name
    cut = name[: longest + 1]
    whole = cut.rpartition(separator)[0]
    return whole or name[:longest]


def unique(name: str, taken: Container[str]) -> str:
    """The name, with the first number behind it that makes it new where it is taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
