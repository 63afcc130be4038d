import { createHash } from "node:crypto"

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
    preinstalled: ["pip", "setuptools", "wheel"],
  },
  {
    ref: "docker.io/library/python:3.13-slim",
    suite: "trixie",
    python: "3.13",
    preinstalled: ["pip"],
  },
]

export const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
export const debian = "http://deb.debian.org/debian"
export const security = "http://deb.debian.org/debian-security"

// python3-venv brings the wheels of pip and setuptools.
const include = ["ca-certificates", "netbase", "python3", "python3-venv", "tzdata", "usr-is-merged"]
const wheels = ({ preinstalled }: Recipe) =>
  preinstalled.includes("wheel") ? ["python3-wheel-whl"] : []

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
  const all = JSON.stringify([recipe, mmdebstrap(recipe, ""), process.arch])
  return createHash("sha256").update(all).digest("hex").slice(0, 16)
}

/** The command that makes a recipe's file system as a tar archive. */
export function mmdebstrap(recipe: Recipe, tar: string): string[] {
  const { suite } = recipe
  const pool = (url: string, name: string) => `deb [signed-by=${keyring}] ${url} ${name} main`
  return [
    "mmdebstrap",
    "--variant=minbase",
    "--format=tar",
    `--include=${[...include, ...wheels(recipe)].join(",")}`,
    ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=force-unsafe-io",
    `--setup-hook=${setup(recipe)}`,
    `--customize-hook=${customize(recipe)}`,
    suite,
    tar,
    pool(debian, suite),
    pool(debian, `${suite}-updates`),
    pool(security, `${suite}-security`),
  ]
}

/** A reference as people write it. */
export function short(ref: string): string {
  return ref.replace(/^docker\.io\/(library\/)?/, "")
}
