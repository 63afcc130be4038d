"""
`python -m delivery COMMAND REQUEST --output RESULT`: what is done with environments, in a container.

The request is a JSON file: `{"environment": {…}, "image": "name@sha256:…", "holder": {"by", "run"}, …}`; secrets are files
below `--secrets`. It exits 0 whether it went well or not; the result says which. What is printed is for people.
"""

import argparse
import json
import os
import sys
import traceback

from delivery import result, verbs
from delivery.errors import DeliveryError, Errored
from delivery.target import Access
from registry import transport
from registry.errors import RegistryError

COMMANDS = {
    "deploy": verbs.deploy,
    "history": verbs.history,
    "judge": verbs.judge,
    "promote": verbs.promote,
    "rollback": verbs.rollback,
    "running": verbs.running,
    "status": verbs.status,
    "validate": verbs.validate,
}


def main(arguments):
    parser = argparse.ArgumentParser(prog="delivery", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("request", help="JSON file")
    parser.add_argument("--output", required=True, help="file for the result")
    parser.add_argument("--secrets", default="/run/pyline", help="folder of secret files")
    args = parser.parse_args(arguments)
    with open(args.request, encoding="utf-8") as file:
        request = json.load(file)
    transport.attempts = request.get("attempts", transport.attempts)
    given = verbs.Given(
        access(request.get("username"), args.secrets, ""),
        access(request.get("fromUsername"), args.secrets, "from-"),
    )
    try:
        answer = result.good(**COMMANDS[args.command](request, given))
    except (DeliveryError, RegistryError) as error:
        answer = result.bad(error)
        print(error, file=sys.stderr)
    except Exception as error:
        traceback.print_exc()
        answer = result.bad(Errored(f"{type(error).__name__}: {error}"))
    result.write(args.output, answer)
    return 0


def access(username, secrets, prefix):
    """What was given to get in. Where there is nothing for where an image comes from, it is the same as for where it goes."""

    def given(name):
        for path in (os.path.join(secrets, f"{prefix}{name}"), os.path.join(secrets, name)):
            if os.path.exists(path):
                return path
        return None

    # A login is for one registry.
    password = os.path.join(secrets, f"{prefix}password")
    return Access(
        ssh_key=given("ssh-key"),
        known_hosts=given("known-hosts"),
        kubeconfig=given("kubeconfig"),
        token=given("token"),
        registry_user=username or "",
        registry_password=password if os.path.exists(password) else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
