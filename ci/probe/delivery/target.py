"""
What every target can do. The driver (deploy.py) calls it in this order:

    with lock(holder): running, pull, migrate, start, healthy, switch, running (the proof), retire

and `abort` where one of migrate to healthy fails. Each step may run again on what a killed run left behind, and the state is
always read from the target, never remembered. Trouble is a DeliveryError of errors.py.
"""

from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """An image by its digest."""

    repository: str
    digest: str

    @property
    def reference(self):
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Running:
    """What gets the requests now."""

    digest: str
    # Its name there: of a container, a replica set; "" where the target has none.
    release: str
    # RFC 3339; "" where it is not known.
    since: str
    # How the runtime proves the digest, in a sentence.
    proof: str


@dataclass(frozen=True)
class Holder:
    """Who changes an environment."""

    by: str
    # Address or name of the run on the CI host; "" where there is none.
    run: str
    # RFC 3339.
    since: str


@dataclass(frozen=True)
class Access:
    """Files with what lets one in; None where nothing was given. Their contents go into no argument and no variable."""

    ssh_key: str | None = None
    known_hosts: str | None = None
    kubeconfig: str | None = None
    token: str | None = None
    # At the registry that the environment pulls from.
    registry_user: str = ""
    registry_password: str | None = None


class Target(ABC):
    """
    `environment` is that of the plan, with the settings' names as in ci/src/project/environments.ts: `name`, `app`,
    `target`, `host`, `port`, `health`, `healthTimeout`, `keep`, `drain`, …. What is optional may be absent.
    `say` prints a line of progress for people.
    """

    # Whether it cannot be asked what runs before the first deployment.
    silent_before_first = False
    # Whether it has no lock of its own, so that a record in the ledger is the lock.
    ledger_is_lock = False

    def __init__(self, environment, access, say=print):
        self.environment = environment
        self.access = access
        self.say = say

    @abstractmethod
    def running(self):
        """A Running, or None where nothing was ever started (a first deployment). Raises where that cannot be known."""

    def lock(self, holder):
        """A context manager: nobody else changes the environment within. Ends when this process is killed. Raises Locked."""
        return nullcontext()

    def break_lock(self):
        """Takes the lock away from who has it, for `--break-lock`."""

    def disturbance(self):
        """Why a "no" of this run may be none of the image's, in a sentence: what runs it all ended under it. Else None."""
        return None

    @abstractmethod
    def pull(self, image):
        """Gets an Image to where it will run. Raises PullFailed."""

    @abstractmethod
    def migrate(self, image, command):
        """Runs the image's release command (a list of words) once. Raises MigrationFailed."""

    @abstractmethod
    def start(self, image):
        """Starts an Image beside what runs; the name of the release. Takes over, or clears away, a half-started one."""

    @abstractmethod
    def healthy(self, release):
        """Waits until a release answers as it should. Raises Unhealthy."""

    @abstractmethod
    def switch(self, release):
        """Sends all new requests to a release. None is lost."""

    @abstractmethod
    def retire(self, keep):
        """Stops what gets no more requests, after they had time to end; keeps the last `keep` releases to go back to."""

    @abstractmethod
    def abort(self, release):
        """Removes a release that was started and gets no requests. What runs is not touched. May be called again."""
