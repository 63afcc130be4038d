"""Counts and failures of JUnit files, which the tests may have written anything into."""

import os
import re
from xml.parsers import expat

COUNTS = ("passed", "failed", "errors", "skipped", "xfailed", "xpassed")
FAILURES = 200
MESSAGE = 400
TEXT = 4000
JUNIT_BYTES = 256 * 1024 * 1024


class JUnit:
    """Counts and failures of a JUnit file. The tests may have written what they like into it, so only so much is kept."""

    def __init__(self):
        self.totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        self.cases = dict.fromkeys(COUNTS, 0)
        self.failures = []
        # Seconds of each test: by all names that it goes by, and by its own.
        self.times = {}
        self.took = {}
        self.depth = 0
        self.case = None
        self.outcome = None
        self.text = None
        self.output = None

    def read(self, path):
        if os.path.getsize(path) > JUNIT_BYTES:
            raise ValueError("the JUnit file is larger than %d MB" % (JUNIT_BYTES // 1024 // 1024))
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self.refuse
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        with open(path, "rb") as file:
            parser.ParseFile(file)
        return self

    def refuse(self, *_):
        # A document type is where XML bombs are defined. No runner writes one.
        raise ValueError("the JUnit file has a document type")

    def start(self, tag, attributes):
        self.depth += 1
        if self.depth > 50:
            raise ValueError("the JUnit file is nested too deeply")
        if tag == "testsuite":
            for name in self.totals:
                self.totals[name] += whole(attributes.get(name))
        elif tag == "testcase":
            self.case = attributes
            self.outcome = "passed"
            self.first = len(self.failures)
            self.outputs = []
        elif tag in ("system-out", "system-err") and self.case is not None:
            self.output = []
        elif tag in ("failure", "error", "skipped") and self.case is not None:
            if tag == "skipped":
                self.outcome = "xfailed" if attributes.get("type") == "pytest.xfail" else "skipped"
            else:
                self.outcome = "failed" if tag == "failure" else "errors"
                self.text = []
                self.message = attributes.get("message", "")

    def characters(self, data):
        if self.text is not None and len(self.text) < 2000:
            self.text.append(data)
        if self.output is not None and len(self.output) < 20_000:
            self.output.append(data)

    def end(self, tag):
        self.depth -= 1
        if tag in ("failure", "error") and self.text is not None:
            if len(self.failures) < FAILURES:
                self.failures.append(failure(self.case, tag, self.message, "".join(self.text)))
            self.text = None
        elif tag in ("system-out", "system-err") and self.output is not None:
            self.outputs.append("".join(self.output))
            self.output = None
        elif tag == "testcase" and self.case is not None:
            output = printed("\n".join(self.outputs))
            for fact in self.failures[self.first :] if output else []:
                fact["output"] = output[-TEXT:]
            self.cases[self.outcome] += 1
            took = seconds(self.case.get("time"))
            self.took[identifier(self.case)] = self.took.get(identifier(self.case), 0.0) + took
            # As pytest names it, and as unittest does.
            for test in {identifier(self.case), "%s.%s" % (self.case.get("classname"), self.case.get("name"))}:
                self.times[test] = self.times.get(test, 0.0) + took
            self.case = None

    def counts(self):
        """The suite's own totals say more than its elements: a test that passed and failed in teardown is both."""
        totals = self.totals
        passed = totals["tests"] - totals["failures"] - totals["errors"] - totals["skipped"]
        xfailed = min(self.cases["xfailed"], totals["skipped"])
        if passed < 0 or totals["tests"] < sum(self.cases.values()) - self.cases["errors"]:
            return dict(self.cases)
        return {
            "passed": passed,
            "failed": totals["failures"],
            "errors": totals["errors"],
            "skipped": totals["skipped"] - xfailed,
            "xfailed": xfailed,
            "xpassed": 0,
        }


def whole(value):
    return int(value) if value is not None and re.match(r"^\d{1,9}$", value) else 0


def seconds(value):
    return float(value) if value is not None and re.match(r"^\d{1,6}(\.\d{1,9})?$", value) else 0.0


def failure(case, kind, message, text):
    file = case.get("file")
    line = int(case["line"]) + 1 if file and re.match(r"^\d{1,9}$", case.get("line", "")) else None
    lines = text.splitlines()
    # The last `path:line: ` of a traceback is where it failed, unless that is in a library.
    for entry in lines:
        match = re.match(r"^([\w./-]+\.py):(\d{1,9}): ", entry)
        if match and not match[1].startswith(("/", "..")) and (file is None or match[1] == file):
            file, line = match[1], int(match[2])
    first = assertion([entry[1:].strip() for entry in lines if re.match(r"^E\s", entry)])
    if message in ("collection failure", "internal error"):
        # pytest's headings; what it was stands below them.
        message = next((entry.strip() for entry in reversed(lines) if entry.strip()), message)
    said = first or message.splitlines()[0] if (first or message) else ""
    fact = {"id": identifier(case), "kind": "failed" if kind == "failure" else "error"}
    if file:
        fact["file"] = file[:MESSAGE]
        if line is not None:
            fact["line"] = line
    if said:
        fact["message"] = said[:MESSAGE]
    if text.strip():
        fact["text"] = text.strip("\n")[-TEXT:]
    return fact


def assertion(errors):
    """One line of pytest's `E` lines. An assert with a message of its own has that first, and what was compared below."""
    if not errors:
        return None
    compared = next((line for line in errors[1:] if line.startswith("assert ")), None)
    if compared is None or not errors[0].startswith("AssertionError: "):
        return errors[0]
    return "%s (%s)" % (compared, errors[0].split(": ", 1)[1])


def printed(text):
    """What a test printed, without pytest's headings of what it did not print."""
    parts = re.split(r"^-+ (Captured \w+) -+$", text, flags=re.MULTILINE)
    out = [parts[0].strip("\n")]
    for heading, part in zip(parts[1::2], parts[2::2]):
        if part.strip():
            out.append("%s:\n%s" % (heading, part.strip("\n")))
    return "\n".join(part for part in out if part)


def identifier(case):
    """`tests/test_a.py::TestB::test_c`, as pytest takes it."""
    name = case.get("name", "")
    classname = case.get("classname", "")
    if case.get("file") and not classname:
        # The module itself, which could not be collected.
        return case["file"][:MESSAGE]
    if case.get("file"):
        file, inner = owner(case["file"], classname)
        return "::".join([file, *(part for part in inner if part), name])[:MESSAGE]
    return (classname + "." + name if classname else name)[:MESSAGE]


def owner(file, classname):
    """The file that a test belongs to, and its classes in it."""
    path = re.sub(r"\.py$", "", file).split("/")
    for start in range(len(path)):
        # unittest imports modules from where it looks for them: `tests/test_a.py` may be `test_a`.
        module = ".".join(path[start:]) + "."
        if (classname + ".").startswith(module):
            return file, classname[len(module) :].split(".")
    # The file is where the code stands: of a method that a class inherits it is another one than that of the class.
    parts = classname.split(".")
    end = next((place for place, part in enumerate(parts) if part[:1].isupper()), len(parts))
    return "/".join(parts[:end]) + ".py", parts[end:]
