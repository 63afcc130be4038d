import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll } from "vitest"
import { probeDirectory } from "../ci/fixtures.ts"

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder with these files, gone after the tests of the file. */
export function tree(files: Record<string, string | Buffer> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), "pyline-publish-"))
  folders.push(folder)
  for (const [name, contents] of Object.entries(files)) {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, contents)
  }
  return folder
}

/** Runs one of the packages in ci/probe; what it prints. */
export function runModule(module: string, ...args: string[]): string {
  return execFileSync("python3", ["-B", "-m", module, ...args], {
    encoding: "utf8",
    env: { ...process.env, PYTHONPATH: probeDirectory },
    stdio: ["ignore", "pipe", "pipe"],
  })
}
