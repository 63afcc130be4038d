"""One thing that an image is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Component:
    # "python", "debian" or "interpreter"
    kind: str
    # What dependencies name it by.
    key: str
    name: str
    version: str
    purl: str
    description: str | None = None
    homepage: str | None = None
    licence_expression: str | None = None
    licence_names: list[str] = field(default_factory=list)
    supplier: str | None = None
    # Where in the image it is described.
    place: str | None = None
    cpe: str | None = None
    needs: list[str] = field(default_factory=list)
    # Files of it that the lock knows: {"url", "sha256"}.
    files: list[dict[str, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.key}@{self.version}"
