"""What one can do with environments. Each takes the request and what was given to get in, and gives what came of it."""

from dataclasses import dataclass, replace

from delivery import checks, images, state
from delivery.delivery import Delivery
from delivery.deploy import bring, refuse_hold, refuse_older, refuse_rejected, unproven
from delivery.errors import DeliveryError, Errored, Invalid, NotVerified, Raced, Request
from delivery.ledger import Ledger, now
from delivery.target import Access, Holder, Image
from delivery.targets import make
from registry import reference

# How often a verdict is written that somebody else's record came before.
_AGAIN = 3


@dataclass(frozen=True)
class Given:
    """What lets one in: to the environment, and to where an image comes from."""

    access: Access
    origin: Access

    def origin_of(self, name, target):
        """Access to the repository that an image comes from. A login is for one registry, and told to no other."""
        same = reference.parse(name).host == reference.parse(target).host
        if self.origin.registry_password is not None or not same:
            return self.origin
        own = self.access
        return replace(self.origin, registry_user=own.registry_user, registry_password=own.registry_password)


def say(line):
    print(line, flush=True)


def deploy(request, given):
    """Brings an image to an environment."""
    login = given.origin_of(request["image"], request["environment"]["registry"])
    source = images.repository_of(request["image"], login.registry_user, login.registry_password)
    image = images.resolved(source)
    delivery = opened(request, given.access, image, source)

    def choose(records, running):
        refuse_hold(delivery, records, request.get("endHold", False))
        refuse_rejected(delivery, records, image, running, request.get("again", False))
        moved = images.moved(image, source, delivery.repository, say)
        refuse_older(delivery, moved, records, running)
        return moved

    noted = {"unverified": request.get("unverified"), "again": request.get("again") or None}
    return told(delivery, *bring(delivery, "deployed", choose, **noted))


def promote(request, given):
    """Brings what runs and is verified in one environment to another. It takes no image: what runs is what is meant."""
    login = given.origin_of(request["from"]["registry"], request["environment"]["registry"])
    origin = opened({**request, "environment": request["from"]}, login)
    running, records = origin.target.running(), origin.ledger.records()
    found = state.verified_running(records, running, origin.name)
    say(f"{origin.name} runs {running.digest}, verified at {found.at} by {found.by or 'somebody'} ({running.proof})")
    image = Image(origin.repository.reference.name, running.digest)
    delivery = opened(request, given.access, image, origin.repository)

    def choose(records, running):
        refuse_hold(delivery, records, request.get("endHold", False))
        refuse_rejected(delivery, records, image, running, request.get("again", False))
        moved = images.moved(image, origin.repository, delivery.repository, say)
        refuse_older(delivery, moved, records, running)
        return moved

    source = {"environment": origin.name, "repository": image.repository, "record": found.id}
    return told(delivery, *bring(delivery, "promoted", choose, source=source, again=request.get("again") or None))


def rollback(request, given):
    """Goes back to the last verified digest, or to a given one, and holds the environment there."""
    delivery = opened(request, given.access)
    wanted, instead_of = request.get("to"), request.get("insteadOf")

    def choose(records, running):
        if instead_of and (running is None or running.digest != instead_of):
            raise Errored(f"{delivery.name} was changed in the meantime: it runs {running.digest if running else 'nothing'} now")
        if wanted:
            found = state.way_to(delivery.ledger.records(500), wanted, delivery.name)
        else:
            if running is None:
                raise Request(f"nothing runs on {delivery.name}")
            found = state.way_back(records, running.digest, delivery.name)
        say(f"going back to {found.digest}, deployed at {found.at}")
        return Image(delivery.repository.reference.name, found.digest)

    return told(delivery, *bring(delivery, "rolled-back", choose, hold=request.get("hold", True), why=request.get("why")))


