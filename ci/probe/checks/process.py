"""Running a tool, with all that it prints."""

import os
import signal
import subprocess
import sys
import tempfile

OUTPUT_BYTES = 64 * 1024 * 1024


class Unable(Exception):
    """A tool could not check. `cause` is "project" where the project's own files are why."""

    def __init__(self, summary, detail="", cause="machine"):
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.cause = cause


class Ran:
    def __init__(self, name, status, stdout, stderr):
        self.name = name
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def unable(self, cause="project", what=None):
        """For an exit status that is no verdict: nearly always the project's configuration of the tool."""
        detail = self.stderr.strip() or self.stdout
        return Unable(what or "%s stopped with exit status %d" % (self.name, self.status), detail, cause)


def run(name, argv, timeout=None):
    """Runs a tool to its end. Raises Unable where it cannot be started, is killed, or prints without end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("FORCE_COLOR", "CLICOLOR"))}
    # Beside a tool may be programs that it starts, such as node.
    environment["PATH"] = os.path.dirname(argv[0]) + os.pathsep + environment.get("PATH", "")
    environment.update(NO_COLOR="1", TERM="dumb", PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            status = subprocess.call(
                argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, timeout=timeout
            )
        except OSError as error:
            raise Unable("%s cannot be started: %s" % (name, error.strerror))
        except subprocess.TimeoutExpired:
            raise Unable("%s did not end within %d s" % (name, timeout))
        said, complained = text_of(stdout), text_of(stderr)
    if status < 0:
        what = "was killed, probably out of memory" if status == -signal.SIGKILL else "crashed (%s)" % signal_name(-status)
        raise Unable("%s %s" % (name, what), complained or (said or ""))
    if said is None or complained is None:
        raise Unable("%s printed more than %d MB" % (name, OUTPUT_BYTES // 1024 // 1024), cause="project")
    if complained:
        sys.stderr.write(complained)
        sys.stderr.flush()
    return Ran(name, status, said, complained)


def text_of(file):
    size = file.seek(0, os.SEEK_END)
    if size > OUTPUT_BYTES:
        return None
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def relative(path):
    """As from the project's root, which is the working directory; a path elsewhere stays as it is."""
    if not isinstance(path, str) or not path:
        return None
    root = os.getcwd() + os.sep
    return path[len(root) :] if path.startswith(root) else os.path.normpath(path)
