"""Trusted publishing: the identity that a CI host vouches for, turned into a token of the index for a few minutes.

As https://docs.pypi.org/trusted-publishers/internals/ describes it: the index says for whom the identity is to be
(`/_/oidc/audience`), the CI host issues one, and the index gives a token for it (`/_/oidc/mint-token`).
"""

import json
from urllib.parse import quote, urlsplit

from registry.errors import RegistryError
from registry.reference import is_loopback
from registry.transport import Request, send

from package_index.errors import PublishError


def token(upload, identity, ask, log):
    """The token. `identity` is what the host issued already (GitLab); else `ask` is (address, bearer) of one that issues (GitHub)."""
    parts = urlsplit(upload)
    if parts.scheme != "https" and not is_loopback(parts.netloc):
        raise PublishError("identity", "%s is no https address: no identity is sent there" % upload)
    index = "%s://%s" % (parts.scheme, parts.netloc)
    if identity is None:
        audience = answer(Request("GET", index + "/_/oidc/audience"), "audience", index, log)
        address, bearer = ask
        joint = "&" if "?" in address else "?"
        request = Request("GET", "%s%saudience=%s" % (address, joint, quote(audience)), {"Authorization": "bearer " + bearer})
        identity = answer(request, "value", "the CI host", log)
    body = json.dumps({"token": identity}).encode()
    request = Request("POST", index + "/_/oidc/mint-token", {"Content-Type": "application/json"}, body)
    return answer(request, "token", index, log)


def answer(request, key, who, log):
    try:
        response = send(request, log)
    except RegistryError as error:
        raise PublishError("unreachable", str(error)) from error
    try:
        document = json.loads(response.body)
        if response.status < 300 and isinstance(document[key], str):
            return document[key]
        said = "; ".join(str(error["description"]) for error in document.get("errors", []) if "description" in error)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ""
    # A token of the answer must not be in a message, so only what is meant for people is.
    raise PublishError("identity", "%s gives no %s: %d%s" % (who, key, response.status, said and " (%s)" % said[:300]))
