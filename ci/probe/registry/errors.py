"""What a registry can answer other than what was asked for."""

import json

from registry.shown import shown

# refused     who asks is not known, or may not do this
# missing     there is no such repository, tag, manifest or blob
# unreachable nobody answers, or the name means nothing
# limited     too many requests, for longer than we wait
# broken      it fails again and again
# invalid     it does not take what it is given, or gives what is not right
KINDS = ("refused", "missing", "unreachable", "limited", "broken", "invalid")


class RegistryError(Exception):
    """`kind` is one of KINDS; `status` the HTTP status where there was an answer."""

    def __init__(self, kind, message, status=None):
        super().__init__(message)
        assert kind in KINDS
        self.kind = kind
        self.status = status


def of_status(status, what, body=b""):
    """The error that an answer is."""
    said = _said(body)
    text = f"{what}: {status}{f' ({said})' if said else ''}"
    if status in (401, 403):
        return RegistryError("refused", text, status)
    if status == 404:
        return RegistryError("missing", text, status)
    if status == 429:
        return RegistryError("limited", text, status)
    if status >= 500:
        return RegistryError("broken", text, status)
    return RegistryError("invalid", text, status)


def _said(body):
    """What the body of an error says, in one line: `{"errors": [{"code": …, "message": …}]}`."""
    try:
        first = json.loads(body)["errors"][0]
        words = ": ".join(str(first[key]) for key in ("code", "message") if first.get(key))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return shown(words, most=200)
