"""Tests of a JUnit file. The tests may have written what they like into it, so only so much is kept."""

import os
import re
from xml.parsers import expat

from pyline_suite.junit import identifier
from text import Cut

BYTES = 256 * 1024 * 1024
CASES = 100_000
NAME = 1000
# Characters of one output, and of all of them: a page that a browser cannot open helps nobody.
HEAD, TAIL = 8_000, 56_000
OUTPUTS = 12_000_000

OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}
RANK = ("passed", "xfailed", "skipped", "error", "failed")
_HEADER = re.compile(r"^-{5,} Captured (Out|Err|Log) -{5,}$", re.MULTILINE)
_WORDS = {"Out": "Captured stdout", "Err": "Captured stderr", "Log": "Captured log"}


class Case:
    __slots__ = ("file", "id", "line", "message", "outcome", "outputs", "seconds")

    def __init__(self, attributes):
        self.file = attributes.get("file", "")[:NAME].replace("\\", "/") or None
        self.id = identifier({name: attributes.get(name, "")[:NAME] for name in ("name", "classname", "file")})
        self.line = whole(attributes.get("line"), -1) + 1 or None
        self.seconds = seconds(attributes.get("time"))
        self.outcome = "passed"
        self.message = ""
        # (title, Cut)
        self.outputs = []

    @classmethod
    def of_failure(cls, failure):
        """A red test of result.json."""
        case = cls({"file": failure.get("file", "")})
        case.id, case.line = failure["id"], failure.get("line")
        case.outcome = failure["kind"]
        case.message = failure.get("message", "")
        for title, key in (("Failure", "text"), ("Output", "output")):
            cut = Cut(HEAD, TAIL)
            cut.add(failure.get(key, ""))
            case.outputs.append((title, cut))
        return case

    @property
    def is_red(self):
        return self.outcome in ("failed", "error")


class JUnit:
    def __init__(self):
        self.cases = []
        self.left_out = 0
        self._case = None
        self._output = None
        self._depth = 0
        self._room = OUTPUTS

    def read(self, path):
        """Reads what there is: of a file that ends in the middle (its writer was killed), what came before."""
        if os.path.getsize(path) > BYTES:
            return self
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            with open(path, "rb") as file:
                parser.ParseFile(file)
        except (expat.ExpatError, ValueError):
            self._case = None
        return self

    def _start(self, tag, attributes):
        self._depth += 1
        if self._depth > 50:
            raise ValueError("nested too deeply")
        if tag == "testcase":
            self._case = Case(attributes)
        elif self._case is None:
            return
        elif tag in OUTCOMES:
            outcome = "xfailed" if attributes.get("type") == "pytest.xfail" else OUTCOMES[tag]
            case = self._case
            if RANK.index(outcome) > RANK.index(case.outcome):
                case.outcome = outcome
                case.message = attributes.get("message", "")[:4000]
            self._collect("Error" if case.outcome == "error" else "Failure", outcome in ("failed", "error"))
        elif tag in ("system-out", "system-err"):
            self._collect(_WORDS["Out" if tag == "system-out" else "Err"], True)

    def _collect(self, title, wanted):
        if wanted and self._room > 0 and len(self._case.outputs) < 8:
            self._output = Cut(HEAD, TAIL)
            self._case.outputs.append((title, self._output))

    def _characters(self, data):
        if self._output is not None:
            self._output.add(data)

    def _end(self, tag):
        self._depth -= 1
        if tag in OUTCOMES or tag in ("system-out", "system-err"):
            self._output = None
        elif tag == "testcase" and self._case is not None:
            if self._case.is_red:
                self._room -= sum(min(output.length, HEAD + TAIL) for _, output in self._case.outputs)
            else:
                # What a green test printed is of no interest, and there are many of them.
                self._case.outputs = []
            if len(self.cases) < CASES:
                self.cases.append(self._case)
            else:
                self.left_out += 1
            self._case = None


def refuse(*_):
    # A document type is where XML bombs are defined. No runner writes one.
    raise ValueError("a document type")


def sections(title, parts):
    """The outputs that pytest writes into one element, by their headings: (title, parts) of each that says something."""
    first, left_out, last = parts
    found = _split(title, first)
    if left_out:
        (title, begun), rest = found[-1], _split(found[-1][0], last)
        found[-1] = (title, (begun, left_out, rest[0][1]))
        found += rest[1:]
    whole_ones = [(name, text if isinstance(text, tuple) else (text.strip("\n"), 0, "")) for name, text in found]
    return [(name, text) for name, text in whole_ones if text[0].strip() or text[2].strip()]


def _split(title, text):
    places = list(_HEADER.finditer(text))
    ends = [place.start() for place in places] + [len(text)]
    rest = [(_WORDS[place[1]], text[place.end() : end]) for place, end in zip(places, ends[1:])]
    return [(title, text[: ends[0]]), *rest]


def whole(value, otherwise):
    return int(value) if value is not None and re.match(r"^\d{1,9}$", value) else otherwise


def seconds(value):
    return float(value) if value is not None and re.match(r"^\d{1,7}(\.\d{1,9})?$", value) else 0.0
