"""Running kubectl: the kubeconfig is a file, values come on standard input, and what it says becomes an error of errors.py."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from delivery.errors import Errored, Request, Unreachable

# Seconds of one request to the API server.
_PATIENCE = 20
# Reading again is harmless.
_ATTEMPTS = 4
_SERVER = re.compile(r"^Error from server(?: \((\w+)\))?: (.*)$", re.MULTILINE)
_INVALID = re.compile(r"^The (?:\S+ \".*\"|request) is invalid: |no matches for kind ")
_REFUSED = re.compile(r"\b(Unauthorized|Forbidden)\b|is forbidden: ")
_AWAY = re.compile(
    r"connection to the server .* was refused|unable to connect to the server|connection refused|no such host"
    r"|i/o timeout|tls: |x509: |timeout|timed out|EOF|network is unreachable|no route to host|connection reset",
    re.IGNORECASE,
)
_SETTINGS = re.compile(r"context \S+ does not exist|error loading config file|no configuration has been provided|invalid configuration")
_PASSES = {"InternalError", "ServiceUnavailable", "Timeout", "ServerTimeout", "TooManyRequests"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Refused(Request):
    """The API server does not do it. `reason` is its own word: NotFound, Conflict, AlreadyExists, Invalid, …"""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Kubectl:
    def __init__(self, kubeconfig, context="", namespace=""):
        if not kubeconfig:
            raise Request("the target kubernetes needs a kubeconfig")
        self._program = shutil.which("kubectl")
        if self._program is None:
            raise Errored("there is no kubectl in the tools image")
        # What it learns of the API server is kept for this run alone.
        self._cache = tempfile.TemporaryDirectory(prefix="pyline-kubectl-")
        self._options = ["--kubeconfig", kubeconfig, "--cache-dir", self._cache.name]
        self._options += ["--context", context] if context else []
        self._namespace = ["--namespace", namespace] if namespace else []

    def run(self, *words, send=None, patience=_PATIENCE, limit=120):
        """What it prints. `send`, a document, goes to its standard input as JSON."""
        options = [*self._options, *self._namespace, f"--request-timeout={patience}s"]
        return self._run([self._program, *options, *words], None if send is None else json.dumps(send), limit)

    def render(self, folder):
        """The documents of a kustomization, as YAML. Nothing in it is told where the cluster is."""
        # Whole, so that it is no option and no address of a repository.
        return self._run([self._program, "kustomize", os.path.abspath(folder)], None, 120, files=True)

    def documents(self, text):
        """Documents in YAML as objects. Says nothing of what the cluster thinks of them."""
        options = [*self._options, *self._namespace]
        words = ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"]
        return objects(self._run([self._program, *options, *words], text, 120, files=True))

    def get(self, *words, patience=_PATIENCE):
        """The object or the list, read again where that can help."""
        for attempt in range(_ATTEMPTS):
            try:
                return json.loads(self.run("get", *words, "-o", "json", patience=patience))
            except Unreachable:
                if attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(0.5 * 2**attempt)

    def find(self, *words, **options):
        """The object, or None where there is none."""
        try:
            return self.get(*words, **options)
        except Refused as error:
            if error.reason == "NotFound":
                return None
            raise

    def _run(self, words, send, limit, files=False):
        try:
            done = subprocess.run(
                words,
                input=send,
                stdin=subprocess.DEVNULL if send is None else None,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"kubectl has not ended within {limit} s") from error
        except OSError as error:
            raise Errored(f"kubectl cannot be started: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout
        error = trouble(done.stderr)
        if files and type(error) is Errored:
            raise Request(str(error), error.detail)
        raise error


def trouble(said):
    """The error that kubectl's standard error is."""
    lines = [line for line in clean(said).splitlines() if line.strip() and not line.startswith("Warning: ")]
    text = "\n".join(lines)
    if refused := _REFUSED.search(text):
        message = _SERVER.search(text)
        return Unreachable(f"the cluster does not allow it: {_short(message[2] if message else refused[0])}")
    if server := _SERVER.search(text):
        reason, message = server[1] or "", _short(server[2])
        if reason in _PASSES or "etcdserver: " in message:
            return Unreachable(f"the API server: {message}")
        return Refused(reason, message)
    if _INVALID.search(text):
        return Refused("Invalid", _short(text.replace("\n", " ")))
    message = _short(lines[-1].removeprefix("error: ") if lines else "kubectl failed and said nothing")
    if _SETTINGS.search(text):
        return Request(f"the kubeconfig: {message}")
    if _AWAY.search(text):
        return Unreachable(f"the API server cannot be reached: {message}")
    return Errored(f"kubectl: {message}", [_short(line) for line in lines[:-1][-10:]])


def objects(text):
    """Objects that are written one after the other, or as a List."""
    decoder, found, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found += value["items"] if value.get("kind") == "List" else [value]
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def clean(text):
    """Without what a terminal would obey."""
    return _CONTROL.sub("", text)


def _short(text):
    return text if len(text) <= 500 else f"{text[:499]}…"
