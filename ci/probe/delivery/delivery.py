"""One environment, whoever changes it now, and the lock under which that is done."""

from contextlib import contextmanager
from dataclasses import dataclass, field

from delivery import state
from delivery.alive import Alive, is_alive
from delivery.errors import DeliveryError, Errored, Locked, Unreachable
from delivery.ledger import age
from delivery.target import Holder
from registry.errors import RegistryError


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
    # What each record says of where this comes from: the commit.
    facts: dict = field(default_factory=dict)

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
        """Writes a record and puts it before the others. Raises Raced."""
        by = {"by": self.holder.by, "run": self.holder.run}
        record = self.ledger.append(event, state.last(records), image, **by, **self.facts, **what)
        records.insert(0, record)
        return record

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
            records = self._when_idle()
            self.write(records, "started")
            with Alive(self.ledger, records[0].id):
                try:
                    yield records
                except (DeliveryError, RegistryError) as error:
                    if state.working(records) is not None:
                        self.note(records, "failed", str(error))
                    raise

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
