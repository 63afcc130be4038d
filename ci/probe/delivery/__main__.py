"""
`python -m delivery COMMAND REQUEST --output RESULT`: what is done with environments, in a container.

The request is a JSON file: `{"environment": {…}, "image": "name@sha256:…", "holder": {"by", "run"}, …}`; secrets are files
below `--secrets`. It exits 0 whether it went well or not; the result says which. What is printed is for people.
"""

import argparse
import json
import os
import sys

from delivery import result
from delivery.errors import DeliveryError
from delivery.target import Access
from delivery.targets import make
from registry.errors import RegistryError


def main(arguments):
    parser = argparse.ArgumentParser(prog="delivery", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("request", help="JSON file")
    parser.add_argument("--output", required=True, help="file for the result")
    parser.add_argument("--secrets", default="/run/pyline", help="folder of secret files")
    args = parser.parse_args(arguments)
    with open(args.request, encoding="utf-8") as file:
        request = json.load(file)
    try:
        answer = result.good(**COMMANDS[args.command](request, access(request, args.secrets)))
    except (DeliveryError, RegistryError) as error:
        answer = result.bad(error)
        print(error, file=sys.stderr)
    result.write(args.output, answer)
    return 0


def access(request, secrets):
    def given(name):
        path = os.path.join(secrets, name)
        return path if os.path.exists(path) else None

    return Access(
        ssh_key=given("ssh-key"),
        known_hosts=given("known-hosts"),
        kubeconfig=given("kubeconfig"),
        token=given("token"),
        registry_user=request.get("username", ""),
        registry_password=given("password"),
    )


def running(request, access):
    """What runs in an environment, and how that is known."""
    found = make(request["environment"], access, say).running()
    return {"running": None if found is None else vars(found)}


def say(line):
    print(line, flush=True)


COMMANDS = {"running": running}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
