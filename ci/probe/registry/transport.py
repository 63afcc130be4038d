"""One request to a registry, tried again where that can help."""

import functools
import http.client
import random
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from registry.errors import RegistryError
from registry.reference import is_loopback

attempts = 6
# Seconds. A registry that asks for more is not waited for.
MOST_PATIENCE = 90
TIMEOUT = 120
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass
class Response:
    """An answer, whatever its status is. `body` is empty where `sink` took it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = b""
    url: str = ""


@dataclass
class Request:
    method: str
    url: str
    headers: dict = field(default_factory=dict)
    # Bytes, or a function that opens the body anew for each attempt; `length` is needed then.
    body: object = None
    length: int = 0
    # Is given each block of a good answer, and told to begin anew.
    sink: object = None
    # How often it is tried, where that is not as often as all others.
    attempts: int | None = None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # Redirects are ours: a password must not go where the registry sends us.
    def redirect_request(self, *_):
        return None


@functools.cache
def _tls():
    return ssl.create_default_context()


def _opener(url):
    parts = urlsplit(url)
    handlers = [_NoRedirect()]
    if parts.scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=_tls()))
    if is_loopback(parts.netloc):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def send(request, log=lambda line: None):
    """The answer, of any status that another attempt does not change. Raises RegistryError."""
    waited = 0.0
    most = request.attempts or attempts
    for attempt in range(1, most + 1):
        last = attempt == most
        try:
            response = _follow(request)
        except RegistryError:
            raise
        except (OSError, http.client.HTTPException) as error:
            if last or not _may_pass(error):
                raise RegistryError("unreachable", _unreachable(request.url, error)) from error
            wait, why = _backoff(attempt), _why(error)
        else:
            if response.status not in _AGAIN or last:
                return response
            asked = _retry_after(response.headers.get("Retry-After"))
            wait = _backoff(attempt) if asked is None else asked
            why = str(response.status)
            if waited + wait > MOST_PATIENCE:
                return response
        waited += wait
        log(f"{urlsplit(request.url).netloc} did not answer ({why}): trying again in {wait:.0f} s")
        time.sleep(wait)
    raise AssertionError("unreachable")


def _follow(request):
    url, headers, method = request.url, dict(request.headers), request.method
    for _ in range(6):
        response = _once(method, url, headers, request)
        target = response.headers.get("Location")
        if response.status not in _REDIRECTS or target is None or method not in ("GET", "HEAD"):
            return response
        here, url = urlsplit(url), urljoin(url, target)
        there = urlsplit(url)
        if there.scheme not in ("http", "https") or (here.scheme, there.scheme) == ("https", "http"):
            raise RegistryError("invalid", f"{here.netloc} redirects to {there.scheme}://{there.netloc}")
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            headers.pop("Authorization", None)
    raise RegistryError("invalid", f"{urlsplit(request.url).netloc} redirects without end")


def _once(method, url, headers, request):
    body, length = request.body, request.length
    if callable(body):
        body = body()
    elif body is not None:
        length = len(body)
    headers = {"User-Agent": "pyline", **headers}
    if body is not None:
        headers = {"Content-Type": "application/octet-stream", **headers, "Content-Length": str(length)}
    asked = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with _opener(url).open(asked, timeout=TIMEOUT) as answer:
            if request.sink is None:
                return Response(answer.status, answer.headers, _whole(answer), url)
            request.sink.begin()
            expected = answer.headers.get("Content-Length")
            got = 0
            while block := answer.read(1 << 20):
                got += len(block)
                request.sink.write(block)
            if expected is not None and got != int(expected):
                raise http.client.IncompleteRead(b"", int(expected) - got)
            return Response(answer.status, answer.headers, b"", url)
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, error.read(1 << 16), url)
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else OSError(error.reason) from error
    finally:
        if hasattr(body, "close"):
            body.close()


# Manifests and answers about uploads are small; a blob goes into a sink.
_LARGEST = 16 << 20


def _whole(answer):
    body = answer.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise RegistryError("invalid", f"an answer of more than {_LARGEST >> 20} MiB")
    return body


def _may_pass(error):
    """Whether another attempt may go better. A name that is not there, or a wrong certificate, stays."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    return True


def _why(error):
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__


def _unreachable(url, error):
    host = urlsplit(url).netloc
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not trusted ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return f"the name of {host} cannot be resolved"
    return f"{host} cannot be reached ({_why(error)})"


def _backoff(attempt):
    return min(8.0, 0.25 * 2**attempt) * random.uniform(0.75, 1.25)


def _retry_after(value):
    """Seconds; only the form with a number. An absent or unreadable one is None."""
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return None
