"""A Deployment in a Kubernetes cluster: its controller starts pods beside the old ones and moves the requests to those that are ready."""

import time
from datetime import datetime, timezone

from delivery import lease, podspec, rollout
from delivery.errors import DeliveryError, Errored, MigrationFailed, PullFailed, Request, Unhealthy
from delivery.kubectl import Kubectl, Refused, clean
from delivery.rollout import name_of
from delivery.target import Running, Target

_LOOK = 1
# Seconds for what the cluster does at once: seeing a change, removing a Job.
_SOON = 60
_LAST_LINES, _LAST_EVENTS = 20, 5


class Kubernetes(Target):
    """Of the environment: `deployment`, `container`, `namespace`, `context`, `manifests` (a folder), `healthTimeout`, `timeout`."""

    def __init__(self, environment, access, say=print):
        super().__init__(environment, access, say)
        self._name = environment.get("deployment") or environment["app"]
        self._container = environment.get("container")
        self._folder = environment.get("manifests")
        self._kubectl = Kubectl(access.kubeconfig, environment.get("context"), environment.get("namespace"))
        self._lease = None
        self._rendered = None

    def running(self):
        state = self._state()
        found = state and state.serving
        if not found:
            return None
        digest, how = rollout.proof(state.ready(found), self._of(state))
        if digest is None:
            # Brought there by other means: as good as nothing for all who ask for a digest. It is gone back to all the same.
            self.say(f"replicaset/{name_of(found)}: {how}")
            return None
        released = rollout.notes(state.deployment).get(rollout.RELEASED_AT) if found == state.released else None
        return Running(digest, name_of(found), released or found["metadata"]["creationTimestamp"], how)

    def lock(self, holder):
        self._lease = lease.Lease(self._kubectl, f"pyline-{self._name}", holder, self.say)
        return self._lease

    def break_lock(self):
        lease.free(self._kubectl, f"pyline-{self._name}")

    def pull(self, image):
        """The nodes pull, each for itself. What can be known now is whether there is something to bring the image to."""
        state = self._state()
        if state is None and not self._folder:
            raise Request(f"the cluster has no deployment/{self._name}, and without manifests none can be made")
        spec = (state.deployment if state else self._manifest(image))["spec"]
        if spec.get("paused"):
            raise Request(f"deployment/{self._name} is paused: kubectl rollout resume deployment/{self._name}")
        if spec.get("replicas") == 0:
            raise Request(f"deployment/{self._name} has 0 replicas: nothing of it would run")
        found = podspec.chosen(spec["template"]["spec"], self._container, f"deployment/{self._name}")
        if not found.get("readinessProbe"):
            self.say(f"container {found['name']} has no readinessProbe: a pod gets requests as soon as its process runs")
        if (spec.get("strategy") or {}).get("type") == "Recreate":
            self.say("its strategy is Recreate: nothing answers between the old pods and the new ones")

    def migrate(self, image, command):
        name = f"{self._name[:40].rstrip('-.')}-migrate-{image.digest[7:19]}"
        deployment = self._manifest(image) if self._folder else self._state().deployment
        if self._folder:
            self._apply(podspec.without_pods(self._items(image)))
        job = self._kubectl.find("job", name)
        if job and _finished(job) == "Failed":
            self._remove("job", name)
            job = None
        if job is None:
            limit = self.environment.get("timeout", 600)
            made = podspec.migration(deployment, self._container, image.reference, command, name, limit)
            self._held()
            try:
                self._kubectl.run("create", "-f", "-", send=made)
            except Refused as error:
                if error.reason != "AlreadyExists":
                    raise
            self.say(f"job/{name}: {' '.join(command)}")
        else:
            self.say(f"job/{name} was started by a run before this one")
        self._migrated(name)

    def start(self, image):
        self._held()
        keep = self.environment.get("keep", 3)
        state = self._state()
        if self._folder:
            first = state is None or rollout.FIRST in rollout.notes(state.deployment)
            self._apply([_marked(each, self._name) if first else each for each in self._items(image)])
        elif state is None:
            raise Request(f"the cluster has no deployment/{self._name}, and without manifests none can be made")
        else:
            self._patch(lambda found: podspec.image_patch(found, self._container, image.reference, keep))
        release = name_of(self._until(_SOON, "a replica set of the new image", lambda state: state.current))
        self.say(f"replicaset/{release} of deployment/{self._name} has {image.reference}")
        return release

    def healthy(self, release):
        limit = self.environment.get("healthTimeout", 60)
        end, said = time.monotonic() + limit, None
        while True:
            state = self._state()
            current = state and state.current
            if not current or name_of(current) != release:
                raise Errored(f"somebody else has changed deployment/{self._name} in the meantime")
            if state.is_complete:
                self.say(f"all {state.wanted} pods of replicaset/{release} are ready")
                return
            ready = len(state.ready(current))
            if ready != said:
                self.say(f"{ready} of {state.wanted} pods of replicaset/{release} are ready")
                said = ready
            if time.monotonic() > end or rollout.is_hopeless(state, current):
                raise self._unhealthy(state, current, limit)
            time.sleep(_LOOK)

    def switch(self, release):
        """
        The controller has done it while the pods became ready; what is left is to say which release is good. A release from
        before gets its pods back.
        """
        self._held()
        state = self._state()
        found = state and next((each for each in state.sets if name_of(each) == release), None)
        if found is None:
            raise Errored(f"replicaset/{release} of deployment/{self._name} is gone")
        if found != state.current:
            self._patch(lambda now: podspec.template_patch(now, found))
            self._back(release, True)
        self._release(release)

    def retire(self, keep):
        """The controller has stopped the old pods. Waits until they are gone; old replica sets are what is gone back to."""
        self._held()
        state = self._state()
        if state and state.is_complete:
            self._release(name_of(state.current))
        self._forget_migrations()
        end = time.monotonic() + _SOON
        while (state := self._state()) and (left := _leaving(state)) and time.monotonic() < end:
            time.sleep(_LOOK)
        if state and left:
            self.say(f"{left} pods from before are still ending")

    def abort(self, release):
        self._held()
        self._forget_migrations()
        state = self._state()
        current = state and state.current
        if not release or not current or name_of(current) != release or current == state.released:
            return
        back = state.fallback
        if back is not None:
            self._patch(lambda found: podspec.template_patch(found, back))
            self.say(f"deployment/{self._name} goes back to replicaset/{name_of(back)}")
            self._back(name_of(back), bool(state.ready(back)))
        elif rollout.FIRST in rollout.notes(state.deployment):
            self._remove("deployment", self._name)
            self.say(f"deployment/{self._name} was the first: it is removed")
        else:
            self.say(f"deployment/{self._name} has no other release to go back to")

    def _state(self):
        """The Deployment with what belongs to it, or None where there is none."""
        deployment = self._kubectl.find("deployment", self._name)
        if deployment is None:
            return None
        items = self._kubectl.get("replicasets,pods", "--selector", rollout.selector(deployment))["items"]
        sets = rollout.belonging(deployment, "ReplicaSet", items)
        return rollout.State(deployment, sets, [each for each in items if each["kind"] == "Pod"])

    def _of(self, state):
        spec = state.deployment["spec"]["template"]["spec"]
        return podspec.chosen(spec, self._container, f"deployment/{self._name}")["name"]

    def _held(self):
        if self._lease is not None:
            self._lease.held()

    def _items(self, image):
        """The objects of the manifests, with the image by its digest."""
        if self._rendered is None:
            self._rendered = self._kubectl.documents(self._kubectl.render(self._folder))
        keep = self.environment.get("keep", 3)
        return podspec.pinned(self._rendered, self._name, self._container, image.reference, keep)

    def _manifest(self, image):
        items = self._items(image)
        return next(each for each in items if each["kind"] == "Deployment" and name_of(each) == self._name)

    def _apply(self, items):
        if not items:
            return
        self._held()
        words = ["apply", "--server-side", "--force-conflicts", "--field-manager=pyline", "-o", "name", "-f", "-"]
        send = {"apiVersion": "v1", "kind": "List", "items": items}
        for line in clean(self._kubectl.run(*words, send=send)).splitlines():
            self.say(f"applied {line}")

    def _patch(self, make):
        """Changes the Deployment; makes the change anew where somebody else changed its template in between."""
        for _ in range(20):
            found = self._kubectl.get("deployment", self._name)
            patch = make(found)
            if len(patch) == 1:
                return
            self._held()
            words = ["patch", "deployment", self._name, "--type=json", "--patch-file=/dev/stdin", "-o", "name"]
            try:
                self._kubectl.run(*words, send=patch)
                return
            except Refused as error:
                # Of a test in a patch that fails the server says only that something is invalid.
                now = self._kubectl.get("deployment", self._name)
                same = now["spec"]["template"] == found["spec"]["template"]
                if error.reason not in ("Conflict", "Invalid") or (same and error.reason == "Invalid"):
                    raise
        raise Errored(f"deployment/{self._name} is changed all the time by somebody else")

    def _release(self, release):
        """Writes on the Deployment which replica set is good."""
        state = self._state()
        if state is None or rollout.notes(state.deployment).get(rollout.RELEASED) == release:
            return
        notes = {rollout.RELEASED: release, rollout.RELEASED_AT: _stamp(), rollout.FIRST: None}
        words = ["patch", "deployment", self._name, "--type=merge", "--patch-file=/dev/stdin", "-o", "name"]
        # Another manager than that of the manifests, which would take away what they do not have.
        self._kubectl.run(*words, "--field-manager=pyline-release", send={"metadata": {"annotations": notes}})

    def _until(self, limit, what, find):
        end = time.monotonic() + limit
        while True:
            state = self._state()
            if state and (found := find(state)):
                return found
            if time.monotonic() > end:
                why = rollout.trouble(state, None) if state else []
                raise Errored(f"deployment/{self._name} has not got {what} within {limit} s", why)
            time.sleep(0.3)

    def _back(self, name, served):
        """Waits until what was gone back to is all there is. Where it did not serve before, nothing is expected of it."""
        end = time.monotonic() + (self.environment.get("healthTimeout", 60) if served else 0)
        while True:
            state = self._state()
            if state and state.is_complete and state.current and name_of(state.current) == name:
                self.say(f"all {state.wanted} pods of replicaset/{name} are ready")
                return
            if time.monotonic() > end:
                break
            time.sleep(_LOOK)
        if served:
            raise Errored(f"replicaset/{name}, which ran before, has not all its pods again", rollout.trouble(state, state.current))

    def _unhealthy(self, state, current, limit):
        why = rollout.trouble(state, current)
        ready = len(state.ready(current))
        came = f"{ready}: {why[0]}" if why else f"{ready}, and {rollout.counts(state)}"
        pod = next((each for each in state.of(current) if not rollout.is_ready(each)), None)
        log = [*why[1:], *self._events(pod or current)]
        log += self._log(name_of(pod), self._of(state)) if pod else []
        if pod and rollout.is_unpulled(pod):
            return PullFailed(f"the nodes could not pull the image: {clean(rollout.pod_trouble(pod))}", log)
        expected = f"{state.wanted} ready pod{'s' if state.wanted != 1 else ''} within {limit} s"
        return Unhealthy(f"rollout of deployment/{self._name}", expected, clean(came), [clean(line) for line in log])

    def _events(self, found):
        """What the cluster says of an object, the newest last."""
        try:
            items = self._kubectl.get("events", "--field-selector", f"involvedObject.uid={found['metadata']['uid']}")["items"]
        except DeliveryError as error:
            return [f"its events cannot be read: {error}"]
        items.sort(key=lambda each: each.get("lastTimestamp") or each.get("eventTime") or "")
        return [clean(f"event {each.get('reason')}: {each.get('message')}")[:500] for each in items[-_LAST_EVENTS:]]

    def _log(self, pod, container):
        """The last lines that a container wrote, of the time before where it was started again and has written nothing yet."""
        lines = []
        for more in ([], ["--previous"]):
            words = ["logs", pod, "--container", container, f"--tail={_LAST_LINES}", *more]
            try:
                lines = [clean(line)[:500] for line in self._kubectl.run(*words).splitlines()]
            except DeliveryError as error:
                lines = lines or [f"its log cannot be read: {error}"]
                break
            if lines:
                break
        return lines

    def _migrated(self, name):
        """Waits until a Job has ended."""
        end = time.monotonic() + self.environment.get("timeout", 600) + _SOON
        while True:
            job = self._kubectl.find("job", name)
            if job is None:
                raise Errored(f"somebody has removed job/{name} while it ran")
            ended = _finished(job)
            pods = self._kubectl.get("pods", "--selector", f"batch.kubernetes.io/job-name={name}")["items"] if ended else []
            if ended == "Complete":
                for pod in pods:
                    for line in self._log(name_of(pod), pod["spec"]["containers"][0]["name"]):
                        self.say(f"  {line}")
                self.say(f"job/{name} is complete")
                return
            if ended == "Failed":
                why = next(each for each in job["status"]["conditions"] if each["type"] == "Failed")
                log = [line for pod in pods for line in [f"pod {name_of(pod)}: {rollout.pod_trouble(pod)}", *self._events(pod)]]
                log += [line for pod in pods for line in self._log(name_of(pod), pod["spec"]["containers"][0]["name"])]
                raise MigrationFailed(f"job/{name} failed: {why.get('reason')}: {clean(why.get('message') or '')}", log)
            if time.monotonic() > end:
                raise Errored(f"job/{name} has not ended in time")
            time.sleep(_LOOK)

    def _forget_migrations(self):
        """Removes Jobs that are complete: a deployment from now on migrates again. A failed one stays to be looked at."""
        for job in self._kubectl.get("jobs", "--selector", f"dev.pyline.migration={self._name[:63]}")["items"]:
            if _finished(job) == "Complete":
                self._remove("job", name_of(job))

    def _remove(self, kind, name):
        self._held()
        self._kubectl.run("delete", kind, name, "--ignore-not-found", "--cascade=foreground", "--wait=false")
        end = time.monotonic() + _SOON
        while self._kubectl.find(kind, name) is not None:
            if time.monotonic() > end:
                raise Errored(f"{kind}/{name} is not removed within {_SOON} s")
            time.sleep(0.3)


def _marked(item, name):
    """The Deployment with the note that no release of it was good yet."""
    if item["kind"] != "Deployment" or name_of(item) != name:
        return item
    annotations = {**rollout.notes(item), rollout.FIRST: "true"}
    return {**item, "metadata": {**item["metadata"], "annotations": annotations}}


def _finished(job):
    """`Complete` or `Failed`, or None while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return next((each["type"] for each in conditions if each["type"] in ("Complete", "Failed") and each["status"] == "True"), None)


def _leaving(state):
    """How many pods there are that are not of the current release."""
    return sum(len(state.all_of(each)) for each in state.sets if each != state.current)


def _stamp():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
