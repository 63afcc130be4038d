import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { LOGIN } from "../../contract/servers/dockerRegistry.ts"
import { probeDirectory } from "../../unit/ci/fixtures.ts"
import type { Answer } from "../deliveryProgram.ts"
import type { Host } from "./host.ts"

// Ends the run in the middle: after the command on the host that has all of these words, and before its answer is used.
const KILLED = `
import os, shlex, signal, sys
from delivery.ssh import Ssh
real, words = Ssh.run, sys.argv.pop(1).split()
def run(self, command, *args, **more):
    made = real(self, command, *args, **more)
    if words and all(word in shlex.join(command) for word in words):
        os.kill(os.getpid(), signal.SIGKILL)
    return made
Ssh.run = run
from delivery import ledger
ledger.SETTLE_S = 0.05
from delivery.__main__ import main
sys.exit(main(sys.argv[1:]))
`

/** A run of ci/probe/delivery with the key of a host. */
export function begin(
  host: Host,
  command: string,
  request: object,
  given: { killAfter?: string; knownHosts?: string; key?: string } = {},
) {
  const { killAfter = "", knownHosts = host.knownHosts } = given
  const dir = mkdtempSync(path.join(host.folder, "run-"))
  const secrets = path.join(dir, "secrets")
  mkdirSync(secrets)
  writeFileSync(path.join(secrets, "ssh-key"), given.key ?? readFileSync(host.key, "utf8"))
  writeFileSync(path.join(secrets, "known-hosts"), knownHosts)
  writeFileSync(path.join(secrets, "password"), `${LOGIN.password}\n`)
  const [input, output] = [path.join(dir, "request.json"), path.join(dir, "result.json")]
  writeFileSync(input, JSON.stringify({ ...request, username: LOGIN.username }))
  const words = [command, input, "--output", output, "--secrets", secrets]
  const child: ChildProcess = spawn("python3", ["-B", "-c", KILLED, killAfter, ...words], {
    env: { ...process.env, PYTHONPATH: probeDirectory, TMPDIR: dir },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let printed = ""
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data) => {
      printed += data
    })
  const ended = new Promise<{ answer: Answer | undefined; printed: string; signal: string | null }>(
    (resolve) => {
      child.on("close", (_, signal) => {
        let answer: Answer | undefined
        try {
          answer = JSON.parse(readFileSync(output, "utf8"))
        } catch {}
        resolve({ answer, printed, signal })
      })
    },
  )
  return { child, ended, printed: () => printed }
}

export async function drive(
  host: Host,
  command: string,
  request: object,
  knownHosts = host.knownHosts,
): Promise<Answer> {
  const { answer, printed } = await begin(host, command, request, { knownHosts }).ended
  if (answer === undefined) throw new Error(`no answer: ${printed}`)
  return { ...answer, printed }
}
