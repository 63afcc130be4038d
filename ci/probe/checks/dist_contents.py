"""What is in an sdist and its wheel and should not be, and what is missing."""

import base64
import csv
import hashlib
import io
import re

from packaging.utils import InvalidWheelFilename, parse_wheel_filename


def check_contents(sdist, wheel, raw, found):
    for archive in (sdist, wheel):
        for problem in archive.strange[:20]:
            found("outside", "%s: %s" % (archive.file, problem))
        secrets(archive, found)
        compiled = sum(name.endswith((".pyc", ".pyo")) for name in archive.names)
        if compiled:
            found("leftover", "%s has %d compiled files (.pyc)" % (archive.file, compiled), severity="warning")
    record(wheel, found)
    tags(wheel, found)
    layout(wheel, found)
    lost(sdist, wheel, found)
    typed(sdist, wheel, raw, found)


# What nobody means to publish. Examples of such files are meant.
SECRET_NAMES = re.compile(
    r"(^|/)(\.env(\.[^/]+)?|\.envrc|\.pypirc|\.netrc|_netrc|\.htpasswd|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)"
    r"|\.aws/credentials|\.docker/config\.json|\.ssh/.+|\.git/.+|credentials\.json|service[-_]account[^/]*\.json"
    r"|[^/]+\.(p12|pfx|jks|keystore))$",
    re.IGNORECASE,
)
HARMLESS = re.compile(r"\.env\.(example|sample|template|dist|defaults?|test|ci)$", re.IGNORECASE)
SECRET_TEXTS = (
    ("a private key", re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\r?\n[A-Za-z0-9+/=:,\- \r\n]{64}")),
    ("a token of a package index", re.compile(rb"pypi-AgE[A-Za-z0-9_-]{50,}")),
    ("a token of GitHub", re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b")),
    ("a token of GitLab", re.compile(rb"\bglpat-[A-Za-z0-9_-]{20,}\b")),
    ("an access key of AWS", re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a token of Slack", re.compile(rb"\bxox[abpr]-[0-9]{8,}-[A-Za-z0-9-]{20,}")),
)
TESTS = re.compile(r"(^|/)(tests?|testing|test_[^/]*|[^/]*_test\.py|conftest\.py|examples?|docs?)(/|$)", re.IGNORECASE)
MOST_TEXT = 200_000_000


def secrets(archive, found):
    """By their names, and by what is in them. Keys that tests are done with are worth a look, and no more."""
    left = MOST_TEXT
    for name in archive.names:
        severity = "warning" if TESTS.search(name) else "error"
        if SECRET_NAMES.search(name) and not HARMLESS.search(name):
            found("secret", "%s has %s" % (archive.file, name), about=name, file=name, severity=severity)
            continue
        if archive.names[name] > left:
            continue
        data = archive.read(name) or b""
        left -= len(data)
        if b"\0" in data[:8192]:
            continue
        for what, pattern in SECRET_TEXTS:
            match = pattern.search(data)
            # Documentation speaks of keys that end in EXAMPLE.
            if match is not None and not match[0].endswith(b"EXAMPLE"):
                line = data.count(b"\n", 0, match.start()) + 1
                message = "%s has %s in %s" % (archive.file, what, name)
                found("secret", message, about=name, file=name, line=line, severity=severity)
                break


def record(wheel, found):
    """RECORD must list every file, with its hash."""
    text = wheel.about("RECORD")
    if text is None:
        found("record", "%s has no RECORD" % wheel.file)
        return
    listed = {row[0]: row[1] for row in csv.reader(io.StringIO(text)) if len(row) == 3}
    own = {"%s/%s" % (wheel.info, name) for name in ("RECORD", "RECORD.jws", "RECORD.p7s")}
    for name in wheel.names:
        if name in own:
            continue
        if name not in listed:
            found("record", "%s: %s is not in RECORD" % (wheel.file, name))
            continue
        kind, _, digest = listed[name].partition("=")
        data = wheel.read(name)
        if data is None or kind not in ("sha256", "sha384", "sha512"):
            continue
        if base64.urlsafe_b64encode(hashlib.new(kind, data).digest()).rstrip(b"=").decode() != digest:
            found("record", "%s: %s is not what RECORD says" % (wheel.file, name))
    for name in listed:
        if name not in wheel.names and not name.endswith("/"):
            found("record", "%s: RECORD lists %s, which is not there" % (wheel.file, name))


LIBRARY = re.compile(r"\.(so|pyd|dylib)$")


def tags(wheel, found):
    try:
        platforms = {tag.platform for tag in parse_wheel_filename(wheel.file)[3]}
    except InvalidWheelFilename:
        return
    pure = "any" in platforms
    library = next((name for name in wheel.installed() if LIBRARY.search(name)), None)
    if pure and library is not None:
        found("tag", "%s claims to fit every platform and has %s" % (wheel.file, library))
    said = re.search(r"^Root-Is-Purelib:\s*(\w+)", wheel.about("WHEEL") or "", re.MULTILINE | re.IGNORECASE)
    if said is None:
        found("tag", "%s does not say whether it is pure Python" % wheel.file)
    if any(platform.startswith("linux_") for platform in platforms):
        message = "%s fits this machine only: indexes take manylinux or musllinux wheels, or the sdist alone"
        found("tag", message % wheel.file, severity="note")


# Names in site-packages that belong to nobody.
COMMON = {
    "test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "script", "scripts", "tools",
    "build", "dist", "node_modules", "src", "setup.py", "noxfile.py", "conftest.py", "tasks.py",
}  # fmt: skip


def layout(wheel, found):
    tops = sorted({name.split("/")[0] for name in wheel.installed()})
    for name in tops:
        if name.lower() in COMMON:
            message = "the wheel installs %s at the top of site-packages, beside everybody else's"
            found("layout", message % name, about=name, severity="warning")
    if not tops and not any(".data/" in name for name in wheel.names):
        found("layout", "the wheel installs no files", severity="warning")


def lost(sdist, wheel, found):
    """Packages below a package of the wheel that the sdist has and the wheel has not: a list that forgot them."""
    packed = {name[: -len("/__init__.py")] for name in wheel.installed() if name.endswith("/__init__.py")}
    tops = {name for name in packed if "/" not in name}
    for name in sorted(sdist.names):
        if not name.endswith("/__init__.py"):
            continue
        parts = name.split("/")[:-1]
        for start, part in enumerate(parts):
            if part in tops and "/".join([*parts[: start + 1], "__init__.py"]) in sdist.names and start <= 2:
                package = "/".join(parts[start:])
                if package not in packed and not TESTS.search(package):
                    message = "the package %s is in the sdist and not in the wheel"
                    found("layout", message % package.replace("/", "."), about=package, file=name, severity="warning")
                break


def typed(sdist, wheel, raw, found):
    """PEP 561."""
    marks = [name for name in wheel.installed() if name.split("/")[-1] == "py.typed"]
    says = "Typing :: Typed" in (raw.get("classifiers") or [])
    code = any(name.endswith((".py", ".pyi")) for name in wheel.installed())
    stubs = any(name.split("/")[0].endswith("-stubs") for name in wheel.installed())
    if says and not marks and code and not stubs:
        found("typed", "its classifiers say Typing :: Typed, but no package has a py.typed")
    for name in sdist.names:
        parts = name.split("/")
        if parts[-1] != "py.typed" or TESTS.search(name):
            continue
        package = next((part for part in wheel.installed() if part.endswith("/".join(parts[-2:]))), None)
        if package is None and any(part.startswith(parts[-2] + "/") for part in wheel.installed() if len(parts) > 1):
            found("typed", "%s is in the sdist and not in the wheel" % name, file=name)
