"""[tool.pyline.environments.<name>]: where the application runs, and how it gets there."""

from __future__ import annotations

import difflib
import re

from facts.reader import Problem, Project, line_of, strings

TARGETS = ("docker", "compose", "kubernetes", "command")
ENVIRONMENTS = 20

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
HOST = re.compile(r"ssh://(?:[A-Za-z0-9_][\w.-]*@)?(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")
URL = re.compile(r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?(?:/[^\s?#]*)?")
ENDPOINT = re.compile(URL.pattern + r"(?:\?[^\s#]*)?")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.:/-]*(?<![:/])")
IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]{0,300}")
PATH = re.compile(r"/[^\s\x00-\x1f]*")
# Of a project: below its root.
BELOW = re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[\w@+=:,./ -]+")
WORD = re.compile(r"[A-Za-z0-9][\w.@:/-]*")
CHECK = re.compile(r'(/\S*)(?: +([1-5]\d\d))?(?: +contains +"(.*)")?')

# key: (what it must be, a test of it)
SETTINGS = {
    "target": (f"one of {', '.join(TARGETS)}", TARGETS.__contains__),
    "host": ("an address such as ssh://deploy@example.com:22", HOST),
    "registry": ("a repository such as ghcr.io/me/app", REPOSITORY),
    "url": ("an address such as https://staging.example.com", URL),
    "digest-url": ("an address that answers with the digest", ENDPOINT),
    "health": ("a path such as /healthz", PATH),
    "health-timeout": ("a number of seconds, 1 to 3600", (1, 3600)),
    "timeout": ("a number of seconds, 1 to 86400", (1, 86400)),
    "port": ("a number between 1 and 65535", (1, 65535)),
    "publish": ("a number between 1 and 65535", (1, 65535)),
    "env-file": ("an absolute path on the target", PATH),
    "release": ("true or false", bool),
    "keep": ("a number, 0 to 50", (0, 50)),
    "drain": ("a number of seconds, 0 to 3600", (0, 3600)),
    "validate": ("a list of checks", list),
    "validate-command": ("a command: a string, or a list of strings", "command"),
    "order": ("a number, 0 to 1000", (0, 1000)),
    "manual": ("true or false", bool),
    "proxy-image": ("an image such as caddy:2", IMAGE),
    "compose-file": ("an absolute path on the target", PATH),
    "service": ("the name of a service", WORD),
    "namespace": ("a name", WORD),
    "deployment": ("a name", WORD),
    "container": ("a name", WORD),
    "manifests": ("a folder below the root of the project", BELOW),
    "context": ("a name", WORD),
    "tools-image": ("an image", IMAGE),
    "deploy-command": ("a command: a string, or a list of strings", "command"),
    "running-command": ("a command: a string, or a list of strings", "command"),
    "migrate-command": ("a command: a string, or a list of strings", "command"),
}  # fmt: skip
NEEDS = {
    "docker": (("host",),),
    "compose": (("host",), ("compose-file",), ("service",)),
    "kubernetes": (),
    "command": (("deploy-command",), ("running-command", "digest-url")),
}


def environments_facts(project: Project, file: str, value: dict) -> list[dict]:
    facts = []
    for number, (name, entry) in enumerate(value.items()):
        place = Place(project, file, name)
        if number == ENVIRONMENTS:
            place.report(f"more than {ENVIRONMENTS} environments")
            break
        if not NAME.fullmatch(name):
            place.report("an environment is named with small letters, digits and dashes, at most 31 of them")
        elif not isinstance(entry, dict):
            place.report('must be a table, such as { target = "docker", host = "ssh://…" }')
        else:
            facts.append({"name": name, **place.fact, **settings(entry, place)})
    return facts


class Place:
    """Where in a file an environment stands."""

    def __init__(self, project: Project, file: str, name: str):
        self.project, self.file, self.name = project, file, name
        text = project.text(file) or ""
        quoted = rf"[\"']?{re.escape(name)}[\"']?"
        head = re.search(rf"^[ \t]*\[[^\]\n]*environments[\"']?\s*\.\s*{quoted}\s*\]", text, re.MULTILINE)
        self.start = None if head is None else text.count("\n", 0, head.start()) + 1
        following = None if head is None else re.search(r"^[ \t]*\[", text[head.end() :], re.MULTILINE)
        end = None if following is None else head.end() + following.start()
        self.section = None if head is None else text[head.end() : end]
        self.line = self.start or line_of(text, rf"^\s*{quoted}\s*=")
        self.fact = {} if self.line is None else {"line": self.line}

    def of(self, key: str) -> int | None:
        inside = None if self.section is None else line_of(self.section, rf"^[ \t]*[\"']?{re.escape(key)}[\"']?\s*=")
        return self.line if inside is None or self.start is None else self.start + inside - 1

    def report(self, message: str, key: str | None = None) -> None:
        line = self.line if key is None else self.of(key)
        self.project.report(Problem(self.file, f"environments.{self.name}: {message}", line))


def settings(entry: dict, place: Place) -> dict:
    fact: dict = {}
    for key, value in entry.items():
        if key not in SETTINGS:
            close = difflib.get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(SETTINGS))}"
            place.report(f"has no setting {key!r}; {hint}", key)
            continue
        what, test = SETTINGS[key]
        if not fits(value, test):
            place.report(f"{key} must be {what}", key)
        elif key == "validate":
            fact["validate"] = [made for text in value if (made := check(text, place)) is not None]
        else:
            fact[re.sub("-([a-z])", lambda match: match[1].upper(), key)] = value
    if "target" not in entry:
        place.report(f"has no target: one of {', '.join(TARGETS)}")
    for either in NEEDS.get(fact.get("target", ""), ()):
        if not any(key in entry for key in either):
            place.report(f"a {fact['target']} environment needs {' or '.join(either)}")
    if fact.get("release") and fact.get("target") == "command" and "migrate-command" not in entry:
        place.report("release = true of a command environment needs migrate-command", "release")
    return fact


def fits(value: object, test: object) -> bool:
    if test is bool:
        return isinstance(value, bool)
    if isinstance(test, tuple):
        return isinstance(value, int) and not isinstance(value, bool) and test[0] <= value <= test[1]
    if test is list:
        return isinstance(value, list) and bool(value) and strings(value) == value
    if test == "command":
        words = [value] if isinstance(value, str) else strings(value)
        return bool(words) and words in (value, [value]) and all(words) and "\x00" not in "".join(words)
    if not isinstance(value, str):
        return False
    return bool(test.fullmatch(value)) if isinstance(test, re.Pattern) else test(value)


def check(text: str, place: Place) -> dict | None:
    """`/path`, `/path 301`, `/path 200 contains "text"`: what is asked, and what has to come."""
    match = CHECK.fullmatch(text.strip())
    if match is None:
        place.report(f'validate: {text!r} is no check such as "/healthz", "/old 301" or "/version 200 contains \\"1.\\""', "validate")
        return None
    path, status, contains = match.groups()
    return {"path": path, "status": int(status or 200), **({} if contains is None else {"contains": contains.replace('\\"', '"')})}
