"""
`python -m registry COMMAND`: what is done with a registry, in a container.

It exits 0 whether it went well or not, and writes what came of it as JSON to `--output`:
`{"schema": 1, "ok": true, …}` or `{"schema": 1, "ok": false, "kind": …, "message": …, "status": …}`.
Passwords come in files. What is printed is for people.
"""

import argparse
import json
import os
import sys

from registry import artifact, reference, transport, vouch
from registry.auth import Login
from registry.client import Repository
from registry.copy import copy
from registry.errors import RegistryError
from registry.settle import settle
from registry.tags import put_tags


def main(arguments):
    args = _parser().parse_args(arguments)
    transport.attempts = args.attempts
    try:
        result = {"schema": 1, "ok": True, **args.run(args)}
    except RegistryError as error:
        result = {"schema": 1, "ok": False, "kind": error.kind, "message": str(error), "status": error.status}
        print(error, file=sys.stderr)
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="registry", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, summary):
        made = commands.add_parser(name, help=summary)
        made.set_defaults(run=run)
        made.add_argument("--output", required=True, help="file for the result")
        made.add_argument("--username", default="")
        made.add_argument("--password-file")
        made.add_argument("--attempts", type=int, default=transport.attempts, help="how often a request is tried")
        return made

    made = command("check", check, "fails unless one may write to a repository")
    made.add_argument("repository")
    made = command("digests", digests, "what tags stand for")
    made.add_argument("repository")
    made.add_argument("tags", nargs="+")
    made = command("settle", settles, "gives an uploaded image the one form that it always has")
    made.add_argument("image", help="name@sha256:…")
    made.add_argument("--upload-tag", required=True, help="what it was uploaded under, and is not to stay")
    made.add_argument("--base", required=True, help="what the lower layers are called in its history")
    made.add_argument("--layer", action="append", default=[], help="what the upper ones are called, the lowest first")
    made = command("tag", tag, "puts tags on an image that is there")
    made.add_argument("image", help="name@sha256:…")
    made.add_argument("--move", action="append", default=[], metavar="TAG", help="may be on something else")
    made.add_argument("--stay", action="append", default=[], metavar="TAG", help="never moves: an error if it would")
    made.add_argument("--keep", action="append", default=[], metavar="TAG", help="never moves: left where it is")
    made = command("attach", attach, "attaches documents to an image")
    made.add_argument("image", help="name@sha256:…")
    made.add_argument("documents", help="JSON file: [{type, file, mediaType?, title?, annotations?, platform?, once?, timed?}]")
    made.add_argument("--like", metavar="TAG", help="an earlier image: of its `timed` documents those that only differ in time")
    made = command("store", store, "stores a document under a tag")
    made.add_argument("image", help="name:tag")
    made.add_argument("document", help="JSON file: {type, file, mediaType?, title?, annotations?}")
    made = command("read", read, "reads the documents of an artifact")
    made.add_argument("image", help="name:tag or name@sha256:…")
    made.add_argument("directory")
    made = command("referrers", referrers, "reads what refers to an image")
    made.add_argument("image", help="name@sha256:… or name:tag")
    made.add_argument("directory", help="where the documents are written")
    made.add_argument("--type", help="only artifacts of this type")
    made = command("copy", copies, "copies an image byte for byte")
    made.add_argument("image", help="name@sha256:… or name:tag")
    made.add_argument("target", help="the repository to copy to")
    made.add_argument("--referrers", action="store_true", help="with what refers to it")
    made.add_argument("--from-username", default="")
    made.add_argument("--from-password-file")
    made = command("find", find, "the digest of an entry of a cache, if it is to be used")
    made.add_argument("image", help="name:tag")
    made.add_argument("--secret-file", help="only one that somebody with this secret vouches for")
    made = command("vouch", vouches, "puts an image that is there under a tag of a cache, and vouches for it")
    made.add_argument("image", help="name@sha256:…")
    made.add_argument("tag")
    made.add_argument("--secret-file", required=True)
    return parser


def check(args):
    _repository(args, args.repository).check_access()
    print(f"{args.repository} can be written to")
    return {}


def digests(args):
    repository = _repository(args, args.repository)
    return {"digests": {tag: repository.digest(tag) for tag in args.tags}}


def tag(args):
    repository = _repository(args, args.image)
    manifest = _manifest(repository)
    rules = {"move": args.move, "keep": args.keep, "stay": args.stay}
    wanted = {tag: rule for rule, tags in rules.items() for tag in tags}
    results = put_tags(repository, manifest, wanted)
    for each in results:
        was = f" ({each['was']})" if each["result"] in ("moved", "kept", "taken") else ""
        print(f"{repository.reference.name}:{each['tag']} {each['result']}{was}")
    return {"digest": manifest.digest, "tags": results}


def settles(args):
    repository = _repository(args, args.image)
    settled = settle(repository, _manifest(repository), args.base, args.layer)
    # Where a tag cannot be taken away it is on the image, and not on what was only uploaded.
    if not repository.untag(args.upload_tag):
        repository.put(args.upload_tag, settled)
    print(f"{repository.reference.name} {settled.digest}")
    return {"digest": settled.digest}


