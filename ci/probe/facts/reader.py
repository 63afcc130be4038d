"""The files of a project, read within bounds."""

from __future__ import annotations

import configparser
import os
import re
import stat
import tomllib


MANIFEST_BYTES = 2_000_000
LOCK_BYTES = 50_000_000
FILES = 2_000


class Problem(Exception):
    """Something about one file that the user has to change."""

    def __init__(self, file: str, message: str, line: int | None = None, column: int | None = None):
        super().__init__(message)
        self.fact = {"file": file, "message": message}
        if line is not None:
            self.fact["line"] = line
            if column is not None:
                self.fact["column"] = column


class Project:
    """The files of the directory, read at most once and only within bounds."""

    def __init__(self, root: str):
        self.root = os.path.realpath(root)
        self.errors: list[dict] = []
        self.missing: list[dict] = []
        self.texts: dict[str, str | None] = {}

    def report(self, problem: Problem) -> None:
        if len(self.errors) < 50 and problem.fact not in self.errors:
            self.errors.append(problem.fact)

    def exists(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self.root, path))

    def text(self, path: str) -> str | None:
        """The text of a file; None, and an error, where it cannot be had."""
        if path not in self.texts:
            try:
                self.texts[path] = self._read(path)
            except Problem as problem:
                self.report(problem)
                self.texts[path] = None
        return self.texts[path]

    def _read(self, path: str) -> str:
        if len(self.texts) > FILES:
            raise Problem(path, f"more than {FILES} manifests")
        real = os.path.realpath(os.path.join(self.root, path))
        if os.path.commonpath([real, self.root]) != self.root:
            raise Problem(path, "is a link to a file outside of the project")
        limit = LOCK_BYTES if path.endswith(".lock") or path.startswith("pylock") else MANIFEST_BYTES
        try:
            # Not blocking: opening a named pipe would otherwise wait for a writer for ever.
            with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise Problem(path, "is not a regular file")
                if status.st_size > limit:
                    raise Problem(path, f"is larger than {limit // 1_000_000} MB")
                data = file.read(limit + 1)
        except OSError as error:
            raise Problem(path, f"cannot be read: {error.strerror}") from error
        # Windows editors and PowerShell redirections leave byte order marks; pip and uv read both kinds.
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            try:
                return data.decode("utf-16")
            except UnicodeDecodeError as error:
                raise Problem(path, "is neither UTF-8 nor UTF-16 text") from error
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
            raise Problem(path, f"is not UTF-8 text: byte 0x{data[error.start]:02x}", line, column) from error

    def toml(self, path: str) -> dict | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error), re.DOTALL)
            if match is None:
                self.report(Problem(path, f"is not valid TOML: {error}"))
            elif match[2] is None:
                last = text.rstrip("\n").count("\n") + 1
                self.report(Problem(path, f"is not valid TOML: {match[1]} at the end of the file", last))
            else:
                self.report(Problem(path, f"is not valid TOML: {match[1]}", int(match[2]), int(match[3])))
        except (RecursionError, ValueError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            self.report(Problem(path, f"is not valid TOML: {reason}"))
        return None

    def ini(self, path: str) -> configparser.RawConfigParser | None:
        text = self.text(path)
        if text is None:
            return None
        # setuptools is as lenient, and tools' own sections often repeat an option.
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text, path)
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or next((n for n, _ in getattr(error, "errors", [])), None)
            message = (
                "has no section header"
                if isinstance(error, configparser.MissingSectionHeaderError)
                else "is not valid INI"
            )
            self.report(Problem(path, message, line))
            return None
        return parser


def line_of(text: str, pattern: str) -> int | None:
    """The line where a pattern stands: tomllib does not say where a value came from."""
    match = re.search(pattern, text, re.MULTILINE)
    return None if match is None else text.count("\n", 0, match.start()) + 1


def strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def table(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def key_line(project: Project, file: str, where: str) -> int | None:
    key = where.rsplit(".", 1)[-1]
    return line_of(project.text(file) or "", rf"^\s*[\"']?{re.escape(key)}[\"']?\s*=")
