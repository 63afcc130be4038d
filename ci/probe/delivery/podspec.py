"""Changing what a Deployment asks for: its image by digest, and a Job that migrates as its pods would run. Pure."""

import copy

from delivery import rollout
from delivery.errors import Request

# Kinds with pods: the others are brought to the cluster before a migration, these after it.
_WITH_PODS = {"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"}
# Of a container that serves: a migration ends by itself.
_OF_SERVERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "ports", "args", "command")
# Seconds that a Job is kept which nobody removes.
_KEPT = 86_400


def chosen(spec, name, where):
    """The container of a pod that the image is for."""
    found = rollout.container(spec, name)
    if found is None:
        names = ", ".join(each["name"] for each in spec.get("containers") or [])
        raise Request(f"{where} has no container {name}: {names}" if name else f"{where} has several containers ({names}): the setting container says which")
    return found


def with_image(spec, name, reference, where):
    """A pod's spec in which that container, and what else is of the same image, is of `reference`."""
    spec = copy.deepcopy(spec)
    before = _name(chosen(spec, name, where).get("image", ""))
    for each in [*(spec.get("initContainers") or []), *spec["containers"]]:
        if each is chosen(spec, name, where) or (before and _name(each.get("image", "")) == before):
            each["image"] = reference
    return spec


def image_patch(deployment, name, reference, keep):
    """A JSON patch of the Deployment, which fails where its template was changed since it was read."""
    where = f"deployment/{rollout.name_of(deployment)}"
    spec = deployment["spec"]["template"]["spec"]
    wanted = with_image(spec, name, reference, where)
    patch = [_unchanged(deployment)]
    for kind in ("initContainers", "containers"):
        for number, (old, new) in enumerate(zip(spec.get(kind) or [], wanted.get(kind) or [])):
            if old.get("image") != new["image"]:
                path = f"/spec/template/spec/{kind}/{number}/image"
                patch.append({"op": "replace", "path": path, "value": new["image"]})
    if deployment["spec"].get("revisionHistoryLimit") != keep:
        patch.append({"op": "add", "path": "/spec/revisionHistoryLimit", "value": keep})
    return patch


def template_patch(deployment, replica_set):
    """A JSON patch that goes back to the template of a replica set, as `kubectl rollout undo` does."""
    return [_unchanged(deployment), {"op": "replace", "path": "/spec/template", "value": rollout.template(replica_set)}]


def _unchanged(deployment):
    return {"op": "test", "path": "/spec/template", "value": deployment["spec"]["template"]}


def pinned(items, deployment, name, reference, keep):
    """Objects of manifests with the image by its digest, wherever that image is used; raises where the Deployment is not there."""
    items = copy.deepcopy(items)
    found = [each for each in items if each["kind"] == "Deployment" and rollout.name_of(each) == deployment]
    if not found:
        names = ", ".join(sorted(f"{each['kind']}/{rollout.name_of(each)}" for each in items))
        raise Request(f"the manifests have no Deployment {deployment}: {names or 'they are empty'}")
    spec = found[0]["spec"]["template"]["spec"]
    before = _name(chosen(spec, name, f"deployment/{deployment}").get("image", ""))
    found[0]["spec"]["template"]["spec"] = with_image(spec, name, reference, f"deployment/{deployment}")
    found[0]["spec"]["revisionHistoryLimit"] = keep
    for each in items:
        pod = pod_of(each)
        for one in [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]:
            if before and _name(one.get("image", "")) == before:
                one["image"] = reference
    return items


def pod_of(item):
    """The spec of the pods that an object makes; empty where it makes none."""
    spec = item.get("spec") or {}
    if item["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    elif item["kind"] == "Pod":
        return spec
    return ((spec.get("template") or {}).get("spec") or {}) if item["kind"] in _WITH_PODS else {}


def without_pods(items):
    return [each for each in items if each["kind"] not in _WITH_PODS]


def migration(deployment, name, reference, command, job, limit):
    """The Job that runs `command` as the Deployment's container runs: its variables, volumes, account. `limit` in seconds."""
    where = f"deployment/{rollout.name_of(deployment)}"
    template = deployment["spec"]["template"]
    spec = with_image(template["spec"], name, reference, where)
    one = {key: value for key, value in chosen(spec, name, where).items() if key not in _OF_SERVERS}
    # Side cars that serve would keep it from ending; those that init containers are end with it.
    spec.update({"containers": [{**one, "command": list(command)}], "restartPolicy": "Never"})
    # Of labels only its own: with those of the pods it would get their requests.
    labels = {"dev.pyline.migration": rollout.name_of(deployment)[:63]}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": limit,
            "ttlSecondsAfterFinished": _KEPT,
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec},
        },
    }


def _name(image):
    """An image's name without tag and digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name
