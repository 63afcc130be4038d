"""
`python -m package_index DIRECTORY --name NAME --upload URL --simple URL --output FILE`: publish what is in a directory.

It asks the index first, and uploads only what is not there. A file that is there with other content is an error before
anything is uploaded. What was uploaded is asked for afterwards, until the index shows it with the right digest.

It exits 0 whether it went well or not, and writes what came of it as JSON:
`{"schema": 1, "ok": true, "files": [{"name", "sha256", "state"}]}` or `{"schema": 1, "ok": false, "kind": …, "message": …}`.
Passwords and tokens come in files, and leave them only for the index. What is printed is for people.
"""

import argparse
import hashlib
import json
import os
import sys
import time

from package_index.errors import PublishError
from package_index.identity import token
from package_index.simple import Simple
from package_index.upload import Again, upload

PAUSES = (1, 4, 10)
# Seconds. Indexes behind a cache may take a while to show what they have.
PATIENCE = 180


def main(arguments):
    args = parser().parse_args(arguments)
    try:
        result = {"schema": 1, "ok": True, "files": publish(args)}
    except PublishError as error:
        result = {"schema": 1, "ok": False, "kind": error.kind, "message": str(error)}
        print(error, file=sys.stderr)
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


def parser():
    made = argparse.ArgumentParser(prog="package_index", description=__doc__)
    made.add_argument("directory")
    for name in ("name", "upload", "simple", "output"):
        made.add_argument("--" + name, required=True)
    made.add_argument("--username")
    made.add_argument("--password-file")
    made.add_argument("--identity-file", help="an identity that the CI host issued for the index")
    made.add_argument("--identity-url-file", help="where the CI host issues identities")
    made.add_argument("--identity-token-file", help="with which it does")
    made.add_argument("--patience", type=float, default=PATIENCE)
    return made


def publish(args):
    log = lambda line: print(line, flush=True)
    login = None
    if args.password_file:
        login = (args.username or "__token__", read(args.password_file))
    # A token for uploads to one host is none for reading from another.
    simple = Simple(args.simple, login if host(args.simple) == host(args.upload) else None, log)
    # The wheel first: who installs in between must not get an sdist to build.
    names = sorted(os.listdir(args.directory), key=lambda name: (not name.endswith(".whl"), name))
    files = [{"name": name, "sha256": digest(os.path.join(args.directory, name)), "state": "uploaded"} for name in names]
    there = seen(simple, args.name, files)
    for file in files:
        if there[file["name"]]:
            file["state"] = "already there"
            log("%s is there already" % file["name"])
    missing = [file for file in files if file["state"] == "uploaded"]
    if missing and login is None:
        login = ("__token__", identity(args, log))
    for file in missing:
        put(args, file, simple, login, log)
    wait_for(simple, args, missing, log)
    return files


def identity(args, log):
    if args.identity_file:
        return token(args.upload, read(args.identity_file), None, log)
    if args.identity_url_file and args.identity_token_file:
        return token(args.upload, None, (read(args.identity_url_file), read(args.identity_token_file)), log)
    raise PublishError("refused", "%s: nothing says who uploads" % args.upload)


def seen(simple, name, files):
    """Which of the files the index has. Raises PublishError where it has one with other content."""
    known = simple.files(name)
    there = {}
    for file in files:
        there[file["name"]] = file["name"] in known
        if file["name"] in known:
            address, found = known[file["name"]]
            found = found or simple.digest(address)
            if found != file["sha256"]:
                message = "%s is there with other content: sha256:%s, and this one is sha256:%s"
                raise PublishError("taken", message % (file["name"], found, file["sha256"]))
    return there


def put(args, file, simple, login, log):
    path = os.path.join(os.path.abspath(args.directory), file["name"])
    for attempt in range(len(PAUSES) + 1):
        log("uploading %s (%d bytes)" % (file["name"], os.path.getsize(path)))
        try:
            upload(path, args.upload, login)
            return
        except Again as error:
            why = str(error)
        except PublishError as error:
            # Somebody else may have been faster, with the same file.
            if error.kind == "rejected" and seen(simple, args.name, [file])[file["name"]]:
                file["state"] = "already there"
                return
            raise
        # It may have arrived all the same.
        if arrived(simple, args.name, file):
            return
        if attempt < len(PAUSES):
            log("%s did not take it (%s): trying again in %d s" % (host(args.upload)[1], why, PAUSES[attempt]))
            time.sleep(PAUSES[attempt])
    raise PublishError("unreachable", "%s: %s" % (args.upload, why))


def arrived(simple, name, file):
    try:
        return seen(simple, name, [file])[file["name"]]
    except PublishError as error:
        if error.kind == "taken":
            raise
        return False


def wait_for(simple, args, files, log):
    end = time.monotonic() + args.patience
    pause = 1.0
    while True:
        left = [name for name, there in seen(simple, args.name, files).items() if not there] if files else []
        if not left:
            return
        if time.monotonic() + pause > end:
            message = "%s was taken and is not shown at %s after %d s"
            raise PublishError("unseen", message % (", ".join(left), args.simple, args.patience))
        log("waiting until the index shows %s" % ", ".join(left))
        time.sleep(pause)
        pause = min(15.0, pause * 2)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def host(url):
    from urllib.parse import urlsplit

    return urlsplit(url)[:2]


def read(path):
    # A secret from a file ends in a newline that is no part of it.
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
