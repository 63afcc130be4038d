"""A docker host: one container of the application, and a small proxy before it that is told where requests go."""

import hashlib
import io
import json
import re
import tarfile
import time

from delivery.errors import Errored, Failed, PullFailed, Request
from delivery.target import Running
from delivery.targets.docker_host import LABEL, PULL, DockerHost, is_unstartable, lines

PROXY_IMAGE = "caddy:2"
_AUTOSAVE = "/config/caddy/autosave.json"


class Docker(DockerHost):
    """
    Containers are called after the application, the environment, the digest and a number. What gets the requests is what
    the proxy's own configuration says, which it keeps on a volume.
    """

    def __init__(self, environment, access, say=print):
        super().__init__(environment, access, say)
        self.network = f"pyline-{self.name}"
        self.proxy = f"pyline-proxy-{self.name}"

    def running(self):
        live = self._live()
        if live is None:
            return None
        container, proxy = self.container(live), self.container(self.proxy)
        if proxy is None or not proxy["State"]["Running"]:
            self.say(f"  the proxy {self.proxy} does not run")
            return None
        if container is None or not container["State"]["Running"]:
            self.say(f"  the proxy sends requests to {live}, which does not run")
            return None
        found = self.proven(container)
        return Running(found.digest, found.release, found.since, f"{found.proof}, and the proxy sends requests to it")

    def migrate(self, image, command):
        self._network()
        name = f"{self.name}-{_short(image)}-release-command"
        words = ["run", "--detach", "--name", name, "--pull", "never", "--network", self.network]
        words += self.labels(role="release-command", digest=image.digest)
        self.once(name, lambda: self._run(name, [*words, *self._variables(), image.reference, *command]))

    def start(self, image):
        self._network()
        self._proxy()
        live = self._live()
        taken = [0]
        for each in self._releases():
            name = each["Name"].lstrip("/")
            taken.append(_number(name))
            # Of a run that did not end, or stopped long ago: its variables may be others than those of now.
            if name != live and each["Config"]["Labels"].get(f"{LABEL}.digest") == image.digest:
                self.docker("rm", "--force", name)
        name = f"{self.name}-{_short(image)}-{max(taken) + 1}"
        words = ["run", "--detach", "--name", name, "--pull", "never", "--network", self.network, "--restart", "no"]
        known = self.inspect("image", image.reference)
        if not known:
            raise Errored(f"{image.reference} is not on {self.ssh.name} any more: somebody removed it")
        port = self.port(known[0])
        words += [*self.labels(role="app", digest=image.digest, release=name, port=port), "--env", f"PORT={port}"]
        self._run(name, [*words, *self._variables(), image.reference])
        return name

    def healthy(self, release):
        self.wait_until_healthy(release)

    def switch(self, release):
        # From now on it comes back by itself when the machine does; with `unless-stopped` not where docker was killed, as
        # docker, when it comes back, stops what runs still, and takes that for a wish of somebody's.
        self.docker("update", "--restart", "always", release)
        container = self.container(release)
        if container is None:
            raise Errored(f"{release} is not on {self.ssh.name} any more: somebody removed it")
        wanted = json.dumps(self._configuration(release, self.port(container))).encode()
        words = ["exec", "--interactive", self.proxy, "caddy", "reload", "--config", "-"]
        limit = 60 + self.environment["drain"]
        status, _, err = self.try_docker(*words, stdin=wanted, limit=limit)
        if status != 0:
            raise Errored(f"the proxy {self.proxy} did not take its new configuration", lines(err))

    def retire(self, keep):
        live = self._live()
        if live is None:
            raise Errored(f"it is not known what gets the requests: nothing is stopped on {self.ssh.name}")
        old = [each for each in self._releases() if each["Name"].lstrip("/") != live]
        # Begun by runs that were killed: they never got a request, and are none to go back to.
        begun = [each for each in old if each["HostConfig"]["RestartPolicy"]["Name"] == "no"]
        if begun:
            self.docker("rm", "--force", *(each["Name"].lstrip("/") for each in begun))
            old = [each for each in old if each not in begun]
        running = [each["Name"].lstrip("/") for each in old if each["State"]["Running"]]
        if running:
            drain = self.environment["drain"]
            self.say(f"  {', '.join(running)}: {drain} s to end its requests")
            time.sleep(drain)
            self.docker("update", "--restart", "unless-stopped", *running)
            self.docker("stop", "--time", str(max(drain, 1)), *running, limit=120 + drain)
        gone = old[keep:]
        if gone:
            self.docker("rm", *(each["Name"].lstrip("/") for each in gone))
        for name in {each["Config"]["Image"] for each in (*gone, *begun)} - {each["Config"]["Image"] for each in old[:keep]}:
            self.remove_image(name)
        done = self.containers(**self.mine(), role="release-command")
        if done:
            self.docker("rm", "--force", *(each["Name"].lstrip("/") for each in done))

    def abort(self, release):
        if self._live() == release:
            raise Errored(f"{release} gets the requests: it is not removed")
        status, _, err = self.try_docker("rm", "--force", release)
        if status != 0 and b"No such container" not in err:
            raise Errored(f"{release} cannot be removed", lines(err))

    def _releases(self):
        return self.containers(**self.mine(), role="app")

    def _live(self):
        """The container that the proxy sends requests to, or None where it was told of none yet."""
        status, out, err = self.try_docker("cp", f"{self.proxy}:{_AUTOSAVE}", "-")
        if status != 0:
            if re.search(rb"No such container|Could not find the file|No such file", err):
                return None
            raise Errored(f"the configuration of the proxy {self.proxy} cannot be read", lines(err))
        try:
            with tarfile.open(fileobj=io.BytesIO(out)) as archive:
                document = json.load(archive.extractfile(archive.next()))
            route = document["apps"]["http"]["servers"]["pyline"]["routes"][0]
            return route["handle"][0]["upstreams"][0]["dial"].rpartition(":")[0]
        except (tarfile.TarError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise Errored(f"the configuration of the proxy {self.proxy} is not ours: what gets the requests is not known") from error

    def _configuration(self, release, port):
        """What the proxy is told (https://caddyserver.com/docs/json/)."""
        handler = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": f"{release}:{port}"}],
            # A release that is being restarted is waited for, as nothing has been sent to it yet.
            "load_balancing": {"try_duration": "5s", "try_interval": "100ms"},
            # Shorter than what servers of Python keep an idle connection for: no request meets one that is being closed.
            "transport": {"protocol": "http", "keep_alive": {"enabled": True, "idle_timeout": "1s"}},
        }
        server = {
            "listen": [":80"],
            "automatic_https": {"disable": True},
            "routes": [{"handle": [handler]}],
        }
        drain = f"{max(self.environment['drain'], 1)}s"
        return {
            "admin": {"listen": "localhost:2019"},
            "apps": {"http": {"grace_period": drain, "servers": {"pyline": server}}},
        }

    def _variables(self):
        file = self.environment.get("envFile")
        return ["--env-file", file] if file else []

    def _run(self, name, words):
        """`docker run` of a container of this name; none is left where it cannot be started."""
        status, _, err = self.try_docker(*words, limit=120)
        if status == 0:
            return
        said = lines(err)
        if not _is_taken(said):
            self.best_effort("rm", "--force", name)
        if is_unstartable(said):
            raise Failed(f"docker on {self.ssh.name} cannot start the image", said)
        file = self.environment.get("envFile")
        if file and any(file in line for line in said):
            raise Request(f"{file} cannot be read on {self.ssh.name}", said)
        raise Errored(f"docker run on {self.ssh.name} ended with exit status {status}", said)

    def _network(self):
        if not self.inspect("network", self.network):
            status, _, err = self.try_docker("network", "create", *self.labels(), self.network)
            if status != 0 and b"already exists" not in err:
                raise Errored(f"the network {self.network} cannot be made", lines(err))

    def _proxy(self):
        """The proxy as the settings want it. Made anew only where these have changed; what it was told last stays."""
        image, port = self.environment.get("proxyImage") or PROXY_IMAGE, self.environment.get("publish") or 80
        wanted = hashlib.sha256(json.dumps([1, image, port]).encode()).hexdigest()[:12]
        there = self.container(self.proxy)
        if there is not None and (there["Config"]["Labels"] or {}).get(f"{LABEL}.settings") == wanted:
            if there["HostConfig"]["RestartPolicy"]["Name"] != "always":
                self.docker("update", "--restart", "always", self.proxy)
            if not there["State"]["Running"]:
                self._start_proxy(port)
            return
        if not self.inspect("image", image):
            status, _, err = self.try_docker("pull", "--quiet", image, limit=PULL)
            if status != 0:
                raise PullFailed(f"{self.ssh.name} cannot pull the proxy's image {image}", lines(err))
        if there is not None:
            self.say("  the proxy's settings changed: it is made anew, and for a moment nothing answers")
            self.docker("rm", "--force", self.proxy)
        words = ["create", "--name", self.proxy, "--restart", "always", "--network", self.network]
        words += [*self.labels(role="proxy", settings=wanted), "--publish", f"{port}:80"]
        words += ["--volume", f"{self.proxy}-config:/config", "--volume", f"{self.proxy}-data:/data"]
        words += ["--env", "XDG_CONFIG_HOME=/config", "--env", "XDG_DATA_HOME=/data"]
        status, _, err = self.try_docker(*words, image, "caddy", "run", "--resume", limit=120)
        if status != 0:
            raise Errored(f"the proxy {self.proxy} cannot be made", lines(err))
        self._start_proxy(port)

    def _start_proxy(self, port):
        status, _, err = self.try_docker("start", self.proxy, limit=120)
        if status == 0:
            return
        said = lines(err)
        # What it was told is on a volume, and stays.
        self.best_effort("rm", "--force", self.proxy)
        if any("port is already allocated" in line or "address already in use" in line for line in said):
            raise Request(f"port {port} of {self.ssh.host} is taken: another `publish` is needed", said)
        raise Errored(f"the proxy {self.proxy} cannot be started", said)


def _short(image):
    return image.digest.partition(":")[2][:12]


def _is_taken(said):
    return any("is already in use by container" in line for line in said)


def _number(name):
    text = name.rpartition("-")[2]
    return int(text) if text.isdigit() else 0
