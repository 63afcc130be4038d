"""
A service of docker compose. Its image is pinned by digest in a file of ours, which compose merges over the project's own.

Where the service has no port of the host and no fixed name, new containers start beside the old ones, which are stopped
when the new ones are healthy: who gets the requests meanwhile is for what is before the service to say. Else compose can
only put one in the place of the other, and in between nothing answers.
"""

import json
from contextlib import contextmanager

from delivery.errors import DeliveryError, Errored, Request, Unhealthy
from delivery.ssh import SHORT
from delivery.target import Image, Running
from delivery.targets.docker_host import LABEL, DockerHost, lines

_PROJECT, _SERVICE, _ONE_OFF = (f"com.docker.compose.{each}" for each in ("project", "service", "oneoff"))

# $1 is a folder, $2 the name of a file in it.
_WRITE = 'set -eu; umask 077; mkdir -p "$1"; cat > "$1/$2.part"; mv "$1/$2.part" "$1/$2"'
_COMMIT = 'set -eu; cd "$1"; mv next.yaml current.yaml; echo "$2" >> history'
_READ = 'if [ -f "$1/$2" ]; then cat "$1/$2"; fi'


class Compose(DockerHost):
    """
    Two files on the host say how far a run came: `current.yaml` pins what should run, `next.yaml` what is being tried. A
    run that finds a `next.yaml` ends what another one left half done before it begins. A release is called by its digest.
    """

    def __init__(self, environment, access, say=print):
        super().__init__(environment, access, say)
        for key, name in (("composeFile", "compose-file"), ("service", "service")):
            if not environment.get(key):
                raise Request(f"{environment['name']} has no {name}", ['compose-file = "/srv/app/compose.yaml"', 'service = "web"'])
        self.service = environment["service"]
        self._folder = None
        self._known = None

    @contextmanager
    def lock(self, holder):
        with super().lock(holder):
            if self._read("next.yaml"):
                self.say("- an earlier run did not end: back to what it began with")
                self._restore()
            yield

    def running(self):
        alive = [each for each in self._containers() if each["State"]["Running"]]
        ours = [each for each in alive if _digest(each)]
        if alive and not ours:
            self.say(f"  {self.service} runs, and was not deployed by pyline")
        if not ours:
            return None
        found = {each.digest: each for each in map(self.proven, ours)}
        digest = self._pinned("current.yaml")
        if len(found) > 1 and digest not in found:
            raise Errored(f"{self.service} on {self.ssh.host} runs several images at once: {', '.join(sorted(found))}")
        one = found[digest] if len(found) > 1 else next(iter(found.values()))
        return Running(one.digest, one.digest, one.since, one.proof)

    def migrate(self, image, command):
        self._pin(image)
        name = f"{self.name}-{image.digest[7:19]}-release-command"
        words = ["run", "--detach", "--no-deps", "--name", name, "--label", f"{LABEL}.role=release-command"]
        words += ["--label", f"{LABEL}.app={self.environment['app']}", "--label", f"{LABEL}.environment={self.environment['name']}"]
        self.once(name, lambda: self._compose("next.yaml", *words, self.service, *command))

    def start(self, image):
        self._pin(image)
        old = self._others(image.digest)
        why = self._in_place_because(old)
        if why is not None:
            self.say(f"  {why}: it will be put in its place, and in between nothing answers")
            return image.digest
        scale = f"{self.service}={2 * len(old)}"
        self._up("next.yaml", "--no-recreate", "--scale", scale)
        return image.digest

    def healthy(self, release):
        for each in self._of(release):
            self.wait_until_healthy(each["Name"].lstrip("/"))

    def switch(self, release):
        if self._pinned("next.yaml") != release:
            # A way back, to what does not run any more.
            self._pin(Image(self.environment["registry"], release))
        if not self._of(release):
            self._put_in_place(release)
        self._change("sh", "-c", _COMMIT, "sh", self.folder, release)
        self._remove(self._others(release))

    def retire(self, keep):
        current = self._pinned("current.yaml")
        if current is not None:
            self._remove(self._others(current))
        done = self.containers(role="release-command", **self.mine())
        if done:
            self.docker("rm", "--force", *(each["Name"].lstrip("/") for each in done))
        past = list(dict.fromkeys(reversed(self._read("history").split())))
        for digest in past[keep + 1 :]:
            self.remove_image(f"{self.environment['registry']}@{digest}")

    def abort(self, release):
        if self._read("next.yaml"):
            self._restore()

    @property
    def folder(self):
        """Where our files are on the host."""
        if self._folder is None:
            home = self._command("sh", "-c", 'printf %s "$HOME"').decode()
            self._folder = f"{home}/.pyline/compose/{self.name}"
        return self._folder

    def _put_in_place(self, release):
        """Recreates the containers, and the old ones again where the new ones are not healthy."""
        try:
            self._up("next.yaml", "--scale", f"{self.service}={max(1, len(self._others(release)))}")
            if not self._of(release):
                raise Unhealthy(f"{self.service} of {release[:19]}", "a container", "none")
            self.healthy(release)
        except DeliveryError as error:
            self.say("  what ran before is put back")
            try:
                self._restore()
            except DeliveryError as again:
                error.detail.append(f"what ran before could not be put back: {again}")
            raise

    def _restore(self):
        """Only what current.yaml pins runs then, and there is no next.yaml."""
        current = self._pinned("current.yaml")
        ours = [each for each in self._containers() if _digest(each) and _digest(each) != current]
        good = [each for each in self._of(current) if each["State"]["Running"]]
        if ours:
            self.docker("rm", "--force", *(each["Name"].lstrip("/") for each in ours))
        if current is not None:
            self._up("current.yaml", "--scale", f"{self.service}={len(good) or max(1, len(ours))}")
        self._change("rm", "-f", f"{self.folder}/next.yaml")

    def _in_place_because(self, old):
        """Why a new container cannot run beside the old ones; None where it can."""
        if not any(each["State"]["Running"] for each in old):
            return f"no {self.service} runs"
        service = self._project()["services"][self.service]
        if any(each.get("published") for each in service.get("ports") or []):
            return f"{self.service} has a port of the host"
        if service.get("container_name"):
            return f"{self.service} has a container_name"
        if service.get("network_mode") == "host":
            return f"{self.service} is on the host's network"
        return None

    def _remove(self, containers):
        """Stops containers, with time for what they are answering."""
        names = [each["Name"].lstrip("/") for each in containers]
        if not names:
            return
        drain = max(self.environment["drain"], 1)
        self.docker("stop", "--time", str(drain), *names, limit=120 + drain)
        self.docker("rm", "--force", *names)

    def _containers(self):
        """Documents of the containers of the service; not those of one command."""
        labels = {_PROJECT: self._project()["name"], _SERVICE: self.service, _ONE_OFF: "False"}
        words = [word for key, value in labels.items() for word in ("--filter", f"label={key}={value}")]
        return self.inspect("container", *self.docker("ps", "--all", "--quiet", "--no-trunc", *words).decode().split())

    def _of(self, digest):
        return [each for each in self._containers() if digest is not None and _digest(each) == digest]

    def _others(self, digest):
        return [each for each in self._containers() if _digest(each) != digest]

    def _pin(self, image):
        """Writes what is tried (https://docs.docker.com/reference/compose-file/merge/); YAML takes JSON."""
        labels = {
            f"{LABEL}.app": self.environment["app"],
            f"{LABEL}.environment": self.environment["name"],
            f"{LABEL}.digest": image.digest,
        }
        service = {"image": image.reference, "pull_policy": "never", "labels": labels}
        text = json.dumps({"services": {self.service: service}}, indent=2).encode()
        self._change("sh", "-c", _WRITE, "sh", self.folder, "next.yaml", stdin=text)

    def _pinned(self, name):
        """The digest that a file of ours pins, or None."""
        text = self._read(name)
        try:
            return json.loads(text)["services"][self.service]["labels"][f"{LABEL}.digest"] if text else None
        except (LookupError, TypeError, ValueError) as error:
            raise Errored(f"{self.folder}/{name} on {self.ssh.host} is not as it was written") from error

    def _read(self, name):
        return self._command("sh", "-c", _READ, "sh", self.folder, name).decode()

    def _project(self):
        """The project as compose understands it."""
        if self._known is None:
            known = json.loads(self._compose(None, "config", "--format", "json"))
            if self.service not in known.get("services", {}):
                names = ", ".join(sorted(known.get("services", {}))) or "none"
                raise Request(f"{self.environment['composeFile']} has no service {self.service!r}: {names}")
            self._known = known
        return self._known

    def _up(self, file, *words):
        """Without other services, without a build and without waiting: what healthy means is our own."""
        more = ["--detach", "--no-deps", "--no-build", "--quiet-pull", *words]
        self._compose(file, "up", *more, self.service, limit=300)

    def _compose(self, file, *words, limit=120):
        files = ["--file", self.environment["composeFile"]]
        if file is not None:
            files += ["--file", f"{self.folder}/{file}"]
        status, out, err = self.try_docker("compose", *files, *words, limit=limit, aside=words[0] == "config")
        if status == 0:
            return out
        said = lines(err)
        if any("'compose' is not a docker command" in line or "unknown" in line and "--file" in line or "unknown command" in line for line in said):
            raise Request(f"{self.ssh.name} has no docker compose", [*said, "install it: the package docker-compose-plugin"])
        if words[0] == "config":
            raise Request(f"{self.environment['composeFile']} on {self.ssh.host} cannot be read", said)
        raise Errored(f"docker compose {words[0]} on {self.ssh.name} ended with exit status {status}", said)

    def _command(self, *words, stdin=b""):
        self.host_lock.check()
        return self._done(words, self.ssh.run(list(words), stdin))

    def _change(self, *words, stdin=b""):
        return self._done(words, self.host_lock.run(list(words), stdin, SHORT))

    def _done(self, words, done):
        status, out, err = done
        if status != 0:
            raise Errored(f"{words[0]} on {self.ssh.name} ended with exit status {status}", lines(err))
        return out


def _digest(container):
    return (container["Config"].get("Labels") or {}).get(f"{LABEL}.digest")
