import { createHash } from "node:crypto"
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
import { run } from "./run.ts"
import { which } from "./which.ts"

/** An image that can be made of Debian's packages. */
export interface Recipe {
  ref: string
  suite: "bookworm" | "trixie"
  python: string
  /** What the official image has besides Python. */
  preinstalled: string[]
}

/** Debian's own Python is what the official image of that version has, but for the patch level. */
export const recipes: Recipe[] = [
  {
    ref: "docker.io/library/python:3.11-slim",
    suite: "bookworm",
    python: "3.11",
    preinstalled: ["pip", "setuptools"],
  },
  {
    ref: "docker.io/library/python:3.13-slim",
    suite: "trixie",
    python: "3.13",
    preinstalled: ["pip"],
  },
]

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
const debian = "http://deb.debian.org/debian"
const security = "http://deb.debian.org/debian-security"

/** The unpacked system, its archive, and the packages it is made of. */
const imageBytes = 1e9

// python3-venv brings the wheels of pip and setuptools.
const include = ["ca-certificates", "netbase", "python3", "python3-venv", "tzdata", "usr-is-merged"]

/**
 * Lets / be merged with /usr from the start, as both releases want it: else the usrmerge package
 * would do it, and all of Perl would come with it. (trixie's base-files brings these links itself.)
 */
const setup = ({ suite }: Recipe) => `set -eu
root="$1"
printf 'Package: usrmerge\\nPin: release *\\nPin-Priority: -1\\n' > "$root/etc/apt/preferences.d/pyline"
${suite === "bookworm" ? mergedUsr : ""}`
const mergedUsr = `for name in bin sbin lib ${process.arch === "x64" ? "lib64" : ""}; do
  mkdir -p "$root/usr/$name"
  ln -s "usr/$name" "$root/$name"
done
`

// The same as Docker's slim images leave out, but for copyright notices.
const excluded = [
  "/usr/share/doc/*",
  "/usr/share/info/*",
  "/usr/share/linda/*",
  "/usr/share/lintian/overrides/*",
  "/usr/share/locale/*",
  "/usr/share/man/*",
]

/**
 * Makes Debian's Python what a user of a python image expects: `python` and `pip` in /usr/local/bin,
 * pip free to install into the system, the C headers in place. And takes out what is of this machine
 * or of this moment. Nothing else in /tmp may be touched: mmdebstrap has its own apt.conf there, and
 * without it would clean the package lists of this machine instead.
 */
const customize = ({ python, preinstalled }: Recipe) => `set -eu
root="$1"
for name in python python3 python${python}; do ln -s ../../bin/python3 "$root/usr/local/bin/$name"; done
rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
chroot "$root" sh -eu -c '
mkdir /tmp/headers
cd /tmp/headers
apt-get download libpython${python}-dev >/dev/null
dpkg-deb --fsys-tarfile libpython${python}-dev_*.deb | tar -x -C / ./usr/include
wheels=/usr/share/python-wheels
python3 $(echo $wheels/pip-*.whl)/pip install --quiet --no-index --find-links $wheels --root-user-action ignore ${preinstalled.join(" ")}
rm -rf /tmp/headers /root/.cache
'
printf 'APT::Install-Recommends "0";\\n' > "$root/etc/apt/apt.conf.d/90pyline"
rm -f "$root/etc/apt/preferences.d/pyline" "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/hostname" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
: > "$root/etc/machine-id"
: > "$root/etc/resolv.conf"
printf '127.0.0.1\\tlocalhost\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' > "$root/etc/hosts"
rm -rf "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/cache/ldconfig/aux-cache "$root"/var/log/*
chroot "$root" python3 -c 'import platform; print("pyline-python", platform.python_version())'
`

/** Changes when what is made changes. */
export function recipeKey(recipe: Recipe): string {
  const all = JSON.stringify([
    1,
    recipe,
    include,
    setup(recipe),
    excluded,
    customize(recipe),
    process.arch,
  ])
  return createHash("sha256").update(all).digest("hex").slice(0, 16)
}

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
  const temporary = `${dir}.${process.pid}`
  const log = join(paths.images, `${suite}.log`)
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(join(temporary, "tmp"), { recursive: true })
  writeFileSync(log, "")
  try {
    const epoch = await archiveTime(suite)
    const pool = (url: string, name: string) => `deb [signed-by=${keyring}] ${url} ${name} main`
    // In namespaces of its own: it mounts, and nothing of that may stay when set-up is killed.
    const [program, ...args] = diesWithUs([
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"],
      "mmdebstrap",
      "--variant=minbase",
      "--format=tar",
      `--include=${include.join(",")}`,
      ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
      "--dpkgopt=path-include=/usr/share/doc/*/copyright",
      "--dpkgopt=force-unsafe-io",
      `--setup-hook=${setup(recipe)}`,
      `--customize-hook=${customize(recipe)}`,
      suite,
      join(temporary, "rootfs.tar"),
      pool(debian, suite),
      pool(debian, `${suite}-updates`),
      pool(security, `${suite}-security`),
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
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
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

/** A reference as people write it. */
export function short(ref: string): string {
  return ref.replace(/^docker\.io\/(library\/)?/, "")
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
