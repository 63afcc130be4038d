"""Commands on another machine, with OpenSSH's own client. Every word arrives there as it was given."""

import atexit
import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

from delivery.errors import Errored, Request, Unreachable

# Seconds for what should take none, such as asking what runs.
SHORT = 60
# While a command takes longer than that, it is asked this often whether there is any sense in waiting.
_LOOK_S = 60
_SAFE = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*|[0-9a-fA-F:.]+")
# What ssh itself exits with; the status of a command that ends with it cannot be told from that.
_SSH_FAILED = 255


class Ssh:
    """`url` is `ssh://user@host:port`. One connection is made and shared by all that follows."""

    def __init__(self, url, key, known_hosts):
        self.user, self.host, self.port = _parsed(url)
        self._key, self._known_hosts = key, known_hosts
        self._directory = None

    @property
    def name(self):
        return f"{self.user}@{self.host}" if self.user else self.host

    def run(self, words, stdin=b"", limit=SHORT, look=None, called=None):
        """
        (status, standard output, standard error) of a command. Raises Unreachable. `look` is called now and then while it
        goes on, and raises where there is no sense in waiting any longer. `called`: the words that people know it by.
        """
        self._connect()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        end, send = time.monotonic() + limit, stdin
        with subprocess.Popen([*self._ssh(), "--", self.host, shlex.join(words)], **pipes) as process:
            try:
                while True:
                    left = end - time.monotonic()
                    try:
                        out, err = process.communicate(send, timeout=min(left, _LOOK_S))
                        break
                    except subprocess.TimeoutExpired as error:
                        if time.monotonic() >= end:
                            said = shlex.join(called or words)[:200]
                            raise Errored(f"{said} on {self.name} has not ended within {limit} s") from error
                    # What is left of it is sent all the same.
                    send = None
                    if look is not None:
                        look()
            except BaseException:
                process.kill()
                raise
        if process.returncode == _SSH_FAILED:
            raise self._unreachable(err)
        return process.returncode, out, err

    def open(self, words):
        """A command that goes on, as a Popen with binary pipes. It ends there when its standard input ends."""
        self._connect()
        return subprocess.Popen(
            [*self._ssh(), "--", self.host, shlex.join(words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @contextmanager
    def http(self, host, port, timeout):
        """
        An HTTP connection to what that machine can reach, through the connection that is there. All of the answer has to
        have come when the time is up: TimeoutError.
        """
        self._connect()
        ours, theirs = socket.socketpair()
        words = [*self._ssh(), "-W", f"[{host}]:{port}" if ":" in host else f"{host}:{port}", "--", self.host]
        try:
            process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
        finally:
            theirs.close()
        ours.settimeout(timeout)
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.sock = ours
        late = threading.Event()

        def end():
            late.set()
            process.kill()

        limit = threading.Timer(timeout, end)
        limit.start()
        try:
            yield connection
        except (OSError, http.client.HTTPException) as error:
            if late.is_set():
                raise TimeoutError from error
            raise
        finally:
            limit.cancel()
            ours.close()
            process.kill()
            said = process.communicate()[1].decode("utf-8", "replace")
            if "administratively prohibited" in said:
                raise Request(
                    f"the ssh server of {self.host} allows no forwarding, which the health check needs",
                    ["set AllowTcpForwarding to `local` in its sshd_config, and no `restrict` without `port-forwarding` in authorized_keys"],
                )

    def close(self):
        """Ends the connection."""
        if self._directory is None:
            return
        if os.path.exists(os.path.join(self._directory, "master")):
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run([*self._ssh(), "-O", "exit", "--", self.host], **quiet, check=False)
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None

    def _connect(self):
        if self._directory is not None and os.path.exists(os.path.join(self._directory, "master")):
            return
        self._prepare()
        # Its errors go to a file: the connection that stays would keep a pipe open.
        with tempfile.TemporaryFile() as errors:
            words = [*self._ssh(), "-M", "-N", "-f", "-o", "ControlPersist=60", "--", self.host]
            try:
                done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, timeout=SHORT)
            except subprocess.TimeoutExpired as error:
                raise Unreachable(f"{self.name} does not answer within {SHORT} s") from error
            except FileNotFoundError as error:
                raise Errored("there is no ssh here (Debian: openssh-client)") from error
            errors.seek(0)
            if done.returncode != 0:
                raise self._unreachable(errors.read())

    def _prepare(self):
        """A folder of our own for the key, as ssh takes none that others may read."""
        if self._directory is not None:
            return
        if self._key is None:
            raise Request(f"no key to log in to {self.name} with", ["give one: --ssh-key file:~/.ssh/deploy"])
        if self._known_hosts is None:
            raise self._unknown_host(f"it is not known which key {self.host} has, so that another machine could pass for it")
        directory = tempfile.mkdtemp(prefix="pyline-ssh-")
        for name, source in (("key", self._key), ("known_hosts", self._known_hosts)):
            with open(source, "rb") as file:
                text = file.read().replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
            with open(os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(text)
        self._directory = directory
        atexit.register(self.close)
        self._try_key()

    def _try_key(self):
        """ssh passes over a key that it cannot read, as if there were none."""
        words = ["ssh-keygen", "-y", "-P", "", "-f", os.path.join(self._directory, "key")]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SHORT)
        except FileNotFoundError as error:
            raise Errored("there is no ssh-keygen here (Debian: openssh-client)") from error
        if done.returncode == 0:
            return
        self.close()
        if b"incorrect passphrase" in done.stderr:
            raise Request("the ssh key has a passphrase, which nobody is there to type", ["make one without: ssh-keygen -t ed25519 -N '' -f deploy_key"])
        raise Request("the ssh key is no private key", ["it begins with -----BEGIN OPENSSH PRIVATE KEY-----, and is given whole"])

    def _ssh(self):
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": os.path.join(self._directory, "known_hosts"),
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no",
            "IdentitiesOnly": "yes",
            "IdentityFile": os.path.join(self._directory, "key"),
            "ControlPath": os.path.join(self._directory, "master"),
            "ConnectTimeout": "15",
            "ConnectionAttempts": "2",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
        }
        words = ["ssh", "-F", "none", "-T", "-p", str(self.port)]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return [*words, "-l", self.user] if self.user else words

    def _unreachable(self, stderr):
        lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        text = "\n".join(lines)
        if "REMOTE HOST IDENTIFICATION HAS CHANGED" in text:
            return self._unknown_host(f"{self.host} has another host key than the known hosts say: is it the same machine?")
        if "Host key verification failed" in text or "host key is known for" in text:
            return self._unknown_host(f"the known hosts have no key of {self.host}")
        if "Permission denied" in text:
            return Request(
                f"{self.name} does not let this key in ({lines[-1]})",
                ["its public half has to be in ~/.ssh/authorized_keys there", f"show it: ssh-keygen -y -f KEY; try it: ssh -i KEY -p {self.port} {self.name} docker ps"],
            )
        return Unreachable(f"{self.name} cannot be reached ({lines[-1] if lines else 'ssh says nothing'})")

    def _unknown_host(self, message):
        port = "" if self.port == 22 else f"-p {self.port} "
        return Request(
            message,
            [
                f"get its key: ssh-keyscan {port}{self.host} > known_hosts",
                "compare it: ssh-keygen -lf known_hosts here, and ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there",
                "and give it: --known-hosts file:known_hosts",
            ],
        )


def _parsed(url):
    try:
        parts = urlsplit(url)
        user, host, port = parts.username or "", parts.hostname or "", parts.port or 22
    except ValueError as error:
        raise Request(f"{url!r} is no address of a host: {error}") from error
    if parts.scheme != "ssh" or not _SAFE.fullmatch(host) or (user and not _SAFE.fullmatch(user)) or parts.password:
        raise Request(f"{url!r} is no address of a host", ["write it like ssh://deploy@staging.example.com:22"])
    return user, host, port
