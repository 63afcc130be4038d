"""Why a run came to no verdict, as far as the end of what it printed tells."""

import os
import re

from pyline_suite.junit import MESSAGE

FRAME = re.compile(r'^(?:INTERNALERROR> )?\s*File "(.+?)", line (\d{1,9})(?:,? in (\S+))?')
PLACE = re.compile(r"^([\w./ -]+\.py):(\d{1,9}): ")
ERROR = re.compile(r"^[A-Za-z_][\w.]*: \S")


def stopped(tail):
    """`kind` (import, usage, timeout, crash, exit, error or running) and what is known of `message`, `file`, `line`, `test`."""
    lines = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rstrip() for line in tail.splitlines()]
    for read in (of_conftest, of_usage, of_timeout, of_crash, of_exit, of_internal_error, of_traceback, of_progress):
        found = read(lines)
        if found is not None:
            return {key: value[:MESSAGE] if isinstance(value, str) else value for key, value in found.items() if value}
    return None


def of_conftest(lines):
    at = last(lines, r"^(?:ImportError while loading|ConftestImportFailure)\b.*'(.+conftest\.py)'")
    if at is None:
        return None
    index, match = at
    messages = [line[1:].strip() for line in lines[index:] if re.match(r"^E\s+\S", line)]
    found = {"kind": "import", "message": messages[-1] if messages else "", "file": ours(match[1])}
    for line in lines[index:]:
        place = PLACE.match(line) or FRAME.match(re.sub(r"^E\s+", "", line))
        if place and ours(place[1]):
            found["file"], found["line"] = ours(place[1]), int(place[2])
    return found


def of_usage(lines):
    """pytest's `ERROR: …`, and argparse's `python -m pytest: error: …`."""
    at = last(lines, r"^(?:ERROR: (?!usage: )|[\w. /-]+: error: )(\S.*)$")
    if at is None:
        return None
    index, match = at
    words = match[1].replace(os.getcwd() + os.sep, "")
    found = {"kind": "usage", "message": words}
    place = re.match(r"^([^:\s]+\.\w+):(?:(\d{1,9}):)? (.*?)(?: \(at line (\d{1,9}), column \d+\))?$", words)
    if place:
        found.update({"file": place[1], "line": int(place[2] or place[4] or 0), "message": place[3]})
    file = next((line.split(": ", 1)[1] for line in lines[index:] if re.match(r"^\s+inifile: /", line)), "")
    if not place and ours(file):
        found["file"] = ours(file)
    return found


def of_timeout(lines):
    """pytest-timeout, where it can only end the process."""
    if last(lines, r"^\++ Timeout \++$") is None:
        return None
    frames = [frame for frame in frames_of(lines) if (frame.get("test") or "").startswith("test")] or frames_of(lines)
    return {"kind": "timeout", "message": "timed out", **(frames[-1] if frames else {})}


def of_crash(lines):
    """faulthandler, whose frames begin with the innermost."""
    at = last(lines, r".*\bFatal Python error: (.*)$")
    if at is None:
        return None
    frames = frames_of(lines[at[0] :])
    return {"kind": "crash", "message": at[1][1], **(frames[0] if frames else {})}


def of_exit(lines):
    at = last(lines, r"^!+ (?:_pytest\.outcomes\.)?(.*?) !+$")
    return None if at is None else {"kind": "exit", "message": at[1][1]}


def of_internal_error(lines):
    at = last(lines, r"^INTERNALERROR> (\S.*)$")
    if at is None:
        return None
    frames = frames_of(lines)
    return {"kind": "error", "message": at[1][1], **(without_test(frames[-1]) if frames else {})}


def of_traceback(lines):
    begun = last(lines, r"^Traceback \(most recent call last\):$")
    # The end of a long one is as good: then its last line is the message.
    rest = lines[begun[0] :] if begun is not None else lines
    said = [line for line in rest if line]
    messages = [line for line in (said if begun is not None else said[-1:]) if ERROR.match(line)]
    if not messages or not any(FRAME.match(line) for line in rest):
        return None
    message = messages[-1]
    frames = frames_of(rest)
    return {"kind": "error", "message": message, **(without_test(frames[-1]) if frames else {})}


def of_progress(lines):
    """The file whose tests were running: pytest's line of it has not come to its end."""
    for line in reversed(lines):
        match = re.match(r"^([\w./-]+\.py)(::\S+)?(?: [.FEsxXrR]*)?$", line)
        if match:
            return {"kind": "running", "file": match[1], "test": (match[2] or "").replace("::", "", 1)}
        if line:
            break
    return None


def frames_of(lines):
    """The frames that are in the project."""
    frames = []
    for line in lines:
        match = FRAME.match(line)
        if match and ours(match[1]):
            frames.append({"file": ours(match[1]), "line": int(match[2]), "test": match[3]})
    return frames


def without_test(frame):
    return {key: value for key, value in frame.items() if key != "test"}


def last(lines, pattern):
    for index in range(len(lines) - 1, -1, -1):
        match = re.match(pattern, lines[index])
        if match:
            return index, match
    return None


def ours(path):
    """The path from where the tests were started; None for a file of something installed."""
    here = os.getcwd() + os.sep
    path = path[len(here) :] if path.startswith(here) else path
    if not path or path.startswith(("/", "..", "<")) or "site-packages" in path:
        return None
    return path
