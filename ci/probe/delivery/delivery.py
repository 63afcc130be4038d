"""One environment, whoever changes it now, and the lock under which that is done."""

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass

from delivery import state
from delivery.alive import Alive, is_alive
from delivery.errors import DeliveryError, Errored, Locked, Raced, Unreachable
from delivery.ledger import age
from delivery.target import Holder
from registry.errors import RegistryError

_ATTEMPTS = 5


@dataclass
class Delivery:
    """All that is needed to change an environment."""

    environment: dict
    target: object
    repository: object
    ledger: object
    holder: Holder
    say: object = print
    break_lock: bool = False

    @property
    def name(self):
        return self.environment["name"]

    def running(self, records):
        """What runs there. Where that cannot be asked before the first deployment, nothing does."""
        try:
            return self.target.running()
        except (Errored, Unreachable):
            if self.target.silent_before_first and state.current(records) is None:
                return None
            raise

    def write(self, records, event, image=None, **what):
        """
        Writes a record and puts it before the others. Verdicts that others wrote in the meantime change nothing of it;
        raises Raced where something else was.
        """
        by = {"by": self.holder.by, "run": self.holder.run}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                record = self.ledger.append(event, state.last(records), image, **by, **what)
            except Raced:
                time.sleep(random.uniform(0, attempt))
                now = self.ledger.records()
                if attempt == _ATTEMPTS or not state.only_verdicts_since(now, state.last(records)):
                    raise
                records[:] = now
            else:
                records.insert(0, record)
                return record
        raise AssertionError("unreachable")

    def note(self, records, event, why, image=None):
        """Writes down what went wrong. That it cannot be written hides nothing of it."""
        try:
            self.write(records, event, image, why=why[:500])
        except (DeliveryError, RegistryError) as error:
            self.say(f"the ledger could not be told of it: {error}")

    @contextmanager
    def locked(self):
        """Alone with the environment; gives its records. By the target's own lock, or by one in the ledger."""
        if self.break_lock:
            self.say("breaking the lock")
            self.target.break_lock()
        with self.target.lock(self.holder):
            if not self.target.ledger_is_lock:
                yield self.ledger.records()
                return
            records = self._begun()
            with Alive(self.ledger):
                try:
                    yield records
                except (DeliveryError, RegistryError) as error:
                    if state.working(records) is not None:
                        self.note(records, "failed", str(error))
                    raise

    def _begun(self):
        """The records, with one that this run has begun. Of several at once one has it. Raises Locked or Raced."""
        for attempt in range(1, _ATTEMPTS + 1):
            records = self._when_idle()
            try:
                self.write(records, "started")
                return records
            except Raced:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _when_idle(self):
        """The records, where nobody is at work. A run that shows no sign of life does not count. Raises Locked."""
        while True:
            records = self.ledger.records()
            working = state.working(records)
            if working is None:
                return records
            alive = not self.break_lock and is_alive(self.ledger, working, self.say)
            now = state.working(self.ledger.records(1))
            if now is None or now.id != working.id:
                # It ended in the meantime, well or not.
                continue
            who = Holder(working.by or "somebody", working.run or "", working.at or "")
            if alive:
                raise Locked(who, age(working.at))
            self.say(f"the run of {who.by} that began at {who.since} did not end: taking over")
            return records
