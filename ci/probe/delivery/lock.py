"""
An environment's lock on a machine: held by a command that runs there. It ends with the connection; where the connection
is cut without a word it ends when it has heard nothing for a while.
"""

import json
import threading
from contextlib import contextmanager
from datetime import datetime, timezone

from delivery.errors import Errored, Locked, Unreachable
from delivery.target import Holder

BEAT_S = 15
SILENCE_S = 60
# A run that was killed a moment ago may not have let go yet.
PATIENCE_S = 5
# Commands that such a run began go on without it.
ENDED_S = 150
_TAKEN, _BUSY = 75, 76
# What a login shell says before is passed over.
_MOST_LINES = 50

# $1 is the name of the lock. Standard input: a line that says who, then a byte every few seconds.
_TAKE = f"""
set -eu
umask 077
mkdir -p "$HOME/.pyline"
exec flock -w {PATIENCE_S} -E {_TAKEN} "$HOME/.pyline/$1.lock" sh -c '
  IFS= read -r holder
  printf "%s\\n%s\\n" "$holder" "$$" > "$HOME/.pyline/$1.holder"
  tries=0
  until flock -w 1 "$HOME/.pyline/$1.work" true; do
    echo waiting
    tries=$((tries + 1))
    [ "$tries" -lt {ENDED_S} ] || {{ rm -f "$HOME/.pyline/$1.holder"; exit {_BUSY}; }}
  done
  echo held
  while byte=$(timeout {SILENCE_S} dd bs=1 count=1 2>/dev/null) && [ -n "$byte" ]; do :; done
  rm -f "$HOME/.pyline/$1.holder"
' sh "$1"
"""

# Runs the command that follows $0. Whoever takes the lock after a run that was killed waits until it has ended.
_WORK = f'exec flock --shared --nonblock -E {_BUSY} "$HOME/.pyline/$0.work" "$@"'

_SHOW = 'cat "$HOME/.pyline/$1.holder" 2>/dev/null || true'

# The number in the file is that of a process that lives as long as the lock is held.
_BREAK = """
set -eu
cd "$HOME/.pyline" 2>/dev/null || exit 0
if flock -n "$1.lock" true; then exit 0; fi
pid=$(sed -n 2p "$1.holder")
kill "$pid" && rm -f "$1.holder"
flock -w 10 "$1.lock" true
"""


class HostLock:
    """`name` is that of files on the machine behind an Ssh."""

    def __init__(self, ssh, name, say=print):
        self._ssh, self._name, self._say = ssh, name, say
        self._process = None

    @contextmanager
    def held(self, holder):
        """Raises Locked."""
        process = self._process = self._ssh.open(["sh", "-c", _TAKE, "sh", self._name])
        ended = threading.Event()
        beats = threading.Thread(target=_beat, args=(process, ended), daemon=True)
        try:
            _tell(process, json.dumps(vars(holder)).encode() + b"\n")
            self._await(process)
            beats.start()
            yield
        finally:
            ended.set()
            self._process = None
            if beats.is_alive():
                beats.join(BEAT_S)
            try:
                process.stdin.close()
            except OSError:
                pass
            try:
                process.wait(10)
            except Exception:  # noqa: BLE001  whatever it is: the lock ends with the connection
                process.kill()
            process.stdout.close()
            process.stderr.close()

    def run(self, words, stdin, limit):
        """What Ssh.run gives, of a command that changes something: who has the lock next finds that it has ended."""
        self.check()
        done = self._ssh.run(["sh", "-c", _WORK, self._name, *words], stdin, limit, called=words)
        if done[0] == _BUSY:
            raise Errored(f"the lock on {self._ssh.name} was lost: somebody else takes it")
        return done

    def check(self):
        """Raises Errored where the lock was lost in the middle."""
        if self._process is not None and self._process.poll() is not None:
            raise Errored(f"the lock on {self._ssh.name} was lost: the connection was cut, or somebody broke it")

    def take_away(self):
        """Ends whoever holds it."""
        status, _, stderr = self._ssh.run(["sh", "-c", _BREAK, "sh", self._name])
        if status != 0:
            raise Errored(f"the lock on {self._ssh.name} cannot be broken", stderr.decode("utf-8", "replace").splitlines())

    def _await(self, process):
        """Returns when the lock is held."""
        said = False
        for _ in range(ENDED_S + _MOST_LINES):
            silent = threading.Timer(SILENCE_S, process.kill)
            silent.start()
            line = process.stdout.readline()
            silent.cancel()
            if line.strip() == b"held":
                return
            if line == b"":
                break
            if line.strip() == b"waiting" and not said:
                said = True
                self._say(f"  commands of a run that was killed are still at work on {self._ssh.name}: waiting for their end")
        self._refused(process)

    def _refused(self, process):
        process.stdin.close()
        stderr = process.stderr.read()
        status = process.wait()
        if status == 255:
            raise Unreachable(f"the connection to {self._ssh.name} was cut", stderr.decode("utf-8", "replace").splitlines())
        if status < 0:
            raise Unreachable(f"{self._ssh.name} has not said within {SILENCE_S} s whether the lock is free")
        if status == _BUSY:
            raise Errored(
                f"commands of a run that was killed are still at work on {self._ssh.name}, after {ENDED_S} s",
                ["do it again when they have ended", f"who they are: fuser -v ~/.pyline/{self._name}.work"],
            )
        if status != _TAKEN:
            lines = stderr.decode("utf-8", "replace").splitlines()
            raise Errored(f"the lock on {self._ssh.name} cannot be taken", [*lines, "it needs flock (util-linux) and a home folder"])
        shown = self._ssh.run(["sh", "-c", _SHOW, "sh", self._name])[1].splitlines()
        try:
            holder = Holder(**json.loads(shown[0]))
        except (LookupError, ValueError, TypeError):
            holder = None
        raise Locked(holder, None if holder is None else age(holder.since))


def age(since):
    """Seconds since a time, or None where it is none."""
    try:
        then = datetime.fromisoformat(since.replace("Z", "+00:00"))
        return max(0, int((datetime.now(timezone.utc) - then).total_seconds()))
    except (ValueError, TypeError, AttributeError):
        return None


def _tell(process, data):
    try:
        process.stdin.write(data)
        process.stdin.flush()
    except OSError:
        # It has ended: its status and what it wrote say why.
        pass


def _beat(process, ended):
    while not ended.wait(BEAT_S):
        _tell(process, b".")
