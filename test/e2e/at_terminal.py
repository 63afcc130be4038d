"""Run a command at a terminal, and type at it.

    python at_terminal.py SCRIPT COMMAND…

SCRIPT is JSON: a list of {"see": text, "type": text} and {"see": text, "signal": name}, done in order; each waits until its text
has been shown since the last. Prints JSON: what was shown, the exit status, and whether the terminal is as it was before.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 120


def main():
    script = json.loads(sys.argv[1])
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for descriptor in (0, 1, 2):
            os.dup2(slave, descriptor)
        os.closerange(3, 100)
        os.execvp(sys.argv[2], sys.argv[2:])
    shown, seen, status = b"", 0, None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if script:
            place = shown.find(script[0]["see"].encode(), seen)
            if place >= 0:
                move = script.pop(0)
                seen = place + len(move["see"].encode())
                if "type" in move:
                    os.write(master, move["type"].encode())
                else:
                    os.kill(pid, getattr(signal, move["signal"]))
                continue
        if select.select([master], [], [], 0.1)[0]:
            shown += os.read(master, 65536)
        elif status is not None:
            break
        else:
            # What it wrote last is still to be read when it has ended.
            ended, how = os.waitpid(pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(how) if ended == pid else None
    if status is None:
        os.kill(pid, signal.SIGKILL)
    same = termios.tcgetattr(slave) == before
    print(json.dumps({"shown": shown.decode("utf-8", "replace"), "sane": same, "left": script, "status": status}))


main()
