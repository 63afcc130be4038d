"""What an index has of a project: the simple API, as HTML (PEP 503) or JSON (PEP 691)."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from registry.errors import RegistryError
from registry.transport import Request, send

from package_index.errors import PublishError

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class Simple:
    """`login` is (username, password), for an index that asks who reads it."""

    def __init__(self, url, login, log):
        self.url = url if url.endswith("/") else url + "/"
        self.login = login
        self.log = log

    def files(self, name):
        """Addresses and SHA-256 digests (None where the index does not say) by file names; none for a project it does not know."""
        answer = self._get(urljoin(self.url, name + "/"), {"Accept": ACCEPT, "Cache-Control": "no-cache"})
        # Some indexes send whoever asks for what they do not know to the public one; nothing can be uploaded there.
        if answer.status == 404 or urlsplit(answer.url)[1] != urlsplit(self.url)[1]:
            return {}
        if answer.status in (401, 403):
            raise PublishError("refused", "%s: %d" % (self.url, answer.status))
        if answer.status != 200:
            raise PublishError("unreachable", "%s: %d" % (self.url, answer.status))
        kind = answer.headers.get_content_type()
        try:
            return from_json(answer.body, answer.url) if kind.endswith("json") else from_html(answer.body, answer.url)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise PublishError("unreachable", "%s does not answer as a package index does" % self.url) from error

    def digest(self, address):
        """The digest of a file that the index has, for an index that does not say it."""
        sink = Digest()
        answer = self._get(address, {}, sink)
        if answer.status != 200:
            raise PublishError("unreachable", "%s: %d" % (address, answer.status))
        return sink.hash.hexdigest()

    def _get(self, url, headers, sink=None):
        here, there = urlsplit(self.url), urlsplit(url)
        # Files can be on another host, which has no business with the password.
        if self.login is not None and (here.scheme, here.netloc) == (there.scheme, there.netloc):
            word = base64.b64encode((":".join(self.login)).encode()).decode()
            headers = {**headers, "Authorization": "Basic " + word}
        try:
            return send(Request("GET", url, headers, sink=sink), self.log)
        except RegistryError as error:
            raise PublishError("unreachable", str(error)) from error


class Digest:
    """Takes the bytes of an answer, and keeps nothing of them."""

    def begin(self):
        self.hash = hashlib.sha256()

    def write(self, block):
        self.hash.update(block)


def from_json(body, base):
    found = {}
    for entry in json.loads(body)["files"]:
        digest = entry.get("hashes", {}).get("sha256")
        found[entry["filename"]] = (urljoin(base, entry["url"]), digest.lower() if isinstance(digest, str) else None)
    return found


def from_html(body, base):
    links = Links()
    links.feed(body.decode("utf-8", "replace"))
    found = {}
    for link in links.found:
        address = urljoin(links.base or base, link)
        parts = urlsplit(address)
        kind, _, digest = parts.fragment.partition("=")
        name = unquote(parts.path.rsplit("/", 1)[-1])
        found[name] = (parts._replace(fragment="").geturl(), digest.lower() if kind == "sha256" else None)
    return found


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.base = None

    def handle_starttag(self, tag, attrs):
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.found.append(target)
        elif tag == "base" and target:
            self.base = target
