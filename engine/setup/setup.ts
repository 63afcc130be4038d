import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { EngineError } from "../daemon/error.ts"
import { waitLock } from "../daemon/lock.ts"
import { enginePaths, makeDirs, type Paths } from "../daemon/paths.ts"
import { caBundle } from "./ca.ts"
import { type BuildkitSource, type EngineConfig, loadConfig, saveConfig } from "./config.ts"
import { ensureFirewall } from "./firewall.ts"
import { findBuildkit } from "./origin.ts"
import { recipes, short } from "./recipe.ts"
import { normaliseReference, registryOf } from "./reference.ts"
import { probeRegistry } from "./registry.ts"
import type { Report } from "./report.ts"
import { run } from "./run.ts"
import { ensureRunc } from "./runc.ts"
import { isCurrent, makeSubstitute, sweepImages } from "./substitute.ts"
import {
  buildkitVersion,
  buildTools,
  findGo,
  hasTools,
  type Tool,
  toolsDir,
  toolsFor,
  toolsKey,
} from "./tools.ts"
import { which } from "./which.ts"

export interface SetupOptions {
  report: Report
  /** Looks at everything again, also at what was found before. */
  force?: boolean
  /** Run before a command, not by `pyline setup`: says nothing when there is nothing to do. */
  automatic?: boolean
}

/**
 * Makes this machine ready to run the engine: BuildKit and the engine's own programs, runc, and
 * base images where no registry answers. Does only what is not there yet.
 *
 * @throws EngineError saying what is missing and how to get it
 */
export async function ensureEngine(options: SetupOptions): Promise<EngineConfig> {
  const paths = enginePaths()
  makeDirs(paths)
  const before = loadConfig(paths)
  if (!options.force && isReady(before)) return remember(paths, before)
  const steps = new Steps(options.report)
  const release = await steps.run(
    "wait for another set-up",
    async () => waitLock(paths.setupLock),
    {
      quiet: true,
    },
  )
  try {
    // Another set-up may just have done it all.
    const config = loadConfig(paths)
    if (!options.force && isReady(config)) return remember(paths, config)
    return await setUp(paths, config, steps, options.force === true)
  } finally {
    release()
  }
}

/** Whether nothing is left to do. Costs a millisecond: it is asked before each start of an engine. */
export function isReady(config: EngineConfig): boolean {
  const { buildkit } = config
  const host = process.env.BUILDKIT_HOST
  return (
    config.key === toolsKey() &&
    hasTools(config.bin, toolsFor(buildkit)) &&
    (host ? buildkit.address === host : buildkit.origin !== "host") &&
    [buildkit.program, buildkit.runc].every((path) => path === undefined || isProgram(path)) &&
    missingImages(config).length === 0
  )
}

async function setUp(
  paths: Paths,
  before: EngineConfig,
  steps: Steps,
  force: boolean,
): Promise<EngineConfig> {
  sweepUnfinished(paths)
  const config = structuredClone(before)
  await steps.run("check this machine", async () => {
    checkMachine()
    if (!isBuilt(paths, ["bridge", "shim"])) await findGo()
  })
  config.buildkit = await steps.run("find BuildKit", async (progress) => {
    const found = await findBuildkit(paths)
    progress(describe(found))
    return found
  })
  const { buildkit } = config
  if (buildkit.origin === "built" || buildkit.origin === "path") {
    await steps.run("find runc", async (progress) => {
      await checkPrivileges()
      const { path, version } = await ensureRunc(progress)
      buildkit.runc = path
      progress(`runc ${version} (${path})`)
    })
  }
  if (buildkit.origin === "built" || buildkit.origin === "path") {
    await steps.run("find iptables", ensureFirewall, { quiet: true })
  }
  Object.assign(config, ca())
  // Both are waited for also when one fails: nothing goes on behind the user's back.
  const results = await Promise.allSettled([
    setUpPrograms(paths, config, steps),
    setUpImages(paths, config, steps, force),
  ])
  // What went well need not be done again.
  saveConfig(paths, config)
  for (const result of results) if (result.status === "rejected") throw result.reason
  sweepImages(paths, Object.values(config.images))
  return config
}

async function setUpPrograms(paths: Paths, config: EngineConfig, steps: Steps): Promise<void> {
  await steps.run("build the engine's programs", async (progress) => {
    const tools = toolsFor(config.buildkit)
    const built = isBuilt(paths, tools)
    const dir = built ? toolsDir(paths) : await buildTools(paths, tools, progress)
    Object.assign(config, { key: toolsKey(), bin: dir })
    progress(built ? "built before" : tools.join(", "))
  })
}

function isBuilt(paths: Paths, tools: Tool[]): boolean {
  return hasTools(toolsDir(paths), tools)
}

/** Removes what a set-up that was killed has left. The caller holds the lock: no other one is at work. */
function sweepUnfinished(paths: Paths): void {
  for (const dir of [paths.bin, paths.images]) {
    for (const name of existsSync(dir) ? readdirSync(dir) : []) {
      if (/\.\d+$/.test(name)) rmSync(join(dir, name), { recursive: true, force: true })
    }
  }
}

