"""
What was done to an environment, as artifacts in the repository of its images. No server but the registry is needed.

Each record is an artifact of its own, under the tag `pyline-ENVIRONMENT.NUMBER`. It names the record before it by digest,
and the image that it speaks of is its subject. `pyline-ENVIRONMENT` is the last one. Images that were deployed have the tag
`pyline-ENVIRONMENT.image-…`, so that nothing that cleans a registry of untagged images takes away what to go back to.
"""

import base64
import binascii
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from delivery.errors import Errored, Raced
from registry import artifact
from registry.client import MANIFEST, Manifest

TYPE = "application/vnd.pyline.deployment.v1+json"
_BEAT = "application/vnd.pyline.beat.v1+json"
# A registry has no write that fails where another was first. Who writes looks whether the number is free just before, and
# whether it is its own record that is there just after: the pause between is longer than a write takes.
SETTLE_S = 1.0
_MOST = 500
# What a record may be about: bring the image to run; say of what runs; say of the environment.
BROUGHT = ("deployed", "promoted", "rolled-back")
EVENTS = (*BROUGHT, "verified", "invalid", "failed", "unknown", "started", "unchanged", "hold-ended")


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
        expected = None
        manifest = last
        while manifest is not None and len(found) < most:
            record = self._read(manifest)
            if expected is not None and record.seq != expected:
                raise Errored(f"the ledger of {self.environment} is damaged: {record.id} says it is record {record.seq}, not {expected}")
            found.append(record)
            following, expected = record.previous, record.seq - 1
            manifest = self._repository.manifest(following) if following else None
        if following and manifest is None:
            self._say(f"the ledger of {self.environment} is not complete: record {expected} is gone from the registry")
        return found

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
        seq = self._read(manifest).seq
        while (after := self._repository.manifest(self._tag(seq + 1))) is not None:
            manifest, seq = after, seq + 1
        return manifest

    def _read(self, manifest):
        try:
            data = base64.b64decode(manifest.document["layers"][0]["data"], validate=True)
            document = json.loads(data)
            good = document["environment"] == self.environment and document["event"] in EVENTS and document["seq"] > 0
        except (LookupError, TypeError, ValueError, binascii.Error):
            good = False
        if not good:
            raise Errored(f"the ledger of {self.environment} is damaged: {manifest.digest} is no record of it")
        return Record(manifest.digest, document["seq"], document)

    def _tag(self, seq=None):
        return f"pyline-{self.environment}" if seq is None else f"pyline-{self.environment}.{seq}"

    # -- writing --------------------------------------------------------------------------------

    def append(self, event, last, image=None, **what):
        """
        Writes a record after `last` (a Record, or None for the first) and gives it. Raises Raced where somebody else wrote
        in the meantime: what was decided on may not be so any more.
        """
        assert event in EVENTS
        seq = 1 if last is None else last.seq + 1
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
        tag = self._tag(seq)
        if self._repository.digest(tag) is not None:
            raise Raced(f"somebody else wrote record {seq} of {self.environment} in the meantime")
        self._repository.put(tag, manifest)
        time.sleep(SETTLE_S)
        if self._repository.digest(tag) != manifest.digest:
            raise Raced(f"somebody else wrote record {seq} of {self.environment} in the same moment")
        self._repository.put(self._tag(), manifest)
        return Record(manifest.digest, seq, document)

    def beat(self, document):
        """Moves the tag that shows that somebody is at work."""
        data = artifact.canonical({"schema": 1, **document})
        artifact.push(self._repository, artifact.make(_BEAT, data), data, self._beat_tag())

    def last_beat(self):
        """Another value with each beat; None where there was none."""
        return self._repository.digest(self._beat_tag())

    def _beat_tag(self):
        return f"{self._tag()}.beat"

    def keep(self, image):
        """Tags an image that is about to run, byte for byte, so that it stays in the registry."""
        tag = f"{self._tag()}.image-{image.digest.removeprefix('sha256:')[:16]}"
        if self._repository.digest(tag) != image.digest:
            manifest = self._repository.manifest(image.digest)
            if manifest is not None:
                self._repository.put(tag, manifest)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def age(text):
    """Seconds since a time in RFC 3339; None where it is none."""
    try:
        since = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return max(0.0, (datetime.now(timezone.utc) - since).total_seconds())
    except (ValueError, TypeError, AttributeError):
        return None
