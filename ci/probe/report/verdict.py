"""What came of it in counts, and which runs came to nothing."""

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed")
# What a run did instead of passing or failing.
SAYS = {
    "no-tests": "found nothing to run",
    "killed": "were killed, probably out of memory",
    "crashed": "crashed",
    "aborted": "stopped before they were done",
    "errored": "could not be run",
}


class Verdict:
    def __init__(self, model):
        self.state = model.result["verdict"]
        self.title = model.result["title"]
        # Each test once: by its worst outcome, but a test that is skipped on one version of several ran.
        self.counts = dict.fromkeys(OUTCOMES, 0)
        for test in model.tests.values():
            outcomes = {case.outcome for case in test.cases.values()}
            self.counts[next(word for word in ("failed", "error", "passed", "xfailed", "skipped") if word in outcomes)] += 1
        self.broken = [(run, SAYS[run["verdict"]]) for run in model.runs if run["verdict"] in SAYS]
