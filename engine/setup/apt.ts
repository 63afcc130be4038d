import { EngineError } from "../daemon/error.ts"
import { run } from "./run.ts"
import { which } from "./which.ts"

/**
 * Whether set-up may install system packages: as root, where there is apt, and where the user has
 * not said PYLINE_INSTALL=never. It is announced as a step of its own before it is done.
 */
export function mayInstall(): boolean {
  return (
    process.env.PYLINE_INSTALL !== "never" &&
    process.getuid?.() === 0 &&
    which("apt-get") !== undefined
  )
}

/** Installs Debian packages, refreshing the lists when they do not know the packages. */
export async function aptInstall(
  packages: string[],
  onLine: (line: string) => void,
): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  // Another apt at work is waited for.
  const options = ["-o", "DPkg::Lock::Timeout=120", "-y"]
  const install = () =>
    run("apt-get", [...options, "install", "--no-install-recommends", ...packages], { env, onLine })
  let result = await install()
  if (result.code !== 0) {
    await run("apt-get", [...options, "update"], { env, onLine })
    result = await install()
  }
  if (result.code === 0) return
  throw new EngineError(
    "APT_FAILED",
    `apt-get could not install ${packages.join(", ")}: ${result.stderr.split("\n").slice(-3).join("\n")}`,
    { fix: `apt-get update && apt-get install ${packages.join(" ")}` },
  )
}
