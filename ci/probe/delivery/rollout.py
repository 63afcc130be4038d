"""What objects of a cluster say of a Deployment. Pure: nothing is asked here."""

import re
from dataclasses import dataclass

REVISION = "deployment.kubernetes.io/revision"
# On the Deployment: the replica set that was good last, and since when.
RELEASED, RELEASED_AT = "dev.pyline.released", "dev.pyline.released-at"
# On a Deployment that no release was good of yet.
FIRST = "dev.pyline.first"

_HASH = "pod-template-hash"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PINNED = re.compile(r"@(sha256:[0-9a-f]{64})$")
# What waiting does not change.
_HOPELESS = {"InvalidImageName", "ErrImageNeverPull"}
_UNPULLED = {*_HOPELESS, "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"}


@dataclass(frozen=True)
class State:
    """A Deployment with its replica sets and pods, as they were in one moment."""

    deployment: dict
    sets: list
    pods: list

    @property
    def wanted(self):
        return _number(self.deployment["spec"], "replicas", 1)

    @property
    def released(self):
        """The replica set that was good last, if it is still there."""
        name = notes(self.deployment).get(RELEASED)
        return next((each for each in self.sets if name_of(each) == name), None)

    @property
    def current(self):
        """The replica set of what the Deployment asks for; None until its controller has made it."""
        wanted = template(self.deployment)
        return next((each for each in self.sets if template(each) == wanted), None)

    def all_of(self, replica_set):
        return [pod for pod in self.pods if _owner(pod) == uid(replica_set)]

    def of(self, replica_set):
        """Its pods that are not being removed."""
        return [pod for pod in self.all_of(replica_set) if not _is_going(pod)]

    def ready(self, replica_set):
        return [pod for pod in self.of(replica_set) if is_ready(pod)]

    @property
    def is_complete(self):
        """Whether all pods are those of the current template, and can be used: as `kubectl rollout status` has it."""
        status = self.deployment.get("status") or {}
        counts = [_number(status, name) for name in ("updatedReplicas", "replicas", "availableReplicas")]
        seen = _number(status, "observedGeneration") >= self.deployment["metadata"]["generation"]
        return seen and self.wanted > 0 and all(count == self.wanted for count in counts)

    @property
    def serving(self):
        """The replica set whose pods get the requests: in the middle of a rollout the one from before. Or None."""
        current, with_ready = self.current, [each for each in self.sets if self.ready(each)]
        if current in with_ready and (self.is_complete or current == self.released):
            return current
        before = [each for each in with_ready if each != current]
        if self.released in before:
            return self.released
        return max(before, key=lambda each: (len(self.ready(each)), revision(each)), default=None)

    @property
    def fallback(self):
        """What to go back to from the current replica set: the last good one, what serves, or the one before. Or None."""
        others = [each for each in self.sets if each != self.current]
        if self.released in others:
            return self.released
        if self.released is not None:
            return None
        return max(others, key=lambda each: (len(self.ready(each)), revision(each)), default=None)


def belonging(deployment, kind, items):
    """The objects of a kind that the Deployment has made."""
    return [each for each in items if each["kind"] == kind and _owner(each) == uid(deployment)]


def selector(deployment):
    """The label selector of its pods as kubectl takes it."""
    wanted = deployment["spec"]["selector"]
    parts = [f"{key}={value}" for key, value in (wanted.get("matchLabels") or {}).items()]
    for each in wanted.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
        parts.append(forms[each["operator"]])
    return ",".join(parts)


