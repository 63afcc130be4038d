def greeting(what: str) -> str:
    return f"hello from {what}"
