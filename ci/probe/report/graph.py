"""The pipeline as a graph: what the project is, the checks and test runs side by side, the verdict."""

from markup import bar, html, icon, time
from names import check_name, is_telling, project, slug
from text import line

STATES = ("passed", "failed", "errored", "skipped")


def graph(model, verdict):
    nodes = [*run_nodes(model), *coverage_nodes(model), *check_nodes(model)]
    if not nodes:
        return ""
    longest = max([seconds or 0 for *_, seconds in nodes] + [0.001])
    items = "".join(
        '<li class="node %s">%s<span class="name">%s</span><span class="said">%s</span>%s<span class="time">%s</span></li>\n'
        % (
            state, icon(state), linked(html(title), target), html(said),
            "<span></span>" if seconds is None else bar(seconds / longest, state),
            "" if seconds is None else time(seconds),
        )
        for title, state, said, target, seconds in nodes
    )
    chosen = model.plan
    facts = [str(chosen[key]) for key in ("manager",) if chosen.get(key) not in (None, "none")]
    if chosen.get("python"):
        facts.append("Python %s" % chosen["python"])
    return (
        '<section id="pipeline" aria-labelledby="h-pipeline"><h2 id="h-pipeline" class="unseen">Pipeline</h2>\n<ol class="flow">\n'
        '<li class="stage"><div class="node start"><span class="name">%s</span><span class="said">%s</span></div></li>\n'
        '<li class="stage many"><ul>\n%s</ul></li>\n'
        '<li class="stage"><div class="node end %s">%s<span class="name">%s</span></div></li>\n</ol></section>\n'
        % (linked(html(project(model)), "plan" if chosen.get("decisions") else None), html(", ".join(facts)), items,
           verdict.state, icon(verdict.state), {"passed": "Green", "failed": "Red", "errored": "No verdict"}[verdict.state])
    )  # fmt: skip


def run_nodes(model):
    for run in model.runs:
        state = run["verdict"] if run["verdict"] in STATES else "failed"
        said = ", ".join(counted(count, word) for word, count in run["counts"].items() if count > 0)
        title = "test %s" % run["name"].removeprefix("python-")
        target = "tests" if state == "passed" else "failures"
        yield title, state, said or run["verdict"].replace("-", " "), target, run["seconds"]


def coverage_nodes(model):
    found = model.result.get("coverage")
    if found is not None:
        said = "%s %% of %s statements" % (found["shown"], "{:,}".format(found["statements"]))
        if "needed" in found:
            said += ", %g %% needed" % found["needed"]["percent"]
        yield "coverage", "passed" if found["enough"] else "failed", line(said), "coverage" if model.coverage.files else None, None


def check_nodes(model):
    for check in model.checks:
        target = "check-%s" % slug(check) if is_telling(check) else None
        seconds = None if check["outcome"] == "skipped" else check["seconds"]
        yield check_name(check), check["outcome"], line(check["summary"], 120), target, seconds


def counted(count, word):
    return "%d %s" % (count, "error" if word == "errors" and count == 1 else word)


def linked(text, target):
    return text if target is None else '<a href="#%s">%s</a>' % (target, text)

