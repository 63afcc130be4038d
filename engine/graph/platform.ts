import { EngineError } from "./errors.ts"

const ARCHITECTURES: Record<string, string> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
  armhf: "arm/v7",
  armel: "arm/v6",
}

/** `os/architecture[/variant]` in the words of Go, as images have it. */
export function parsePlatform(text: string): string {
  const parts = text.split("/")
  const [os = "", architecture = "", variant] = parts
  const wellFormed = parts.every((p) => /^[A-Za-z0-9_.-]+$/.test(p))
  if (!wellFormed || parts.length < 2 || parts.length > 3) {
    throw new EngineError(`${JSON.stringify(text)} is not a platform: os/architecture was expected`)
  }
  const known = ARCHITECTURES[architecture.toLowerCase()] ?? architecture.toLowerCase()
  const plain = known === "arm64" && variant === "v8" ? undefined : variant
  return [os.toLowerCase(), known, plain].filter(Boolean).join("/")
}