async function setUpImages(
  paths: Paths,
  config: EngineConfig,
  steps: Steps,
  force: boolean,
): Promise<void> {
  const hosts = [...new Set(recipes.map(({ ref }) => registryOf(ref)))]
  for (const host of hosts) {
    if (!force && config.probes[host]) continue
    await steps.run(`ask registry ${host}`, async (progress) => {
      const silent = await probeRegistry(host)
      config.probes[host] = { answers: silent === undefined, at: new Date().toISOString() }
      progress(
        silent === undefined
          ? "it answers"
          : `it does not answer (${silent}): images of Debian's own Python take the place of ${recipes
              .filter(({ ref }) => registryOf(ref) === host)
              .map(({ ref }) => short(ref))
              .join(" and ")}`,
      )
    })
  }
  for (const { ref } of recipes) {
    const made = config.images[ref]
    const ours = made !== undefined && "key" in made && made.key !== undefined
    // The real image is to be had now.
    if (ours && config.probes[registryOf(ref)]?.answers) delete config.images[ref]
  }
  const made = await Promise.allSettled(
    missingImages(config).map((recipe) =>
      steps.run(`make an image for ${short(recipe.ref)}`, async (progress) => {
        mkdirSync(paths.images, { recursive: true, mode: 0o700 })
        const image = await makeSubstitute(recipe, paths, progress)
        config.images[recipe.ref] = image
        progress(image.note ?? "")
      }),
    ),
  )
  for (const result of made) if (result.status === "rejected") throw result.reason
}

/** The images that have to be made here: their registry was asked and did not answer. */
function missingImages(config: EngineConfig): typeof recipes {
  return recipes.filter((recipe) => {
    const probe = config.probes[registryOf(recipe.ref)]
    if (!probe) return true
    if (probe.answers) return false
    const wanted = normaliseReference(recipe.ref)
    const [, made] =
      Object.entries(config.images).find(([ref]) => normaliseReference(ref) === wanted) ?? []
    return !isCurrent(recipe, made)
  })
}

function checkMachine(): void {
  if (process.platform !== "linux") {
    throw new EngineError(
      "NOT_LINUX",
      `The embedded engine runs on Linux, and this is ${process.platform}.`,
      {
        fix: "use the Dagger engine: install Docker and the dagger command, then --engine dagger",
      },
    )
  }
  const missing = ["setpriv", "unshare", "flock"].filter((name) => which(name) === undefined)
  if (missing.length > 0) {
    throw new EngineError(
      "NO_UTIL_LINUX",
      `${missing.join(", ")} of util-linux not found on PATH.`,
      {
        fix: "apt-get install util-linux",
      },
    )
  }
}

/** A container without privileges has a root who may not do what BuildKit does. */
async function checkPrivileges(): Promise<void> {
  const tried = await run("unshare", ["--mount", "--pid", "--fork", "--mount-proc", "true"])
  const fix =
    "run on the machine itself or in a privileged container, or set BUILDKIT_HOST to a running BuildKit, or use the Dagger engine (--engine dagger)"
  if (tried.code !== 0) {
    throw new EngineError(
      "NOT_PRIVILEGED",
      `BuildKit needs to make namespaces and mounts, and this process may not: ${tried.stderr}`,
      { fix },
    )
  }
  if (hasCgroups("/sys/fs/cgroup")) return
  throw new EngineError(
    "NO_CGROUPS",
    "runc needs a writable cgroup below /sys/fs/cgroup, and there is none.",
    {
      fix,
    },
  )
}

/** Version 2 is mounted right there, the hierarchies of version 1 one level below (itself often read-only). */
function hasCgroups(root: string): boolean {
  if (!existsSync(root)) return false
  const isV2 = existsSync(join(root, "cgroup.controllers"))
  const mounts = isV2 ? [root] : readdirSync(root).map((name) => join(root, name))
  return mounts.some(isWritable)
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function describe(buildkit: BuildkitSource): string {
  switch (buildkit.origin) {
    case "host":
      return `BUILDKIT_HOST (${buildkit.address})`
    case "path":
      return `${buildkit.program} ${buildkit.version}`
    case "container":
      return `${buildkit.container?.image} in ${buildkit.container?.runtime}`
    case "built":
      return `${buildkitVersion()}, built here with Go`
  }
}

function ca(): { caBundle?: string } {
  const file = caBundle(process.env)
  return file === undefined ? {} : { caBundle: file }
}

/** Notes the CA bundle of this environment: it may have come after set-up. */
function remember(paths: Paths, config: EngineConfig): EngineConfig {
  const found = ca()
  if (found.caBundle === undefined || (config.caBundle && existsSync(config.caBundle)))
    return config
  const changed = { ...config, ...found }
  saveConfig(paths, changed)
  return changed
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Reports each step: what it does, how long it took, and what to do when it failed. */
class Steps {
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  /** `quiet`: nothing is said of a step that takes no time. */
  async run<T>(
    step: string,
    work: (progress: (detail: string) => void) => Promise<T>,
    { quiet = false } = {},
  ): Promise<T> {
    const begun = performance.now()
    const seconds = () => (performance.now() - begun) / 1000
    let detail = ""
    let said = !quiet
    const say = setTimeout(() => {
      if (!said) this.#report({ step, status: "running" })
      said = true
    }, 200)
    if (said) this.#report({ step, status: "running" })
    try {
      const result = await work((text) => {
        detail = text
        said = true
        this.#report({ step, status: "running", detail, seconds: seconds() })
      })
      if (said) this.#report({ step, status: "done", detail, seconds: seconds() })
      return result
    } catch (error) {
      const { message, fix } = error as EngineError
      this.#report({
        step,
        status: "failed",
        detail: message,
        seconds: seconds(),
        ...(fix ? { fix } : {}),
      })
      throw error
    } finally {
      clearTimeout(say)
    }
  }
}
