"""Identities that a CI host vouches for: OpenID Connect tokens, each for one audience and a few minutes."""

import json
from urllib.parse import quote, urlsplit

from registry.errors import RegistryError
from registry.reference import is_loopback
from registry.transport import Request, send


class IdentityError(Exception):
    """Nobody vouches for this run; why, in a sentence without a token. `passing` where the host could not be asked."""

    def __init__(self, message, passing=False):
        super().__init__(message)
        self.passing = passing


def issued(audience, address, bearer, log):
    """The identity that GitHub's kind of host issues at an address to who has the bearer."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.netloc):
        raise IdentityError("%s://%s is no https address: no token is sent there" % (parts.scheme, parts.netloc))
    joint = "&" if parts.query else "?"
    url = "%s%saudience=%s" % (address, joint, quote(audience, safe=""))
    return answer(Request("GET", url, {"Authorization": "bearer " + bearer}), "value", "the CI host", log)


def answer(request, key, who, log):
    """One string of the JSON that a server answers."""
    try:
        response = send(request, log)
    except RegistryError as error:
        raise IdentityError(str(error), passing=True) from error
    try:
        document = json.loads(response.body)
        if response.status < 300 and isinstance(document[key], str):
            return document[key]
        said = "; ".join(str(error["description"]) for error in document.get("errors", []) if "description" in error)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ""
    # A token of the answer must not be in a message, so only what is meant for people is.
    message = "%s gives no %s: %d%s" % (who, key, response.status, said and " (%s)" % said[:300])
    raise IdentityError(message, passing=response.status == 429 or response.status >= 500)
