import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { diesWithUs } from "../buildkit/contain.ts"
import { EngineError } from "../daemon/error.ts"
import type { Paths } from "../daemon/paths.ts"
import { aptInstall, mayInstall } from "./apt.ts"
import type { ImageSubstitute } from "./config.ts"
import { needRoom, size } from "./disk.ts"
import { get } from "./http.ts"
import { writeLayout } from "./layout.ts"
import { debian, keyring, mmdebstrap, type Recipe, recipeKey, security, short } from "./recipe.ts"
import { run } from "./run.ts"
import { withTemporary } from "./temporary.ts"
import { which } from "./which.ts"

/** The unpacked system, its archive, and the packages it is made of. */
const imageBytes = 1e9

/** Makes the image of a recipe with mmdebstrap. */
export async function makeSubstitute(
  recipe: Recipe,
  paths: Paths,
  progress: (detail: string) => void,
): Promise<ImageSubstitute> {
  const { ref, suite } = recipe
  needRoom(`Making the image ${short(ref)}`, paths.images, imageBytes)
  await needMmdebstrap(suite, progress)
  const key = recipeKey(recipe)
  const dir = join(paths.images, `${suite}-${key}`)
  const log = join(paths.images, `${suite}.log`)
  writeFileSync(log, "")
  return withTemporary(dir, async (temporary) => {
    mkdirSync(join(temporary, "tmp"))
    const epoch = await archiveTime(suite)
    // In namespaces of its own: it mounts, and nothing of that may stay when set-up is killed.
    const [program, ...args] = diesWithUs([
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"],
      ...mmdebstrap(recipe, join(temporary, "rootfs.tar")),
    ])
    const result = await run(program, args, {
      env: {
        ...proxies(),
        PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
        LANG: "C.UTF-8",
        SOURCE_DATE_EPOCH: String(epoch),
        TMPDIR: join(temporary, "tmp"),
      },
      onLine: (line) => {
        appendFileSync(log, `${line}\n`)
        const [, what] = /^I: (.*?)\.*$/.exec(line) ?? []
        if (what) progress(what)
      },
    })
    const version = /^pyline-python (\S+)$/m.exec(`${result.stdout}\n${result.stderr}`)?.[1]
    if (result.code !== 0 || version === undefined) throw failed(recipe, result.stderr, log)
    progress("writing the image")
    rmSync(join(temporary, "tmp"), { recursive: true, force: true })
    const digest = await writeLayout(temporary, {
      ref,
      created: new Date(epoch * 1000).toISOString(),
      comment: `Debian ${suite} with its Python ${version}, in place of ${short(ref)}`,
      config: {
        Env: [
          "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
          "LANG=C.UTF-8",
          `PYTHON_VERSION=${version}`,
        ],
        Cmd: ["python3"],
      },
    })
    rmSync(dir, { recursive: true, force: true })
    renameSync(temporary, dir)
    return { ociLayout: dir, digest, key, note: `Debian ${suite} with Python ${version}` }
  })
}

/** Whether an image that was made is still there and is what would be made now. */
export function isCurrent(recipe: Recipe, made: ImageSubstitute | undefined): boolean {
  if (!made) return false
  // Not ours: the user put it there.
  if (!("ociLayout" in made) || made.key === undefined) return true
  return made.key === recipeKey(recipe) && existsSync(join(made.ociLayout, "index.json"))
}

/** Removes the images that the configuration does not name (any more). */
export function sweepImages(paths: Paths, used: ImageSubstitute[]): void {
  const kept = new Set(used.map((image) => ("ociLayout" in image ? image.ociLayout : "")))
  for (const entry of existsSync(paths.images) ? readdirSync(paths.images) : []) {
    const dir = join(paths.images, entry)
    if (!kept.has(dir) && !entry.endsWith(".log")) rmSync(dir, { recursive: true, force: true })
  }
}

async function needMmdebstrap(suite: string, progress: (detail: string) => void): Promise<void> {
  const wanted = {
    mmdebstrap: which("mmdebstrap") !== undefined,
    "debian-archive-keyring": existsSync(keyring),
  }
  const missing = Object.entries(wanted).flatMap(([name, there]) => (there ? [] : [name]))
  if (missing.length > 0) {
    if (!mayInstall()) {
      throw new EngineError(
        "NO_MMDEBSTRAP",
        `Making a base image needs ${missing.join(" and ")}.`,
        {
          fix: `apt-get install ${missing.join(" ")}; or name an image of your own in engine.json`,
        },
      )
    }
    await installOnce(missing, progress)
  }
  if (suite === "trixie" && !knowsTrixie()) {
    throw new EngineError(
      "OLD_KEYRING",
      `${keyring} does not have the keys of Debian 13 (trixie), so its packages cannot be checked.`,
      { fix: "apt-get install debian-archive-keyring (2023.3+deb12u2 or later)" },
    )
  }
}

// Two images are made side by side: they share one installation.
let installing: Promise<void> | undefined

function installOnce(packages: string[], progress: (detail: string) => void): Promise<void> {
  progress(`apt-get install ${packages.join(" ")}`)
  installing ??= aptInstall(packages, () => {})
  return installing
}

/** The keys have their release in their user id, which is not encoded in the keyring. */
function knowsTrixie(): boolean {
  return readFileSync(keyring).includes("(13/trixie)")
}

/**
 * The time of the newest of the suite's releases, in seconds: no package is younger. With it two
 * machines make the same image, and no source file gets an older date than its .pyc was made for.
 */
async function archiveTime(suite: string): Promise<number> {
  const releases = [
    `${debian}/dists/${suite}/InRelease`,
    `${debian}/dists/${suite}-updates/InRelease`,
    `${security}/dists/${suite}-security/InRelease`,
  ]
  const times = await Promise.all(
    releases.map(async (url) => {
      try {
        const { text } = await get(new URL(url), { timeout: 10_000, bytes: 4096 })
        return Date.parse(/^Date: (.*)$/m.exec(text)?.[1] ?? "") / 1000
      } catch {
        return Number.NaN
      }
    }),
  )
  const newest = Math.max(...times)
  return Number.isFinite(newest) ? newest : Math.floor(Date.now() / 1000)
}

function proxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?|no|all)_proxy$/i.test(name)),
  )
}

function failed(recipe: Recipe, stderr: string, log: string): EngineError {
  // What follows is mmdebstrap repeating the command.
  const end = stderr.search(/^E: (setup failed|command failed|mmdebstrap failed)/m)
  const why = (end < 0 ? stderr : stderr.slice(0, end)).trim().split("\n").slice(-5).join("\n")
  if (/no space left/i.test(stderr)) {
    return new EngineError(
      "DISK_FULL",
      `The disk became full while ${short(recipe.ref)} was made.\n${why}`,
      { fix: `free ${size(imageBytes)} and run: pyline setup`, log },
    )
  }
  const privileged = /unshare|mount:|permission denied|not permitted/i.test(why)
  return new EngineError(
    "IMAGE_FAILED",
    `No image could be made in place of ${short(recipe.ref)}:\n${why}`,
    {
      fix: privileged
        ? "run as root, or name an image of your own in engine.json"
        : `check that ${debian} can be reached (http_proxy) and run: pyline setup; or name an image of your own in engine.json`,
      log,
    },
  )
}
