"""Any program: it is told which image to bring to which environment, and another one says what runs there."""

import os
import re
import signal
import subprocess
import threading
from collections import deque

from delivery import web
from delivery.errors import Errored, Failed, MigrationFailed, Request, Unreachable
from delivery.target import Image, Running, Target

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LAST = 20


class Command(Target):
    """
    `deployCommand` does all of it, from the pull to the switch. What runs is what `runningCommand` prints (nothing where
    nothing runs), or else what `digestUrl` answers.
    """

    # Where only an address says what runs, nothing answers before the first deployment.
    silent_before_first = True
    ledger_is_lock = True

    def running(self):
        words = self.environment.get("runningCommand")
        if words:
            status, out, log = self._run("running-command", words, {}, show=False)
            if status != 0:
                raise Unreachable(f"running-command ended with {_ended(status)}", log)
            found = _DIGEST.findall(out)
            if out.strip() and not found:
                raise Errored("running-command printed no digest (sha256:…)", log)
            return Running(found[-1], found[-1], "", "running-command printed the digest") if found else None
        url = self.environment.get("digestUrl")
        if not url:
            raise Request("nothing says what runs: the environment has neither running-command nor digest-url")
        digest = web.digest_at(url)
        return Running(digest, digest, "", f"{url} answers with the digest")

    def pull(self, image):
        """The command does that."""

    def migrate(self, image, command):
        words = self.environment.get("migrateCommand")
        if not words:
            raise Request("release = true needs a migrate-command, as only the command knows how to run in the image")
        status, _, log = self._run("migrate-command", words, {**_told(image), "PYLINE_RELEASE_COMMAND": " ".join(command)})
        if status != 0:
            raise MigrationFailed(f"migrate-command ended with {_ended(status)}", log)

    def start(self, image):
        return image.digest

    def healthy(self, release):
        """The command is asked to end well only when it is."""

    def switch(self, release):
        image = Image(self.environment["registry"], release)
        status, _, log = self._run("deploy-command", self.environment["deployCommand"], _told(image))
        if status != 0:
            raise Failed(f"deploy-command ended with {_ended(status)}", log)

    def retire(self, keep):
        """What is kept is the command's own affair."""

    def abort(self, release):
        """Nothing was started before the switch."""

    def _run(self, what, words, told, show=True):
        """Its exit status, what it printed, and the last lines of that and of its standard error."""
        out, log = [], deque(maxlen=_LAST)
        variables = {**os.environ, "PYLINE_ENVIRONMENT": self.environment["name"], **self._files(), **told}
        try:
            process = subprocess.Popen(
                words,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise Request(f"{what} cannot be started: {words[0]!r}: {error.strerror}") from error

        def read(stream, keep):
            for line in stream:
                keep.append(line) if keep is not None and len(keep) < 1000 else None
                log.append(line.rstrip()[:500])
                if show:
                    self.say(f"  {line.rstrip()}")

        readers = [
            threading.Thread(target=read, args=(process.stdout, out)),
            threading.Thread(target=read, args=(process.stderr, None)),
        ]
        for reader in readers:
            reader.start()
        limit = self.environment["timeout"]
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            raise Errored(f"{what} has not ended within {limit} s", log) from error
        finally:
            # What it leaves in the background would keep its output open.
            _kill(process)
            for reader in readers:
                reader.join(5)
        return process.returncode, "".join(out), list(log)

    def _files(self):
        """Where the secrets are that were given: paths, not values."""
        files = {
            "PYLINE_TOKEN_FILE": self.access.token,
            "PYLINE_SSH_KEY_FILE": self.access.ssh_key,
            "PYLINE_KNOWN_HOSTS_FILE": self.access.known_hosts,
            "PYLINE_KUBECONFIG_FILE": self.access.kubeconfig,
            "PYLINE_REGISTRY_PASSWORD_FILE": self.access.registry_password,
            "PYLINE_REGISTRY_USERNAME": self.access.registry_user or None,
        }
        return {name: path for name, path in files.items() if path is not None}


def _told(image):
    return {"PYLINE_IMAGE": image.reference, "PYLINE_DIGEST": image.digest, "PYLINE_REPOSITORY": image.repository}


def _kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass
    process.wait()


def _ended(status):
    return f"exit status {status}" if status >= 0 else f"signal {-status}"