def template(owner):
    """Its pod template, without the label that tells replica sets apart."""
    found = owner["spec"]["template"]
    metadata = dict(found.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    metadata.pop("creationTimestamp", None)
    return {**found, "metadata": {**metadata, "labels": labels}}


def container(spec, name):
    """The container of that name of a pod; without a name the only one. None where it cannot be told."""
    found = spec.get("containers") or []
    if not name:
        return found[0] if len(found) == 1 else None
    return next((each for each in found if each["name"] == name), None)


def proof(pods, name):
    """The digest that the ready pods of a replica set run, and the sentence that says how it is known; or None, and why."""
    digests, how = set(), set()
    for pod in pods:
        spec = container(pod["spec"], name)
        status = next((s for s in (pod.get("status") or {}).get("containerStatuses") or [] if s["name"] == spec["name"]), {})
        ran = _DIGEST.search(status.get("imageID") or "")
        pinned = _PINNED.search(spec["image"])
        # An image for several platforms is pinned by the digest of its index; the runtime may tell that of the platform's.
        digests.add(pinned[1] if pinned else ran[0] if ran else "")
        how.add(f"image ID {status.get('imageID')}" if ran and (not pinned or pinned[1] == ran[0]) else f"image {spec['image']}")
    if len(digests) != 1 or "" in digests:
        return None, f"the pods do not tell one digest that they run: {', '.join(sorted(how))}"
    many = f"{len(pods)} ready pod{'s' if len(pods) != 1 else ''}"
    return digests.pop(), f"{many} of the Deployment's replica set: {', '.join(sorted(how))}"


def counts(state):
    """How far its controller says that the rollout is."""
    status = state.deployment.get("status") or {}
    every, updated, available = (_number(status, name) for name in ("replicas", "updatedReplicas", "availableReplicas"))
    return f"of {every} pods {updated} are of the new template and {available} available"


def trouble(state, replica_set):
    """Why it is not ready yet, in sentences: of the Deployment first, then of pods."""
    found = []
    for each in (state.deployment.get("status") or {}).get("conditions") or []:
        failed = each["type"] == "ReplicaFailure" and each["status"] == "True"
        if failed or (each["type"] == "Progressing" and each["status"] == "False"):
            found.append(f"{each.get('reason')}: {each.get('message')}")
    for pod in state.of(replica_set) if replica_set else []:
        if not is_ready(pod):
            found.append(f"pod {name_of(pod)}: {pod_trouble(pod)}")
    return found


def pod_trouble(pod):
    status = pod.get("status") or {}
    reasons = []
    for each in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        waits = (each.get("state") or {}).get("waiting") or {}
        ended = (each.get("state") or {}).get("terminated") or (each.get("lastState") or {}).get("terminated") or {}
        words = [waits.get("reason"), waits.get("message")] if waits.get("reason") not in (None, "PodInitializing") else []
        if ended and ended.get("exitCode") != 0:
            words.append(f"{ended.get('reason') or 'ended'} (exit code {ended.get('exitCode')})")
        if words := [word for word in words if word]:
            reasons.append(f"container {each['name']}: {', '.join(words)}")
    if not reasons:
        reasons = [
            f"{each.get('reason')}: {each.get('message')}"
            for each in status.get("conditions") or []
            if each["type"] == "PodScheduled" and each["status"] == "False"
        ]
    return "; ".join(reasons) or f"{status.get('phase', 'Pending').lower()}, not ready"


def is_hopeless(state, replica_set):
    """Whether waiting longer is no use."""
    status = state.deployment.get("status") or {}
    seen = _number(status, "observedGeneration") >= state.deployment["metadata"]["generation"]
    over = any(each.get("reason") == "ProgressDeadlineExceeded" for each in status.get("conditions") or [])
    return (seen and over) or any(
        ((each.get("state") or {}).get("waiting") or {}).get("reason") in _HOPELESS
        for pod in state.of(replica_set)
        for each in (pod.get("status") or {}).get("containerStatuses") or []
    )


def is_unpulled(pod):
    """Whether what it waits for is an image."""
    status = pod.get("status") or {}
    every = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    return any(((each.get("state") or {}).get("waiting") or {}).get("reason") in _UNPULLED for each in every)


def is_ready(pod):
    conditions = (pod.get("status") or {}).get("conditions") or []
    return not _is_going(pod) and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def notes(found):
    return found["metadata"].get("annotations") or {}


def name_of(found):
    return found["metadata"]["name"]


def uid(found):
    return found["metadata"]["uid"]


def revision(replica_set):
    try:
        return int(notes(replica_set).get(REVISION, "0"))
    except ValueError:
        return 0


def _owner(found):
    owners = found["metadata"].get("ownerReferences") or []
    return next((each["uid"] for each in owners if each.get("controller")), None)


def _is_going(pod):
    return bool(pod["metadata"].get("deletionTimestamp"))


def _number(found, name, default=0):
    value = found.get(name)
    return default if value is None else value
