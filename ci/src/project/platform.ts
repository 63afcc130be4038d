import { platformInvalid } from "../errors.ts"

const KNOWN = /^linux\/(?:amd64|arm64|386|arm|ppc64le|s390x|riscv64)(?:\/v\d)?$/

/**
 * Machine types that an image is asked for, each once.
 *
 * @throws PLATFORM_INVALID
 */
export function platformsOf(asked: readonly string[]): string[] {
  const platforms = asked.flatMap((text) => text.split(",")).map((text) => text.trim())
  const wrong = platforms.find((platform) => !KNOWN.test(platform))
  if (wrong !== undefined) throw platformInvalid(wrong)
  return [...new Set(platforms)]
}
