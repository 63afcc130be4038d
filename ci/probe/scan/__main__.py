"""
`python -m scan ROOT CONFIG SECRETS OUTPUT` looks for the secrets of a run in what is about to be published.

ROOT is the image's file system, CONFIG a JSON file of texts by their names (variables, labels, the command), SECRETS a
directory with a file a secret, named as the secret is, and OUTPUT the result:
`{"schema": 1, "found": [{"secret", "where", "form"}], "short": […]}`. No value is ever printed.

A secret is looked for as it is, as a line of it, in base64 at each alignment, in hexadecimal, percent-encoded and as JSON
has it. What is packed in an archive inside of the image is not looked into.
"""

import base64
import json
import os
import re
import stat
import sys
import urllib.parse

# Shorter ones are in everything.
SHORTEST = 6
BLOCK = 8 << 20
_SKIPPED = {"proc", "sys", "dev"}


def main(root, config, secrets, output):
    needles, short = {}, []
    for name in sorted(os.listdir(secrets)):
        with open(os.path.join(secrets, name), "rb") as file:
            values = values_of(file.read())
        if not values:
            short.append(name)
        for value in values:
            for form, needle in forms(value):
                needles.setdefault(needle, (name, form))
    with open(config, encoding="utf-8") as file:
        texts = json.load(file)
    found = [hit for where, text in sorted(texts.items()) for hit in hits(text.encode(), where, needles)]
    if needles:
        found += in_files(root, needles)
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"schema": 1, "found": found[:100], "short": short}, file)
    print(f"{len(found)} places with a secret" if found else "no secret of this run is in the image")
    return 0


# Credentials in files of other tools: a netrc, variables and settings, addresses with a login.
_WITHIN = (
    rb"(?im)^(?:machine\s+\S+|default)\s.*?\bpassword\s+(\S+)",
    rb"(?im)^[^=:#\n]*(?:password|token|secret|api_?key)[\w-]*\"?\s*[=:]\s*[\"']?([^\s\"']+)",
    rb"://[^/@\s:]*:([^@\s/]+)@",
    # user:password
    rb"\A[^:\s/]+:([^:\s/]+)\Z",
)


def values_of(data):
    """What is secret in a secret: the passwords that are in it, else all of it, and the lines of a key."""
    whole = data.strip()
    values = [found for pattern in _WITHIN for found in re.findall(pattern, whole)]
    if not values:
        lines = [line.strip() for line in whole.splitlines()]
        values = [whole, *(line for line in lines if len(line) >= 20 and not line.startswith(b"-----"))]
    return sorted({value for value in values if len(value) >= SHORTEST})


def forms(value):
    yield "plain", value
    for encoded in {urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}:
        yield "percent-encoded", encoded.encode()
    try:
        yield "JSON", json.dumps(value.decode())[1:-1].encode()
    except UnicodeDecodeError:
        pass
    if len(value) < SHORTEST:
        return
    yield "hexadecimal", value.hex().encode()
    yield "hexadecimal", value.hex().upper().encode()
    # Three bytes are four letters: where it begins within them changes all letters but for these.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + value)
        first = (0, 2, 3)[offset]
        last = len(encoded) - (0, 3, 2)[(offset + len(value)) % 3]
        inner = encoded[first:last]
        if len(inner) >= SHORTEST:
            yield "base64", inner
            yield "base64", inner.translate(bytes.maketrans(b"+/", b"-_"))


def hits(data, where, needles):
    seen = {}
    for needle, (name, form) in needles.items():
        if name not in seen and needle in data:
            seen[name] = {"secret": name, "where": covered(where, needles), "form": form}
    return list(seen.values())


def covered(where, needles):
    """A path without the secret that may be in it."""
    data = os.fsencode(where)
    for needle in needles:
        data = data.replace(needle, b"***")
    return data.decode(errors="replace")


def in_files(root, needles):
    longest = max(len(needle) for needle in needles)
    found = []
    for directory, directories, names in os.walk(root):
        directories.sort()
        if directory == root:
            directories[:] = [name for name in directories if name not in _SKIPPED]
        for name in sorted(names):
            path = os.path.join(directory, name)
            where = f"/{os.path.relpath(path, root)}"
            found += hits(os.fsencode(where), f"the name of {where}", needles)
            try:
                information = os.lstat(path)
                if stat.S_ISLNK(information.st_mode):
                    found += hits(os.fsencode(os.readlink(path)), f"the target of {where}", needles)
                elif stat.S_ISREG(information.st_mode):
                    found += in_file(path, where, needles, longest)
            except OSError as error:
                print(f"{where}: {error.strerror}", file=sys.stderr)
                raise
    return found


def in_file(path, where, needles, longest):
    with open(path, "rb", buffering=0) as file:
        rest = b""
        seen = {}
        while block := file.read(BLOCK):
            data = rest + block
            for hit in hits(data, where, needles):
                seen.setdefault(hit["secret"], hit)
            rest = data[-(longest - 1) :] if longest > 1 else b""
    return list(seen.values())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
