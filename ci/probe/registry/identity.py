"""Identities that a CI host vouches for: OpenID Connect tokens, each for one audience and a few minutes."""

import json
import re
from urllib.parse import quote, urlsplit

from registry.errors import RegistryError
from registry.reference import is_loopback
from registry.shown import hide, shown
from registry.transport import Request, send

# What can be sent in a header. A library that is given anything else says so, and repeats it.
_SENDABLE = re.compile(r"[\x21-\x7e]+")


class IdentityError(Exception):
    """Nobody vouches for this run; why, in a sentence without a token. `passing` where the host could not be asked."""

    def __init__(self, message, passing=False):
        super().__init__(message)
        self.passing = passing


def issued(audience, address, bearer, log):
    """The identity that GitHub's kind of host issues at an address to who has the bearer."""
    try:
        parts = urlsplit(address)
        scheme, host = parts.scheme, parts.netloc
    except ValueError:
        scheme, host = "", ""
    # Nothing of it is repeated: it may be another secret, by mistake.
    if scheme not in ("https", "http") or not host or "@" in host or not _SENDABLE.fullmatch(address):
        raise IdentityError("where the CI host issues identities is no https address without a login: no token is sent there")
    if scheme != "https" and not is_loopback(host):
        raise IdentityError("%s://%s is no https address: no token is sent there" % (scheme, host))
    if not _SENDABLE.fullmatch(bearer):
        raise IdentityError("the token for the CI host is none: it is empty, or has spaces, line breaks or letters that no token has")
    hide(bearer)
    joint = "&" if parts.query else "?"
    url = "%s%saudience=%s" % (address, joint, quote(audience, safe=""))
    request = Request("GET", url, {"Authorization": "bearer " + bearer})
    return answer(request, "value", "the CI host", log, what="identity")


def answer(request, key, who, log, *, what=None):
    """One string of the JSON that a server answers; `what` it is for people."""
    try:
        response = send(request, log)
    except RegistryError as error:
        raise IdentityError(str(error), passing=True) from error
    try:
        document = json.loads(response.body)
        if response.status < 300 and isinstance(document[key], str):
            return document[key]
        said = "; ".join(str(error["description"]) for error in document.get("errors", []) if "description" in error)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        said = ""
    # A token of the answer must not be in a message, so only what is meant for people is.
    message = "%s gives no %s: %d%s" % (who, what or key, response.status, said and " (%s)" % shown(said))
    raise IdentityError(message, passing=response.status == 429 or response.status >= 500)
