"""A repository of a registry, as in the OCI distribution specification 1.1."""

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

from registry import auth, transport
from registry.errors import RegistryError, of_status
from registry.reference import DIGEST, TAG, base_url

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = (INDEX, _DOCKER_INDEX)
_ACCEPT = ", ".join((MANIFEST, INDEX, _DOCKER_MANIFEST, _DOCKER_INDEX))
_MOST_PAGES = 50


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Manifest:
    """A manifest, byte for byte as the registry has it."""

    media_type: str
    body: bytes

    @property
    def digest(self):
        return digest_of(self.body)

    @property
    def document(self):
        return json.loads(self.body)

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


class Repository:
    """Everything that is done with one repository. Raises RegistryError."""

    def __init__(self, reference, login=None, log=lambda line: None):
        self.reference = reference
        self._login = login
        self._log = log
        self._authorization = {}
        self._root = base_url(reference.host)

    # -- asking ---------------------------------------------------------------------------------

    def _send(self, method, path, *, write=False, headers=None, body=None, length=0, sink=None, other=None, attempts=None):
        """An answer of any status but 401. `other` is a repository that has to be readable too."""
        url = urljoin(f"{self._root}/v2/{self.reference.path}/", path)
        # A location that the registry gave may be another host's, which is told nothing.
        ours = urlsplit(url).netloc == urlsplit(self._root).netloc
        scope = f"repository:{self.reference.path}:{'pull,push' if write else 'pull'}"
        if other is not None:
            scope += f" repository:{other.path}:pull"
        request = transport.Request(method, url, dict(headers or {}), body, length, sink, attempts)
        known = self._authorization.get(scope) if ours else None
        if known is not None:
            request.headers["Authorization"] = known
        response = transport.send(request, self._log)
        if response.status == 401 and ours:
            # Also a token that has become too old while layers went up.
            challenge = response.headers.get("WWW-Authenticate")
            answer = auth.answer(challenge, self.reference.host, self._login, scope)
            if answer is None:
                raise RegistryError("refused", f"{self.reference.host} wants a login", 401)
            if answer != known:
                self._authorization[scope] = answer
                request.headers["Authorization"] = answer
                response = transport.send(request, self._log)
        if response.status in (401, 403):
            what = "write to" if write else "read"
            raise of_status(response.status, f"{what} {self.reference.name}", response.body)
        return response

    def check_access(self):
        """Fails unless one may write here: begins an upload and gives it up."""
        response = self._send("POST", "blobs/uploads/", write=True, body=b"")
        if response.status != 202:
            raise of_status(response.status, f"write to {self.reference.name}", response.body)
        location = response.headers.get("Location")
        if location:
            # What a registry makes of this does not matter: it removes what is left by itself.
            self._send("DELETE", urljoin(response.url, location), write=True)

    # -- manifests ------------------------------------------------------------------------------

    def digest(self, identifier):
        """The digest that a tag stands for, or None where there is no such tag."""
        response = self._send("HEAD", _manifest(identifier), headers={"Accept": _ACCEPT})
        if response.status == 404:
            return None
        digest = response.headers.get("Docker-Content-Digest", "")
        if response.status == 200 and DIGEST.fullmatch(digest):
            return digest
        # The header is not mandatory for every registry, and a HEAD has no body that says why.
        manifest = self.manifest(identifier)
        return None if manifest is None else manifest.digest

    def manifest(self, identifier):
        """A Manifest by tag or digest, or None where there is none."""
        response = self._send("GET", _manifest(identifier), headers={"Accept": _ACCEPT})
        if response.status == 404:
            return None
        if response.status != 200:
            raise of_status(response.status, f"read {self.reference.name}:{identifier}", response.body)
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        manifest = Manifest(media_type, response.body)
        if DIGEST.fullmatch(identifier) and manifest.digest != identifier:
            raise RegistryError("invalid", f"{identifier} arrived as {manifest.digest}")
        try:
            if isinstance(manifest.document, dict):
                return manifest
        except (ValueError, RecursionError):
            pass
        raise RegistryError("invalid", f"{self.reference.name}:{identifier} is no manifest")

    def put(self, identifier, manifest):
        """Puts a manifest under a tag or its digest; the headers of the answer."""
        headers = {"Content-Type": manifest.media_type}
        response = self._send("PUT", _manifest(identifier), write=True, headers=headers, body=manifest.body)
        if response.status not in (200, 201, 202):
            raise of_status(response.status, f"write {self.reference.name}:{identifier}", response.body)
        took = response.headers.get("Docker-Content-Digest")
        if took is not None and took != manifest.digest:
            raise RegistryError("invalid", f"{manifest.digest} was kept as {took}")
        return response.headers

    def tags(self):
        """All tags; none where the repository is not there yet."""
        found, path = [], "tags/list?n=1000"
        for _ in range(_MOST_PAGES):
            response = self._send("GET", path)
            if response.status == 404:
                return found
            if response.status != 200:
                raise of_status(response.status, f"list the tags of {self.reference.name}", response.body)
            try:
                listed = json.loads(response.body).get("tags") or []
                found += [tag for tag in listed if isinstance(tag, str) and TAG.fullmatch(tag)]
            except (ValueError, AttributeError, TypeError) as error:
                raise RegistryError("invalid", f"{self.reference.name} lists no tags") from error
            path = _next_page(response)
            if path is None:
                return found
        raise RegistryError("invalid", f"{self.reference.name} lists tags without end")

    def untag(self, tag):
        """Takes a tag away, the image stays; False where the registry does not do that, or not for us."""
        try:
            # Many never do: that is no trouble to wait for.
            return self._send("DELETE", _manifest(tag), write=True, attempts=1).status in (200, 202, 204)
        except RegistryError:
            return False

    # -- blobs ----------------------------------------------------------------------------------

    def has_blob(self, digest):
        response = self._send("HEAD", _blob(digest))
        if response.status not in (200, 404):
            raise of_status(response.status, f"look for {digest}", response.body)
        return response.status == 200

    def read_blob(self, digest, sink):
        """Gives a blob to a sink (`begin()`, `write(block)`); fails where it is not what it should be."""
        check = _Checked(sink)
        response = self._send("GET", _blob(digest), sink=check)
        if response.status != 200:
            raise of_status(response.status, f"read {digest} of {self.reference.name}", response.body)
        if check.digest != digest:
            raise RegistryError("invalid", f"{digest} arrived as {check.digest}")

    def blob(self, digest, most=16 << 20):
        """A small blob as bytes."""
        sink = _Memory(most)
        self.read_blob(digest, sink)
        return bytes(sink.data)

    def put_blob(self, digest, size, open_body):
        """Uploads a blob in one piece, unless it is there. `open_body` gives a new stream of it."""
        if self.has_blob(digest):
            return False
        for last in (False, True):
            started = self._send("POST", "blobs/uploads/", write=True, body=b"")
            if started.status != 202 or not started.headers.get("Location"):
                raise of_status(started.status, f"write to {self.reference.name}", started.body)
            location = urljoin(started.url, started.headers["Location"])
            location += f"{'&' if urlsplit(location).query else '?'}{urlencode({'digest': digest})}"
            done = self._send("PUT", location, write=True, body=open_body, length=size)
            # An upload that broke off and was tried again may be gone, or be there already.
            if done.status in (201, 202, 204) or self.has_blob(digest):
                return True
            if last or done.status not in (404, 416):
                raise of_status(done.status, f"upload {digest} to {self.reference.name}", done.body)
        return True

    def put_bytes(self, data):
        """Uploads bytes, unless they are there; their digest."""
        digest = digest_of(data)
        self.put_blob(digest, len(data), lambda: data)
        return digest

    def mount_blob(self, digest, other):
        """Takes a blob from another repository of the same registry; whether that went."""
        query = urlencode({"mount": digest, "from": other.path})
        response = self._send("POST", f"blobs/uploads/?{query}", write=True, body=b"", other=other)
        return response.status == 201

    # -- what refers to a manifest ---------------------------------------------------------------

    def referrers(self, digest, artifact_type=None):
        """Descriptors of what refers to a manifest."""
        found, supported = self._referrers_api(digest)
        if not supported:
            found = self.referrers_tag(digest)
        return [each for each in found if artifact_type in (None, each.get("artifactType"))]

    def _referrers_api(self, digest):
        found, path = [], f"referrers/{digest}"
        for _ in range(_MOST_PAGES):
            response = self._send("GET", path, headers={"Accept": INDEX})
            # 404: a registry of before 1.1. Some answer something else that is no index.
            if response.status != 200:
                if response.status == 404 or 400 <= response.status < 429:
                    return [], False
                raise of_status(response.status, f"ask what refers to {digest}", response.body)
            try:
                found += _descriptors(json.loads(response.body))
            except (ValueError, RecursionError):
                return [], False
            following = _next_page(response)
            if following is None:
                return found, True
            path = following
        raise RegistryError("invalid", f"{self.reference.name} lists referrers without end")

    def referrers_tag(self, digest):
        """Descriptors in the index that clients keep where the registry has no such list itself."""
        manifest = self.manifest(fallback_tag(digest))
        return [] if manifest is None else _descriptors(manifest.document)

    def lists(self, digest, referrer):
        """Whether the registry itself lists an artifact among what refers to a manifest."""
        return any(each["digest"] == referrer for each in self._referrers_api(digest)[0])


