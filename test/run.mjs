/**
 * The whole test run, on a machine that has nothing but Node: installs, builds, then every tier.
 * Prints `N passed, N failed, N skipped` alone on its last line.
 *
 *   node test/run.mjs [tier…]     tiers: static go unit contract hosts e2e (default: all)
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"

const root = path.resolve(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  "..",
)
const scratch = mkdtempSync(path.join(tmpdir(), "pyline-test-"))
const total = { passed: 0, failed: 0, skipped: 0 }

function run(command, args, options = {}) {
  console.log(`\n$ ${[command, ...args].join(" ")}`)
  return spawnSync(command, args, { cwd: root, stdio: "inherit", ...options })
}

/** A command that is itself one test. */
function check(command, args, options) {
  const { status } = run(command, args, options)
  total[status === 0 ? "passed" : "failed"] += 1
  return status === 0
}

function count(passed, failed, skipped) {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
}

function vitest(project) {
  const report = path.join(scratch, `${project}.json`)
  const { status } = run("npx", [
    "vitest",
    "run",
    "--project",
    project,
    "--passWithNoTests",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ])
  if (!existsSync(report)) return count(0, 1, 0)
  const r = JSON.parse(readFileSync(report, "utf8"))
  count(r.numPassedTests, r.numFailedTests, r.numPendingTests + r.numTodoTests)
  // A file that could not even be loaded has no tests to fail.
  if (status !== 0 && r.numFailedTests === 0) count(0, 1, 0)
}

function go() {
  const cwd = path.join(root, "engine/tools")
  const { status, stdout } = spawnSync("go", ["test", "-json", "./..."], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  })
  const events = (stdout ?? "").split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
  const tests = (action) => events.filter((e) => e.Test && e.Action === action)
  for (const failed of tests("fail")) console.log(`go: ${failed.Package} ${failed.Test} failed`)
  count(tests("pass").length, tests("fail").length, tests("skip").length)
  if (status !== 0 && tests("fail").length === 0) count(0, 1, 0)
  console.log(`go: ${tests("pass").length} passed`)
}

const tiers = {
  static() {
    check("npx", ["biome", "check", "--error-on-warnings", "."])
    check("npx", ["tsc", "--noEmit"])
    check("npx", ["knip"])
    check("go", ["vet", "./..."], { cwd: path.join(root, "engine/tools") })
  },
  go,
  unit: () => vitest("unit"),
  contract: () => vitest("contract"),
  hosts: () => vitest("hosts"),
  e2e: () => vitest("e2e"),
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((t) => !(t in tiers))
if (unknown.length > 0) {
  console.error(`unknown tier ${unknown.join(", ")}; there are ${Object.keys(tiers).join(" ")}`)
  process.exit(2)
}

const stamp = path.join(root, "node_modules/.package-lock.json")
const lock = path.join(root, "package-lock.json")
if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
  if (run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).status !== 0)
    process.exit(3)
}
if (run("node", ["cli/build.mjs"]).status !== 0) process.exit(3)
for (const tier of wanted.length > 0 ? wanted : Object.keys(tiers)) tiers[tier]()
rmSync(scratch, { recursive: true, force: true })
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0)
