"""Coverage by file, from the XML that coverage.py writes."""

import os
from xml.parsers import expat

from junit import refuse, whole

BYTES = 64 * 1024 * 1024
FILES = 5000
RANGES = 40


class File:
    def __init__(self, name):
        self.name = name[:400]
        self.covered = self.total = 0
        self.branches = self.branches_covered = 0
        self.missing = []
        self._last_was_missed = False

    def line(self, attributes):
        number = whole(attributes.get("number"), 0)
        missed = attributes.get("hits") == "0"
        self.total += 1
        self.covered += not missed
        if attributes.get("branch") == "true":
            # condition-coverage="50% (1/2)"
            taken, _, all_of_them = attributes.get("condition-coverage", "").partition("(")[2].rstrip(")").partition("/")
            self.branches += whole(all_of_them, 0)
            self.branches_covered += min(whole(taken, 0), whole(all_of_them, 0))
        if missed and self._last_was_missed:
            self.missing[-1][1] = number
        elif missed:
            self.missing.append([number, number])
        self._last_was_missed = missed

    @property
    def rate(self):
        """As coverage.py counts: branches beside lines."""
        of = self.total + self.branches
        return (self.covered + self.branches_covered) / of if of else 1.0

    def missing_text(self):
        """`3-7, 12`"""
        shown = ["%d" % a if a == b else "%d–%d" % (a, b) for a, b in self.missing[:RANGES]]
        return ", ".join(shown) + (", …" if len(self.missing) > RANGES else "")


class Coverage:
    def __init__(self, path):
        self.files = []
        self._depth = 0
        if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) <= BYTES:
            parser = expat.ParserCreate()
            parser.StartDoctypeDeclHandler = self._doctype
            parser.StartElementHandler = self._start
            try:
                with open(path, "rb") as file:
                    parser.ParseFile(file)
            except (expat.ExpatError, ValueError):
                # Half of a coverage would be a wrong one.
                self.files = []

    def _doctype(self, name, system, public, has_internal_subset):
        # Old versions of coverage.py name the document type; only one that defines something is refused.
        if has_internal_subset:
            refuse()

    def _start(self, tag, attributes):
        if tag == "class":
            if len(self.files) == FILES:
                raise ValueError("too many files")
            self.files.append(File(attributes.get("filename", "")))
        elif tag == "line" and self.files:
            self.files[-1].line(attributes)

    @property
    def rate(self):
        of = sum(file.total + file.branches for file in self.files)
        covered = sum(file.covered + file.branches_covered for file in self.files)
        return covered / of if of else 1.0
