"""What records say of an environment. Nothing is asked here: records, newest first, are all there is."""

from delivery.errors import Held, NotVerified, Rejected, Request
from delivery.ledger import BROUGHT, VERDICTS


def last(records):
    return records[0] if records else None


def current(records):
    """The record that brought what should run, or None."""
    return next((each for each in records if each.event in BROUGHT), None)


def hold(records):
    """The rollback that the environment is held after, or None."""
    brought = current(records)
    return brought if brought is not None and brought.event == "rolled-back" and brought.hold else None


def refuse_hold(records, environment):
    held = hold(records)
    if held is not None:
        raise Held(
            f"{environment} is held since it was rolled back to {held.digest} at {held.at} by {held.by or 'somebody'}",
            [f"it was rolled back from {held.previousDigest}"] if held.previousDigest else [],
        )


def refuse_rejected(verdict, running, environment):
    """What the validation said no to last is not brought there as if nothing had been. `verdict` is the last one, or None."""
    if verdict is None or verdict.event != "invalid":
        return
    runs = running is not None and running.digest == verdict.digest
    raise Rejected(
        f"the validation of {environment} said no to {verdict.digest} at {verdict.at} (asked by {verdict.by or 'somebody'})",
        [
            *(verdict.failures or [])[:10],
            *([f"it runs there still: pyline validate {environment} asks again"] if runs else []),
        ],
    )


def working(records):
    """The record of a run that has begun and not ended, or None."""
    newest = last(records)
    return newest if newest is not None and newest.event == "started" else None


def only_verdicts_since(records, known):
    """Whether nothing but verdicts was written after a record (None: at all)."""
    for each in records:
        if known is not None and each.id == known.id:
            return True
        if each.event not in VERDICTS:
            return False
    return known is None


def verdict(records, digest):
    """The newest record that says whether a digest is good, since it was brought there last; or None."""
    for each in records:
        if each.digest != digest:
            if each.event in BROUGHT:
                return None
            continue
        if each.event in VERDICTS:
            return each
        if each.event in BROUGHT:
            return None
    return None


def verified_running(records, running, environment):
    """The record that verifies what runs. Raises NotVerified where there is none."""
    if running is None:
        raise NotVerified(f"nothing runs on {environment}")
    brought = current(records)
    if brought is None or brought.digest != running.digest:
        deployed = "nothing" if brought is None else brought.digest
        raise NotVerified(
            f"what runs on {environment} is not what was deployed there",
            [f"runs:     {running.digest}", f"deployed: {deployed}"],
        )
    found = verdict(records, running.digest)
    if found is None:
        raise NotVerified(f"{running.digest} runs on {environment}, and nothing has verified it there")
    if found.event == "invalid":
        raise NotVerified(f"{running.digest} runs on {environment}, and its validation said no at {found.at}")
    return found


def way_back(records, digest, environment):
    """The record of the last verified digest before the one that runs. Raises Request where there is none."""
    # After a rollback the present one is an old one: what was before it then.
    places = [place for place, each in enumerate(records) if each.digest == digest and each.event in BROUGHT[:2]]
    start = places[0] if places else -1
    brought = []
    for place, each in enumerate(records):
        if place <= start or each.event not in BROUGHT or each.digest == digest:
            continue
        if _ever_verified(records, each.digest):
            return each
        brought.append(each.digest)
    known = list(dict.fromkeys(brought))
    raise Request(
        f"nothing that was verified on {environment} is there to go back to",
        [f"deployed there, not verified: {each}" for each in known[:5]],
    )


def _ever_verified(records, digest):
    verdicts = (each for each in records if each.digest == digest and each.event in VERDICTS)
    newest = next(verdicts, None)
    return newest is not None and newest.event == "verified"


def way_to(records, digest, environment):
    """The record that brought a digest there. Raises Request where none did."""
    found = next((each for each in records if each.digest == digest and each.event in BROUGHT), None)
    if found is None:
        known = list(dict.fromkeys(each.digest for each in records if each.event in BROUGHT))
        raise Request(f"{digest} was never deployed to {environment}", [f"deployed there: {each}" for each in known[:10]])
    return found
