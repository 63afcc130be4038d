"""What others say, so that it can be shown to people."""

import re

# Tokens, of which others than those that are known may be repeated.
_TOKENS = re.compile(r"eyJ[\w-]{8,}[\w.=-]*")
# Shorter ones are in everything.
_SHORTEST = 6
_hidden = set()


def hide(*secrets):
    """From now on these are shown to nobody: who was sent one may repeat it."""
    parts = {part for secret in secrets for part in (secret, *secret.split())}
    _hidden.update(part for part in parts if len(part) >= _SHORTEST)


def shown(text, most=300):
    """One line of bounded length, without what could steer a terminal and without secrets."""
    line = " ".join(str(text).split())
    for secret in sorted(_hidden, key=len, reverse=True):
        line = line.replace(secret, "***")
    line = _TOKENS.sub("***", line)[:most]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
