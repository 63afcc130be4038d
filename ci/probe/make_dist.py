"""Build a project's sdist, and its wheel from that sdist, both by the project's own build backend.

    python make_dist.py SOURCE --out DIRECTORY --facts FILE --work DIRECTORY [--repository DIRECTORY]
        [--locals DIRECTORY --local DIRECTORY…]

The directory of --out gets the two files and nothing else; FILE says which they are and what of the source a check wants to
know. The sdist is unpacked in --work, always the same path, since compilers write it into what they make. --repository
becomes a git repository first, for backends that list files with git. The directory of --locals gets the wheels of the
directories of --local, which installing the first one takes.

Exit statuses: 0, or that of the build which failed. The last lines of a wheel that could not be built from the sdist name
the files that the sdist lacks. Standard library of Python 3.8 alone; `uv` is on PATH.
"""

import argparse
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

LICENCE = re.compile(r"^(licen[cs]es?|copying|notice|authors)([.-].*)?$", re.IGNORECASE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--out", required=True)
    parser.add_argument("--facts", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--repository")
    parser.add_argument("--local", action="append", default=[])
    parser.add_argument("--locals", required=True)
    options = parser.parse_args()
    started = time.monotonic()
    # What the source was checked out with must not decide the modes in the archives.
    os.umask(0o022)
    if options.repository:
        become_repository(options.repository)
        # pbr would write a history of one commit over the project's own.
        os.environ.update(SKIP_GENERATE_AUTHORS="1", SKIP_WRITE_GIT_CHANGELOG="1")
    os.makedirs(options.out, exist_ok=True)
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    before = set(walk(options.source))
    licences = sorted(name for name in os.listdir(options.source) if LICENCE.match(name) and is_file(options.source, name))
    status, sdist, _ = build(options.source, "--sdist", options.out)
    if status != 0:
        return status
    normalise(sdist, epoch)
    # The wheel of the sdist, and never of the source: what is published must be enough to build from.
    try:
        source = unpacked(sdist, options.work)
    except tarfile.TarError as error:
        # Such as a link that leads out of it: pip and uv refuse it too.
        print("the sdist cannot be unpacked: %s" % error, file=sys.stderr)
        return 1
    status, wheel, log = build(source, "--wheel", options.out)
    if status != 0:
        explain(sdist, before, log)
        return status
    os.makedirs(options.locals, exist_ok=True)
    others = []
    for directory in options.local:
        status, other, _ = build(directory, "--wheel", options.locals)
        if status != 0:
            return status
        others.append(os.path.basename(other))
    with open(options.facts, "w", encoding="utf-8") as file:
        names = {"sdist": os.path.basename(sdist), "wheel": os.path.basename(wheel)}
        seconds = time.monotonic() - started
        json.dump({**names, "locals": others, "licences": licences, "seconds": seconds}, file)
    for path in (sdist, wheel):
        print("%s  %d bytes" % (os.path.basename(path), os.path.getsize(path)))
    return 0


def is_file(directory, name):
    path = os.path.join(directory, name)
    return os.path.isfile(path) and not os.path.islink(path)


def walk(directory, most=50000):
    for root, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if name != ".git"]
        for name in names:
            most -= 1
            if most < 0:
                return
            yield os.path.relpath(os.path.join(root, name), directory)


def become_repository(directory):
    """A commit of everything that .gitignore does not name, always of the same date and author."""
    if os.path.exists(os.path.join(directory, ".git")):
        return
    date = os.environ["SOURCE_DATE_EPOCH"] + " +0000"
    environment = dict(
        os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="pyline", GIT_AUTHOR_EMAIL="pyline@localhost",
        GIT_COMMITTER_NAME="pyline", GIT_COMMITTER_EMAIL="pyline@localhost", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date,
    )  # fmt: skip
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "source"]):
        subprocess.run(["git", *command], cwd=directory, env=environment, check=True, stdin=subprocess.DEVNULL)


def build(source, kind, out):
    """(exit status, path of what was made, last of the output). The output is passed on as it comes."""
    with tempfile.TemporaryDirectory() as made:
        print("building the %s" % kind[2:], flush=True)
        command = ["uv", "build", kind, "--force-pep517", "--no-progress", "--out-dir", made, source]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        log = b""
        for data in iter(lambda: os.read(child.stdout.fileno(), 65536), b""):
            # On the standard error, where what went wrong is looked for.
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
            log = (log + data)[-65536:]
        status = child.wait()
        if status != 0:
            return (status if status > 0 else 1), None, log.decode("utf-8", "replace")
        ending = ".whl" if kind == "--wheel" else (".tar.gz", ".zip")
        found = [name for name in sorted(os.listdir(made)) if name.endswith(ending)]
        if len(found) != 1:
            print("the build backend made %s instead of one %s" % (found or "nothing", kind[2:]), file=sys.stderr)
            return 1, None, ""
        path = os.path.join(out, found[0])
        shutil.move(os.path.join(made, found[0]), path)
        return 0, path, ""


def normalise(path, epoch):
    """The same sdist with the dates and owners that SOURCE_DATE_EPOCH asks for, where the backend (setuptools) does not."""
    if not path.endswith(".tar.gz"):
        return
    with open(path, "rb") as file:
        data = file.read()
    date = int.from_bytes(data[4:8], "little")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        members = archive.getmembers()
        if date <= epoch and all(member.mtime <= epoch and member.uid == member.gid == 0 for member in members):
            return
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as out:
            for member in sorted(members, key=lambda member: member.name):
                content = archive.extractfile(member) if member.isreg() else None
                member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
                member.pax_headers = {}
                if member.isreg():
                    member.mode = 0o755 if member.mode & 0o100 else 0o644
                elif member.isdir():
                    member.mode = 0o755
                out.addfile(member, content)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, epoch) as packed:
        packed.write(raw.getvalue())


def unpacked(sdist, work):
    """The one directory in an sdist."""
    os.makedirs(work, exist_ok=True)
    # Pythons that are not mended any more have no filters; the container is the project's own in any case.
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    if sdist.endswith(".zip"):
        shutil.unpack_archive(sdist, work, "zip")
    else:
        with tarfile.open(sdist) as archive:
            archive.extractall(work, **safe)
    found = os.listdir(work)
    return os.path.join(work, found[0]) if len(found) == 1 else work


def explain(sdist, source, log):
    """Names what the build missed, where it is in the source and not in the sdist."""
    print("\nthe sdist was built, but the wheel could not be built from it", file=sys.stderr)
    try:
        with tarfile.open(sdist) as archive:
            packed = {name.split("/", 1)[-1] for name in archive.getnames()}
    except (tarfile.TarError, OSError):
        return
    # What a message quotes, such as "No such file or directory: 'requirements.txt'".
    for quoted in dict.fromkeys(re.findall(r"[\"'`]([^\"'`\n]{1,300})[\"'`]", log)):
        parts = os.path.normpath(quoted).split(os.sep)
        for start in range(len(parts)):
            path = os.sep.join(parts[start:])
            if path in source and path not in packed:
                print("the sdist lacks %s" % path, file=sys.stderr)
                return


if __name__ == "__main__":
    sys.exit(main())
