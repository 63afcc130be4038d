"""
One form of an image, whichever engine has uploaded it and whenever that engine made its layers.

Engines write into an image's configuration when each layer happened to be made and by what, and some write it anew on each
machine. Here every time becomes that of the label `org.opencontainers.image.created`, layers get names in place of commands,
and documents are written in one way. Layers stay as they are, byte for byte.
"""

import json

from registry.artifact import canonical
from registry.client import INDEXES, Manifest, digest_of
from registry.errors import RegistryError

_CREATED = "org.opencontainers.image.created"
_NEVER = "1970-01-01T00:00:00Z"
_OF_LAYERS = ("mediaType", "digest", "size", "urls")
_OF_IMAGES = ("architecture", "variant", "os", "os.version", "os.features", "rootfs")


def settle(repository, manifest, base, layers):
    """
    Puts the image's one form beside it, under its digest alone; gives that manifest.

    :param base: what the lower layers are called
    :param layers: what the upper ones are called, the lowest first
    """
    settled = _index(repository, manifest, base, layers) or _image(repository, manifest, base, layers)
    if repository.digest(settled.digest) is None:
        repository.put(settled.digest, settled)
    return settled


def _index(repository, manifest, base, layers):
    if manifest.media_type not in INDEXES:
        return None
    children, said = [], []
    for child in manifest.document.get("manifests", []):
        found = repository.manifest(child["digest"])
        if found is None:
            raise RegistryError("missing", f"{repository.reference.name} has no {child['digest']}", 404)
        settled = settle(repository, found, base, layers)
        children.append({**settled.descriptor(), "platform": child.get("platform")})
        said.append(settled.document.get("annotations") or {})
    document = {"schemaVersion": 2, "mediaType": manifest.media_type, "manifests": children}
    common = set.intersection(*(set(each.items()) for each in said)) if said else set()
    if common:
        # Of an image of several platforms registries show what is said here.
        document["annotations"] = dict(common)
    return Manifest(manifest.media_type, canonical(document))


def _image(repository, manifest, base, layers):
    document = manifest.document
    listed = document["layers"]
    written = json.loads(repository.blob(document["config"]["digest"]))
    if len(written["rootfs"]["diff_ids"]) != len(listed):
        raise RegistryError("invalid", f"{manifest.digest} has other layers than its configuration")
    config = canonical(_config(written, len(listed), base, layers))
    repository.put_bytes(config)
    settled = {
        "schemaVersion": 2,
        "mediaType": manifest.media_type,
        "config": {"mediaType": document["config"]["mediaType"], "digest": digest_of(config), "size": len(config)},
        "layers": [{key: layer[key] for key in _OF_LAYERS if key in layer} for layer in listed],
    }
    if document.get("annotations"):
        settled["annotations"] = document["annotations"]
    return Manifest(manifest.media_type, canonical(settled))


def _config(image, count, base, layers):
    config = image.get("config") or {}
    created = (config.get("Labels") or {}).get(_CREATED, _NEVER)
    names = [base] * count + list(layers)
    history = [{"created": created, "created_by": name} for name in names[len(layers) :]]
    return {
        **{key: image[key] for key in _OF_IMAGES if key in image},
        "created": created,
        # What says nothing is written by some engines and left out by others.
        "config": {key: value for key, value in config.items() if value not in (None, "", [], {}, False)},
        "history": history,
    }
