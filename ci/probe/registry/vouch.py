"""
Entries of a cache that somebody vouches for.

An entry is an image under a tag. Beside it, under `TAG.mac`, stands what only who has the secret could write: an HMAC of
the tag and the digest. Whoever may write to the repository can put another image under the tag, but not that.
"""

import hashlib
import hmac
import json

from registry import artifact
from registry.errors import RegistryError

_TYPE = "application/vnd.pyline.cache.mac.v1+json"
_PURPOSE = b"pyline dependency cache 1"


def find(repository, tag, secret=None):
    """(digest, why not): the digest of an entry, or why there is none to be used. Without a secret any entry will do."""
    digest = repository.digest(tag)
    if digest is None:
        return None, "not there"
    if secret is None:
        return digest, None
    try:
        documents = artifact.read_tag(repository, _tag(tag))
        stated = json.loads(documents[0][1])["mac"] if documents else ""
    except (ValueError, LookupError, TypeError):
        stated = ""
    if not hmac.compare_digest(_mac(secret, tag, digest), str(stated)):
        return None, "nothing vouches for it"
    return digest, None


def vouch(repository, tag, digest, secret):
    """Puts an image that is there under the tag, and says so beside it."""
    manifest = repository.manifest(digest)
    if manifest is None:
        raise RegistryError("missing", f"{repository.reference.name} has no {digest}", 404)
    data = json.dumps({"schema": 1, "tag": tag, "digest": digest, "mac": _mac(secret, tag, digest)}).encode()
    artifact.push(repository, artifact.make(_TYPE, data), data, _tag(tag))
    repository.put(tag, manifest)


def _tag(tag):
    return f"{tag}.mac"


def _mac(secret, tag, digest):
    text = b"\n".join((_PURPOSE, tag.encode(), digest.encode()))
    return hmac.new(secret, text, hashlib.sha256).hexdigest()
