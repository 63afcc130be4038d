"""The parts of the page below what failed."""

from markup import bar, html, icon, number, output, percent, table, time
from names import SAFE, check_name, is_telling, slug
from text import line

SLOWEST = 10
FINDINGS = 300
FILES = 2000
# The order in which a person wants to read checks.
ORDER = ("failed", "errored", "passed", "skipped")


def checks(model):
    telling = sorted((check for check in model.checks if is_telling(check)), key=lambda check: ORDER.index(check["outcome"]))
    return "\n".join(
        '<details id="check-%s"%s><summary>%s<h3>%s</h3><span class="said">%s</span></summary><div class="body">%s%s</div></details>'
        % (
            slug(check),
            " open" if check["outcome"] in ("failed", "errored") else "",
            icon(check["outcome"]),
            html(check_name(check)),
            html(line(check["summary"], 300)),
            findings(check),
            output("What it said", (check["detail"], 0, "")) if check.get("detail") else "",
        )
        for check in telling
    )


def findings(check):
    rows = []
    for finding in check["findings"][:FINDINGS]:
        place = ":".join(line(str(finding[key]), 300) for key in ("file", "line") if key in finding)
        rows.append((
            "<code>%s</code>" % html(place or "–"),
            '<span class="%s">%s</span>' % (finding["severity"], finding["severity"]),
            html(line(finding["message"], 600)),
            "<code>%s</code>" % html(line(finding.get("rule", ""), 100)),
        ))  # fmt: skip
    if not rows:
        return ""
    heads = (("Where", "from"), ("Severity", ""), ("What", "wide-cell"), ("Rule", ""))
    more = len(check["findings"]) - len(rows)
    note = '<p class="note">%s more are in <code>check-%s.json</code>.</p>' % (number(more), slug(check)) if more else ""
    return table("Findings of %s" % check_name(check), heads, rows, "stacked") + note


def slowest(model):
    ordered = sorted(model.tests.values(), key=lambda test: -test.seconds)[:SLOWEST]
    ordered = [test for test in ordered if test.seconds >= 0.01]
    if not ordered:
        return ""
    top = ordered[0].seconds
    heads = (("Test", "wide-cell"), ("Time", "number"), ("As a bar", "bar-cell"))
    rows = [("<code>%s</code>" % html(test.id), time(test.seconds), bar(test.seconds / top)) for test in ordered]
    whole = sum(test.seconds for test in model.tests.values())
    share = sum(test.seconds for test in ordered) / whole if whole else 0
    note = ""
    if len(model.tests) > 3 * len(ordered) and share >= 0.1:
        note = '<p class="note">These %d of %s tests take %s of the time that tests take.</p>' % (
            len(ordered), number(len(model.tests)), percent(share),
        )  # fmt: skip
    return note + table("Slowest tests", heads, rows)


def coverage(model):
    files = sorted(model.coverage.files, key=lambda file: (file.covered - file.total, file.rate, file.name))
    if not files:
        return ""
    missed = [file for file in files if file.rate < 1]
    heads = (("File", "wide-cell"), ("Covered", "number"), ("As a bar", "bar-cell"), ("Lines missed", "missed"))
    rows = [
        (
            "<code>%s</code>" % html(line(file.name)),
            percent(file.rate),
            bar(file.rate, "passed" if file.rate >= 0.8 else "errored" if file.rate >= 0.5 else "failed"),
            "<code>%s</code>" % html(file.missing_text()) if file.missing else '<span class="quiet">branches alone</span>',
        )
        for file in missed[:FILES]
    ]
    whole = len(files) - len(missed)
    note = [] if whole == 0 else ["%s of %s files are covered in full." % (number(whole), number(len(files)))]
    needed = model.result.get("coverage", {}).get("needed")
    if needed is not None:
        note.append("%g %% is needed: %s." % (needed["percent"], html(line(needed["from"]))))
    if "htmlcov" in model.files:
        note.append('<a href="htmlcov/index.html">Line by line</a>')
    return ('<p class="note">%s</p>' % " ".join(note) if note else "") + (table("Coverage by file", heads, rows) if rows else "")


def tests(model):
    if not model.tests:
        return ""
    left = '<p class="note">%s more are in the folder <code>junit</code>.</p>' % number(model.left_out) if model.left_out else ""
    return (
        '<noscript><p class="note">The list of all tests needs scripts. The same is in the folder <code>junit</code>.</p></noscript>'
        '<div id="all" hidden><form class="filter" role="search"><label for="filter">Filter</label>'
        '<input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="part of a name" aria-controls="rows">'
        '<fieldset><legend class="unseen">Outcome</legend></fieldset></form>'
        '<p id="found" class="note" role="status"></p>'
        '<div class="scroll" tabindex="0" role="group" aria-label="All tests"><table><caption class="unseen">All tests</caption>'
        '<thead><tr></tr></thead><tbody id="rows"></tbody></table></div>'
        '<p><button type="button" id="more" hidden></button></p></div>' + left
    )


def plan(model):
    chosen = model.plan
    rows = [
        (
            html(decision["about"]),
            "<strong>%s</strong>" % html(line(decision["value"], 300)),
            html(line(decision["rule"], 300))
            + "".join('<br><span class="quiet">not %s: %s</span>' % (html(line(other["value"])), html(line(other["why"]))) for other in decision["rejected"]),
            "<code>%s</code>" % html(line(":".join(str(decision[key]) for key in ("file", "line") if key in decision))),
        )
        for decision in chosen.get("decisions", [])
    ]  # fmt: skip
    if not rows:
        return ""
    heads = (("About", "about"), ("Decided", ""), ("Why", "wide-cell"), ("From", "from"))
    warnings = "".join('<p class="note">%s</p>' % html(line(text, 600)) for text in chosen.get("warnings", []))
    return warnings + table("Decisions of the plan", heads, rows, "stacked")


WORDS = {
    "result.json": "all of this as data",
    "summary.md": "the short form, as Markdown",
    "coverage.xml": "coverage for other tools",
    "gl-code-quality-report.json": "findings for GitLab",
}


def files(model):
    """Links to what lies beside the page."""
    items = [(name, name, WORDS[name]) for name in WORDS if name in model.files]
    items += [(run["junit"], run["junit"], "tests for other tools") for run in model.runs if run.get("junit")]
    items += [("htmlcov/index.html", "htmlcov", "coverage line by line")] if "htmlcov" in model.files else []
    items += [(name, name, "findings for code scanning") for name in model.files if name.endswith(".sarif") and SAFE.match(name)]
    return '<ul class="files">%s</ul>' % "".join(
        '<li><a href="%s"><code>%s</code></a> <span class="quiet">%s</span></li>' % (html(to), html(name), what) for to, name, what in items
    ) if items else ""  # fmt: skip
