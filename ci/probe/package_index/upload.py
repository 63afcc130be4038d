"""The upload of one file, by uv."""

import html
import os
import re
import subprocess
import tempfile

from package_index.errors import PublishError


class Again(Exception):
    """The next attempt may go better."""


def upload(path, address, login):
    """Raises PublishError, or Again."""
    username, password = login
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"], "HOME": home, "UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", "UV_HTTP_RETRIES": "0",
            "UV_PUBLISH_USERNAME": username, "UV_PUBLISH_PASSWORD": password, "UV_NO_CACHE": "1",
        }  # fmt: skip
        for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
            if name in os.environ:
                environment[name] = os.environ[name]
        command = ["uv", "publish", "--no-progress", "--trusted-publishing", "never", "--publish-url", address, path]
        run = subprocess.run(
            command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    if run.returncode == 0:
        return
    said = run.stdout.decode("utf-8", "replace")
    status = re.search(r"status code (\d{3})", said)
    if status is None:
        causes = [line.strip() for line in re.findall(r"^(?:error|\s+cause): (.+)", said, re.MULTILINE)]
        why = causes[-1] if causes else "uv ended with %d" % run.returncode
        if "error sending request" not in said or "certificate" in said:
            raise PublishError("unreachable", "%s: %s" % (address, why))
        raise Again(why)
    code = int(status[1])
    text = "%d%s" % (code, words(said))
    if code in (401, 403):
        raise PublishError("refused", "%s: %s" % (address, text))
    if code in (408, 425, 429) or code >= 500:
        raise Again(text)
    raise PublishError("rejected", "%s: %s" % (os.path.basename(path), text))


def words(said):
    """What the index says, as far as it is for people."""
    body = said.partition("Server says:")[2]
    body = re.sub(r"(?is)<(style|script|head)\b.*?</\1>", " ", body)
    body = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())
    return " (%s)" % body[:400] if body else ""
