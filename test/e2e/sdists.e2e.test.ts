import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { $ } from "zx"
import { folder, pyline } from "./pyline.ts"

/** Real projects with tests that nobody here wrote, and how a person installs what their tests need. */
const projects = [
  { name: "itsdangerous", version: "2.2.0", install: ["-r", "requirements/tests.txt"] },
  { name: "markupsafe", version: "3.0.4", install: ["--group", "tests"] },
  { name: "blinker", version: "1.9.0", install: ["-r", "requirements/tests.txt"] },
  { name: "jinja2", version: "3.1.6", install: ["-r", "requirements/tests.txt"] },
]

const sh = $({ quiet: true, stdio: ["ignore", "pipe", "pipe"] })

async function unpack(name: string, version: string): Promise<string> {
  const at = folder()
  await sh({
    cwd: at,
  })`python3 -m pip download --quiet --no-deps --no-binary :all: ${name}==${version}`
  const archive = readdirSync(at).find((f) => f.endsWith(".tar.gz"))
  const source = path.join(at, "source")
  mkdirSync(source)
  await sh`tar xzf ${path.join(at, archive ?? "")} -C ${source} --strip-components=1`
  return source
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

function counts(xml: string): Counts {
  const total = (attribute: string) =>
    [...xml.matchAll(new RegExp(`<testsuite [^>]*\\b${attribute}="(\\d+)"`, "g"))].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
  const [skipped, failed] = [total("skipped"), total("failures") + total("errors")]
  return { passed: total("tests") - skipped - failed, failed, skipped }
}

/** What pytest says in a virtual environment made by hand with this machine's Python. */
async function byHand(source: string, install: string[]): Promise<Counts> {
  const copy = path.join(folder(), "copy")
  await sh`cp -r ${source} ${copy}`
  const inside = sh({ cwd: copy, nothrow: true })
  const python = path.join(copy, ".venv/bin/python")
  await inside`python3 -m venv .venv`
  await inside`${python} -m pip install --quiet --upgrade pip`
  const installed = await inside`${python} -m pip install --quiet -e . ${install}`
  expect(installed.exitCode, installed.stderr).toBe(0)
  await inside`${python} -m pytest -q --junitxml=by-hand.xml`
  return counts(readFileSync(path.join(copy, "by-hand.xml"), "utf8"))
}

describe.each(projects)("$name $version", ({ name, version, install }) => {
  test("the same tests pass and fail as by hand", async () => {
    const source = await unpack(name, version)
    const hand = await byHand(source, install)
    expect(hand.passed).toBeGreaterThan(0)
    const out = folder()
    const run = await pyline([
      "reports",
      "--source",
      source,
      "--only",
      "test",
      "--python",
      "3.11",
      "-o",
      out,
    ])
    expect(run.exitCode, run.all).toBe(0)
    expect(counts(readFileSync(path.join(out, "junit/python-3.11.xml"), "utf8"))).toEqual(hand)
  })
})
