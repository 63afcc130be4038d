"""The hooks of .pre-commit-config.yaml, run by prek over all files of the project."""

import re
import subprocess

from process import run

MESSAGE_LINES = 20
NETWORK = re.compile(r"clone|fetch|download|resolve host|network|timed out|certificate|connection", re.IGNORECASE)
PLACE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::(?P<column>\d+))?:? ?(?P<message>.*)$")


def pre_commit(tool, result):
    repository()
    ran = run("pre-commit", [tool["program"], "run", "--all-files", "--color", "never", "--no-progress", *tool["args"]])
    print(ran.stdout, flush=True)
    failed = list(hooks_that_failed(ran.stdout))
    # 1 is a hook that is red; all else are hooks that could not be got, or a file that cannot be read.
    if ran.status not in (0, 1) or (ran.status == 1 and not failed):
        raise ran.unable("machine" if NETWORK.search(ran.stderr) else "project", "its hooks could not be run")
    for hook, lines in failed:
        places = [match for match in map(PLACE.match, lines) if match]
        for match in places:
            column = match["column"]
            result.find(
                match["message"] or hook,
                file=match["file"],
                line=int(match["line"]),
                column=int(column) if column else None,
                rule=hook,
                tool="pre-commit",
            )
        if not places:
            result.find("\n".join(lines[:MESSAGE_LINES]) or "failed", rule=hook, tool="pre-commit")
    return ran.status == 0


def repository():
    """Hooks look at what git knows, and the project comes without its history. All of it is committed: some hooks look at what
    is added by a commit, and that is nothing here. The branch has a name that no hook forbids to commit to."""
    identity = ["-c", "user.name=pyline", "-c", "user.email=pyline@localhost", "-c", "commit.gpgsign=false"]
    for argv in (
        ["init", "--quiet", "--initial-branch", "pyline-check"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", "the project as it is"],
    ):
        ran = run("git", ["git", *argv])
        if ran.status != 0:
            raise ran.unable("machine", "the project could not be made a repository of git")


def hooks_that_failed(text):
    """(id, lines) of each hook that the report has as failed."""
    hook, lines = None, []
    for line in text.splitlines():
        started = re.match(r"^- hook id: (\S+)", line)
        if started or re.match(r"^\S.*\.{3,}\s*\(?[A-Z]", line):
            if hook is not None:
                yield hook, lines
            hook, lines = (started[1], []) if started else (None, [])
        elif hook is not None and not re.match(r"^- (exit code|duration):", line):
            if line.strip():
                lines.append(re.sub(r"^(- |  )", "", line.rstrip()))
    if hook is not None:
        yield hook, lines
