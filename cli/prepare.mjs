// Called by the launcher when a checkout is not ready: installs and builds what is missing or out of
// date, one launcher at a time. Uses nothing but Node, as node_modules may not be there yet.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { readFile, rm, stat, utimes } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { withLock } from "./build/lock.mjs"
import { isFresh } from "./build/stamp.mjs"

const root = fileURLToPath(new URL("../", import.meta.url))
const installed = join(root, "node_modules/.package-lock.json")

const say = (text) => process.stderr.write(`pyline: ${text}\n`)
const seconds = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`

async function main() {
  const major = Number(process.versions.node.split(".")[0])
  if (major < 20) {
    fail(
      `error[NODE_TOO_OLD]: pyline needs Node.js 20 or later, and this is ${process.version} (${process.execPath})`,
      "install a later one from https://nodejs.org or with your package manager",
    )
  }
  // In dist/, which git ignores; building keeps it.
  await withLock(join(root, "dist/.lock"), async () => {
    if (!(await isInstalled())) await install()
    if (!(await isFresh(root))) await build()
  })
}

/** Whether node_modules is what package-lock.json asks for, going by npm's own record of what it installed. */
async function isInstalled() {
  if (!existsSync(installed)) return false
  const lock = join(root, "package-lock.json")
  if ((await stat(lock)).mtimeMs <= (await stat(installed)).mtimeMs) return true
  const [wanted, got] = await Promise.all([lock, installed].map(readPackages))
  if (JSON.stringify(wanted) !== JSON.stringify(got)) return false
  // Only the date differs (a checkout, an edit of scripts): remember that it has been looked at.
  const now = new Date()
  await utimes(installed, now, now)
  return true
}

async function readPackages(path) {
  const { packages } = JSON.parse(await readFile(path, "utf8"))
  // npm does not record the project itself, nor packages for other systems.
  const entries = Object.entries(packages).filter(([name, { optional }]) => name && !optional)
  return entries.map(([name, { version, integrity }]) => [name, version, integrity]).sort()
}

async function install() {
  say("installing its own npm packages (npm ci, this checkout only, needed once) …")
  const start = performance.now()
  await rm(join(root, "dist/.stamp"), { force: true })
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
  const code = await run("npm", args)
  if (code !== 0) {
    fail(
      `error[NPM_FAILED]: npm could not install pyline's packages (exit code ${code}, npm's words above)`,
      `check the network, a proxy or a mirror (npm config get registry), then: cd ${root} && npm ci --ignore-scripts`,
      3,
    )
  }
  say(`installed in ${seconds(start)}`)
}

async function build() {
  say("building …")
  const start = performance.now()
  const code = await run(process.execPath, [join(root, "cli/build.mjs"), "--locked"])
  if (code !== 0) fail("error[BUILD_FAILED]: pyline could not be built (see above)", undefined, 3)
  say(`built in ${seconds(start)}`)
}

/** Runs a program with its output on stderr: stdout belongs to the verb. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", 2, 2] })
    child.on("error", (error) => {
      say(error.message)
      resolve(127)
    })
    child.on("close", (code) => resolve(code ?? 1))
  })
}

function fail(message, fix, code = 2) {
  process.stderr.write(`${message}\n${fix ? `fix: ${fix}\n` : ""}`)
  process.exitCode = code
  throw undefined
}

await main().catch((error) => {
  if (error === undefined) return
  if (error.code === "EACCES" || error.code === "EROFS") {
    process.stderr.write(
      `error[CHECKOUT_READ_ONLY]: pyline has to build itself and cannot write to ${root}\nfix: run it once as the owner of that folder\n`,
    )
    process.exitCode = 2
  } else {
    process.stderr.write(`error[PREPARE_FAILED]: ${error.message}\n`)
    process.exitCode = 3
  }
})
