"""Names of images: `[host[:port]/]path[:tag][@digest]`."""

import ipaddress
import re
from dataclasses import dataclass

from registry.errors import RegistryError

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """An image, a tag of it, or a digest of it."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self):
        return f"{self.host}/{self.path}"

    @property
    def identifier(self):
        """What a manifest is asked for by."""
        return self.digest or self.tag or "latest"

    def __str__(self):
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' if self.digest else ''}{self.digest}"


def parse(text):
    """A reference from its text; raises RegistryError where it is none."""
    rest, at, digest = text.partition("@")
    first, slash, path = rest.partition("/")
    if not (slash and (first == "localhost" or "." in first or ":" in first)):
        first, path = "docker.io", rest
    head, colon, tag = path.rpartition(":")
    if colon:
        path = head
    else:
        tag = ""
    if first == "docker.io" and "/" not in path:
        path = f"library/{path}"
    good = (
        _HOST.fullmatch(first)
        and _PATH.fullmatch(path)
        and (not colon or TAG.fullmatch(tag))
        and (not at or DIGEST.fullmatch(digest))
    )
    if not good:
        raise RegistryError("invalid", f"{text!r} does not name an image")
    return Reference(first, path, tag, digest)


def is_loopback(host):
    """Whether a host of a URL is this machine, where nobody listens on the way."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def base_url(host):
    """Where a registry's API is. Plain HTTP only on this machine itself."""
    if host == "docker.io":
        return "https://registry-1.docker.io"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"