def attach(args):
    repository = _repository(args, args.image)
    image = _manifest(repository)
    like = repository.manifest(args.like) if args.like else None
    attached = []
    for document in _json(args.documents):
        data, options = _document(document, args.documents)
        platform = document.get("platform")
        subject = artifact.for_platform(repository, image, platform) if platform else image
        once = document.get("once", False)
        if like is not None and document.get("timed"):
            data = _like(repository, like, platform, document["type"], data)
        made = artifact.attach(repository, subject, document["type"], data, once=once, **options)
        attached.append({"type": document["type"], "digest": made})
        print(f"{document.get('title', document['type'])} {made}")
    return {"attached": attached}


def _like(repository, earlier, platform, artifact_type, data):
    try:
        subject = artifact.for_platform(repository, earlier, platform) if platform else earlier
        return artifact.same_as_before(repository, subject, artifact_type, data)
    except RegistryError as error:
        if error.kind not in ("missing", "invalid"):
            raise
        # The earlier image is none, or none for this platform.
        return data


def store(args):
    repository = _repository(args, args.image)
    document = _json(args.document)
    data, options = _document(document, args.document)
    manifest = artifact.make(document["type"], data, **options)
    return {"digest": artifact.push(repository, manifest, data, repository.reference.tag or None)}


def read(args):
    repository = _repository(args, args.image)
    manifest = _manifest(repository)
    written = _write(repository, manifest.digest, args.directory, "document")
    del written["bytes"]
    return {"digest": manifest.digest, **written}


def referrers(args):
    repository = _repository(args, args.image)
    manifest = _manifest(repository)
    found, left = [], artifact.MOST_BYTES
    # What is said of one platform alone is attached to that one.
    for platform, digest in [(None, manifest.digest), *artifact.platforms(manifest)]:
        listed = {each["digest"]: each.get("artifactType") for each in repository.referrers(digest, args.type)}
        for each, kind in listed.items():
            one = {"type": _string(kind), "digest": each, "platform": platform, "files": []}
            # Whoever may push can attach anything: one that is none must not stand in the way of the others.
            try:
                if len(found) >= artifact.MOST_REFERRERS or left <= 0:
                    raise RegistryError("invalid", "there are too many, or too large ones, before it")
                one.update(_write(repository, each, args.directory, f"{len(found)}", left))
                left -= one.pop("bytes")
            except RegistryError as error:
                if error.kind not in ("missing", "invalid"):
                    raise
                one["problem"] = str(error)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                one["problem"] = f"{each} is no artifact"
            found.append(one)
    return {"digest": manifest.digest, "referrers": found}


def copies(args):
    login = _login(args.from_username, args.from_password_file)
    source = Repository(reference.parse(args.image), login, print)
    digest = _manifest(source).digest
    copy(source, _repository(args, args.target), digest, referrers=args.referrers)
    return {"digest": digest}


def find(args):
    repository = _repository(args, args.image)
    secret = _secret(args.secret_file) if args.secret_file else None
    digest, why = vouch.find(repository, repository.reference.tag, secret)
    print(f"{args.image} {digest or why}")
    return {"digest": digest, "why": why}


def vouches(args):
    repository = _repository(args, args.image)
    vouch.vouch(repository, args.tag, repository.reference.digest, _secret(args.secret_file))
    print(f"{repository.reference.name}:{args.tag} {repository.reference.digest}")
    return {}


def _secret(path):
    with open(path, "rb") as file:
        secret = file.read().strip()
    if len(secret) < 16:
        raise RegistryError("invalid", "the key of the cache has less than 16 characters")
    return secret


def _repository(args, text):
    return Repository(reference.parse(text), _login(args.username, args.password_file), print)


def _login(username, file):
    if not file:
        return None
    with open(file, encoding="utf-8") as opened:
        # A file made with an editor or `echo` ends in a newline that is no part of the password.
        password = opened.read().rstrip("\r\n")
    return Login(username, password)


def _manifest(repository):
    identifier = repository.reference.identifier
    manifest = repository.manifest(identifier)
    if manifest is None:
        raise RegistryError("missing", f"{repository.reference} is not there", 404)
    return manifest


def _json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _document(document, beside):
    """Its bytes and what is said of it."""
    with open(os.path.join(os.path.dirname(beside), document["file"]), "rb") as file:
        data = file.read()
    options = {"media_type": document.get("mediaType"), "title": document.get("title")}
    return data, {**options, "annotations": document.get("annotations")}


def _write(repository, digest, directory, name, most=artifact.MOST_BYTES):
    """The documents of an artifact as files: their own names are a stranger's, so the files have others."""
    os.makedirs(directory, exist_ok=True)
    manifest, files, size = repository.manifest(digest), [], 0
    for number, (layer, data) in enumerate(artifact.read(repository, digest, most)):
        size += len(data)
        file = f"{name}-{number}"
        with open(os.path.join(directory, file), "wb") as opened:
            opened.write(data)
        title = (layer.get("annotations") or {}).get("org.opencontainers.image.title")
        files.append({"file": file, "mediaType": _string(layer.get("mediaType")), "title": _string(title)})
    return {"files": files, "annotations": manifest.document.get("annotations") or {}, "bytes": size}


def _string(value):
    return value if isinstance(value, str) else None


sys.exit(main(sys.argv[1:]))
