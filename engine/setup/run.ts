import { spawn } from "node:child_process"
import { LineSplitter } from "../daemon/lines.ts"

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  timeout?: number
  /** Called with each line of standard output and standard error. */
  onLine?: (line: string) => void
}

export interface RunResult {
  /** 127 when the program is not there, 128 + n when a signal ended it. */
  code: number
  stdout: string
  /** The last lines of standard error. */
  stderr: string
}

const tailLines = 40

/** Runs a program to its end. An exit code is an answer, not an exception. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const { cwd, env = process.env, timeout, onLine } = options
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
      ...(timeout === undefined ? {} : { timeout, killSignal: "SIGKILL" }),
    })
    // Before anything that cleans up after it.
    const kill = () => child.kill("SIGKILL")
    process.prependListener("exit", kill)
    let stdout = ""
    const errors: string[] = []
    const out = new LineSplitter((line) => {
      stdout += `${line}\n`
      onLine?.(line)
    })
    const err = new LineSplitter((line) => {
      errors.push(line)
      if (errors.length > tailLines) errors.shift()
      onLine?.(line)
    })
    child.stdout.on("data", (chunk) => out.push(chunk))
    child.stderr.on("data", (chunk) => err.push(chunk))
    child.on("error", (error) => {
      process.removeListener("exit", kill)
      resolve({ code: 127, stdout, stderr: error.message })
    })
    child.on("close", (code, signal) => {
      process.removeListener("exit", kill)
      out.push(newline)
      err.push(newline)
      resolve({ code: code ?? (signal ? 128 : 1), stdout, stderr: errors.join("\n") })
    })
  })
}

const newline = Buffer.from("\n")
