"""Run a program, pass on what it prints as it comes, and keep the end of it."""

import os
import select
import subprocess

TAIL_BYTES = 16384


def run(argv, environment):
    """Run the tests; (status as subprocess has it, last of what they printed)."""
    read, write = os.pipe()
    child = subprocess.Popen(argv, stdout=write, stderr=write, stdin=subprocess.DEVNULL, env=environment)
    os.close(write)
    tail = b""
    # The pipe stays open while anything the tests started holds it, so the end of the child ends the reading too.
    os.set_blocking(read, False)
    left = 1_000_000
    while left > 0:
        ended = child.poll() is not None
        data = read_some(read, 0.0 if ended else 0.1)
        if data:
            write_all(1, data)
            left -= len(data) if ended else 0
            tail = (tail + data)[-TAIL_BYTES:]
        elif ended or data == b"":
            break
    return child.wait(), tail.decode("utf-8", "replace")


def read_some(descriptor, timeout):
    """What there is to read: None for nothing yet, b"" for the end."""
    if not select.select([descriptor], [], [], timeout)[0]:
        return None
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return None


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
