"""Asking an environment over HTTP, as its users do."""

import http.client
import re
import ssl
import threading
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

from delivery.errors import Errored, Unreachable
from registry.reference import is_loopback

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LARGEST = 1 << 20
# Seconds for all of an answer: it may come in drops.
_WHOLE_S = 30


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # A check is of the address that it names: a page that says 200 elsewhere is no answer of this one.
    def redirect_request(self, *_):
        return None


def get(url, timeout=10):
    """(status, body as text). Raises Unreachable where nobody answers."""
    came = []

    def ask():
        try:
            came.append(_get(url, timeout))
        except Exception as error:
            came.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_WHOLE_S)
    if not came:
        raise Unreachable(f"{url} does not answer (not all of it came within {_WHOLE_S} s)")
    if isinstance(came[0], Exception):
        raise came[0]
    return came[0]


def ascii_of(path):
    """An address, or a part of one, as it goes over the wire."""
    return quote(path, safe="!#$%&'()*+,/:;=?@[]~")


def _get(url, timeout):
    handlers = [_NoRedirect()]
    if is_loopback(urlsplit(url).netloc):
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(ascii_of(url), headers={"User-Agent": "pyline", "Cache-Control": "no-cache"})
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.read(_LARGEST).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted: {reason.verify_message}"
        elif isinstance(reason, TimeoutError):
            why = f"no answer within {timeout} s"
        else:
            why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise Unreachable(f"{url} does not answer ({why})") from error


def digest_at(url):
    """The digest that an endpoint of the running release answers. Raises Unreachable or Errored."""
    status, body = get(url)
    found = _DIGEST.findall(body)
    if status != 200:
        raise Unreachable(f"{url} answered {status}")
    if len(set(found)) != 1:
        raise Errored(f"{url} answered {'no digest' if not found else 'more than one digest'} (sha256:…)")
    return found[0]