def validate(request, given):
    """
    Asks what runs whether it is as it should be. Where the project's own tests come after (`acceptance`), nothing is
    written yet; else the verdict goes into the ledger.
    """
    delivery = opened(request, given.access)
    environment = delivery.environment
    records, running = delivery.ledger.records(), delivery.target.running()
    if running is None:
        raise Request(f"nothing runs on {delivery.name}")
    brought = state.current(records)
    if brought is None or brought.digest != running.digest:
        raise NotVerified(
            f"what runs on {delivery.name} is not what was deployed there",
            [f"runs:     {running.digest}", f"deployed: {'nothing' if brought is None else brought.digest}"],
        )
    say(f"{delivery.name} runs {running.digest} ({running.proof})")
    good, bad = [], []
    if environment.get("url"):
        health = environment.get("health")
        # Where nothing says what a good answer is, one that is no error of the server's.
        wanted = environment.get("validate") or [{"path": health or "/", "status": 200 if health else None}]
        good, bad = checks.run(environment["url"], wanted, say)
    if environment.get("digestUrl"):
        why = unproven(environment["digestUrl"], running)
        (bad if why else good).append(why or f"{environment['digestUrl']} answers with the digest")
    if bad:
        _verdict(delivery, "invalid", running.digest, checks=good, failures=bad)
        raise Invalid(f"{len(bad)} of {len(good) + len(bad)} checks of {delivery.name} said no", bad)
    if request.get("acceptance"):
        return {"running": vars(running), "checks": good, "record": None}
    record = _verdict(delivery, "verified", running.digest, checks=good)
    return {"running": vars(running), "checks": good, "record": record}


def judge(request, given):
    """Writes the verdict of the project's own tests: `event`, of `digest`, which has to run there still."""
    delivery = opened(request, given.access)
    what = {"checks": request.get("checks"), "failures": request.get("failures")}
    return {"record": _verdict(delivery, request["event"], request["digest"], **what)}


def _verdict(delivery, event, digest, **what):
    """Writes a verdict of what runs, after making sure that it is still that."""
    for attempt in range(1, _AGAIN + 1):
        records, running = delivery.ledger.records(), delivery.target.running()
        brought = state.current(records)
        if running is None or running.digest != digest or brought is None or brought.digest != digest:
            raise Errored(
                f"{delivery.name} was changed while it was validated: it runs {running.digest if running else 'nothing'} now",
                [f"validated: {digest}"],
            )
        try:
            image = Image(delivery.repository.reference.name, digest)
            return _shown(delivery.write(records, event, image, **what))
        except Raced:
            if attempt == _AGAIN:
                raise
    raise AssertionError("unreachable")


def status(request, given):
    """What runs, what the ledger says of it, and whether these are the same. It is an answer also where that is not known."""
    delivery = opened(request, given.access)
    records = delivery.ledger.records()
    trouble = None
    try:
        running = delivery.running(records)
    except DeliveryError as error:
        running, trouble = None, error
    brought = state.current(records)
    found = None if running is None else state.verdict(records, running.digest)
    held = state.hold(records)
    working = state.working(records)
    last = state.last(records)
    return {
        "environment": delivery.name,
        "running": None if running is None else vars(running),
        "unknown": None if trouble is None else str(trouble),
        "deployed": _shown(brought),
        "verdict": _shown(found),
        "held": _shown(held),
        "working": _shown(working),
        "trouble": _shown(last) if last is not None and last.event in ("failed", "unknown") else None,
        "drift": trouble is None and (running.digest if running else None) != (brought.digest if brought else None),
    }


def history(request, given):
    """The records of an environment, newest first."""
    delivery = opened(request, given.access)
    records = delivery.ledger.records(request.get("most", 20))
    return {"environment": delivery.name, "records": [_shown(each) for each in records]}


def running(request, given):
    """What runs in an environment, and how that is known."""
    found = make(request["environment"], given.access, say).running()
    return {"running": None if found is None else vars(found)}


def opened(request, access, image=None, source=None):
    """The environment of a request. What it does not say of its port, its image does."""
    environment = dict(request["environment"])
    repository = images.repository_of(environment["registry"], access.registry_user, access.registry_password)
    environment["registry"] = repository.reference.name
    if "port" not in environment and image is not None:
        known = images.port(images.configuration(source, image.digest))
        environment["port"] = known or 8000
    holder = request.get("holder") or {}
    return Delivery(
        environment,
        make(environment, access, say),
        repository,
        Ledger(repository, environment["name"], say),
        Holder(holder.get("by") or "somebody", holder.get("run") or "", now()),
        say,
        request.get("breakLock", False),
    )


def told(delivery, before, after, record):
    return {
        "environment": delivery.name,
        "image": f"{delivery.repository.reference.name}@{after.digest}",
        "before": None if before is None else vars(before),
        "after": vars(after),
        "unchanged": before is not None and before.digest == after.digest,
        "record": _shown(record),
    }


def _shown(record):
    return None if record is None else {"id": record.id, **record.document}

