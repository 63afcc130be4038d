"""Why something was not delivered. The sentences around it are in ci/src/errors.ts, found by `code`."""

# failed   a check said no: what ran before runs still, or again
# request  what was asked for, or the settings, cannot be done so
# errored  it could not be done or not be known: what ran before was left alone
KINDS = ("failed", "request", "errored")


class DeliveryError(Exception):
    """`message` is one line: what was found. `detail` are lines that say more, such as the last lines of a log."""

    kind = "errored"
    code = "errored"

    def __init__(self, message, detail=()):
        super().__init__(message)
        self.detail = [str(line) for line in detail]


class Failed(DeliveryError):
    kind = "failed"
    code = "failed"


class Request(DeliveryError):
    kind = "request"
    code = "request"


class Errored(DeliveryError):
    """Something else went wrong on the target: a full disk, a program that is not there."""


class Unreachable(DeliveryError):
    """The target does not answer, or does not let us in."""

    code = "unreachable"


class Locked(DeliveryError):
    """Somebody else is at work there. `age` in seconds, None where it is not known."""

    code = "locked"

    def __init__(self, holder, age=None, detail=()):
        since = "" if age is None else f" for {int(age)} s"
        who = f"{holder.by}{f' ({holder.run})' if holder.run else ''}" if holder else "somebody"
        super().__init__(f"{who} has been changing it{since}" if since else f"{who} is changing it", detail)
        self.holder, self.age = holder, age


class PullFailed(DeliveryError):
    """The target could not get the image."""

    code = "pull-failed"


class MigrationFailed(Failed):
    """The release command ended with an error; `log` are its last lines."""

    code = "migration-failed"

    def __init__(self, message, log=()):
        super().__init__(message, log)


class Unhealthy(Failed):
    """A check of the new release said no, or nothing until the time was up. `log` are the last lines it wrote."""

    code = "unhealthy"

    def __init__(self, check, expected, came, log=()):
        lines = list(log)
        super().__init__(
            f"{check}: expected {expected}, got {came}",
            [*(["its last lines:"] if lines else ["it wrote nothing"]), *(f"  {line}" for line in lines)],
        )
        self.check, self.expected, self.came = check, expected, came


class Unproven(Failed):
    """What answers is not the release that was started."""

    code = "unproven"


class Older(Failed):
    code = "older"


class NotVerified(Failed):
    code = "not-verified"


class Held(Failed):
    code = "held"


class Rejected(Failed):
    """The validation of this environment said no to the image before."""

    code = "rejected"


class Invalid(Failed):
    """The validation of what runs said no."""

    code = "invalid"


class Raced(DeliveryError):
    """Somebody else wrote to the ledger in the same moment."""

    code = "raced"


class RegistryTrouble(DeliveryError):
    """The registry: `registry_kind` as in registry.errors."""

    code = "registry"

    def __init__(self, error):
        super().__init__(str(error))
        self.registry_kind = error.kind
