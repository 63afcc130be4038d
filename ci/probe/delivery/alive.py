"""
Whether a run that wrote down that it began is still at work. It moves a tag every few seconds for as long as it lives; who
wants to know watches whether the tag moves. No clock of one machine is compared with that of another.
"""

import threading
import time
import uuid

from delivery.errors import DeliveryError
from registry.errors import RegistryError

BEAT_S = 8
# Longer than some beats that a busy registry makes late.
WATCH_S = 30


class Alive(threading.Thread):
    """Moves the tag until it is left."""

    def __init__(self, ledger, record):
        super().__init__(daemon=True)
        self._ledger, self._record = ledger, record
        self._ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join(BEAT_S)

    def run(self):
        while not self._ended.is_set():
            try:
                self._ledger.beat({"record": self._record, "beat": uuid.uuid4().hex})
            except (DeliveryError, RegistryError):
                # The next one may go better; whoever watches waits for some.
                pass
            self._ended.wait(BEAT_S)


def is_alive(ledger, record, say):
    """Whether the run that wrote a record lives."""
    say(f"{record.by or 'somebody'} began at {record.at}: watching whether they are at work, {WATCH_S} s at most")
    first = ledger.last_beat()
    limit = time.monotonic() + WATCH_S
    while time.monotonic() < limit:
        time.sleep(2)
        if ledger.last_beat() != first:
            return True
    return False
