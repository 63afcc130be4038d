"""
Whether a run that wrote down that it began is still at work. It moves a tag every few seconds for as long as it lives; who
wants to know watches whether the tag moves. No clock of one machine is compared with that of another.
"""

import threading
import time

from delivery.errors import DeliveryError
from registry.errors import RegistryError

BEAT_S = 5
# Longer than some beats that a busy registry makes late.
WATCH_S = 30


class Alive(threading.Thread):
    """Moves the tag until it is left."""

    def __init__(self, ledger):
        super().__init__(daemon=True)
        self._ledger = ledger
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
                self._ledger.beat()
            except (DeliveryError, RegistryError):
                # The next one may go better; whoever watches waits for some.
                pass
            self._ended.wait(BEAT_S)


def is_alive(ledger, record, say):
    """Whether the run that wrote the last record lives. One that ends meanwhile does not."""
    say(f"{record.by or 'somebody'} began at {record.at}: watching whether they are at work, {WATCH_S} s at most")
    first, beat = ledger.head(), ledger.last_beat()
    limit = time.monotonic() + WATCH_S
    while time.monotonic() < limit and ledger.head() == first:
        time.sleep(1)
        if ledger.last_beat() != beat:
            return ledger.head() == first
    return False
