"""
What was done to an environment, as artifacts in the repository of its images. No server but the registry is needed.

Each record is an artifact of its own, under the tag `pyline-ENVIRONMENT.NUMBER`. It names the record before it by digest,
and the image that it speaks of is its subject. `pyline-ENVIRONMENT` is the last one. Images that were deployed have the tag
`pyline-ENVIRONMENT.image-…`, so that nothing that cleans a registry of untagged images takes away what to go back to. The last
verdict of an image has the tag `pyline-ENVIRONMENT.verdict-…`, so that it is known however many records were written since.

A registry has no write that fails where another was first. Of those who want to write the record of one number at most one may:
each puts its name on `.claim`, loses if `.door` has the number already, puts the number there, and loses if `.claim` has another
name by then (Lamport's splitter). It may be that all lose; then that number stays empty, and they try again.
"""

import base64
import binascii
import json
import re
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone

from delivery.errors import Errored, Raced
from registry import artifact
from registry.client import MANIFEST, Manifest
from registry.reference import DIGEST

TYPE = "application/vnd.pyline.deployment.v1+json"
_MARK = "application/vnd.pyline.mark.v1+json"
_MARKED = "dev.pyline.mark"
# Seconds for the record of a number that somebody has claimed to appear.
_PATIENCE_S = 10
_MOST = 100
# What a record may be about: bring the image to run; say of what runs; say of the environment.
BROUGHT = ("deployed", "promoted", "rolled-back")
VERDICTS = ("verified", "invalid")
EVENTS = (*BROUGHT, *VERDICTS, "failed", "unknown", "started", "unchanged")


@dataclass(frozen=True)
class Record:
    """One thing that was done. `id` is the digest of its manifest, which says all of it."""

    id: str
    seq: int
    document: dict

    def __getattr__(self, name):
        try:
            return self.__dict__["document"].get(name)
        except KeyError as error:
            raise AttributeError(name) from error


