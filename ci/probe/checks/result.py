"""The result of a check, as ci/src/pipeline/check.ts reads it, and SARIF 2.1.0 of its findings.

A program of this directory makes a Result, adds findings, and ends with `sys.exit(result.end(reports))`: 0 for passed, failed
and skipped, 75 for errored. An engine runs a failed step again and keeps a good one, so nothing but a real answer is kept.

Standard library of Python 3.8 alone.
"""

import json
import os
import re
import sys
import time

FINDINGS = 2000
MESSAGE = 2000
DETAIL = 1200
ERRORED = 75
SEVERITIES = ("error", "warning", "note")


class Result:
    def __init__(self, check):
        self.check = check
        self.outcome = None
        self.summary = ""
        self.findings = []
        self.rules = {}
        self.dropped = 0
        self.detail = None
        self.cause = None
        self.reproduce = None
        self.started = time.monotonic()

    def find(self, message, *, file=None, line=None, column=None, rule=None, severity="error", tool=None):
        """Adds a finding. What a tool said is taken as it is found: a number that is none is left out."""
        finding = {"message": clean(message, MESSAGE) or "(no message)", "severity": severity if severity in SEVERITIES else "error"}
        if isinstance(file, str) and file:
            finding["file"] = clean(file, 400)
            if positive(line):
                finding["line"] = line
                if positive(column):
                    finding["column"] = column
        if isinstance(rule, str) and rule:
            finding["rule"] = clean(rule, 100)
        if tool:
            finding["tool"] = tool
        if len(self.findings) < FINDINGS:
            self.findings.append(finding)
        else:
            self.dropped += 1

    def about(self, rule, short=None, full=None, link=None):
        """What SARIF says of a rule beside its name."""
        known = self.rules.setdefault(clean(rule, 100), {})
        for key, text in (("shortDescription", short), ("fullDescription", full)):
            if isinstance(text, str) and text.strip():
                known[key] = {"text": clean(text, MESSAGE)}
        if isinstance(link, str) and link.startswith(("https://", "http://")):
            known["helpUri"] = link

    def count(self, severity="error"):
        return sum(finding["severity"] == severity for finding in self.findings)

    def errored(self, summary, detail=None, cause="machine"):
        """Could not check. `cause` is "project" where the project's files have to change."""
        self.outcome, self.summary, self.cause = "errored", summary, cause
        self.detail = detail

    def document(self):
        result = {
            "schema": 1,
            "check": self.check,
            "outcome": self.outcome,
            "summary": clean(self.summary, 300),
            "seconds": round(time.monotonic() - self.started, 3),
            "findings": self.findings,
        }
        if self.dropped:
            result["dropped"] = self.dropped
        for key in ("cause", "reproduce"):
            if getattr(self, key):
                result[key] = getattr(self, key)
        if self.detail:
            result["detail"] = last(self.detail)
        return result

    def end(self, reports):
        """Writes the files and gives the exit status."""
        if self.outcome not in ("passed", "failed", "errored", "skipped"):
            self.errored("the check ended without a verdict")
        document = self.document()
        os.makedirs(reports, exist_ok=True)
        write(os.path.join(reports, "check-%s.json" % self.check), document)
        if self.findings:
            write(os.path.join(reports, "%s.sarif" % self.check), sarif(self.check, self.findings, self.rules))
        sys.stderr.flush()
        if self.outcome != "errored":
            print("%s %s: %s" % (self.check, self.outcome, document["summary"]), flush=True)
            return 0
        # Engines give the last of what a failed step printed, and its files are gone: short, and in one line.
        print("pyline-check: " + json.dumps({**document, "findings": []}), flush=True)
        return ERRORED


def positive(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9


def clean(text, limit):
    """One printable text: no escape sequences, no control characters, not too long."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", str(text))
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def last(text, limit=DETAIL):
    """The last lines that fit."""
    lines = [clean(line, 300) for line in str(text).splitlines() if line.strip()][-15:]
    while len(lines) > 1 and sum(len(line) + 1 for line in lines) > limit:
        lines.pop(0)
    return "\n".join(lines)


def write(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")


def sarif(check, findings, rules=None):
    """SARIF 2.1.0, one run for each tool."""
    runs = {}
    for finding in findings:
        runs.setdefault(finding.get("tool", check), []).append(finding)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run(tool, found, rules or {}) for tool, found in runs.items()],
    }


def run(tool, findings, known):
    rules = sorted({finding["rule"] for finding in findings if "rule" in finding})
    return {
        "tool": {"driver": {"name": tool, "rules": [{"id": rule, **known.get(rule, {})} for rule in rules]}},
        "results": [sarif_result(finding, rules) for finding in findings],
    }


def sarif_result(finding, rules):
    result = {"level": finding["severity"], "message": {"text": finding["message"]}}
    if "rule" in finding:
        result["ruleId"] = finding["rule"]
        result["ruleIndex"] = rules.index(finding["rule"])
    if "file" in finding:
        place = {"artifactLocation": {"uri": uri(finding["file"]), "uriBaseId": "%SRCROOT%"}}
        if "line" in finding:
            place["region"] = {"startLine": finding["line"]}
            if "column" in finding:
                place["region"]["startColumn"] = finding["column"]
        result["locations"] = [{"physicalLocation": place}]
    return result


def uri(path):
    from urllib.parse import quote

    return quote(path)
