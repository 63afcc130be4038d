import { expect, test } from "vitest"
import { shortTitle, title } from "../../../../cli/output/title.ts"

test.each([
  ["exec pytest -q", "exec pytest -q"],
  ["exec uv pip install -r requirements.txt", "exec uv pip install -r requirements.txt"],
  ["exec /opt/venv/bin/python -B -I /opt/pyline/probe.py /project", "exec probe.py /project"],
  [
    "exec python -B -m registry tag ghcr.io/me/app@sha256:0",
    "exec registry tag ghcr.io/me/app@sha256:0",
  ],
  ["exec python -B -m signing.keyless sign --output x", "exec signing.keyless sign --output x"],
  ["exec python -B -m app.registry tag", "exec python -B -m app.registry tag"],
  ["exec /usr/bin/python3.13 -m pip install x.py", "exec python3.13 -m pip install x.py"],
  [
    "exec /opt/venv/bin/python -I /opt/pyline/run_tests.py --runner pytest --reports /r --name python-3.13 -- -k a",
    "exec pytest (python-3.13)",
  ],
  ["exec sh -c echo\n  two", "exec sh -c echo two"],
  ["pull docker.io/library/python:3.13", "pull docker.io/library/python:3.13"],
])("%s", (name, expected) => {
  expect(title(name)).toBe(expected)
})

test("short enough for every line", () => {
  expect(shortTitle(`exec ${"x".repeat(80)}`)).toHaveLength(48)
})
