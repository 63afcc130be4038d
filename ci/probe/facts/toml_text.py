"""TOML as text, in one fixed spelling."""

from __future__ import annotations

import json
import re


def toml_text(document: dict) -> str:
    out = []
    for key, value in document.items():
        if key == "tool":
            for name, settings in value.items():
                out.append(f"[tool.{toml_key(name)}]")
                out += [f"{toml_key(k)} = {toml_value(v)}" for k, v in settings.items()]
        else:
            out.append(f"[{toml_key(key)}]")
            out += [f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items()]
    return "\n".join(out) + "\n"


def toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_string(key)


def toml_string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (int, float)):
        return str(value)
    return value.isoformat()  # type: ignore[attr-defined]  # dates and times are all that is left in TOML
