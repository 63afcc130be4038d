import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll } from "vitest"
import { probeDirectory } from "../ci/fixtures.ts"

interface Login {
  username: string
  password: string
}

interface Said {
  answer: Record<string, unknown>
  printed: string
}

const folder = mkdtempSync(path.join(tmpdir(), "pyline-registry-test-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let runs = 0

/** A file of these contents; its path. */
export function file(name: string, contents: string): string {
  const dir = path.join(folder, `file-${runs++}`)
  mkdirSync(dir)
  writeFileSync(path.join(dir, name), contents)
  return path.join(dir, name)
}

/** A list of documents to attach, as the program reads it. */
export function documents(
  ...list: { type: string; text: string; title?: string; timed?: true }[]
): string {
  const listed = list.map(({ text, ...document }) => ({
    ...document,
    file: path.relative(path.join(folder, "x"), file("document", text)),
  }))
  return file("documents.json", JSON.stringify(listed))
}

/** Runs ci/probe/registry as the pipeline does. */
export async function run(
  command: string[],
  options: { login?: Login; from?: Login } = {},
): Promise<Said> {
  const output = path.join(folder, `result-${runs++}.json`)
  const logins = [
    ["", options.login],
    ["from-", options.from],
  ] as const
  const args = logins.flatMap(([prefix, login]) =>
    login === undefined
      ? []
      : [
          ...[`--${prefix}username`, login.username],
          ...[`--${prefix}password-file`, file("password", `${login.password}\n`)],
        ],
  )
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(
      "python3",
      ["-B", "-m", "registry", ...command, "--output", output, ...args],
      { env: { ...process.env, PYTHONPATH: probeDirectory, HTTP_PROXY: "http://127.0.0.1:9" } },
      (error, stdout, stderr) => (error ? reject(error) : resolve(stdout + stderr)),
    )
  })
  return { answer: JSON.parse(readFileSync(output, "utf8")), printed }
}
