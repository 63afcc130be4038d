"""Logging in: HTTP basic authentication and the token protocol of Docker's distribution."""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from registry import transport
from registry.errors import RegistryError, of_status
from registry.reference import is_loopback
from registry.shown import hide

_PARAMETER = re.compile(r'([a-zA-Z]+)=(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True)
class Login:
    """Its password is shown nowhere."""

    username: str
    password: str

    def __post_init__(self):
        hide(self.password, self.basic().removeprefix("Basic "))

    def __repr__(self):
        return f"Login({self.username!r})"

    def basic(self):
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def answer(challenge, host, login, scope):
    """The Authorization header that a WWW-Authenticate header asks for, or None where there is none."""
    kind, _, rest = (challenge or "").partition(" ")
    parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    if kind.lower() == "basic":
        return login.basic() if login else None
    if kind.lower() != "bearer" or not parameters.get("realm"):
        return None
    return _token(host, parameters, login, scope)


def _token(host, parameters, login, scope):
    realm = parameters["realm"]
    there = urlsplit(realm)
    if there.scheme != "https" and not is_loopback(there.netloc):
        raise RegistryError("invalid", f"{host} asks to log in at {there.scheme}://{there.netloc}, in the clear")
    query = {"scope": scope}
    if parameters.get("service"):
        query["service"] = parameters["service"]
    url = f"{realm}{'&' if there.query else '?'}{urlencode(query)}"
    headers = {"Authorization": login.basic()} if login else {}
    response = transport.send(transport.Request("GET", url, headers))
    if response.status != 200:
        raise of_status(response.status, f"log in to {host}", response.body)
    try:
        document = json.loads(response.body)
        token = document.get("token") or document.get("access_token")
    except ValueError:
        token = None
    if not isinstance(token, str) or "\n" in token or "\r" in token:
        raise RegistryError("invalid", f"{there.netloc} gave no token")
    hide(token)
    return f"Bearer {token}"
