import { aptInstall, mayInstall } from "./apt.ts"
import { which } from "./which.ts"

const known = () => which("iptables") ?? which("nft")

/**
 * Looks for what services need to have addresses of their own, installing it where that is allowed.
 * That it is not there is no error: only services that have one port cannot run side by side then.
 */
export async function ensureFirewall(progress: (detail: string) => void): Promise<void> {
  const found = known()
  if (found) return progress(found)
  if (mayInstall()) {
    progress("apt-get install iptables")
    await aptInstall(["iptables"], progress).catch(() => {})
  }
  progress(known() ?? "not found: services will share the ports of this machine")
}
