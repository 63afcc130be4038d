"""
The driver: brings one image to one environment. All targets are driven in the same order, and every step may be the one
that a run is killed in: what is there is read anew each time, and a run that finds its work half done ends it.
"""

import time
import traceback

from delivery import images, state, web
from delivery.errors import DeliveryError, Errored, Older, Unproven, Unreachable
from delivery.target import Running
from registry.errors import RegistryError


def bring(delivery, event, choose, **what):
    """
    Brings an image to run; gives (before, after, record). `choose` is asked under the lock, with the records and what
    runs: it gives the Image, or raises why there is none. `event` and `what` go into the record.
    """
    with delivery.locked() as records:
        before = delivery.running(records)
        delivery.say(f"{delivery.name} runs {before.digest if before else 'nothing'}")
        image = choose(records, before)
        delivery.ledger.keep(image)
        if before is not None and before.digest == image.digest:
            after, record = before, _finish(delivery, event, image, records, before, what)
        else:
            try:
                after = _change(delivery, image, before, migrating=event != "rolled-back")
            except (DeliveryError, RegistryError) as error:
                failed = getattr(error, "kind", "") == "failed"
                delivery.note(records, "failed" if failed else "unknown", str(error), image)
                raise
            record = _record(delivery, event, image, records, before, after, what)
        _retire(delivery)
        return before, after, record


def _finish(delivery, event, image, records, running, what):
    """What should run runs already: an earlier run was stopped after its switch, or asked for the same."""
    delivery.say("it runs there already: there is nothing to switch")
    brought = state.current(records)
    ends_hold = state.hold(records) is not None and event != "rolled-back"
    if brought is None or brought.digest != image.digest or ends_hold:
        return _record(delivery, event, image, records, None, running, what)
    if state.working(records) is not None:
        delivery.write(records, "unchanged", image)
    return brought


def _record(delivery, event, image, records, before, after, what):
    return delivery.write(
        records,
        event,
        image,
        previousDigest=before.digest if before else None,
        created=images.created(images.configuration(delivery.repository, image.digest)),
        revision=images.revision(images.configuration(delivery.repository, image.digest)),
        proof=after.proof,
        **what,
    )


def _change(delivery, image, before, migrating):
    """From the pull to the proof; the Running that it ends with. Where a step fails, what ran before runs still."""
    target = delivery.target
    release = None
    try:
        _step(delivery, f"pull {image.reference}", target.pull, image)
        if migrating and delivery.environment["release"]:
            _migrate(delivery, image)
        release = _step(delivery, "start it beside what runs", target.start, image)
        _step(delivery, "wait until it is healthy", target.healthy, release)
    except DeliveryError as error:
        _abort(delivery, release, error)
        raise
    try:
        _step(delivery, "switch", target.switch, release)
        return _step(delivery, "prove it", _proven, delivery, image)
    except DeliveryError as error:
        return _back(delivery, image, before, release, error)


def _migrate(delivery, image):
    command = images.release_command(images.configuration(delivery.repository, image.digest))
    if command is None:
        delivery.say("- the image has no release command")
        return
    _step(delivery, "run the release command", delivery.target.migrate, image, command)


def _step(delivery, what, run, *args):
    delivery.say(f"- {what}")
    started = time.monotonic()
    try:
        made = run(*args)
    except DeliveryError as error:
        why = delivery.target.disturbance() if error.kind == "failed" else None
        if why is not None:
            raise Errored(f"{why}: {error}", error.detail) from error
        raise
    except RegistryError:
        raise
    except Exception as error:
        # A mistake of ours must not leave a new release behind, any more than trouble may.
        traceback.print_exc()
        raise Errored(f"{what}: {type(error).__name__}: {error}") from error
    if (seconds := time.monotonic() - started) >= 1:
        delivery.say(f"  done in {seconds:.1f} s")
    return made


def _abort(delivery, release, error):
    if release is None:
        return
    delivery.say("- remove the new release; what ran before is left alone")
    try:
        delivery.target.abort(release)
    except DeliveryError as again:
        error.detail.append(f"the new release could not be removed: {again}")


def _proven(delivery, image):
    """What runs after the switch, by its runtime and, where there is one, by its own endpoint. Raises Unproven."""
    after = delivery.target.running()
    if after is None or after.digest != image.digest:
        raise Unproven(f"after the switch {delivery.name} runs {after.digest if after else 'nothing'}, not {image.digest}")
    url = delivery.environment.get("digestUrl")
    if not url:
        return after
    limit = time.monotonic() + delivery.environment["healthTimeout"]
    while (why := unproven(url, image)) is not None:
        if time.monotonic() > limit:
            raise Unproven(why)
        time.sleep(1)
    # A target may know no more than what this address answers.
    proof = after.proof if url in after.proof else f"{after.proof}; {url} answers with it"
    return Running(after.digest, after.release, after.since, proof)


def unproven(url, image):
    """Why an address does not show that what answers is an image; None where it does."""
    try:
        answered = web.digest_at(url)
    except (Unreachable, Errored) as error:
        return str(error)
    return None if answered == image.digest else f"{url} answers {answered}, not {image.digest}"


def _back(delivery, image, before, release, error):
    """After a switch that failed, or that nothing proves: what ran before gets the requests again."""
    try:
        now = delivery.target.running()
    except DeliveryError as again:
        error.detail.append(f"what runs on {delivery.name} now cannot be told: {again}")
        raise error from again
    if now is not None and now.digest == image.digest and error.kind == "errored":
        delivery.say("  its answer was lost, but the switch was made")
        return _proven(delivery, image)
    if now is not None and before is not None and now.digest != before.digest:
        _step(delivery, f"switch back to {before.digest}", delivery.target.switch, before.release)
        error.detail.append(f"switched back to {before.digest}")
    elif now is not None and before is None:
        # There is nothing to go back to: what answers is better than nothing.
        error.detail.append(f"{delivery.name} runs {now.digest} now, as nothing ran before")
        raise error
    _abort(delivery, release, error)
    raise error


def _retire(delivery):
    """The new release has the requests, and the ledger knows: what cannot be cleared away is said, and done next time."""
    try:
        _step(delivery, "stop what gets no more requests", delivery.target.retire, delivery.environment["keep"])
    except DeliveryError as error:
        delivery.say(f"  what ran before is not cleared away: {error}")


def refuse_older(delivery, image, records, running):
    """An older build never replaces a newer one, unless it is a way back."""
    if running is None or running.digest == image.digest:
        return
    candidate = images.created(images.configuration(delivery.repository, image.digest))
    there = images.created(images.configuration(delivery.repository, running.digest))
    if there is None:
        brought = state.current(records)
        there = brought.created if brought is not None and brought.digest == running.digest else None
    if images.is_older(candidate, there):
        raise Older(
            f"{image.digest} is of a commit of {candidate}, and {delivery.name} runs one of {there}",
            [f"runs: {running.digest}"],
        )


def refuse_rejected(delivery, records, image, running, again):
    """A digest that the validation said no to there comes back when somebody says so, or a validation says yes."""
    if not again:
        state.refuse_rejected(delivery.ledger.last_verdict(records, image.digest), running, delivery.name)


def refuse_hold(delivery, records, end_hold):
    """After a rollback nothing is deployed until somebody ends the hold: what is deployed then ends it."""
    if not end_hold:
        state.refuse_hold(records, delivery.name)
