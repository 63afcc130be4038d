"""
The lock of a Kubernetes environment: a Lease (coordination.k8s.io/v1) that its holder renews. One that is not renewed for as
long as it lasts is taken over. As in client-go nobody compares clocks: what counts is whether it changes while one looks.
"""

import threading
import time
import uuid
from datetime import datetime, timezone

from delivery.errors import DeliveryError, Errored, Locked
from delivery.kubectl import Refused
from delivery.target import Holder

# How long it lasts, and how often it is renewed. Before it ends for others it has ended for us.
SECONDS = 30
EVERY = 10
_MARGIN = 1 / 6
_LOOK = 1
_BY, _RUN, _SINCE = "dev.pyline.by", "dev.pyline.run", "dev.pyline.since"


class Lease:
    """A context manager. `held()` raises where somebody else may have taken it."""

    def __init__(self, kubectl, name, holder, say=print):
        self._kubectl = kubectl
        self._name = name
        self._holder = holder
        self._say = say
        self._seconds = SECONDS
        self._since = ""
        self._identity = f"pyline-{uuid.uuid4()}"
        self._ended = threading.Event()
        self._lost = False
        self._renewed = 0.0
        self._version = None
        self._thread = None

    def __enter__(self):
        self._acquire()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(self._seconds)
        try:
            # Not ours any more: it stays with who has it. Not reachable: it ends by itself.
            if not self._lost:
                self._write(free=True)
        except DeliveryError:
            self._say(f"the lock could not be given back: it ends in {self._seconds} s")

    def held(self):
        if self._lost or now() - self._renewed > self._seconds * (1 - _MARGIN):
            raise Errored("the lock was lost: it could not be renewed in time, and somebody else may be at work")

    def _acquire(self):
        seen, since = None, now()
        while True:
            started = now()
            found = self._kubectl.find("lease", self._name)
            state = None if found is None else _state(found)
            if found is None or not state[0]:
                if self._take(found, started):
                    return
                continue
            if seen is None:
                seen = state
                who = of(found)
                self._say(f"{who.by} {who.run}".rstrip() + " has the lock: looking whether that run is still alive")
            elif state != seen:
                raise Locked(of(found), _age(of(found)))
            elif now() - since > _lasts(found):
                self._say("it is not: its lock is taken over")
                if self._take(found, started):
                    return
                continue
            time.sleep(_LOOK)

    def _take(self, found, started):
        """Whether it is ours now; false where somebody was faster."""
        try:
            self._version = None if found is None else found["metadata"]["resourceVersion"]
            self._write(since=_stamp())
        except Refused as error:
            if error.reason in ("AlreadyExists", "Conflict", "NotFound"):
                return False
            raise
        self._renewed = started
        return True

    def _keep(self):
        wait = EVERY
        while not self._ended.wait(wait):
            started = now()
            try:
                self._write()
                self._renewed, wait = started, EVERY
            except Refused as error:
                if error.reason not in ("Conflict", "NotFound") or not self._is_ours():
                    self._lost = True
                    return
                wait = 0.1
            except DeliveryError:
                wait = 1
            if now() - self._renewed > self._seconds:
                self._lost = True
                return

    def _is_ours(self):
        """Whether somebody wrote to it and left it to us."""
        try:
            found = self._kubectl.find("lease", self._name, patience=5)
        except DeliveryError:
            return True
        if found is None or _state(found)[0] != self._identity:
            return False
        self._version = found["metadata"]["resourceVersion"]
        return True

    def _write(self, since=None, free=False):
        """Creates it, or replaces the version that we know: a write in between is a conflict."""
        if since is not None:
            self._since = since
        spec = {
            "holderIdentity": "" if free else self._identity,
            "leaseDurationSeconds": 1 if free else self._seconds,
            "acquireTime": self._since,
            "renewTime": _stamp(),
        }
        metadata = {"name": self._name, "annotations": _written(self._holder)}
        if self._version is not None:
            metadata["resourceVersion"] = self._version
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        verb = "create" if self._version is None else "replace"
        words = [verb, "--validate=false", "-o", "jsonpath={.metadata.resourceVersion}", "-f", "-"]
        self._version = self._kubectl.run(*words, send=lease, patience=5, limit=8).strip()


def free(kubectl, name):
    """Takes it from whoever has it."""
    kubectl.run("delete", "lease", name, "--ignore-not-found")


def of(lease):
    """The Holder of a Lease."""
    notes = lease["metadata"].get("annotations") or {}
    spec = lease.get("spec") or {}
    by = notes.get(_BY) or spec.get("holderIdentity") or "somebody"
    return Holder(by, notes.get(_RUN, ""), notes.get(_SINCE) or spec.get("acquireTime") or "")


def _written(holder):
    return {_BY: holder.by, _RUN: holder.run, _SINCE: holder.since}


def _state(lease):
    spec = lease.get("spec") or {}
    return spec.get("holderIdentity") or "", spec.get("renewTime")


def _lasts(lease):
    seconds = (lease.get("spec") or {}).get("leaseDurationSeconds") or SECONDS
    return min(max(seconds, 1), 600)


def _age(holder):
    try:
        since = datetime.fromisoformat(holder.since.replace("Z", "+00:00"))
        return max(0.0, (datetime.now(timezone.utc) - since).total_seconds())
    except (ValueError, TypeError):
        return None


def _stamp():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now():
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
