"""What the targets on a docker host share: docker's own command there, and what containers have in common."""

import base64
import http.client
import json
import re
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

from delivery.errors import DeliveryError, Errored, MigrationFailed, PullFailed, Request, Unhealthy, Unreachable
from delivery.lock import HostLock
from delivery.ssh import SHORT, Ssh
from delivery.target import Running, Target
from delivery.web import ascii_of
from registry import reference

LABEL = "dev.pyline"
# Lines of a log that are shown.
LAST = 20
# Seconds that the check of a new release may take once.
ASK = 10
PULL = 1800
NOBODY = "no answer: nothing listens there"
# Where docker writes which process it is.
_DAEMON = 'cat /run/docker.pid "${XDG_RUNTIME_DIR:-/nowhere}/docker.pid" 2>/dev/null || true'
# Commands of docker that change nothing, or nothing that another run could not do at the same time.
_ASIDE = ("cp", "inspect", "logs", "ps", "pull", "wait")
_NOT_THERE = re.compile(r"no such (?:container|image|network|object)|(?:container|image|network) \S+ not found", re.IGNORECASE)
# An image that docker cannot start says so in these words, with the exit status of a program that is not there.
_UNSTARTABLE = re.compile(r"OCI runtime|failed to create (?:shim )?task|executable file not found")
# All that is needed of a container. Not its variables: these may be secrets.
_CONTAINER = "{%s}" % ",".join(
    [
        *(f'"{key}":{{{{json .{key}}}}}' for key in ("Name", "Image", "Created", "State", "RestartCount")),
        '"Config":{%s}' % ",".join(f'"{key}":{{{{json .Config.{key}}}}}' for key in ("Image", "Labels", "Healthcheck", "ExposedPorts")),
        '"HostConfig":{"RestartPolicy":{{json .HostConfig.RestartPolicy}}}',
        '"NetworkSettings":{"Networks":{{json .NetworkSettings.Networks}}}',
    ]
)

# Standard input is the login; the folder is nobody else's and gone afterwards. $1 is the image.
_PULL_WITH_LOGIN = """
set -eu
umask 077
folder=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/pyline-XXXXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$folder/config.json"
docker --config "$folder" pull --quiet "$1"
"""


