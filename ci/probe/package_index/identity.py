"""Trusted publishing: the identity that a CI host vouches for, turned into a token of the index for a few minutes.

As https://docs.pypi.org/trusted-publishers/internals/ describes it: the index says for whom the identity is to be
(`/_/oidc/audience`), the CI host issues one, and the index gives a token for it (`/_/oidc/mint-token`).
"""

import json
from urllib.parse import urlsplit

from registry.identity import IdentityError, answer, issued
from registry.reference import is_loopback
from registry.shown import hide
from registry.transport import Request

from package_index.errors import PublishError


def token(upload, identity, ask, log):
    """The token. `identity` is what the host issued already (GitLab); else `ask` is (address, bearer) of one that issues (GitHub)."""
    parts = urlsplit(upload)
    if parts.scheme != "https" and not is_loopback(parts.netloc):
        raise PublishError("identity", "%s is no https address: no identity is sent there" % upload)
    index = "%s://%s" % (parts.scheme, parts.netloc)
    try:
        if identity is None:
            audience = answer(Request("GET", index + "/_/oidc/audience"), "audience", index, log)
            identity = issued(audience, *ask, log)
        hide(identity)
        body = json.dumps({"token": identity}).encode()
        request = Request("POST", index + "/_/oidc/mint-token", {"Content-Type": "application/json"}, body)
        return answer(request, "token", index, log)
    except IdentityError as error:
        raise PublishError("unreachable" if error.passing else "identity", str(error)) from error
