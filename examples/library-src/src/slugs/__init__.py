"""Readable names for addresses."""

from slugs.make import slug, unique

__all__ = ["slug", "unique"]