class DockerHost(Target):
    """A Target whose containers run on a machine that is reached over ssh."""

    def __init__(self, environment, access, say=print):
        super().__init__(environment, access, say)
        if not environment.get("host"):
            raise Request(f"{environment['name']} has no host", ['host = "ssh://deploy@staging.example.com"'])
        self.ssh = Ssh(environment["host"], access.ssh_key, access.known_hosts)
        self.name = f"{environment['app']}-{environment['name']}"
        self.host_lock = HostLock(self.ssh, self.name, say)
        self._daemon = b""

    @contextmanager
    def lock(self, holder):
        with self.host_lock.held(holder):
            self._daemon = self._process()
            yield

    def disturbance(self):
        try:
            now = self._process()
        except DeliveryError:
            now = b""
        if self._daemon and now != self._daemon:
            return f"docker on {self.ssh.name} ended in the meantime, and with it what it ran"
        return None

    def _process(self):
        """The number of docker's process; nothing where it does not say."""
        return self.ssh.run(["sh", "-c", _DAEMON])[1].strip()

    def break_lock(self):
        self.host_lock.take_away()

    def docker(self, *words, stdin=b"", limit=SHORT):
        """Standard output of `docker …` there. Raises Errored with what it said where it fails."""
        status, out, err = self.try_docker(*words, stdin=stdin, limit=limit)
        if status != 0:
            raise Errored(f"docker {words[0]} on {self.ssh.name} ended with exit status {status}", lines(err))
        return out

    def try_docker(self, *words, stdin=b"", limit=SHORT, aside=False):
        """
        (status, standard output, standard error). Raises where there is no docker, or none that answers. What it changes
        on the host has ended before another run begins, also where this one is killed; `aside`: that does not matter.
        """
        if aside or words[0] in _ASIDE:
            self.host_lock.check()
            status, out, err = self.ssh.run(["docker", *words], stdin, limit, self._ping)
        else:
            status, out, err = self.host_lock.run(["docker", *words], stdin, limit)
        return self._understood(status, out, err)

    def _understood(self, status, out, err):
        said = err.decode("utf-8", "replace")
        if status == 127 and "daemon" not in said and not _UNSTARTABLE.search(said):
            raise Request(f"there is no docker on {self.ssh.name}", lines(err))
        if status != 0 and "permission denied" in said.lower() and "docker.sock" in said:
            raise Request(f"{self.ssh.name} may not use docker", [*lines(err), "add the user to its group: usermod -aG docker USER"])
        self._refuse_silence(status, err)
        return status, out, err

    def _ping(self):
        """Raises Unreachable where docker has stopped answering: a command that takes long may be waiting for ever."""
        try:
            status, _, err = self.ssh.run(["docker", "version"], limit=SHORT)
        except Errored as error:
            raise Unreachable(f"docker on {self.ssh.name} does not answer within {SHORT} s") from error
        self._refuse_silence(status, err)

    def _refuse_silence(self, status, err):
        """Raises Unreachable where docker did not answer, or ended in the middle of its answer."""
        if status != 0 and re.search(rb"Cannot connect to the Docker daemon|error during connect: ", err):
            raise Unreachable(f"docker on {self.ssh.name} does not answer", lines(err))

    def inspect(self, kind, *names):
        """What docker knows of those that are there: a list of documents."""
        if not names:
            return []
        form = ["--format", _CONTAINER if kind == "container" else "{{json .}}"]
        status, out, err = self.try_docker("inspect", "--type", kind, *form, *names)
        if status != 0 and not _NOT_THERE.search(err.decode("utf-8", "replace")):
            # That it is not known is not that it is not there.
            raise Errored(f"docker inspect on {self.ssh.name} ended with exit status {status}", lines(err))
        try:
            return [json.loads(line) for line in out.splitlines() if line.strip()]
        except ValueError as error:
            raise Errored(f"docker inspect on {self.ssh.name} did not answer with JSON") from error

    def container(self, name):
        """A container's document, or None."""
        return next(iter(self.inspect("container", name)), None)

    def containers(self, **labels):
        """Documents of all containers with these labels, newest first."""
        words = [word for key, value in labels.items() for word in ("--filter", f"label={LABEL}.{key}={value}")]
        names = self.docker("ps", "--all", "--quiet", "--no-trunc", *words).decode().split()
        return sorted(self.inspect("container", *names), key=lambda each: each["Created"], reverse=True)

    def mine(self):
        """The labels that all containers of this environment have."""
        return {"app": self.environment["app"], "environment": self.environment["name"]}

    def labels(self, **more):
        """What all containers of this environment are found by, as arguments of docker."""
        all_of_them = {**self.mine(), **more}
        return [word for key, value in all_of_them.items() for word in ("--label", f"{LABEL}.{key}={value}")]

    def pull(self, image):
        if self.inspect("image", image.reference):
            self.say("  it is there already")
            return
        if self.access.registry_password is None:
            status, _, err = self.try_docker("pull", "--quiet", image.reference, limit=PULL)
        else:
            words = ["sh", "-c", _PULL_WITH_LOGIN, "sh", image.reference]
            self.host_lock.check()
            status, _, err = self._understood(*self.ssh.run(words, self._login(image), PULL, self._ping, ["docker", "pull", image.reference]))
        if status != 0:
            raise PullFailed(f"{self.ssh.name} cannot pull {image.reference}", lines(err))

    def _login(self, image):
        with open(self.access.registry_password, encoding="utf-8") as file:
            pair = f"{self.access.registry_user}:{file.read().strip()}"
        host = reference.parse(image.reference).host
        # Docker's own name for its hub.
        known = "https://index.docker.io/v1/" if host in ("docker.io", "index.docker.io", "registry-1.docker.io") else host
        return json.dumps({"auths": {known: {"auth": base64.b64encode(pair.encode()).decode()}}}).encode()

    def proven(self, container):
        """The Running that a container is. Its digest is that of the image that docker made it from."""
        name, labels = container["Name"].lstrip("/"), container["Config"].get("Labels") or {}
        images = self.inspect("image", container["Image"])
        digests = {text.rpartition("@")[2] for each in images for text in each.get("RepoDigests") or []}
        told = labels.get(f"{LABEL}.digest")
        if told is None and len(digests) == 1:
            told = next(iter(digests))
        if told is None or told not in digests:
            known = ", ".join(sorted(digests)) or "none"
            raise Errored(f"docker on {self.ssh.name} does not prove what {name} is: it says {told or 'nothing'}, its image has {known}")
        proof = f"docker inspect of {name} on {self.ssh.host}: its image {container['Image'][:19]} has this digest"
        return Running(told, name, container["State"].get("StartedAt", ""), proof)

    def last_lines(self, container):
        """The end of what a container wrote."""
        _, out, err = self.try_docker("logs", "--tail", str(LAST), container)
        return lines(out + err)

    def once(self, name, create):
        """
        Runs a container to its end. `create` is asked to make it, detached, under its name. One that an earlier run
        made, and could not wait for, is waited for; one that ended well is not run again until it is removed.
        """
        for each in self.containers(role="release-command", **self.mine()):
            other = each["Name"].lstrip("/")
            if each["State"]["Running"] and other != name:
                self.say(f"  {other} of an earlier run is at work: waiting for its end")
                self.docker("wait", other, limit=self.environment["timeout"])
        there = self.container(name)
        if there is not None and (there["State"]["Status"] == "created" or (not there["State"]["Running"] and there["State"]["ExitCode"])):
            self.docker("rm", "--force", name)
            there = None
        if there is None:
            create()
        else:
            self.say("  an earlier run began with it: waiting for that one")
        status = int(self.docker("wait", name, limit=self.environment["timeout"]).split()[0])
        log = self.last_lines(name)
        for line in log:
            self.say(f"  {line}")
        if status != 0:
            self.docker("rm", "--force", name)
            raise MigrationFailed(f"the release command ended with exit status {status}", log)

    def port(self, document):
        """The port that a container or an image listens on: what the settings say, or else the first that it exposes."""
        labelled = (document["Config"].get("Labels") or {}).get(f"{LABEL}.port")
        exposed = [text.partition("/")[0] for text in document["Config"].get("ExposedPorts") or {}]
        # An image may have labels and ports of its own that are none.
        known = [int(text) for text in (labelled, *sorted(exposed, key=len)) if text and re.fullmatch(r"\d{1,5}", text)]
        return self.environment.get("port") or next(filter(None, known), 8000)

    def wait_until_healthy(self, container):
        """
        Asks a container until it is well: by the health check of the settings, else by the image's own (HEALTHCHECK), else
        by an answer that is no error of the server's. Raises Unhealthy.
        """
        limit, came, pause = time.monotonic() + self.environment["healthTimeout"], "nothing", 0.5
        while True:
            document = self.container(container)
            if document is None:
                raise Unhealthy("the container", "to be there", "none: somebody removed it")
            check, expected, ask = self._check(document)
            state = document["State"]
            if not state["Running"] or state.get("Restarting") or document.get("RestartCount", 0) > 0:
                why = "was killed for its memory" if state.get("OOMKilled") else f"ended with exit status {state['ExitCode']}"
                raise Unhealthy(check, expected, f"the container {why}", self.last_lines(container))
            well, came = ask()
            if well:
                return
            if time.monotonic() > limit:
                within = f"{check} within {self.environment['healthTimeout']} s"
                raise Unhealthy(within, expected, came, self.last_lines(container))
            time.sleep(pause)
            # What answers, if not well, writes lines of its own: those before them are worth more.
            pause = 0.5 if came == NOBODY else min(4.0, pause * 1.5)

    def _check(self, document):
        """(what is asked, what is expected, a function that asks once) of a container: (whether it is well, what came)."""
        path = self.environment.get("health")
        own = ((document["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]) if path is None else ["NONE"]
        if own[0] in ("CMD", "CMD-SHELL"):
            words = own[1:] if own[0] == "CMD" else ["/bin/sh", "-c", *own[1:]]
            return "the image's health check", "exit status 0", lambda: self._exec(document["Name"].lstrip("/"), words)
        port = self.port(document)
        addresses = [each.get("IPAddress") for each in document["NetworkSettings"]["Networks"].values()]
        address = next((each for each in addresses if each), None)
        expected = "less than 500" if path is None else 200
        return f"GET {path or '/'} on port {port}", expected, lambda: self._get(address, port, path)

    def _exec(self, name, words):
        # 255 is what ssh itself ends with.
        self.host_lock.check()
        script = ["sh", "-c", 'docker exec "$@"; printf "\\n%s" "$?" >&2', "sh", name, *words]
        try:
            _, out, err = self.ssh.run(script, limit=3 * ASK, called=["docker", "exec", name, *words])
        except Unreachable:
            raise
        except Errored as error:
            return False, str(error)
        err, _, last = err.rpartition(b"\n")
        status = int(last) if last.isdigit() else 1
        self._refuse_silence(status, err)
        said = lines(out + err)
        if any("ConnectionRefused" in line or "Connection refused" in line for line in said):
            return False, NOBODY
        return status == 0, f"exit status {status}{f' ({said[-1][:200]})' if said else ''}"

    def _get(self, address, port, path):
        if address is None:
            return False, NOBODY
        try:
            with self.ssh.http(address, port, ASK) as connection:
                # The name that the application is asked by: frameworks refuse others.
                named = urlsplit(self.environment.get("url") or "").netloc or "localhost"
                headers = {"Host": named, "User-Agent": "pyline", "Connection": "close"}
                connection.request("GET", ascii_of(path or "/"), headers=headers)
                answer = connection.getresponse()
                text = " ".join(answer.read(300).decode("utf-8", "replace").split())
                well = answer.status < 500 if path is None else answer.status == 200
                return well, f"{answer.status}{f' ({text[:200]})' if text else ''}"
        except TimeoutError:
            return False, f"no answer within {ASK} s"
        except (OSError, http.client.HTTPException):
            return False, NOBODY

    def remove_image(self, name):
        """An image that nothing uses any more; docker keeps one that something does."""
        self.try_docker("image", "rm", name)

    def best_effort(self, *words):
        try:
            self.docker(*words)
        except DeliveryError as error:
            self.say(f"  {error}")


def is_unstartable(said):
    """Whether docker cannot start an image for what it is, by the lines that it said."""
    return any(_UNSTARTABLE.search(line) for line in said)


def lines(data):
    """The last lines of what a program wrote, in UTF-8."""
    return [line.rstrip()[:500] for line in data.decode("utf-8", "replace").splitlines() if line.strip()][-LAST:]
