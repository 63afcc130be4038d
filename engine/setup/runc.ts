import { EngineError } from "../daemon/error.ts"
import { aptInstall, mayInstall } from "./apt.ts"
import { run } from "./run.ts"
import { compareVersions } from "./version.ts"
import { which } from "./which.ts"

/** CVE-2024-21626: in older ones a build step can get out of its container. */
const floor = "1.1.12"
const cve = "CVE-2024-21626"

/** Versions below the floor that carry the fix, by distribution: "from this package version on". */
const backports = [
  { series: /^1\.1\.5\+ds1-.*deb12u/, fixed: "1.1.5+ds1-1+deb12u1" },
  { series: /^1\.0\.0~rc93\+ds1-.*deb11u/, fixed: "1.0.0~rc93+ds1-5+deb11u3" },
  { series: /^1\.1\.7-0ubuntu1~20\.04/, fixed: "1.1.7-0ubuntu1~20.04.2" },
  { series: /^1\.1\.7-0ubuntu1~22\.04/, fixed: "1.1.7-0ubuntu1~22.04.2" },
]

const fix =
  "apt-get install runc (Debian, Ubuntu), dnf install runc (Fedora), or https://github.com/opencontainers/runc/releases"

/** Finds a runc that is safe to use, installing it where that is allowed. */
export async function ensureRunc(
  onLine: (line: string) => void,
): Promise<{ path: string; version: string }> {
  let path = which("runc")
  if (!path && mayInstall()) {
    onLine("apt-get install runc")
    await aptInstall(["runc"], onLine)
    path = which("runc")
  }
  if (!path) {
    throw new EngineError(
      "NO_RUNC",
      "BuildKit needs runc to run build steps, and runc is not on PATH.",
      { fix },
    )
  }
  const said = await run(path, ["--version"], { timeout: 10_000 })
  const version = /runc version (\S+)/.exec(said.stdout)?.[1]
  if (said.code !== 0 || version === undefined) {
    throw new EngineError("NO_RUNC", `${path} does not work: ${said.stderr || said.stdout}`, {
      fix,
    })
  }
  if (compareVersions(version, floor) < 0 && !(await isBackported(path))) {
    throw new EngineError(
      "RUNC_TOO_OLD",
      `runc ${version} (${path}) lets a build step out of its container (${cve}); ${floor} is the first good version.`,
      { fix: `update it: ${fix}` },
    )
  }
  return { path, version }
}

/** Whether a distribution has put the fix into its older version. */
async function isBackported(path: string): Promise<boolean> {
  const owner = await run("dpkg-query", ["--search", path])
  const name = /^([^:\s]+)(?::\w+)?:/.exec(owner.stdout)?.[1]
  if (owner.code === 0 && name) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is dpkg's
    const installed = (await run("dpkg-query", ["-W", "-f", "${Version}", name])).stdout.trim()
    const known = backports.find(({ series }) => series.test(installed))
    if (known) {
      return (await run("dpkg", ["--compare-versions", installed, "ge", known.fixed])).code === 0
    }
    const changelog = await run("zgrep", ["-c", cve, `/usr/share/doc/${name}/changelog.Debian.gz`])
    return changelog.code === 0
  }
  const changelog = await run("rpm", ["-q", "--changelog", "--whatprovides", path])
  return changelog.code === 0 && changelog.stdout.includes(cve)
}
