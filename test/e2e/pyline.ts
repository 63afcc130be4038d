import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll } from "vitest"
import { $ } from "zx"

export const root = path.resolve(import.meta.dirname, "../..")

export interface Outcome {
  exitCode: number | null
  stdout: string
  stderr: string
  /** Standard output and error as a person saw them, one after the other. */
  all: string
  seconds: number
}

const quiet = { NO_COLOR: "1", CI: "1", GITHUB_ACTIONS: "", GITHUB_STEP_SUMMARY: "" }

/** Runs the command as a user does; never throws. */
export async function pyline(args: string[], options: { env?: NodeJS.ProcessEnv } = {}) {
  const started = Date.now()
  const run = $({
    cwd: root,
    nothrow: true,
    quiet: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...quiet, ...options.env },
  })`./pyline ${args}`
  const { exitCode, stdout, stderr } = await run
  const all = stderr + stdout
  return { exitCode, stdout, stderr, all, seconds: (Date.now() - started) / 1000 } satisfies Outcome
}

/** What a person does at a terminal: waits until a text is shown, then types, or has the command sent a signal. */
export type Deed = { see: string } & ({ type: string } | { signal: "SIGTERM" })

/** Runs the command at a terminal, with the live view that is shown there. */
export async function atTerminal(args: string[], deeds: Deed[]) {
  const live = { ...process.env, TERM: "xterm-256color", NO_COLOR: "1", CI: "", GITHUB_ACTIONS: "" }
  const sitter = path.join(import.meta.dirname, "at_terminal.py")
  const script = JSON.stringify(deeds)
  const { stdout } = await $({
    cwd: root,
    quiet: true,
    env: live,
  })`python3 ${sitter} ${script} ./pyline ${args}`
  return JSON.parse(stdout) as {
    shown: string
    /** The exit code, or minus the number of a signal. */
    status: number | null
    /** Whether the modes of the terminal are those of before. */
    sane: boolean
    /** What there was no occasion for. */
    left: Deed[]
  }
}

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** An empty folder that is gone after the tests of the file. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), "pyline-e2e-"))
  folders.push(made)
  return made
}

/** A copy of an example, to be edited at will. */
export const example = (name: string): string => copyOf(path.join("examples", name))

/** A copy of a fixture, likewise. */
export const fixture = (name: string): string => copyOf(path.join("test/fixtures", name))

function copyOf(at: string): string {
  const copy = path.join(folder(), path.basename(at))
  cpSync(path.join(root, at), copy, { recursive: true })
  return copy
}

export const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? ""
export const lastLines = (text: string, n: number): string =>
  text.trimEnd().split("\n").slice(-n).join("\n")
