"""Copies images byte for byte: what is here under a digest is there under the same."""

import tempfile

from registry.artifact import enlist
from registry.client import INDEXES
from registry.errors import RegistryError

# Layers that are nowhere but in the registry's own shop, by their media types' names.
_FOREIGN = ("nondistributable", "foreign")


def copy(source, target, digest, *, referrers=False):
    """Copies a manifest, all it refers to and, if asked, what refers to it. No tag is touched."""
    manifest = source.manifest(digest)
    if manifest is None:
        raise RegistryError("missing", f"{source.reference.name} has no {digest}", 404)
    _copy(source, target, manifest)
    if referrers:
        for each in source.referrers(digest):
            _copy_referrer(source, target, each["digest"], digest)
    return manifest


def _copy_referrer(source, target, referrer, digest):
    try:
        found = source.manifest(referrer)
        headers = None if found is None else _copy(source, target, found)
    except RegistryError as error:
        # Whoever may push can attach what is none: it must not keep an image from where it is to go.
        if error.kind not in ("missing", "invalid"):
            raise
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    else:
        if headers is not None and headers.get("OCI-Subject") != digest:
            enlist(target, found, digest)


def _copy(source, target, manifest):
    """What came back for the manifest, or None where it was there."""
    if target.digest(manifest.digest) == manifest.digest:
        return None
    document = manifest.document
    if manifest.media_type in INDEXES:
        for child in document.get("manifests", []):
            found = source.manifest(child["digest"])
            if found is None:
                raise RegistryError("missing", f"{source.reference.name} has no {child['digest']}", 404)
            _copy(source, target, found)
    for blob in [document.get("config"), *document.get("layers", [])]:
        if blob and not any(word in blob.get("mediaType", "") for word in _FOREIGN):
            _copy_blob(source, target, blob["digest"])
    return target.put(manifest.digest, manifest)


def _copy_blob(source, target, digest):
    if target.has_blob(digest):
        return
    same = source.reference.host == target.reference.host
    if same and target.mount_blob(digest, source.reference):
        return
    with tempfile.TemporaryFile() as file:
        sink = _File(file)
        source.read_blob(digest, sink)
        size = file.tell()
        target.put_blob(digest, size, lambda: _rewound(file))


class _File:
    def __init__(self, file):
        self._file = file

    def begin(self):
        self._file.seek(0)
        self._file.truncate()

    def write(self, block):
        self._file.write(block)


class _Unclosed:
    """A stream of a file that stays open for the next attempt."""

    def __init__(self, file):
        self._file = file

    def read(self, size=-1):
        return self._file.read(size)


def _rewound(file):
    file.seek(0)
    return _Unclosed(file)
