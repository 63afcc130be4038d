"""What an image says of itself, by its registry."""

import json
from datetime import datetime

from delivery.target import Image
from registry import artifact, reference
from registry.auth import Login
from registry.client import Repository
from registry.copy import copy
from registry.errors import RegistryError


def repository_of(name, username="", password_file=None):
    """A Repository by its name; with a login where there is a password."""
    login = None
    if password_file is not None:
        with open(password_file, encoding="utf-8") as file:
            login = Login(username, file.read().strip())
    return Repository(reference.parse(name), login, print)


def resolved(repository):
    """The Image that a reference with a tag or digest means. Raises RegistryError."""
    digest = repository.digest(repository.reference.identifier)
    if digest is None:
        raise RegistryError("missing", f"{repository.reference} is not there", 404)
    return Image(repository.reference.name, digest)


def configuration(repository, digest):
    """The image configuration (OCI) of a digest; of several platforms that of the first. None where it is gone."""
    manifest = repository.manifest(digest)
    if manifest is None:
        return None
    for _, child in artifact.platforms(manifest):
        found = repository.manifest(child)
        if found is not None and "config" in found.document:
            manifest = found
            break
    try:
        made = json.loads(repository.blob(manifest.document["config"]["digest"]))
        return made if isinstance(made, dict) else {}
    except (LookupError, TypeError, ValueError):
        return {}


def labels(configured):
    found = ((configured or {}).get("config") or {}).get("Labels") or {}
    return found if isinstance(found, dict) else {}


def created(configured):
    """When its commit was made, in RFC 3339; None where it does not say so."""
    found = labels(configured).get("org.opencontainers.image.created")
    # Images whose commit was not known have the beginning of time.
    return None if str(found).startswith("1970-01-01T00:00:00") else found


def revision(configured):
    """Its commit; None where it does not say so."""
    return labels(configured).get("org.opencontainers.image.revision")


def is_older(one, other):
    """Whether a time is before another. Where one is not known, it is not."""
    try:
        times = [datetime.fromisoformat(str(text).replace("Z", "+00:00")) for text in (one, other)]
        return times[0] < times[1]
    except (ValueError, TypeError):
        return False


def release_command(configured):
    """What is run once before a new version starts; None where there is nothing."""
    try:
        words = json.loads(labels(configured).get("pyline.release", "null"))
    except ValueError:
        return None
    return words if isinstance(words, list) and words and all(isinstance(word, str) for word in words) else None


def port(configured):
    """The first port that it says it listens on, or None."""
    exposed = ((configured or {}).get("config") or {}).get("ExposedPorts") or {}
    ports = sorted(int(text.partition("/")[0]) for text in exposed if text.partition("/")[0].isdigit())
    return ports[0] if ports else None


def moved(image, source, target, say):
    """The image in another repository: copied byte for byte, with what is said of it. Its digest is the same or it fails."""
    if source.reference.name == target.reference.name:
        return image
    say(f"copying {image.digest} from {source.reference.name} to {target.reference.name}")
    copy(source, target, image.digest, referrers=True)
    arrived = target.digest(image.digest)
    if arrived != image.digest:
        raise RegistryError("invalid", f"{image.digest} arrived as {arrived} in {target.reference.name}")
    return Image(target.reference.name, image.digest)
