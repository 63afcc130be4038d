"""Writes an sdist, its wheel and what make_dist.py says of them: python dist.py DIRECTORY < JSON."""

import base64
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile

directory = sys.argv[1]
case = json.load(sys.stdin)
name, version = case.get("name", "demo"), case.get("version", "1.0")
stem = "%s-%s" % (name, version)
metadata = "\n".join(["Metadata-Version: 2.4", *case["metadata"]]) + "\n"
os.makedirs(os.path.join(directory, "dist"), exist_ok=True)

with tarfile.open(os.path.join(directory, "dist", stem + ".tar.gz"), "w:gz") as archive:
    for path, text in {stem + "/PKG-INFO": metadata, **case["sdist"]}.items():
        member = tarfile.TarInfo(path)
        if text.startswith("-> "):
            member.type, member.linkname = tarfile.SYMTYPE, text[3:]
            archive.addfile(member)
            continue
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))

wheel = "%s-%s" % (stem, case.get("tag", "py3-none-any"))
info = stem + ".dist-info/"
files = {info + "METADATA": metadata, info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
files.update({path.replace("INFO/", info): text for path, text in case["wheel"].items()})
record = ""
for path, text in files.items():
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    record += "%s,sha256=%s,%d\n" % (path, digest, len(text.encode()))
record = case.get("record", record + info + "RECORD,,\n")
with zipfile.ZipFile(os.path.join(directory, "dist", wheel + ".whl"), "w") as archive:
    for path, text in {**files, info + "RECORD": record}.items():
        archive.writestr(path, text)

with open(os.path.join(directory, "made.json"), "w") as file:
    made = {"sdist": stem + ".tar.gz", "wheel": wheel + ".whl", "locals": [], "licences": case.get("licences", ["LICENSE"]), "seconds": 1}
    json.dump(made, file)
for part in ("tried", "with-extras"):
    if part in case:
        with open(os.path.join(directory, part + ".json"), "w") as file:
            json.dump({"schema": 1, "extras": ["cli"], "entries": case[part]}, file)
