/**
 * Tests of well-known projects, by hand in a virtual environment and by `pyline test`, as a table:
 *
 *     node --import tsx test/bench/sdists.ts [NAME…]
 *
 * Source distributions come from the package index; by hand means this machine's python3 (3.11) and pip.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { $ } from "zx"

const PYTHON = "3.11"
const root = path.resolve(import.meta.dirname, "../..")

/** How a person installs what the tests need, and runs them; pytest without arguments where nothing is said. */
const projects: { name: string; version: string; install: string[]; unittest?: string[] }[] = [
  { name: "itsdangerous", version: "2.2.0", install: ["-r", "requirements/tests.txt"] },
  { name: "markupsafe", version: "3.0.4", install: ["--group", "tests"] },
  { name: "blinker", version: "1.9.0", install: ["-r", "requirements/tests.txt"] },
  { name: "jinja2", version: "3.1.6", install: ["-r", "requirements/tests.txt"] },
  { name: "click", version: "8.1.8", install: ["-r", "requirements/tests.txt"] },
  { name: "attrs", version: "25.3.0", install: [".[tests]"] },
  { name: "idna", version: "3.10", install: [], unittest: ["discover"] },
  { name: "packaging", version: "24.2", install: ["-r", "tests/requirements.txt"] },
  { name: "pluggy", version: "1.5.0", install: [".[testing]"] },
  { name: "werkzeug", version: "3.1.3", install: ["-r", "requirements/tests.txt"] },
  { name: "tomlkit", version: "0.13.2", install: ["pytest", "pyyaml"] },
  { name: "platformdirs", version: "4.3.8", install: [".[test]"] },
  { name: "filelock", version: "3.18.0", install: [".[testing]"] },
  { name: "more-itertools", version: "10.7.0", install: [], unittest: ["discover"] },
  { name: "six", version: "1.17.0", install: ["pytest"] },
  { name: "toolz", version: "1.0.0", install: ["pytest"] },
  { name: "tabulate", version: "0.9.0", install: ["pytest"] },
  { name: "cachetools", version: "5.5.2", install: ["pytest"] },
  { name: "tenacity", version: "9.1.2", install: [".[test]"] },
  {
    name: "typing-extensions",
    version: "4.12.2",
    install: [],
    unittest: ["discover", "-s", "src"],
  },
  { name: "h11", version: "0.16.0", install: ["pytest"] },
  { name: "mistune", version: "3.1.3", install: ["pytest"] },
  { name: "importlib-metadata", version: "8.7.0", install: [".[test]"] },
]

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const sh = $({ quiet: true, nothrow: true, stdio: ["ignore", "pipe", "pipe"] })

function counts(file: string): Counts | undefined {
  if (!existsSync(file)) return undefined
  const xml = readFileSync(file, "utf8")
  const total = (attribute: string) =>
    [...xml.matchAll(new RegExp(`<testsuite [^>]*\\b${attribute}="(\\d+)"`, "g"))].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
  const [skipped, failed] = [total("skipped"), total("failures") + total("errors")]
  return { passed: total("tests") - skipped - failed, failed, skipped }
}

async function byHand(
  source: string,
  install: string[],
  unittest: string[] | undefined,
): Promise<Counts | string> {
  const PATH = `${path.join(source, ".venv/bin")}:${process.env.PATH}`
  const inside = sh({ cwd: source, env: { ...process.env, PATH } })
  const python = path.join(source, ".venv/bin/python")
  await inside`python3 -m venv .venv`
  await inside`${python} -m pip install --quiet --upgrade pip`
  const installed =
    await inside`${python} -m pip install --quiet -e ${install[0]?.startsWith(".[") ? [] : ["."]} ${install}`
  if (installed.exitCode !== 0) return installed.stderr.trim().split("\n").at(-1) ?? "no install"
  if (unittest === undefined) {
    const run = await inside`${python} -m pytest -q --junitxml=by-hand.xml`
    return counts(path.join(source, "by-hand.xml")) ?? run.stdout.slice(-200)
  }
  const { stderr } = await inside`${python} -m unittest ${unittest}`
  const ran = Number(/Ran (\d+) test/.exec(stderr)?.[1] ?? 0)
  const word = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(stderr)?.[1] ?? 0)
  const [failed, skipped] = [word("failures") + word("errors"), word("skipped")]
  return { passed: ran - failed - skipped, failed, skipped }
}

const shown = (found: Counts | string | undefined): string =>
  typeof found === "object"
    ? `${found.passed} passed, ${found.failed} failed, ${found.skipped} skipped`
    : (found ?? "nothing").replaceAll("\n", " ").slice(0, 90)

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  let [same, all] = [0, 0]
  for (const { name, version, install, unittest } of projects) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const at = mkdtempSync(path.join(tmpdir(), "pyline-sdist-"))
    try {
      await sh({
        cwd: at,
      })`python3 -m pip download --quiet --no-deps --no-binary :all: ${name}==${version}`
      const archive = readdirSync(at).find((file) => file.endsWith(".tar.gz"))
      const source = path.join(at, "source")
      mkdirSync(source)
      await sh`tar xzf ${path.join(at, archive ?? "")} -C ${source} --strip-components=1`
      const copy = path.join(at, "copy")
      cpSync(source, copy, { recursive: true })
      const hand = await byHand(copy, install, unittest)
      const out = path.join(at, "out")
      const run = await sh({
        cwd: root,
      })`./pyline reports --source ${source} --python ${PYTHON} -o ${out}`
      const ours =
        counts(path.join(out, `junit/python-${PYTHON}.xml`)) ??
        run.stderr.split("\n").find((line) => line.startsWith("error["))
      const equal =
        typeof hand === "object" && hand.passed > 0 && JSON.stringify(hand) === JSON.stringify(ours)
      same += equal ? 1 : 0
      all += 1
      console.log(
        `| ${name} ${version} | ${shown(hand)} | ${shown(ours)} | ${equal ? "same" : "DIFFERENT"} |`,
      )
    } finally {
      rmSync(at, { recursive: true, force: true })
    }
  }
  console.log(`${same} of ${all} the same`)
}

await main()
