"""Try an installed wheel: import what it brings, and ask its console scripts for help.

    python try_dist.py WHEEL --environment DIRECTORY --output FILE [--seconds N] [--only KIND:NAME]…

FILE gets {"schema": 1, "extras": […], "seconds", "entries": [{"kind", "name", "status", "message", "file", "line"}]}. Each import and
each script is a process of its own, which is stopped after N seconds. GUI scripts are left alone. The exit status is 0
whatever comes of it. Standard library of Python 3.8 alone; it runs outside of the environment.
"""

import argparse
import configparser
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

MESSAGE = 400
MOST = 50
OUTPUT_BYTES = 16_000_000
COMMON = {"test", "tests", "testing", "doc", "docs", "example", "examples", "conftest", "setup"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel")
    parser.add_argument("--environment", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only", action="append")
    options = parser.parse_args()
    started = time.monotonic()
    with zipfile.ZipFile(options.wheel) as archive:
        names = archive.namelist()
        points = text_of(archive, names, "/entry_points.txt")
        extras = re.findall(r"^Provides-Extra:\s*(\S+)", text_of(archive, names, "/METADATA"), re.MULTILINE)
    entries = []
    for kind, found in (("module", modules(installed(names))), ("script", scripts(points))):
        for name in found[:MOST]:
            if options.only is None or "%s:%s" % (kind, name) in options.only:
                entries.append(attempt(kind, name, options.environment, options.seconds))
                print("%s %s: %s" % (kind, name, entries[-1]["status"]), flush=True)
    with open(options.output, "w", encoding="utf-8") as file:
        seconds = time.monotonic() - started
        json.dump({"schema": 1, "extras": extras, "entries": entries, "seconds": seconds}, file)
    return 0


def text_of(archive, names, ending):
    for name in names:
        if name.endswith(".dist-info" + ending) and name.count("/") == 1:
            return archive.read(name).decode("utf-8", "replace")
    return ""


def installed(names):
    """Paths below site-packages."""
    for name in names:
        top, _, rest = name.partition("/")
        if top.endswith(".data"):
            kind, _, rest = rest.partition("/")
            if kind in ("purelib", "platlib"):
                yield rest
        elif not top.endswith(".dist-info"):
            yield name


def modules(paths):
    """What can be imported at the top; of a namespace package, the first packages and modules below it."""
    tree = {}
    for path in paths:
        node = tree
        parts = path.split("/")
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if node is None:
                break
        else:
            node[parts[-1]] = None
    found = []

    def look(node, prefix, depth):
        for name, below in sorted(node.items()):
            module = name.split(".")[0] if below is None else name
            if not module.isidentifier() or (not prefix and module in COMMON) or module in ("__main__", "__init__"):
                continue
            if below is None:
                if re.search(r"\.(py|so|pyd)$", name):
                    found.append(prefix + module)
            elif any(re.match(r"__init__\..*(py|so|pyd)$", child) for child in below):
                found.append(prefix + module)
            elif depth < 3:
                look(below, prefix + module + ".", depth + 1)

    look(tree, "", 0)
    return sorted(set(found))


def scripts(points):
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str
    try:
        parser.read_string(points)
        found = dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}
    except configparser.Error:
        return []
    # One that names an extra is not there for everybody.
    return sorted(name for name, target in found.items() if "[" not in target and "/" not in name)


def attempt(kind, name, environment, seconds):
    entry = {"kind": kind, "name": name, "status": "passed", "message": ""}
    word = secrets.token_hex(8)
    program = os.path.join(environment, "bin", "python" if kind == "module" else name)
    if kind == "module":
        # A module that ends the process must not look as if it had been imported.
        code = "import importlib, sys; importlib.import_module(sys.argv.pop()); print(%r)" % word
        command = [program, "-I", "-c", code, name]
    else:
        command = [program, "--help"]
    status, output = run(command, environment, seconds)
    if status is None:
        entry.update(status="hung", message="still running after %g seconds, and stopped" % seconds)
    elif isinstance(status, str):
        entry.update(status="failed", message=status)
    elif status != 0 or (kind == "module" and word not in output):
        entry.update(status="failed", message=why(status, output), **place(output, environment))
    return entry


def why(status, output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1][:MESSAGE] if lines else "it printed nothing"
    if status < 0:
        return "killed by signal %d: %s" % (-status, last)
    return last if re.match(r"^[\w.]*(Error|Exception|Warning|Exit|Interrupt)\b", last) else "exit status %d: %s" % (status, last)


def place(output, environment):
    """The last line of the traceback that is in site-packages, from there."""
    found = {}
    for path, line in re.findall(r'^  File "(.+)", line (\d+)', output, re.MULTILINE):
        match = re.search(r"/site-packages/(.+)$", path)
        if match and path.startswith(environment):
            found = {"file": match[1], "line": int(line)}
    return found


def run(command, environment, seconds):
    """(exit status, None where it was stopped or what kept it from starting; the last of its output)."""

    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))

    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as output:
        variables = {
            "PATH": "%s/bin:/usr/local/bin:/usr/bin:/bin" % environment, "HOME": home, "LANG": "C.UTF-8", "TERM": "dumb",
            "COLUMNS": "80", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        try:
            child = subprocess.Popen(
                command, cwd=home, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=limit,
            )  # fmt: skip
        except OSError as error:
            return "it cannot be started: %s" % error.strerror, ""
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        # What it started and left behind goes with it.
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            pass
        child.wait()
        size = os.fstat(output.fileno()).st_size
        output.seek(max(0, size - 16384))
        return status, output.read().decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main())
