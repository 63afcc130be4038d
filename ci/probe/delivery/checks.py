"""What is asked of what runs, over HTTP."""

import time

from delivery import web
from delivery.errors import Unreachable

# An environment that was switched a moment ago may not answer the first time.
_TRIES = 4
_PAUSE_S = 1.0


def run(url, checks, say):
    """(lines of what was found, lines of what was wrong) of all checks. Raises Unreachable where nobody answers."""
    good, bad = [], []
    for check in checks:
        line, why = _run(url, check)
        say(f"- {line}: {why or 'as expected'}")
        (bad if why else good).append(f"{line}: {why}" if why else line)
    return good, bad


def _run(url, check):
    address = f"{url.rstrip('/')}{check['path']}"
    contains = check.get("contains")
    line = f"GET {check['path']}" + (f" {check['status']}" if check["status"] else "") + (f" contains {contains!r}" if contains is not None else "")
    for attempt in range(1, _TRIES + 1):
        try:
            status, body = web.get(address)
        except Unreachable:
            if attempt == _TRIES:
                raise
            time.sleep(_PAUSE_S)
            continue
        why = _wrong(check, status, body)
        if why is None or attempt == _TRIES:
            return line, why
        time.sleep(_PAUSE_S)
    raise AssertionError("unreachable")


def _wrong(check, status, body):
    if (status >= 500) if check["status"] is None else (status != check["status"]):
        return f"expected {check['status'] or 'less than 500'}, got {status}{_begin(body)}"
    contains = check.get("contains")
    if contains is not None and contains not in body:
        return f"expected {contains!r} in the answer, got{_begin(body) or ' nothing'}"
    return None


def _begin(body):
    text = " ".join(body.split())
    return f" ({text[:120]})" if text else ""