# Digests come from documents that others wrote, and are part of addresses here.
def _manifest(identifier):
    if not (DIGEST.fullmatch(identifier) or TAG.fullmatch(identifier)):
        raise RegistryError("invalid", f"{identifier!r} is no tag and no sha256 digest")
    return f"manifests/{identifier}"


def _blob(digest):
    if not DIGEST.fullmatch(digest):
        raise RegistryError("invalid", f"{digest!r} is no sha256 digest")
    return f"blobs/{digest}"


def fallback_tag(digest):
    """The tag of that index: `sha256-…`."""
    return digest.replace(":", "-")


def _descriptors(index):
    listed = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no index")
    return [each for each in listed if isinstance(each, dict) and DIGEST.fullmatch(str(each.get("digest")))]


def _next_page(response):
    link = response.headers.get("Link") or ""
    target, _, rest = link.strip().partition(">")
    if not target.startswith("<") or 'rel="next"' not in rest.replace(" ", ""):
        return None
    return urljoin(response.url, target[1:])


class _Checked:
    def __init__(self, sink):
        self._sink = sink
        self._hash = hashlib.sha256()

    def begin(self):
        self._hash = hashlib.sha256()
        self._sink.begin()

    def write(self, block):
        self._hash.update(block)
        self._sink.write(block)

    @property
    def digest(self):
        return f"sha256:{self._hash.hexdigest()}"


class _Memory:
    def __init__(self, most):
        self._most = most
        self.data = bytearray()

    def begin(self):
        self.data.clear()

    def write(self, block):
        self.data += block
        if len(self.data) > self._most:
            raise RegistryError("invalid", f"a document of more than {self._most >> 20} MiB")
