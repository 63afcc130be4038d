"""Documents beside images: artifacts with a subject, and how registries before 1.1 are told of them."""

import json

from registry.client import INDEX, INDEXES, MANIFEST, Manifest, digest_of, fallback_tag
from registry.errors import RegistryError

# Of one artifact, and of all that is attached to an image.
MOST_DOCUMENTS = 32
MOST_REFERRERS = 1000
MOST_BYTES = 256 << 20

_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"


def canonical(document):
    """The same bytes for the same document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def make(artifact_type, data, *, media_type=None, title=None, annotations=None, subject=None):
    """The manifest of an artifact of one document. Without a time in it: the same document is the same artifact."""
    layer = {"mediaType": media_type or artifact_type, "digest": digest_of(data), "size": len(data)}
    if title is not None:
        layer["annotations"] = {"org.opencontainers.image.title": title}
    config = {"mediaType": _EMPTY_TYPE, "digest": digest_of(_EMPTY), "size": len(_EMPTY), "data": "e30="}
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": config,
        "layers": [layer],
    }
    if subject is not None:
        document["subject"] = {key: subject[key] for key in ("mediaType", "digest", "size")}
    if annotations:
        document["annotations"] = dict(annotations)
    return Manifest(MANIFEST, canonical(document))


def push(repository, manifest, data, tag=None):
    """Uploads an artifact of one document; nothing of it that is there. Under a tag where one is given."""
    repository.put_bytes(_EMPTY)
    repository.put_bytes(data)
    headers = repository.put(tag or manifest.digest, manifest)
    subject = manifest.document.get("subject")
    if subject is not None and headers.get("OCI-Subject") != subject["digest"]:
        enlist(repository, manifest, subject["digest"])
    return manifest.digest


def attach(repository, image, artifact_type, data, *, once=False, **options):
    """
    Attaches a document to an image (a Manifest); its digest. Attaching it again changes nothing, nor does attaching
    another one where there is one of its type already and one is enough (`once`).
    """
    manifest = make(artifact_type, data, subject=image.descriptor(), **options)
    for each in repository.referrers(image.digest):
        if each["digest"] == manifest.digest or (once and each.get("artifactType") == artifact_type):
            return each["digest"]
    return push(repository, manifest, data)


def same_as_before(repository, earlier, artifact_type, data):
    """
    A document of a type that is attached to an earlier image and differs from this one (JSON) in its time alone; else this one.
    Nothing is uploaded of what is there, and the time is when it was first known.
    """
    for each in repository.referrers(earlier.digest, artifact_type):
        for _, known in read(repository, each["digest"]):
            try:
                if _timeless(known) == _timeless(data):
                    return known
            except (ValueError, RecursionError):
                # Whoever may push may have attached anything.
                continue
    return data


def _timeless(data):
    """A bill of materials without its time: where CycloneDX and SPDX have it."""
    document = json.loads(data)
    if isinstance(document, dict):
        for part, key in (("metadata", "timestamp"), ("creationInfo", "created")):
            if isinstance(document.get(part), dict):
                document[part].pop(key, None)
    return document


def platforms(image):
    """Of an image of several platforms: (`os/architecture[/variant]`, digest) of each."""
    if image.media_type not in INDEXES:
        return []
    listed = []
    for child in image.document.get("manifests", []):
        parts = child.get("platform") or {}
        words = [str(parts[key]) for key in ("os", "architecture", "variant") if parts.get(key)]
        listed.append(("/".join(words) or "unknown", child["digest"]))
    return listed


def for_platform(repository, image, platform):
    """Of an image of several platforms the manifest of one; else the image itself."""
    if image.media_type not in INDEXES:
        return image
    for name, digest in platforms(image):
        if platform == name or name.startswith(f"{platform}/"):
            found = repository.manifest(digest)
            if found is not None:
                return found
    raise RegistryError("missing", f"{repository.reference} has nothing for {platform}", 404)


def read(repository, digest, most=MOST_BYTES):
    """The documents of an artifact: (descriptor, bytes) of each of its layers, which are together no larger than `most`."""
    manifest = repository.manifest(digest)
    if manifest is None:
        raise RegistryError("missing", f"{repository.reference.name} has no {digest}", 404)
    layers = manifest.document.get("layers") or []
    if not (isinstance(layers, list) and all(isinstance(each, dict) and isinstance(each.get("digest"), str) for each in layers)):
        raise RegistryError("invalid", f"{digest} is no artifact")
    if len(layers) > MOST_DOCUMENTS:
        raise RegistryError("invalid", f"{digest} has more than {MOST_DOCUMENTS} documents")
    documents = []
    for layer in layers:
        documents.append((layer, repository.blob(layer["digest"])))
        most -= len(documents[-1][1])
        if most < 0:
            raise RegistryError("invalid", f"{digest} has too large documents")
    return documents


def read_tag(repository, tag):
    """The documents of the artifact under a tag; none where there is no such tag."""
    manifest = repository.manifest(tag)
    return [] if manifest is None else read(repository, manifest.digest)


def enlist(repository, manifest, subject):
    """Adds an artifact to the index that stands for the list of referrers where the registry keeps none."""
    if repository.lists(subject, manifest.digest):
        return
    listed = repository.referrers_tag(subject)
    if any(each["digest"] == manifest.digest for each in listed):
        return
    document = manifest.document
    entry = {**manifest.descriptor(), "artifactType": document["artifactType"]}
    if document.get("annotations"):
        entry["annotations"] = document["annotations"]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed, entry]}
    repository.put(fallback_tag(subject), Manifest(INDEX, canonical(index)))
