"""The page: what a person wants to know first comes first, and nothing but the long list of all tests needs scripts."""

import base64
import hashlib
import json
import os

from failures import failures
from graph import graph
from markup import COLOURS, html, icon, number, percent, section
from names import project
from sections import checks, coverage, files, plan, slowest, tests
from text import line
from verdict import Verdict

# The command fills it: the module does not hear of the steps of an engine.
STEPS = '<section id="steps-shown" hidden></section>\n'
HERE = os.path.dirname(os.path.abspath(__file__))


def render(model):
    verdict = Verdict(model)
    style, script = asset("page.css"), asset("page.js")
    found = [
        ("failures", "What failed", number(len(model.red) + len(verdict.broken)), failures(model, verdict)),
        ("checks", "Findings", None, checks(model)),
        ("slowest", "Slowest tests", None, slowest(model)),
        ("coverage", "Coverage", covered(model), coverage(model)),
        ("steps-shown", "Steps", None, STEPS),
        ("tests", "All tests", number(len(model.tests)), tests(model)),
        ("plan", "Plan", None, plan(model)),
        ("files", "Files", None, files(model)),
    ]
    found = [part for part in found if part[3]]
    parts = {
        # A data block is no script: the one script and the one style are named by their digests, and nothing else may act.
        "csp": "default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'"
        % (digest(style), digest(script)),
        "title": html("%s · %s" % (line(verdict.title), project(model))),
        "icon": favicon(verdict.state),
        "style": style,
        "script": script,
        "data": json.dumps(data(model), separators=(",", ":")).replace("<", "\\u003c"),
        "body": header(model, verdict, found)
        + '<main id="main" class="wide">\n'
        + graph(model, verdict)
        + "".join(STEPS if name == "steps-shown" else section(name, title, body, count) for name, title, count, body in found)
        + "</main>\n"
        + footer(),
    }
    # In one pass: what is put in is not looked at again.
    first, *rest = asset("page.html").split("{{")
    return first + "".join(parts[key] + text for key, _, text in (piece.partition("}}") for piece in rest))


def covered(model):
    found = model.result.get("coverage")
    return percent(model.coverage.rate) if found is None else "%s %%" % line(found["shown"], 10)


def poor(directory, trouble):
    """A page that says no more than the verdict, for when the whole one cannot be made."""
    try:
        with open(os.path.join(directory, "result.json"), encoding="utf-8") as file:
            title = json.load(file)["title"]
    except (OSError, ValueError, KeyError):
        title = "No result"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>%s</title><h1>%s</h1><p>This page could not be made in full, which is a fault of Pyline. "
        "The other reports lie beside it.</p><pre>%s</pre></html>\n" % (html(line(title)), html(line(title)), html(trouble))
    )


def header(model, verdict, found):
    counts = [(verdict.counts[word], word) for word in verdict.counts if verdict.counts[word]]
    facts = ["<li>%s %s</li>" % (number(count), "errors" if word == "error" and count > 1 else word) for count, word in counts]
    links = "".join(
        '<li%s><a href="#%s">%s%s</a></li>'
        % (' id="to-steps" hidden' if name == "steps-shown" else "", name, html(title), "" if count is None else " <small>%s</small>" % html(count))
        for name, title, count, _ in found
    )
    return (
        '<header class="%s"><div class="wide">\n<p class="project">%s</p>\n<h1>%s %s</h1>\n%s%s'
        '<nav aria-label="Sections"><ul>%s</ul></nav>\n</div></header>\n'
        % (
            verdict.state,
            html(project(model)),
            icon(verdict.state),
            html(line(verdict.title)),
            '<ul class="facts">%s</ul>\n' % "".join(facts) if len(facts) > 1 or (facts and verdict.state != "passed") else "",
            shares(counts),
            links,
        )
    )


def shares(counts):
    """Outcomes of all tests as one bar, what is red at its beginning."""
    whole, left, out = sum(count for count, _ in counts), 0.0, ""
    for count, word in sorted(counts, key=lambda pair: pair[1] not in ("failed", "error")):
        # A single red test among ten thousand is still to be seen.
        width = max(0.6, 100.0 * count / whole)
        out += '<rect class="%s" x="%.2f%%" width="%.2f%%" height="100%%"/>' % (word, min(left, 99.4), width)
        left += width if word in ("failed", "error") else 100.0 * count / whole
    return '<svg class="shares" aria-hidden="true">%s</svg>\n' % out if counts else ""


def footer():
    return '<footer class="wide"><p>Made by Pyline. This page needs no network.</p></footer>\n'


def data(model):
    """The tests in columns, which is a third of the size of rows."""
    names = [run["name"] for run in model.runs]
    all_of_them = list(model.tests.values())
    letters = {"passed": "p", "failed": "f", "error": "e", "skipped": "s", "xfailed": "x"}
    return {
        "runs": names,
        "ids": [test.id for test in all_of_them],
        "outcomes": ["".join(letters[test.cases[name].outcome] if name in test.cases else "-" for test in all_of_them) for name in names],
        "ms": [round(test.seconds * 1000) for test in all_of_them],
    }


def favicon(state):
    image = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='%s'/></svg>" % COLOURS[state]
    return "data:image/svg+xml;base64," + base64.b64encode(image.encode()).decode()


def digest(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def asset(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()
