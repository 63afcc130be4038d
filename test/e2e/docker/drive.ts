import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { LOGIN } from "../../contract/servers/dockerRegistry.ts"
import { probeDirectory } from "../../unit/ci/fixtures.ts"
import type { Answer } from "../deliveryProgram.ts"
import type { Host } from "./host.ts"

// Says when a command on the host begins that matches this expression, or that is the one with this number. Where the run
// is to be killed no answer of it is ever used.
const WATCHED = `
import re, shlex, sys, time
from contextlib import contextmanager
from delivery import ssh
from delivery.ssh import Ssh
# A command takes long sooner than in life.
ssh._LOOK_S = 0.3
at, stays, count = sys.argv.pop(1), sys.argv.pop(1) == "stays", 0
def begins(command):
    global count
    count += 1
    text = shlex.join(command)
    if at != f"#{count}" and not (at and re.search(at, text)):
        return False
    print(f"\\nat work: {count} {text[-200:]!r}", flush=True)
    return True
def watched(real):
    def call(self, command, *args, **more):
        is_it = begins(command)
        made = real(self, command, *args, **more)
        if is_it:
            ended()
        return made
    return call
def ended():
    print("\\nit ended", flush=True)
    if stays:
        time.sleep(600)
http = Ssh.http
@contextmanager
def asked(self, host, port, timeout):
    is_it = begins(["GET", host])
    with http(self, host, port, timeout) as connection:
        yield connection
        if is_it:
            ended()
Ssh.run, Ssh.open, Ssh.http = watched(Ssh.run), watched(Ssh.open), asked
from delivery.__main__ import main
sys.exit(main(sys.argv[1:]))
`
/**
 * Where a run is killed: its command on the host that matches an expression, or `#` and a number; milliseconds after it began, or
 * when it has ended.
 */
export interface Kill {
  at: string
  after: number | "end"
}

/** A run of ci/probe/delivery with the key of a host. */
export function begin(
  host: Host,
  command: string,
  request: object,
  given: { kill?: Kill; tell?: string; knownHosts?: string; key?: string } = {},
) {
  const { kill, tell = "", knownHosts = host.knownHosts } = given
  const dir = mkdtempSync(path.join(host.folder, "run-"))
  const secrets = path.join(dir, "secrets")
  mkdirSync(secrets)
  writeFileSync(path.join(secrets, "ssh-key"), given.key ?? readFileSync(host.key, "utf8"))
  writeFileSync(path.join(secrets, "known-hosts"), knownHosts)
  writeFileSync(path.join(secrets, "password"), `${LOGIN.password}\n`)
  const [input, output] = [path.join(dir, "request.json"), path.join(dir, "result.json")]
  writeFileSync(input, JSON.stringify({ ...request, username: LOGIN.username }))
  const words = [command, input, "--output", output, "--secrets", secrets]
  let [printed, killed] = ["", false]
  const program = [
    "python3",
    "-B",
    "-c",
    WATCHED,
    kill?.at ?? tell,
    kill ? "stays" : "goes on",
    ...words,
  ]
  // All that it started ends with it, as with the container of a step.
  const alone = ["--pid", "--fork", "--kill-child", ...program]
  const child: ChildProcess = spawn("unshare", alone, {
    env: { ...process.env, PYTHONPATH: probeDirectory, TMPDIR: dir },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const sign = kill?.after === "end" ? "\nit ended\n" : "\nat work: "
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data) => {
      printed += data
      if (kill === undefined || killed || !printed.includes(sign)) return
      killed = true
      setTimeout(() => child.kill("SIGKILL"), kill.after === "end" ? 0 : kill.after)
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
