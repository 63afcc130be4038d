import { existsSync, mkdirSync, renameSync } from "node:fs"
import path from "node:path"
import { argv } from "node:process"
import { $ } from "zx"

// Builds what a Sigstore instance is made of, once, into a folder: `npx tsx test/sigstore/tools.mts FOLDER`.
// Everything comes from the Go module proxy, in the versions of programs/go.mod. It takes minutes.

const target = argv[2]
if (target === undefined) throw new Error("usage: npx tsx test/sigstore/tools.mts FOLDER")
const programs = [
  ["rekor", "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix"],
  ["fulcio", "github.com/sigstore/fulcio"],
  ["timestamps", "./timestamps"],
  ["ctlog", "./ctlog"],
  // No part of it, but whoever else verifies what was signed.
  ["cosign", "github.com/sigstore/cosign/v3/cmd/cosign"],
] as const

mkdirSync(target, { recursive: true })
for (const [name, source] of programs) {
  const made = path.resolve(target, name)
  if (existsSync(made)) continue
  const options = ["-p", "2", "-trimpath", "-ldflags", "-s -w"]
  await $({
    cwd: path.join(import.meta.dirname, "programs"),
    stdio: "inherit",
    env: { ...process.env, CGO_ENABLED: "0" },
  })`nice go build ${options} -o ${`${made}.part`} ${source}`
  renameSync(`${made}.part`, made)
  console.log(made)
}
