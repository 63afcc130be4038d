"""What others say, so that it can be shown to people."""

import re

# Tokens, of which others than those that are known may be repeated.
_TOKENS = re.compile(r"eyJ[\w-]{8,}[\w.=-]*")
# Shorter ones are in everything.
_SHORTEST = 6


def shown(text, *secrets, most=300):
    """One line of bounded length, without what could steer a terminal and without secrets that somebody repeats."""
    line = " ".join(str(text).split())
    for secret in secrets:
        for part in sorted({secret, *secret.split()}, key=len, reverse=True):
            if len(part) >= _SHORTEST:
                line = line.replace(part, "***")
    line = _TOKENS.sub("***", line)[:most]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