class Ledger:
    """The records of one environment."""

    def __init__(self, repository, environment, say=print):
        self._repository = repository
        self.environment = environment
        self._say = say

    # -- reading --------------------------------------------------------------------------------

    def records(self, most=_MOST):
        """The last records, newest first."""
        found, last = [], self._last()
        following = last.digest if last else None
        before = None
        manifest = last
        while manifest is not None and len(found) < most:
            record = self._read(manifest)
            if before is not None and record.seq >= before:
                raise Errored(f"the ledger of {self.environment} is damaged: record {record.seq} comes before {before}")
            found.append(record)
            following, before = record.previous, record.seq
            manifest = self._repository.manifest(following) if following else None
        if following and manifest is None:
            self._say(f"the ledger of {self.environment} is not complete: what was before record {before} is gone from the registry")
        return found

    def last_verdict(self, records, digest):
        """The newest record that says whether a digest is good, however long ago; None where nothing does."""
        # The tag may lag behind the records, where a run was killed between the two.
        tagged = self._repository.manifest(self._tag_of("verdict", digest))
        known = [*records, *([] if tagged is None else [self._read(tagged)])]
        verdicts = [each for each in known if each.digest == digest and each.event in VERDICTS]
        return max(verdicts, key=lambda each: each.seq, default=None)

    def _last(self):
        """The manifest of the last record. The tag that names it may lag behind where a run was killed, or be gone."""
        manifest = self._repository.manifest(self._tag())
        if manifest is None:
            pattern = re.compile(re.escape(self._tag()) + r"\.(\d{1,9})")
            numbers = [int(match[1]) for tag in self._repository.tags() if (match := pattern.fullmatch(tag))]
            if not numbers:
                return None
            manifest = self._repository.manifest(self._tag(max(numbers)))
            if manifest is None:
                return None
        number = self._read(manifest).seq
        # Numbers may be empty, up to the last that somebody claimed.
        door = max(number, self._door())
        while number <= door:
            number += 1
            after = self._repository.manifest(self._tag(number))
            if after is not None:
                manifest, door = after, max(door, number)
        return manifest

    def _read(self, manifest):
        try:
            data = base64.b64decode(manifest.document["layers"][0]["data"], validate=True)
            document = json.loads(data)
            good = document["environment"] == self.environment and document["event"] in EVENTS and _is_sound(document)
        except (LookupError, TypeError, ValueError, binascii.Error):
            good = False
        if not good:
            raise Errored(f"the ledger of {self.environment} is damaged: {manifest.digest} is no record of it")
        return Record(manifest.digest, document["seq"], document)

    def _tag(self, seq=None):
        return f"pyline-{self.environment}" if seq is None else f"pyline-{self.environment}.{seq}"

    def _tag_of(self, what, digest):
        return f"{self._tag()}.{what}-{digest.removeprefix('sha256:')[:16]}"

    # -- writing --------------------------------------------------------------------------------

    def append(self, event, last, image=None, **what):
        """
        Writes a record after `last` (a Record, or None for the first) and gives it. Raises Raced where somebody else wrote
        in the meantime: what was decided on may not be so any more.
        """
        assert event in EVENTS
        first = 1 if last is None else last.seq + 1
        seq = self._next(first)
        document = {
            "schema": 1,
            "seq": seq,
            "previous": None if last is None else last.id,
            "environment": self.environment,
            "event": event,
            "at": now(),
            **({} if image is None else {"repository": image.repository, "digest": image.digest}),
            **{key: value for key, value in what.items() if value not in (None, "", [])},
        }
        data = artifact.canonical(document)
        subject = None if image is None else self._repository.manifest(image.digest)
        made = artifact.make(
            TYPE,
            data,
            title=f"deployment-{self.environment}-{seq}.json",
            annotations={"org.opencontainers.image.created": document["at"]},
            subject=None if subject is None else subject.descriptor(),
        ).document
        # One request gives the whole record.
        made["layers"][0]["data"] = base64.b64encode(data).decode()
        manifest = Manifest(MANIFEST, artifact.canonical(made))
        artifact.push(self._repository, manifest, data)
        self._claim(seq)
        if any(self._repository.digest(self._tag(number)) for number in range(first, seq + 1)):
            raise Raced(f"somebody else wrote to the ledger of {self.environment} in the meantime")
        self._repository.put(self._tag(seq), manifest)
        # Who waited for this record too long went past it.
        if self._door() > seq or self._repository.digest(self._tag(seq)) != manifest.digest:
            raise Raced(f"somebody else wrote to the ledger of {self.environment} in the same moment")
        self._repository.put(self._tag(), manifest)
        if event in VERDICTS and image is not None:
            self._repository.put(self._tag_of("verdict", image.digest), manifest)
        return Record(manifest.digest, seq, document)

    def _next(self, first):
        """The first number that nobody has claimed. Raises Raced where the record of one before it appears."""
        door = self._door()
        if door < first:
            return first
        limit = time.monotonic() + _PATIENCE_S
        while time.monotonic() < limit:
            if any(self._repository.digest(self._tag(number)) for number in range(first, door + 1)):
                raise Raced(f"somebody else wrote to the ledger of {self.environment} in the meantime")
            time.sleep(0.5)
        return door + 1

    def _claim(self, seq):
        mine = self._mark("claim", uuid.uuid4().hex)
        if self._door() < seq:
            self._mark("door", str(seq))
            if self._repository.digest(f"{self._tag()}.claim") == mine:
                return
        raise Raced(f"somebody else writes record {seq} of {self.environment} in the same moment")

    def _door(self):
        """The highest number that was claimed."""
        found = self._repository.manifest(f"{self._tag()}.door")
        try:
            return 0 if found is None else int(found.document["annotations"][_MARKED])
        except (LookupError, TypeError, ValueError):
            raise Errored(f"the ledger of {self.environment} is damaged: its door is {found.digest}") from None

    def _mark(self, name, value):
        """Puts a value under a tag of its own; the digest that it has then."""
        made = artifact.make(_MARK, b"{}", media_type="application/vnd.oci.empty.v1+json", annotations={_MARKED: value})
        self._repository.put_bytes(b"{}")
        self._repository.put(f"{self._tag()}.{name}", made)
        return made.digest

    def beat(self):
        """Moves the tag that shows that somebody is at work."""
        self._mark("beat", uuid.uuid4().hex)

    def head(self):
        """Another value with each record."""
        return self._repository.digest(self._tag())

    def last_beat(self):
        """Another value with each beat; None where there was none."""
        return self._repository.digest(f"{self._tag()}.beat")

    def keep(self, image):
        """Tags an image that is about to run, byte for byte, so that it stays in the registry."""
        tag = self._tag_of("image", image.digest)
        if self._repository.digest(tag) != image.digest:
            manifest = self._repository.manifest(image.digest)
            if manifest is not None:
                self._repository.put(tag, manifest)


_TEXTS = ("by", "run", "repository", "created", "revision", "proof", "why")
_LISTS = ("checks", "failures")


def _is_sound(document):
    """Whether it is what others go by: whoever may write to the repository may write a record."""
    digests = [document[key] for key in ("digest", "previous", "previousDigest") if document.get(key) is not None]
    source = document.get("source", {})
    return (
        all(isinstance(document.get(key, ""), str) for key in _TEXTS)
        and all(isinstance(text, str) for key in _LISTS for text in _listed(document.get(key, [])))
        and isinstance(source, dict)
        and all(isinstance(value, str) for value in source.values())
        and isinstance(document["seq"], int)
        and document["seq"] > 0
        and isinstance(document["at"], str)
        and (document["event"] not in BROUGHT or "digest" in document)
        and all(isinstance(digest, str) and DIGEST.fullmatch(digest) for digest in digests)
    )


def _listed(value):
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def now():
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def age(text):
    """Seconds since a time in RFC 3339; None where it is none."""
    try:
        since = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return max(0.0, (datetime.now(timezone.utc) - since).total_seconds())
    except (ValueError, TypeError, AttributeError):
        return None
