"""Failing tests, each with all that it left behind."""

import re
import shlex

from junit import sections
from markup import html, icon, number, output
from names import label
from text import line

# This many are open at the start, and this many are on the page with their output.
OPEN = 3
SHOWN = 200
_PLACE = re.compile(r"^([\w./-]+\.py):(\d{1,9}): ", re.MULTILINE)


def failures(model, verdict):
    items = [broken(run, said) for run, said in verdict.broken]
    red = model.red
    items += [failure(model, test, nth) for nth, test in enumerate(red[:SHOWN])]
    if not items:
        return ""
    more = ""
    if len(red) > SHOWN:
        left = number(len(red) - SHOWN)
        more = '<p class="note">%s more are in the list of <a href="#tests">all tests</a>, and in the folder <code>junit</code>.</p>' % left
    tools = '<p class="tools"><button type="button" id="open-all" hidden>Open all</button></p>' if len(items) > OPEN else ""
    return '%s<ol class="failures">\n%s</ol>%s' % (tools, "\n".join(items), more)


def broken(run, said):
    """A run of the tests without a verdict of its own."""
    body = output("The last lines they printed", ("\n".join(run["tail"]), 0, "")) if run["tail"] else ""
    if "error" in run:
        body = output("Why", (run["error"]["message"], 0, ""))
    return (
        '<li><details open><summary>%s<h3>%s</h3><span class="tag">%s</span></summary><div class="body">%s</div></details></li>'
        % (icon("errored" if "error" in run else "failed"), html("The tests " + said), html(label(run["name"])), body)
    )


def failure(model, test, nth_test):
    red = {name: case for name, case in test.cases.items() if case.is_red}
    where = place(next(iter(red.values())))
    short = test.id.partition("::")[2] or test.id
    message = next((line(case.message.strip().split("\n")[0], 300) for case in red.values() if case.message.strip()), "")
    tags = "".join('<span class="tag">%s</span>' % html(label(name)) for name in red) if len(red) < len(model.runs) else ""
    bodies, said = "", set()
    for nth, (name, case) in enumerate(red.items()):
        outputs = [found for title, cut in case.outputs for found in sections(title, cut.parts())]
        # Addresses of objects differ from run to run; the same on every version is shown once.
        fresh = [(title, parts) for title, parts in outputs if re.sub(r"0x[0-9a-f]{6,16}", "", title + parts[0]) not in said]
        said |= {re.sub(r"0x[0-9a-f]{6,16}", "", title + parts[0]) for title, parts in outputs}
        shown = "\n".join(output(title, parts) for title, parts in fresh)
        if nth == 0:
            bodies = shown
        elif shown:
            bodies += '<details class="other"><summary>On %s</summary>%s</details>' % (html(label(name)), shown)
    return (
        '<li><details id="failure-%d"%s><summary>%s<h3>%s</h3>%s<span class="where">%s</span><span class="message">%s</span></summary>\n'
        '<div class="body">%s%s</div></details></li>'
        % (nth_test + 1, " open" if nth_test < OPEN else "", icon("failed"), html(short), tags, html(where), html(message),
           command(model, test, list(red)), bodies)
    )  # fmt: skip


def place(case):
    """Where it failed: the last line of the traceback that is in the test's own file, else where the test begins."""
    if case.file is None:
        return ""
    found = [at for _, cut in case.outputs for text in cut.parts()[::2] for at in _PLACE.findall(text)]
    lines = [number for file, number in found if file == case.file] or [number for number in (case.line,) if number]
    return "%s:%s" % (line(case.file), lines[-1]) if lines else line(case.file)


def command(model, test, names):
    """What to type to run this one again, as ci/src/pipeline/reproduce.ts has it in errors."""
    runner = model.plan.get("runner", {}).get("kind")
    by_name = re.match(r"^(?:.*/)?(\w+)\.py((?:::\w+)+)", test.id)
    if runner == "pytest" and re.search(r"\.py(?:::|$)", test.id):
        arguments = shlex.quote(test.id)
    elif runner in ("unittest", "django") and by_name is not None:
        arguments = "-k " + shlex.quote("*%s%s" % (by_name[1], by_name[2].replace("::", ".")))
    else:
        return ""
    version = " --python " + names[0].removeprefix("python-") if len(names) < len(model.runs) else ""
    words = "pyline test%s -- %s" % (version, arguments)
    return '<p class="command"><code>%s</code><button type="button" class="copy" hidden>Copy</button></p>' % html(words)
